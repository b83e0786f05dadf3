//! A link: the client machine of `session`, and what carries out its effects in a browser. Commands go in; what
//! concerns the application comes out at a [`Port`]. A link knows no bus.
//!
//! Whatever arrives goes to the machine first. [`Link::drive`] then carries out the machine's effects, one by one, with
//! nothing borrowed.

mod commands;
mod connection;
mod counters;
mod credentials;
mod driver;
mod outbox;
mod persistence;
mod port;
mod sharing;
#[cfg(feature = "trust")]
mod signing;
mod socket;
mod wake;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use serde::Deserialize;
use session::client::{Entropy, Options, SavedState, StoreResponse};
use session::tabs::{Lane, Tab};
use session::{CloseCode, Millis};

use crate::js::{fill_random, monotonic};
use connection::LinkConnection;
pub use counters::LinkCounters;
pub(crate) use driver::CLOSED;
use outbox::{Answered, Outbox};
use persistence::Persistence;
pub(crate) use port::{Fetching, Port};
use sharing::{End, Sharing};

/// A link with a peer, which tabs may share. It reconnects by itself until [`Link::end`].
pub(crate) struct Link {
    this: Weak<Self>,
    options: LinkOptions,
    /// Owns this link.
    port: Weak<dyn Port>,
    tab: RefCell<Tab>,
    /// `None` if this tab has a link of its own.
    sharing: RefCell<Option<Rc<Sharing>>>,
    /// A newer connection has taken over a link that is not shared, which stops it.
    fenced: Cell<bool>,
    store: Rc<Outbox>,
    storage: Cell<OutboxStorage>,
    persistence: Persistence,
    /// `None` if the client has no key.
    #[cfg(feature = "trust")]
    device: Option<crate::keys::Device>,
    connections: [LinkConnection; 2],
    counters: Cell<LinkCounters>,
    timer: RefCell<Option<(Millis, Timeout)>>,
    listeners: RefCell<Vec<EventListener>>,
    /// Effects are being carried out further up the stack.
    driving: Cell<bool>,
    /// The page is frozen, or waits in the back/forward cache.
    suspended: Cell<bool>,
    ended: Cell<bool>,
}

/// How a link connects.
#[derive(Clone)]
pub(crate) struct LinkOptions {
    pub(crate) url: String,
    /// Asks the peer for the subprotocol, and requires it.
    pub(crate) subprotocol: bool,
    /// Each identity has a client and an outbox of its own.
    pub(crate) identity: String,
    pub(crate) in_memory: bool,
    /// Whether the port fetches credentials.
    pub(crate) credentials: bool,
    /// Whether the client proves itself by a key.
    #[cfg(feature = "trust")]
    pub(crate) has_key: bool,
}

/// Where the outbox of a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxStorage {
    /// In IndexedDB: events survive reloads and crashes.
    IndexedDb,
    /// In memory, because the browser refuses a database or the application asked for it. Events are lost with the
    /// page.
    Memory,
    /// In IndexedDB, but the last write has failed: new events may be sent from memory, and are gone with the page.
    Failing,
}

/// Which tab holds the connection that the tabs of an origin share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// This tab, for itself only: the browser cannot share, or the application asked not to.
    Alone,
    /// This tab, for all tabs.
    Leader,
    /// Another tab.
    Follower,
}

impl LinkOptions {
    /// The name of the database, lock and channel that tabs share, or `None` if this tab does not share.
    fn shared_name(&self) -> Option<String> {
        let Self { url, identity, .. } = self;
        // A persistent outbox needs a lock. Without one, two pages could send the rows of one outbox at the same time,
        // and the owner of an outbox would be unknown: a duplicated tab has a copy of the storage of its original, and
        // a closed tab never comes back for its own.
        let shares = !self.in_memory && sharing::is_possible();
        shares.then(|| ["event-driven-kit v1 ", url, " ", identity].concat())
    }
}

impl Link {
    /// Creates a link, which [`Link::begin`] starts. The platform must have secure random numbers.
    pub(crate) fn new(options: LinkOptions, port: Weak<dyn Port>) -> Rc<Self> {
        let mut tab = [0; 16];
        fill_random(&mut tab);
        let machine = Options { tab, credentials: options.credentials, ..Options::default() };
        #[cfg(feature = "trust")]
        let machine = Options { proves: options.has_key, ..machine };
        // Replaced by the identity in the store, once that is loaded.
        let tab = Tab::new(machine, entropy(), SavedState::new(&mut entropy()));
        let name = options.shared_name();
        let storage = match name {
            Some(_) => OutboxStorage::IndexedDb,
            None => OutboxStorage::Memory,
        };
        Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            port,
            tab: RefCell::new(tab),
            sharing: RefCell::new(
                name.clone().map(|name| Rc::new(Sharing::new(name, this.clone()))),
            ),
            fenced: Cell::new(false),
            store: Outbox::new(name, {
                let link = this.clone();
                Box::new(move |answered| {
                    if let Some(link) = Weak::upgrade(&link) {
                        link.stored(answered);
                    }
                })
            }),
            storage: Cell::new(storage),
            persistence: Persistence::default(),
            #[cfg(feature = "trust")]
            device: options.has_key.then(crate::keys::device),
            connections: Default::default(),
            counters: Cell::default(),
            timer: RefCell::default(),
            listeners: RefCell::default(),
            driving: Cell::new(false),
            suspended: Cell::new(false),
            ended: Cell::new(false),
            options,
        })
    }

    /// Loads the client from the store, and connects once it is loaded.
    pub(crate) fn begin(&self) {
        self.listeners.replace(wake::watch(&self.this));
        if !self.store.is_memory() {
            // Until the tab holds the lock: another page may be the one that must use this database.
            self.store.hold();
        }
        self.start();
    }

    fn start(&self) {
        let sharing = self.sharing();
        let joined = sharing.is_none_or(|sharing| sharing.join());
        self.tab.borrow_mut().start(monotonic());
        if joined {
            self.drive();
        } else {
            self.go_alone();
        }
    }

    /// The store has answered an operation. After the first answer the client's identity is known, and it connects.
    fn stored(&self, answered: Answered) {
        let error = answered.as_ref().err().map(|failed| failed.error);
        let storage = match &answered {
            Err(_) => OutboxStorage::Failing,
            Ok(_) if self.store.is_memory() => OutboxStorage::Memory,
            // A full database can still be read.
            Ok(StoreResponse::Loaded(_)) if self.storage.get() == OutboxStorage::Failing => {
                OutboxStorage::Failing
            }
            Ok(_) => OutboxStorage::IndexedDb,
        };
        #[cfg(feature = "trust")]
        if matches!(answered, Ok(StoreResponse::Loaded(_))) {
            self.load_key();
        }
        let has_changed = self.storage.replace(storage) != storage;
        self.set_clock();
        self.tab.borrow_mut().answer(answered, monotonic());
        if let Some(error) = error.filter(|_| has_changed)
            && let Some(port) = self.port.upgrade()
        {
            port.outbox_failed(error.to_string());
        }
        // Nothing is left to share.
        if self.store.is_memory()
            && let Some(sharing) = self.sharing.take()
        {
            drop(sharing);
            self.tab.borrow_mut().lock_granted(monotonic());
            self.store.release();
        }
        self.drive();
    }

    /// The browser does not let tabs share: this one continues in memory, and leaves the database to other tabs.
    fn go_alone(&self) {
        if let Some(sharing) = self.sharing.take() {
            drop(sharing);
            self.storage.set(OutboxStorage::Memory);
            self.tab.borrow_mut().go_alone(monotonic());
            self.store.use_memory();
        }
        self.drive();
    }

    fn set_clock(&self) {
        let (now, wall) = (monotonic(), js_sys::Date::now() as Millis);
        self.tab.borrow_mut().client().set_clock(now, wall);
    }

    fn sharing(&self) -> Option<Rc<Sharing>> {
        self.sharing.borrow().clone()
    }

    fn request_lock(&self, steal: bool) {
        match self.sharing() {
            Some(sharing) => sharing.request(steal),
            None if self.fenced.get() => {}
            None => self.tab.borrow_mut().lock_granted(monotonic()),
        }
    }

    fn lock_granted(&self) {
        self.store.release();
        self.tab.borrow_mut().lock_granted(monotonic());
        self.drive();
    }

    /// The request for the lock with this number has ended.
    fn lock_ended(&self, number: u64, end: End) {
        let Some(sharing) = self.sharing().filter(|sharing| sharing.is_newest(number)) else {
            return;
        };
        match end {
            End::Taken => {
                sharing.wait();
                self.store.release();
            }
            End::Stolen => {
                self.tab.borrow_mut().lock_lost(monotonic());
                self.drive();
            }
            End::Refused => {
                drop(sharing);
                self.go_alone();
            }
        }
    }

    /// Another tab has posted a message.
    fn heard(&self, message: &[u8]) {
        self.tab.borrow_mut().heard(message, monotonic());
        self.drive();
    }

    /// Closes everything, and calls [`Port::ended`] once the store has written what it was given. Events in the store
    /// stay there for the next link.
    pub(crate) fn end(&self) {
        self.ended.set(true);
        drop(self.listeners.take());
        self.tab.borrow_mut().leave(monotonic());
        self.drive();
    }

    /// The page is frozen, or put into the back/forward cache, which an open socket, channel or database would prevent.
    fn suspend(&self) {
        self.suspended.set(true);
        self.tab.borrow_mut().leave(monotonic());
        self.drive();
    }

    /// The store has carried out all operations.
    fn has_written(&self, port: &dyn Port) {
        if self.suspended.get() {
            if let Some(sharing) = self.sharing() {
                sharing.part();
            }
            self.store.close();
        }
        if self.ended.get() {
            port.ended();
        }
    }

    /// The page or the network is back.
    fn wake(&self) {
        self.set_clock();
        if self.suspended.replace(false) {
            self.start();
        } else {
            self.tab.borrow_mut().wake(monotonic());
            self.drive();
        }
    }

    /// Connects again after a stop.
    pub(crate) fn reconnect(&self) {
        if self.fenced.replace(false) {
            self.request_lock(false);
        } else {
            self.tab.borrow_mut().connect(monotonic());
        }
        self.drive();
    }

    fn connection(&self, lane: Lane) -> &LinkConnection {
        &self.connections[lane as usize]
    }

    fn opened(&self, lane: Lane) {
        self.count_opened();
        if self.connection(lane).speaks_subprotocol() {
            if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
                client.opened(monotonic());
            }
            self.drive();
        } else {
            let code = CloseCode::UnsupportedSubprotocol.code();
            self.closed(lane, code, "the peer does not speak event-driven-kit.v1");
        }
    }

    fn received(&self, lane: Lane, message: &[u8]) {
        self.count_received(message.len());
        if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
            client.received(message, monotonic());
        }
        self.drive();
    }

    fn closed(&self, lane: Lane, code: u16, reason: &str) {
        self.connection(lane).forget();
        self.report_closed(lane, code, reason);
        self.drive();
    }

    fn report_closed(&self, lane: Lane, code: u16, reason: &str) {
        if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
            client.closed(code, reason, monotonic());
        }
    }
}

/// The platform's secure random numbers.
fn entropy() -> Entropy {
    Box::new(|bytes| {
        fill_random(bytes);
    })
}
