//! The store of a link: what the client machine keeps, for all tabs of the origin in IndexedDB, or in memory
//! where the browser refuses that. Carries out the machine's operations one after the other.

mod database;
mod record;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use session::client::{Answer, MemoryOutbox, Saved, Storage, StoreError, StoreFailed};

use super::link::entropy;
use database::{Database, Opening, Running};

/// What became of an operation.
pub(super) type Answered = Result<Answer, StoreFailed>;

/// A handle on the store. It opens the database when it is first needed, and again after
/// [`Outbox::close`].
pub(super) struct Outbox {
    this: Weak<Self>,
    /// Of the database.
    name: String,
    place: RefCell<Place>,
    /// Operations that have not begun. Bounded by what the machine asks before it has answers.
    waiting: RefCell<VecDeque<Storage>>,
    /// What goes on at present; dropped, nobody hears of its end.
    opening: RefCell<Option<(Opening, Timeout)>>,
    running: RefCell<Option<Running>>,
    busy: Cell<bool>,
    /// Called with nothing borrowed.
    answer: Box<dyn Fn(Answered)>,
}

enum Place {
    /// The database is opened for the next operation. If it was open before, an empty memory must not take
    /// its place.
    Closed {
        known: bool,
    },
    Open(Database),
    Memory(MemoryOutbox),
}

/// How long a database may take to open. While one of that name is deleted, it may be for ever.
const OPEN_WITHIN_MS: u32 = 5_000;

impl Outbox {
    /// The store of that name; of none, one that is gone with the page.
    pub(super) fn new(name: Option<String>, answer: Box<dyn Fn(Answered)>) -> Rc<Self> {
        let (place, name) = match name {
            Some(name) => (Place::Closed { known: false }, name),
            None => (Place::Memory(empty()), String::new()),
        };
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            name,
            place: RefCell::new(place),
            waiting: RefCell::default(),
            opening: RefCell::default(),
            running: RefCell::default(),
            busy: Cell::new(false),
            answer,
        })
    }

    /// Whether what it holds is gone with the page. On disk until the database was refused.
    pub(super) fn is_memory(&self) -> bool {
        matches!(*self.place.borrow(), Place::Memory(_))
    }

    /// Whether an operation has no answer yet.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.get() || !self.waiting.borrow().is_empty()
    }

    /// Carries out an operation after those before it. Its answer may come before this returns.
    pub(super) fn run(&self, asked: Storage) {
        self.waiting.borrow_mut().push_back(asked);
        self.go_on();
    }

    /// Closes the database, so that the page may rest and others may delete it. The next operation opens it
    /// again; one that runs is answered.
    pub(super) fn close(&self) {
        let place = &mut *self.place.borrow_mut();
        if let Place::Open(_) = place {
            *place = Place::Closed { known: true };
        }
    }

    fn go_on(&self) {
        while !self.busy.get() {
            let next = self.waiting.borrow_mut().pop_front();
            let Some(asked) = next else { return };
            if let Some(answered) = self.begin(asked) {
                (self.answer)(answered);
            }
        }
    }

    /// The answer, if it is there at once.
    fn begin(&self, asked: Storage) -> Option<Answered> {
        let place = &mut *self.place.borrow_mut();
        match place {
            Place::Memory(memory) => return Some(Ok(memory.run(asked))),
            Place::Open(database) => match database.run(asked, self.this.clone()) {
                Ok(running) => drop(self.running.replace(Some(running))),
                // The browser has closed it, and tells of that later or not at all.
                Err(asked) => {
                    *place = Place::Closed { known: true };
                    self.open(asked);
                }
            },
            Place::Closed { .. } => self.open(asked),
        }
        self.busy.set(true);
        None
    }

    /// Opens the database for this operation.
    fn open(&self, asked: Storage) {
        self.waiting.borrow_mut().push_front(asked);
        let opening = Database::open(&self.name, self.this.clone());
        let outbox = self.this.clone();
        let within = if opening.is_some() { OPEN_WITHIN_MS } else { 0 };
        let timer = Timeout::new(within, move || {
            if let Some(outbox) = outbox.upgrade() {
                outbox.opened(None);
            }
        });
        let before = self.opening.replace(Some((opening.unwrap_or_default(), timer)));
        drop(before);
    }

    fn opened(&self, database: Option<Database>) {
        let done = self.opening.take();
        drop(done);
        self.busy.set(false);
        let known = matches!(*self.place.borrow(), Place::Closed { known: true });
        let refused = match database {
            Some(database) => {
                self.place.replace(Place::Open(database));
                None
            }
            None if known => self.waiting.borrow_mut().pop_front(),
            None => {
                self.place.replace(Place::Memory(empty()));
                None
            }
        };
        if let Some(asked) = refused {
            (self.answer)(Err(StoreFailed { asked, error: StoreError::Unavailable }));
        }
        self.go_on();
    }

    fn ended(&self, answered: Answered) {
        let done = self.running.take();
        drop(done);
        self.busy.set(false);
        (self.answer)(answered);
        self.go_on();
    }
}

fn empty() -> MemoryOutbox {
    MemoryOutbox::new(Saved::new(&mut entropy()))
}
