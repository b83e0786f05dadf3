//! The link: the client machine, and what carries out its effects. Everything that comes in goes to the
//! machine first; its effects run afterwards, one by one, with nothing borrowed.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use bus::{Pattern, Topic};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use session::client::{
    Client, Delivery as Inbound, Effect, Entropy, Options, Saved, Storage, SubscriptionId,
};
use session::{CloseCode, Durability, Millis, Start};

use super::outbound::Pending;
use super::outbox::{Answered, Outbox};
use super::report::Report;
use super::socket::{Socket, Unsent};
use super::{
    BridgeError, BridgeOptions, GAP_TOPIC, LINK_TOPIC, LinkState, OutboxStorage, Rule, wake,
};
use crate::js::{fill_random, monotonic, text_of};
use crate::{Bus, Bytes, Delivery, Event, Payload, Stage};

pub(super) struct Link {
    pub(super) this: Weak<Link>,
    bus: Bus,
    options: BridgeOptions,
    pub(super) client: RefCell<Client>,
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
        let machine = Options { tab, on_store_error: options.on_store_error, ..Options::default() };
        // Until the store has said who the client is, it is nobody.
        let client = Client::new(machine, entropy(), Saved::new(&mut entropy()));
        Ok(Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            client: RefCell::new(client),
            store: Outbox::new(options.database(), {
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
        self.store.run(Storage::Load);
    }

    /// The store's answer to what was asked first. The client is somebody from then on, and connects.
    pub(super) fn stored(&self, answered: Answered) {
        self.report.stores(match answered {
            Err(_) => OutboxStorage::Failing,
            Ok(_) if self.store.is_memory() => OutboxStorage::Memory,
            Ok(_) => OutboxStorage::IndexedDb,
        });
        let now = monotonic();
        {
            let mut client = self.client.borrow_mut();
            client.set_clock(now, js_sys::Date::now() as Millis);
            client.answer(answered, now);
            if !self.begun.replace(true) && !self.ended.get() && !self.resting.get() {
                client.connect(now);
            }
        }
        self.drive();
    }

    /// Closes everything. What the store holds stays there, and leaves when the application is back.
    pub(super) fn end(&self) {
        self.ended.set(true);
        drop(self.listeners.take());
        self.client.borrow_mut().stop();
        // What was published just before is still to be written.
        self.lingering.replace(self.this.upgrade());
        self.drive();
    }

    /// The page is put away: a socket or a database would keep it from resting.
    pub(super) fn rest(&self) {
        let stopped = matches!(self.report.status().state, LinkState::Stopped { .. });
        if !stopped && !self.resting.replace(true) {
            self.client.borrow_mut().stop();
            self.drive();
        }
        self.store.close();
    }

    /// The page or the network is back.
    pub(super) fn wake(&self) {
        let now = monotonic();
        {
            let mut client = self.client.borrow_mut();
            client.set_clock(now, js_sys::Date::now() as Millis);
            if self.resting.replace(false) && self.begun.get() {
                client.connect(now);
            } else {
                client.wake(now);
            }
        }
        self.drive();
    }

    pub(super) fn add_rule(&self, rule: Rule) -> Result<u64, BridgeError> {
        let pattern = Pattern::parse(&rule.pattern)?;
        if pattern.as_str().starts_with('$') {
            return Err(BridgeError::SystemPattern(rule.pattern));
        }
        let key = self.next_rule.get();
        self.next_rule.set(key + 1);
        let subscription = rule.inbound.then(|| self.subscription(&pattern, rule.start));
        let Rule { outbound, durability, .. } = rule;
        self.rules.borrow_mut().push(Active { key, pattern, outbound, durability, subscription });
        self.drive();
        Ok(key)
    }

    /// The subscription of `pattern`, which rules share.
    fn subscription(&self, pattern: &Pattern, start: Start) -> SubscriptionId {
        let rules = self.rules.borrow();
        let same = rules.iter().filter(|rule| rule.pattern == *pattern);
        same.filter_map(|rule| rule.subscription)
            .next()
            .unwrap_or_else(|| self.client.borrow_mut().subscribe(pattern.clone(), start))
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
            self.client.borrow_mut().unsubscribe(subscription);
            self.drive();
        }
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(super) fn unanswered(&self) -> usize {
        self.client.borrow().outbox_len()
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
            self.client.borrow_mut().opened(monotonic());
            self.drive();
        }
    }

    pub(super) fn received(&self, socket: u64, message: &[u8]) {
        if self.is_current(socket) {
            self.client.borrow_mut().received(message, monotonic());
            self.drive();
        }
    }

    pub(super) fn closed(&self, socket: u64, code: u16, reason: &str) {
        if self.is_current(socket) {
            let closed = self.socket.take();
            drop(closed);
            self.client.borrow_mut().closed(code, reason, monotonic());
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
            let next = self.client.borrow_mut().poll();
            let Some(effect) = next else { break };
            self.carry_out(effect);
        }
        self.driving.set(false);
        self.end_echoes();
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
                self.report.enter(state.into());
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
            Effect::Gap(subscription, from, to) => {
                if let Some(pattern) = self.pattern_of(subscription) {
                    let (from, to) = (from.to_string().into(), to.to_string().into());
                    let gap = [("pattern", pattern.into()), ("from", from), ("to", to)];
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
                self.client.borrow_mut().closed(code, &text_of(&thrown), monotonic());
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
        let admitted = if is_own { Some(event) } else { self.bus.admit(event) };
        let Some(event) = admitted else {
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
        let Some(deadline) = self.client.borrow().deadline() else {
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
                link.client.borrow_mut().tick(monotonic());
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
