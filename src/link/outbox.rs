//! The store of a link. It is in IndexedDB for all tabs of the origin, or in memory if the browser refuses a database.
//! It carries out the machine's operations one after the other.

mod database;
mod record;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use session::Millis;
use session::client::{
    MemoryOutbox, SavedState, StoreError, StoreFailed, StoreRequest, StoreResponse,
};

use super::entropy;
use super::wake::Patience;
use crate::js::monotonic;
use database::{Database, Opening, REPAIRED, Running};

/// The result of an operation.
pub(super) type Answered = Result<StoreResponse, StoreFailed>;

/// A handle of the store. It opens the database when an operation needs it, and again after [`Outbox::close`].
///
/// Memory replaces a database that fails, or does not answer, before its first operation is done. Later an empty memory
/// must not replace it: then each operation that fails is given back.
pub(super) struct Outbox {
    this: Weak<Self>,
    /// The name of the database.
    name: String,
    backend: RefCell<Backend>,
    /// The database has carried out an operation.
    is_known: Cell<bool>,
    /// Operations that have not begun. Bounded by what the machine requests before it has answers.
    waiting: RefCell<Vec<StoreRequest>>,
    /// Writes no rows yet: it is not known whether this is the store to use.
    holds: Cell<bool>,
    /// Kept until the browser reports the result, however late: an upgrade without a listener leaves a database
    /// without a store.
    opening: RefCell<Option<Opening>>,
    running: RefCell<Option<Running>>,
    /// The timeout of the running operation.
    patience: RefCell<Option<Patience>>,
    busy: Cell<bool>,
    /// How often the database was opened since it last began an operation.
    opened: Cell<u32>,
    /// How often in a row the database could not be used, and when it is opened again.
    failures: Cell<u32>,
    retry_at: Cell<Millis>,
    /// Called with nothing borrowed.
    answer: Box<dyn Fn(Answered)>,
}

enum Backend {
    /// The next operation opens the database.
    Closed,
    Open(Database),
    Memory(MemoryOutbox),
}

impl Outbox {
    /// The store with this name; without a name, a store in memory.
    pub(super) fn new(name: Option<String>, answer: Box<dyn Fn(Answered)>) -> Rc<Self> {
        let (backend, name) = match name {
            Some(name) => (Backend::Closed, name),
            None => (Backend::Memory(empty()), String::new()),
        };
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            name,
            backend: RefCell::new(backend),
            is_known: Cell::new(false),
            waiting: RefCell::default(),
            holds: Cell::new(false),
            opening: RefCell::default(),
            running: RefCell::default(),
            patience: RefCell::default(),
            busy: Cell::new(false),
            opened: Cell::new(0),
            failures: Cell::new(0),
            retry_at: Cell::new(0),
            answer,
        })
    }

    /// Whether it is in memory, so that its rows are gone with the page.
    pub(super) fn is_memory(&self) -> bool {
        matches!(*self.backend.borrow(), Backend::Memory(_))
    }

    /// The name of its database, unless it is in memory.
    #[cfg(feature = "trust")]
    pub(super) fn database(&self) -> Option<&str> {
        (!self.is_memory()).then_some(&self.name)
    }

    /// Whether an operation has no answer yet.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.get() || !self.waiting.borrow().is_empty()
    }

    /// Carries out an operation after those before it. It may be answered before this returns.
    pub(super) fn run(&self, asked: StoreRequest) {
        self.waiting.borrow_mut().push(asked);
        self.go_on();
    }

    /// Closes the database, so that the page may be suspended and other pages may delete it. The next operation opens
    /// it again; one that runs is still answered.
    pub(super) fn close(&self) {
        let backend = &mut *self.backend.borrow_mut();
        if let Backend::Open(_) = backend {
            *backend = Backend::Closed;
        }
    }

    /// Writes no rows until [`Outbox::release`] or [`Outbox::use_memory`] is called.
    pub(super) fn hold(&self) {
        self.holds.set(true);
    }

    /// This is the store to use: writes the rows that wait.
    pub(super) fn release(&self) {
        if self.holds.replace(false) {
            self.go_on();
        }
    }

    /// Continues in memory, and leaves the rows in the database to other pages.
    pub(super) fn use_memory(&self) {
        drop(self.backend.replace(Backend::Memory(empty())));
        self.holds.set(false);
        if self.running.borrow().is_none() {
            self.busy.set(false);
        }
        self.go_on();
    }

    fn go_on(&self) {
        while !self.busy.get() {
            drop(self.patience.take());
            let next =
                self.next(|next| !self.holds.get() || !matches!(next, StoreRequest::Keep { .. }));
            let Some(asked) = next else { return };
            if let Some(answered) = self.begin(asked) {
                (self.answer)(answered);
            }
        }
    }

    /// Takes the first operation that waits, if it may begin.
    fn next(&self, may_begin: impl FnOnce(&StoreRequest) -> bool) -> Option<StoreRequest> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.first().is_some_and(may_begin).then(|| waiting.remove(0))
    }

    /// Begins an operation, and returns its answer if there is one at once.
    fn begin(&self, asked: StoreRequest) -> Option<Answered> {
        let backend = &mut *self.backend.borrow_mut();
        let unbegun = match backend {
            Backend::Memory(memory) => return Some(Ok(memory.run(asked))),
            Backend::Open(database) => match database.run(asked, self.this.clone()) {
                Ok(running) => {
                    drop(self.running.replace(Some(running)));
                    self.opened.set(0);
                    None
                }
                // The browser has closed it, which it reports later or never. Or it has no store.
                Err(asked) => {
                    *backend = Backend::Closed;
                    Some(asked)
                }
            },
            Backend::Closed => Some(asked),
        };
        if let Some(asked) = unbegun
            && let Err(asked) = self.open(asked)
        {
            return Some(give_back(backend, self.is_known.get(), asked, StoreError::Unavailable));
        }
        self.busy.set(true);
        let outbox = self.this.clone();
        let patience = Patience::new(Box::new(move || {
            if let Some(outbox) = outbox.upgrade() {
                outbox.is_late();
            }
        }));
        drop(self.patience.replace(Some(patience)));
        None
    }

    /// Opens the database for this operation.
    ///
    /// # Errors
    /// The operation, if the database cannot be opened now.
    fn open(&self, asked: StoreRequest) -> Result<(), StoreRequest> {
        if self.opening.borrow().is_some() || monotonic() < self.retry_at.get() {
            return Err(asked);
        }
        let version = match self.opened.replace(self.opened.get() + 1) {
            0 => None,
            // A database without a store gets one, once.
            1 => Some(REPAIRED),
            _ => {
                self.has_failed();
                return Err(asked);
            }
        };
        let Some(opening) = Database::open(&self.name, version, self.this.clone()) else {
            self.has_failed();
            return Err(asked);
        };
        drop(self.opening.replace(Some(opening)));
        self.waiting.borrow_mut().insert(0, asked);
        Ok(())
    }

    /// The browser has opened the database, or refuses to.
    fn opened(&self, database: Option<Database>) {
        drop(self.opening.take());
        if self.is_memory() {
            return;
        }
        // If it is late, its operation was answered already.
        let is_in_time = self.busy.replace(false);
        match database {
            Some(database) => drop(self.backend.replace(Backend::Open(database))),
            None => {
                self.has_failed();
                if is_in_time {
                    self.fail_next();
                }
            }
        }
        self.go_on();
    }

    fn ended(&self, done: Result<StoreResponse, StoreError>) {
        let Some(Running { asked, .. }) = self.running.take() else { return };
        self.busy.set(false);
        match done {
            // Memory has replaced the database meanwhile.
            Ok(StoreResponse::Loaded(_)) if self.is_memory() => {
                self.fail(asked, StoreError::Unavailable)
            }
            Ok(answer) => {
                self.is_known.set(true);
                self.failures.set(0);
                (self.answer)(Ok(answer));
            }
            Err(error) => self.fail(asked, error),
        }
        self.go_on();
    }

    /// The running operation takes too long. The link continues without it, unless it may still write a row, which must
    /// not be sent from elsewhere, too.
    fn is_late(&self) {
        let running = self.running.take();
        if let Some(running) = running {
            if !running.abort() && matches!(running.asked, StoreRequest::Keep { .. }) {
                return drop(self.running.replace(Some(running)));
            }
            self.waiting.borrow_mut().insert(0, running.asked);
        }
        self.busy.set(false);
        self.close();
        // A database that hangs is left alone for a while.
        self.failures.set(self.failures.get().max(1));
        self.has_failed();
        self.fail_next();
        self.go_on();
    }

    /// The database could not be used. The first failure may be a passing one, so it is retried at once; further
    /// failures are retried after growing waits.
    fn has_failed(&self) {
        let failures = self.failures.get() + 1;
        self.failures.set(failures);
        self.opened.set(0);
        let wait = if failures == 1 { 0 } else { 100 << failures.min(7) };
        self.retry_at.set(monotonic() + wait);
    }

    fn fail_next(&self) {
        let next = self.next(|_| true);
        if let Some(asked) = next {
            self.fail(asked, StoreError::Unavailable);
        }
    }

    fn fail(&self, asked: StoreRequest, error: StoreError) {
        let answered = give_back(&mut self.backend.borrow_mut(), self.is_known.get(), asked, error);
        (self.answer)(answered);
    }
}

/// The answer to an operation that the database has not carried out: memory's answer, or a failure.
fn give_back(
    backend: &mut Backend,
    is_known: bool,
    asked: StoreRequest,
    error: StoreError,
) -> Answered {
    if !is_known && !matches!(backend, Backend::Memory(_)) {
        *backend = Backend::Memory(empty());
    }
    match backend {
        Backend::Memory(memory) => Ok(memory.run(asked)),
        _ => Err(StoreFailed { asked, error }),
    }
}

fn empty() -> MemoryOutbox {
    MemoryOutbox::new(SavedState::new(&mut entropy()))
}
