//! The link: the client machine, and what carries out its effects. Everything that comes in goes to the
//! machine first; its effects run afterwards, one by one, with nothing borrowed.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use bus::{Pattern, Topic};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use session::client::{Delivery as Inbound, Effect, Entropy, Options, Saved, SubscriptionId};
use session::tabs::{Effect as Shared, Tab};
use session::{Body, CloseCode, Durability, Millis, Start};

use super::outbound::Pending;
use super::outbox::{Answered, Outbox};
use super::report::Report;
use super::sharing::Sharing;
use super::socket::{Socket, Unsent};
use super::{
    BridgeError, BridgeOptions, GAP_TOPIC, LINK_TOPIC, LinkState, OutboxStorage, Role, Rule, wake,
};
use crate::js::{fill_random, monotonic, text_of};
use crate::{Bus, Bytes, Delivery, Event, Payload, Stage};

pub(super) struct Link {
    pub(super) this: Weak<Link>,
    bus: Bus,
    options: BridgeOptions,
    pub(super) tab: RefCell<Tab>,
    /// None: this tab is alone.
    sharing: RefCell<Option<Sharing>>,
    /// The machine wants the lock as soon as the store has said where it is.
    wants_lock: Cell<bool>,
    /// It is alone, and a newer connection has taken over: that is a stop.
    fenced: Cell<bool>,
    pub(super) store: Rc<Outbox>,
    pub(super) report: Report,
    unsent: Unsent,
    pub(super) rules: RefCell<Vec<Active>>,
    pub(super) pending: RefCell<Pending>,
    /// The store has said who the client is.
    begun: Cell<bool>,
    /// The page is put away: nothing is held.
    resting: Cell<bool>,
    /// Itself, when it has ended and the store has still something to do.
    lingering: RefCell<Option<Rc<Link>>>,
    socket: RefCell<Option<(u64, Socket)>>,
    sockets: Cell<u64>,
    timer: RefCell<Option<(Millis, Timeout)>>,
    listeners: RefCell<Vec<EventListener>>,
    /// Effects are being carried out, further up the stack.
    driving: Cell<bool>,
    ended: Cell<bool>,
    next_rule: Cell<u64>,
    ignored: Cell<u64>,
    /// By interceptors.
    refused_events: Cell<u64>,
}

/// A rule in force.
pub(super) struct Active {
    key: u64,
    pub(super) pattern: Pattern,
    pub(super) outbound: bool,
    /// What the peer's answer must promise; none: ephemeral.
    pub(super) durability: Option<Durability>,
    pub(super) subscription: Option<SubscriptionId>,
    /// What is local goes to the other tabs.
    pub(super) shared: bool,
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
        let machine = Options { tab, ..Options::default() };
        // Until the store has said who the client is, it is nobody.
        let tab = Tab::new(machine, entropy(), Saved::new(&mut entropy()));
        let database = options.database();
        Ok(Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            tab: RefCell::new(tab),
            sharing: RefCell::new(database.clone().map(|name| Sharing::new(name, this.clone()))),
            wants_lock: Cell::new(false),
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
            unsent: Unsent::default(),
            rules: RefCell::default(),
            pending: RefCell::default(),
            begun: Cell::new(false),
            resting: Cell::new(false),
            lingering: RefCell::default(),
            socket: RefCell::default(),
            sockets: Cell::new(0),
            timer: RefCell::default(),
            listeners: RefCell::default(),
            driving: Cell::new(false),
            ended: Cell::new(false),
            next_rule: Cell::new(0),
            ignored: Cell::new(0),
            refused_events: Cell::new(0),
            bus,
            options,
        }))
    }

    /// Asks the store who the client is; the answer connects.
    pub(super) fn begin(self: &Rc<Self>) {
        self.listeners.replace(wake::listen(self));
        if self.store.is_memory() {
            self.report.stores(OutboxStorage::Memory);
        }
        self.start();
    }

    fn start(&self) {
        if let Some(sharing) = &*self.sharing.borrow() {
            sharing.join();
        }
        self.tab.borrow_mut().start(monotonic());
        self.drive();
    }

    /// The store's answer to what was asked first. The client is somebody from then on, and connects.
    pub(super) fn stored(&self, answered: Answered) {
        self.report.stores(match answered {
            Err(_) => OutboxStorage::Failing,
            Ok(_) if self.store.is_memory() => OutboxStorage::Memory,
            Ok(_) => OutboxStorage::IndexedDb,
        });
        self.set_clock();
        self.tab.borrow_mut().answer(answered, monotonic());
        if self.store.is_memory() {
            // What is not shared is not led.
            let sharing = self.sharing.take();
            drop(sharing);
        }
        if !self.begun.replace(true) && self.wants_lock.get() {
            self.request_lock(false);
        }
        self.drive();
    }

    fn set_clock(&self) {
        let (now, wall) = (monotonic(), js_sys::Date::now() as Millis);
        self.tab.borrow_mut().client().set_clock(now, wall);
    }

    fn request_lock(&self, steal: bool) {
        let sharing = self.sharing.borrow();
        match &*sharing {
            _ if !self.begun.get() => self.wants_lock.set(true),
            Some(sharing) => sharing.request(steal),
            None if self.fenced.get() => {}
            None => self.tab.borrow_mut().lock_granted(monotonic()),
        }
    }

    pub(super) fn lock_granted(&self) {
        self.tab.borrow_mut().lock_granted(monotonic());
        self.drive();
    }

    /// The lock that was asked for under this number was stolen, or is not given.
    pub(super) fn lock_lost(&self, number: u64) {
        let is_newest =
            self.sharing.borrow().as_ref().is_some_and(|sharing| sharing.is_newest(number));
        if is_newest {
            self.tab.borrow_mut().lock_lost(monotonic());
            self.drive();
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
        self.tab.borrow_mut().leave(monotonic());
        let reason = "the application closed the link".to_owned();
        self.report.enter(LinkState::Stopped { code: 1_000, reason });
        // What was published just before is still to be written.
        self.lingering.replace(self.this.upgrade());
        self.drive();
    }

    /// The page is put away: a socket or a database would keep it from resting.
    pub(super) fn rest(&self) {
        if !self.resting.replace(true) {
            self.tab.borrow_mut().leave(monotonic());
            self.drive();
            if let Some(sharing) = &*self.sharing.borrow() {
                sharing.part();
            }
        }
        self.store.close();
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

    pub(super) fn add_rule(&self, rule: Rule) -> Result<u64, BridgeError> {
        let pattern = Pattern::parse(&rule.pattern)?;
        if pattern.as_str().starts_with('$') {
            return Err(BridgeError::SystemPattern(rule.pattern));
        }
        let key = self.next_rule.get();
        self.next_rule.set(key + 1);
        let subscription = rule.inbound.then(|| self.subscription(&pattern, rule.start));
        let Rule { outbound, durability, shared, .. } = rule;
        self.rules.borrow_mut().push(Active {
            key,
            pattern,
            outbound,
            durability,
            subscription,
            shared,
        });
        self.drive();
        Ok(key)
    }

    /// The subscription of `pattern`, which rules share.
    fn subscription(&self, pattern: &Pattern, start: Start) -> SubscriptionId {
        let rules = self.rules.borrow();
        let same = rules.iter().filter(|rule| rule.pattern == *pattern);
        same.filter_map(|rule| rule.subscription)
            .next()
            .unwrap_or_else(|| self.tab.borrow_mut().client().subscribe(pattern.clone(), start))
    }

    pub(super) fn remove_rule(&self, key: u64) {
        let unused = {
            let mut rules = self.rules.borrow_mut();
            let Some(at) = rules.iter().position(|rule| rule.key == key) else {
                return;
            };
            let subscription = rules.remove(at).subscription;
            subscription.filter(|_| !rules.iter().any(|rule| rule.subscription == subscription))
        };
        if let Some(subscription) = unused {
            self.tab.borrow_mut().client().unsubscribe(subscription);
            self.drive();
        }
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(super) fn unanswered(&self) -> usize {
        self.tab.borrow_mut().client().outbox_len()
    }

    pub(super) fn ignored(&self) -> u64 {
        self.ignored.get()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused_events.get()
    }

    /// Whether the socket has not sent much of what it was given.
    pub(super) fn is_congested(&self) -> bool {
        self.socket.borrow().as_ref().is_some_and(|(_, socket)| self.unsent.waits(socket))
    }

    /// Sends what the socket had no room for.
    pub(super) fn go_on_sending(&self) {
        if let Some((_, socket)) = &*self.socket.borrow() {
            self.unsent.go_on(socket, &self.this);
        }
    }

    pub(super) fn opened(&self, socket: u64) {
        if self.is_current(socket) {
            self.tab.borrow_mut().opened(monotonic());
            self.drive();
        }
    }

    pub(super) fn received(&self, socket: u64, message: &[u8]) {
        if self.is_current(socket) {
            self.tab.borrow_mut().received(message, monotonic());
            self.drive();
        }
    }

    pub(super) fn closed(&self, socket: u64, code: u16, reason: &str) {
        if self.is_current(socket) {
            let closed = self.socket.take();
            drop(closed);
            self.tab.borrow_mut().closed(code, reason, monotonic());
            self.drive();
        }
    }

    fn is_current(&self, socket: u64) -> bool {
        self.socket.borrow().as_ref().is_some_and(|(current, _)| *current == socket)
    }

    /// Carries out what the machine asks for. Handlers that run meanwhile may come back here; then
    /// the outer call does what they have caused.
    pub(super) fn drive(&self) {
        if self.driving.replace(true) {
            return;
        }
        loop {
            let next = self.tab.borrow_mut().poll();
            let Some(effect) = next else { break };
            match effect {
                Shared::Client(effect) => self.carry_out(effect),
                Shared::RequestLock => self.request_lock(false),
                Shared::StealLock => self.request_lock(true),
                Shared::Shared { topic, body, ephemeral } => self.bring(topic, body, ephemeral),
                Shared::Post(message) => {
                    if let Some(sharing) = &*self.sharing.borrow() {
                        sharing.post(&message);
                    }
                }
                Shared::ReleaseLock => {
                    self.wants_lock.set(false);
                    if let Some(sharing) = &*self.sharing.borrow() {
                        sharing.release();
                    }
                }
            }
        }
        self.driving.set(false);
        self.end_echoes();
        self.report.plays(self.role());
        self.tell();
        if self.ended.get() {
            let timer = self.timer.take();
            drop(timer);
            if !self.store.is_busy() {
                self.give_up_pending();
                let ended = self.lingering.take();
                drop(ended);
            }
        } else {
            self.set_timer();
        }
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Open => self.open(),
            Effect::Store(asked) => self.store.run(asked),
            Effect::StoreFailed(error) => {
                self.complain("outbox", error.to_string());
            }
            Effect::Send(message) => {
                if let Some((_, socket)) = &*self.socket.borrow() {
                    self.unsent.send(socket, message, &self.this);
                }
            }
            Effect::Close(code) => {
                self.unsent.forget();
                let closed = self.socket.take();
                if let Some((_, socket)) = closed {
                    socket.close(code);
                }
            }
            Effect::Link(state) => {
                if self.fenced.get() || self.ended.get() {
                    return;
                }
                let state = LinkState::from(state);
                let fenced = CloseCode::Fenced.code();
                if matches!(state, LinkState::Stopped { code, .. } if code == fenced) {
                    self.fenced.set(self.sharing.borrow().is_none());
                }
                self.report.enter(state);
                self.report.plays(self.role());
                self.tell();
            }
            Effect::Deliver(inbound) => self.deliver(inbound),
            // At the end nobody is told that an event waits again.
            Effect::Sent(_) | Effect::Requeued(_) if self.ended.get() => {}
            Effect::Sent(id) => self.at_stage(&id, Stage::Sent),
            Effect::Kept(id) => {
                if !self.store.is_memory() {
                    self.report.ask_to_persist(&self.this);
                }
                self.at_stage(&id, Stage::Kept);
            }
            Effect::Requeued(id) => self.at_stage(&id, Stage::Kept),
            Effect::Pending { topic, body } => self.found(topic, body),
            Effect::Settled { id, outcome } => self.settled(&id, outcome),
            // What applications see of these two are the events themselves.
            Effect::CaughtUp(_) | Effect::Reset(_) => {}
            Effect::Gap(subscription, stream, from, to) => {
                if let Some(pattern) = self.pattern_of(subscription) {
                    let (from, to) = (from.to_string().into(), to.to_string().into());
                    let stream = stream.as_str().into();
                    let gap = [
                        ("pattern", pattern.into()),
                        ("stream", stream),
                        ("from", from),
                        ("to", to),
                    ];
                    self.announce(GAP_TOPIC, Payload::told(&gap));
                }
            }
            Effect::Refused(subscription, _, message) => {
                let pattern = self.pattern_of(subscription).unwrap_or_default();
                for rule in &mut *self.rules.borrow_mut() {
                    if rule.subscription == Some(subscription) {
                        rule.subscription = None;
                    }
                }
                self.complain(&pattern, message);
            }
        }
    }

    fn open(&self) {
        let number = self.sockets.get() + 1;
        self.sockets.set(number);
        match Socket::open(&self.options, self.this.clone(), number) {
            Ok(socket) => {
                let before = self.socket.replace(Some((number, socket)));
                drop(before);
            }
            // What the browser does not open now it will not open later.
            Err(thrown) => {
                let code = CloseCode::ProtocolError.code();
                self.tab.borrow_mut().closed(code, &text_of(&thrown), monotonic());
            }
        }
    }

    fn deliver(&self, inbound: Inbound) {
        let Inbound { subscriptions, topic, body, position } = inbound;
        let is_named = self.rules.borrow().iter().any(|rule| {
            rule.pattern.matches(&topic)
                && rule
                    .subscription
                    .is_some_and(|subscription| subscriptions.contains(&subscription))
        });
        if !is_named {
            return self.ignored.set(self.ignored.get() + 1);
        }
        let delivery = position.map_or(Delivery::Ephemeral, Delivery::Stored);
        let is_own = self.is_own(&body);
        let published = if is_own { self.published(&body.id) } else { None };
        let payload =
            published.unwrap_or_else(|| Payload::from_bytes(bytes(body.content_type, body.data)));
        let time = body.time.unwrap_or_default() as f64;
        let event = Event::inbound(topic, payload, &body.id, &body.source, time, delivery);
        // One of this page was judged when it was published.
        if !is_own {
            self.admit(event);
        } else if self.bus.bring(event).is_err() {
            self.ignored.set(self.ignored.get() + 1);
        }
    }

    fn role(&self) -> Role {
        match &*self.sharing.borrow() {
            None => Role::Alone,
            Some(_) if self.tab.borrow().leads() => Role::Leader,
            Some(_) => Role::Follower,
        }
    }

    /// Another tab has published an event that did not come over the link.
    fn bring(&self, topic: Topic, body: Body, ephemeral: bool) {
        let rules = self.rules.borrow();
        let is_named = rules.iter().any(|rule| {
            let brings = if ephemeral { rule.subscription.is_some() } else { rule.shared };
            brings && rule.pattern.matches(&topic)
        });
        drop(rules);
        if !is_named {
            return self.ignored.set(self.ignored.get() + 1);
        }
        let payload = Payload::from_bytes(bytes(body.content_type, body.data));
        let delivery = if ephemeral { Delivery::Ephemeral } else { Delivery::Local };
        let time = body.time.unwrap_or_default() as f64;
        self.admit(Event::inbound(topic, payload, &body.id, &body.source, time, delivery));
    }

    /// Hands on what interceptors let in.
    fn admit(&self, event: Event) {
        let Some(event) = self.bus.admit(event) else {
            return self.refused_events.set(self.refused_events.get() + 1);
        };
        if self.bus.bring(event).is_err() {
            self.ignored.set(self.ignored.get() + 1);
        }
    }

    /// Tells how the link is, if that has changed.
    pub(super) fn tell(&self) {
        self.report.holds(self.unanswered());
        if let Some(payload) = self.report.news() {
            self.announce(LINK_TOPIC, payload);
        }
    }

    /// Tells on `$bus.error` of what is nobody's publish.
    fn complain(&self, label: &str, message: String) {
        if let Ok(topic) = Topic::parse(LINK_TOPIC) {
            self.bus.fail(topic, label, message);
        }
    }

    pub(super) fn announce(&self, topic: &str, payload: Payload) {
        if let Ok(topic) = Topic::parse(topic) {
            self.bus.announce(Event::new(topic, payload, Delivery::Local));
        }
    }

    fn pattern_of(&self, subscription: SubscriptionId) -> Option<String> {
        let rules = self.rules.borrow();
        let rule = rules.iter().find(|rule| rule.subscription == Some(subscription))?;
        Some(rule.pattern.to_string())
    }

    /// One timer, for the machine's deadline. One that fires early sets the next.
    fn set_timer(&self) {
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
        let timer = Timeout::new(wait as u32, move || {
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

pub(super) fn bytes(content_type: Option<String>, data: Vec<u8>) -> Bytes {
    Bytes { content_type: content_type.map_or(crate::JSON.into(), Into::into), data: data.into() }
}

/// The platform's secure source.
pub(super) fn entropy() -> Entropy {
    Box::new(|bytes| {
        fill_random(bytes);
    })
}
