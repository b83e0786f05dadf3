//! The link: the client machine, and what carries out its effects. Everything that comes in goes to the
//! machine first; its effects run afterwards, one by one, with nothing borrowed.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use session::client::{Entropy, Options, SavedState, StoreResponse};
use session::tabs::{Lane, Tab};
use session::{CloseCode, Millis};

use super::effects::CLOSED;
use super::history::Reader;
use super::inbound::Inbox;
use super::outbound::Pending;
use super::outbox::{Answered, Outbox};
use super::presence::PresenceRecord;
use super::report::Report;
use super::rules::Active;
use super::sharing::{End, Sharing};
use super::socket::{LinkConnection, Socket};
use super::{BridgeError, BridgeOptions, LinkState, OutboxStorage, wake};
use crate::Bus;
use crate::js::{after, fill_random, monotonic};

pub(super) struct Link {
    pub(super) this: Weak<Link>,
    bus: Bus,
    pub(super) options: BridgeOptions,
    pub(super) tab: RefCell<Tab>,
    /// None: this tab is alone.
    pub(super) sharing: RefCell<Option<Sharing>>,
    /// It is alone, and a newer connection has taken over: that is a stop.
    pub(super) fenced: Cell<bool>,
    pub(super) store: Rc<Outbox>,
    pub(super) report: Report,
    pub(super) inbox: Inbox,
    pub(super) rules: RefCell<Vec<Active>>,
    pub(super) pending: RefCell<Pending>,
    /// Of pages of history.
    pub(super) readers: RefCell<Vec<Reader>>,
    pub(super) presences: RefCell<Vec<PresenceRecord>>,
    /// The page is put away: nothing is held.
    resting: Cell<bool>,
    /// Itself, when it has ended and the store has still something to do.
    pub(super) lingering: RefCell<Option<Rc<Link>>>,
    connections: [LinkConnection; 2],
    pub(super) timer: RefCell<Option<(Millis, Timeout)>>,
    listeners: RefCell<Vec<EventListener>>,
    /// Effects are being carried out, further up the stack.
    pub(super) driving: Cell<bool>,
    pub(super) ended: Cell<bool>,
    keys: Cell<u64>,
    ignored: Cell<u64>,
    /// By interceptors.
    refused_events: Cell<u64>,
}

/// The longest that one timer is set for, in milliseconds.
const LONGEST_TIMER: Millis = 3_600_000;

impl Link {
    pub(super) fn new(bus: Bus, options: BridgeOptions) -> Result<Rc<Self>, BridgeError> {
        if !fill_random(&mut [0; 1]) {
            return Err(BridgeError::NoRandomness);
        }
        let mut tab = [0; 16];
        fill_random(&mut tab);
        let credentials = options.credentials.is_some();
        let machine = Options { tab, credentials, ..Options::default() };
        // Until the store has said who the client is, it is nobody.
        let tab = Tab::new(machine, entropy(), SavedState::new(&mut entropy()));
        let database = options.database();
        Ok(Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            tab: RefCell::new(tab),
            sharing: RefCell::new(database.clone().map(|name| Sharing::new(name, this.clone()))),
            fenced: Cell::new(false),
            store: Outbox::new(database, {
                let link = this.clone();
                Box::new(move |answered| {
                    if let Some(link) = Weak::upgrade(&link) {
                        link.stored(answered);
                    }
                })
            }),
            report: Report::new(&bus),
            inbox: Inbox::default(),
            rules: RefCell::default(),
            pending: RefCell::default(),
            readers: RefCell::default(),
            presences: RefCell::default(),
            resting: Cell::new(false),
            lingering: RefCell::default(),
            connections: Default::default(),
            timer: RefCell::default(),
            listeners: RefCell::default(),
            driving: Cell::new(false),
            ended: Cell::new(false),
            keys: Cell::new(0),
            ignored: Cell::new(0),
            refused_events: Cell::new(0),
            bus,
            options,
        }))
    }

    /// Asks the store who the client is; the answer connects.
    pub(super) fn begin(self: &Rc<Self>) {
        self.listeners.replace(wake::watch(self));
        if self.store.is_memory() {
            self.report.stores(OutboxStorage::Memory);
        } else {
            // Until the lock is answered: rows in a database that this tab must not use would wait for another page.
            self.store.hold();
        }
        self.start();
    }

    fn start(&self) {
        let joins = self.sharing.borrow().as_ref().is_none_or(Sharing::join);
        self.tab.borrow_mut().start(monotonic());
        if joins {
            self.drive();
        } else {
            self.go_alone();
        }
    }

    /// The store's answer to what was asked first. The client is somebody from then on, and connects.
    pub(super) fn stored(&self, answered: Answered) {
        let error = answered.as_ref().err().map(|failed| failed.error);
        let is_news = self.report.stores(match &answered {
            Err(_) => OutboxStorage::Failing,
            Ok(_) if self.store.is_memory() => OutboxStorage::Memory,
            // One that is full is read all the same.
            Ok(StoreResponse::Loaded(_)) if self.report.is_failing() => OutboxStorage::Failing,
            Ok(_) => OutboxStorage::IndexedDb,
        });
        self.set_clock();
        self.tab.borrow_mut().answer(answered, monotonic());
        if let Some(error) = error.filter(|_| is_news) {
            self.complain("outbox", error.to_string().into());
        }
        // What is not shared is not led.
        if self.store.is_memory()
            && let Some(sharing) = self.sharing.take()
        {
            drop(sharing);
            self.tab.borrow_mut().lock_granted(monotonic());
            self.store.release();
        }
        self.drive();
    }

    /// The browser does not let tabs share: this one goes on in memory, and leaves what is in the database to others.
    pub(super) fn go_alone(&self) {
        if let Some(sharing) = self.sharing.take() {
            drop(sharing);
            self.report.stores(OutboxStorage::Memory);
            self.tab.borrow_mut().go_alone(monotonic());
            self.store.use_memory();
        }
        self.drive();
    }

    fn set_clock(&self) {
        let (now, wall) = (monotonic(), js_sys::Date::now() as Millis);
        self.tab.borrow_mut().client().set_clock(now, wall);
    }

    pub(super) fn request_lock(&self, steal: bool) {
        let sharing = self.sharing.borrow();
        match &*sharing {
            Some(sharing) => sharing.request(steal),
            None if self.fenced.get() => {}
            None => self.tab.borrow_mut().lock_granted(monotonic()),
        }
    }

    pub(super) fn lock_granted(&self) {
        self.store.release();
        self.tab.borrow_mut().lock_granted(monotonic());
        self.drive();
    }

    /// What became of the lock that was asked for under this number.
    pub(super) fn lock_ended(&self, number: u64, end: End) {
        let sharing = self.sharing.borrow();
        let Some(tabs) = sharing.as_ref().filter(|tabs| tabs.is_newest(number)) else { return };
        match end {
            End::Taken => {
                tabs.wait();
                drop(sharing);
                self.store.release();
            }
            End::Stolen => {
                drop(sharing);
                self.tab.borrow_mut().lock_lost(monotonic());
                self.drive();
            }
            End::Refused => {
                drop(sharing);
                self.go_alone();
            }
        }
    }

    /// Another tab has said something.
    pub(super) fn heard(&self, message: &[u8]) {
        self.tab.borrow_mut().heard(message, monotonic());
        self.drive();
    }

    /// Closes everything. What the store holds stays there, and leaves when the application is back.
    pub(super) fn end(&self) {
        self.ended.set(true);
        drop(self.listeners.take());
        self.end_reading();
        self.inbox.clear();
        self.tab.borrow_mut().leave(monotonic());
        let reason = "the application closed the link".to_owned();
        self.report.enter(LinkState::Stopped { code: CLOSED, reason });
        // What was published just before is still to be written.
        self.lingering.replace(self.this.upgrade());
        self.drive();
    }

    /// The page is put away: a socket, a channel or a database would keep it from resting.
    pub(super) fn rest(&self) {
        self.resting.set(true);
        self.tab.borrow_mut().leave(monotonic());
        self.drive();
    }

    /// What the page was to write is written, and the others know.
    pub(super) fn has_written(&self) {
        if self.resting.get() {
            if let Some(sharing) = &*self.sharing.borrow() {
                sharing.part();
            }
            self.store.close();
        }
        if self.ended.get() {
            self.give_up_pending();
            let ended = self.lingering.take();
            drop(ended);
        }
    }

    /// The page or the network is back.
    pub(super) fn wake(&self) {
        self.set_clock();
        if self.resting.replace(false) {
            self.start();
        } else {
            self.tab.borrow_mut().wake(monotonic());
            self.drive();
        }
    }

    /// Connects again after a stop.
    pub(super) fn reconnect(&self) {
        if self.fenced.replace(false) {
            self.request_lock(false);
        } else {
            self.tab.borrow_mut().connect(monotonic());
        }
        self.drive();
    }

    /// Names what a guard ends.
    pub(super) fn next_key(&self) -> u64 {
        self.keys.set(self.keys.get() + 1);
        self.keys.get()
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(super) fn unanswered(&self) -> usize {
        self.tab.borrow().outbox_len()
    }

    pub(super) fn ignored(&self) -> u64 {
        self.ignored.get()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused_events.get()
    }

    /// An event came that reaches nobody here.
    pub(super) fn ignore(&self) {
        self.ignored.set(self.ignored.get() + 1);
    }

    /// An interceptor does not let an event in.
    pub(super) fn refuse(&self) {
        self.refused_events.set(self.refused_events.get() + 1);
    }

    /// The connection of the tab, or of its fallback client.
    pub(super) fn connection(&self, lane: Lane) -> &LinkConnection {
        &self.connections[lane as usize]
    }

    /// Whether the socket has not sent much of what it was given.
    pub(super) fn is_congested(&self) -> bool {
        let LinkConnection { socket, send_queue } = self.connection(Lane::Shared);
        socket.borrow().as_ref().is_some_and(|socket| send_queue.waits(socket))
    }

    /// Sends what a socket had no room for.
    pub(super) fn go_on_sending(&self) {
        for LinkConnection { socket, send_queue } in &self.connections {
            if let Some(socket) = &*socket.borrow() {
                send_queue.go_on(socket, &self.this);
            }
        }
    }

    pub(super) fn opened(&self, lane: Lane) {
        let is_understood =
            self.connection(lane).socket.borrow().as_ref().is_some_and(Socket::is_understood);
        if is_understood {
            if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
                client.opened(monotonic());
            }
            self.drive();
        } else {
            let code = CloseCode::UnsupportedSubprotocol.code();
            self.closed(lane, code, "the peer does not speak event-driven-kit.v1");
        }
    }

    pub(super) fn received(&self, lane: Lane, message: &[u8]) {
        if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
            client.received(message, monotonic());
        }
        self.drive();
    }

    pub(super) fn closed(&self, lane: Lane, code: u16, reason: &str) {
        let closed = self.connection(lane).socket.take();
        drop(closed);
        self.tell_closed(lane, code, reason);
        self.drive();
    }

    pub(super) fn tell_closed(&self, lane: Lane, code: u16, reason: &str) {
        if let Some(client) = self.tab.borrow_mut().client_on(lane, monotonic()) {
            client.closed(code, reason, monotonic());
        }
    }

    /// One timer, for the machine's deadline. One that fires early sets the next.
    pub(super) fn set_timer(&self) {
        let Some(deadline) = self.tab.borrow().deadline() else {
            drop(self.timer.take());
            return;
        };
        let now = monotonic();
        if self.timer.borrow().as_ref().is_some_and(|(at, _)| *at <= deadline && *at > now) {
            return;
        }
        let wait = deadline.saturating_sub(now).clamp(1, LONGEST_TIMER);
        let link = self.this.clone();
        let timer = after(wait as u32, move || {
            if let Some(link) = link.upgrade() {
                drop(link.timer.take());
                link.tab.borrow_mut().tick(monotonic());
                link.drive();
            }
        });
        let before = self.timer.replace(Some((now + wait, timer)));
        drop(before);
    }
}

/// The platform's secure source.
pub(super) fn entropy() -> Entropy {
    Box::new(|bytes| {
        fill_random(bytes);
    })
}
