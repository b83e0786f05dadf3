//! The link: the client machine, and what carries out its effects. Everything that comes in goes to the
//! machine first; its effects run afterwards, one by one, with nothing borrowed.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use bus::{Pattern, Topic};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use session::client::{Client, Delivery as Inbound, Effect, Entropy, Options, SubscriptionId};
use session::{Millis, Start};

use super::outbound::Pending;
use super::socket::Socket;
use super::{BridgeError, BridgeOptions, GAP_TOPIC, LINK_TOPIC, LinkState, Rule, wake};
use crate::js::{fill_random, monotonic, text_of};
use crate::{Bus, Bytes, Delivery, Event, Payload, Stage};

pub(super) struct Link {
    this: Weak<Link>,
    bus: Bus,
    options: BridgeOptions,
    pub(super) client: RefCell<Client>,
    pub(super) rules: RefCell<Vec<Active>>,
    pub(super) pending: RefCell<Pending>,
    state: RefCell<LinkState>,
    socket: RefCell<Option<(u64, Socket)>>,
    sockets: Cell<u64>,
    /// Why the newest socket was not made.
    refused: RefCell<Option<String>>,
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
    pub(super) durable: bool,
    pub(super) subscription: Option<SubscriptionId>,
}

/// The longest that one timer is set for, in milliseconds.
const LONGEST_TIMER: Millis = 3_600_000;

impl Link {
    pub(super) fn new(bus: Bus, options: BridgeOptions) -> Result<Rc<Self>, BridgeError> {
        if !fill_random(&mut [0; 1]) {
            return Err(BridgeError::NoRandomness);
        }
        let client = Client::new(Options::default(), entropy());
        Ok(Rc::new_cyclic(|this| Self {
            this: this.clone(),
            bus,
            options,
            client: RefCell::new(client),
            rules: RefCell::default(),
            pending: RefCell::default(),
            state: RefCell::new(LinkState::Connecting),
            socket: RefCell::default(),
            sockets: Cell::new(0),
            refused: RefCell::default(),
            timer: RefCell::default(),
            listeners: RefCell::default(),
            driving: Cell::new(false),
            ended: Cell::new(false),
            next_rule: Cell::new(0),
            ignored: Cell::new(0),
            refused_events: Cell::new(0),
        }))
    }

    pub(super) fn connect(self: &Rc<Self>) -> Result<(), BridgeError> {
        self.listeners.replace(wake::listen(self));
        self.client.borrow_mut().connect(monotonic());
        self.drive();
        match self.refused.take() {
            Some(why) => Err(BridgeError::Address(why)),
            None => Ok(()),
        }
    }

    /// Closes everything. What has no answer gets none.
    pub(super) fn end(&self) {
        self.ended.set(true);
        drop(self.listeners.take());
        self.client.borrow_mut().stop();
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
        let Rule { outbound, durable, .. } = rule;
        self.rules.borrow_mut().push(Active { key, pattern, outbound, durable, subscription });
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

    pub(super) fn state(&self) -> LinkState {
        self.state.borrow().clone()
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

    /// How much the socket has not sent yet, in bytes.
    pub(super) fn buffered(&self) -> u32 {
        self.socket.borrow().as_ref().map_or(0, |(_, socket)| socket.buffered())
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

    pub(super) fn wake(&self) {
        self.client.borrow_mut().wake(monotonic());
        self.drive();
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
        if self.ended.get() {
            let timer = self.timer.take();
            drop(timer);
            self.give_up_pending();
        } else {
            self.set_timer();
        }
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Open => self.open(),
            Effect::Send(message) => {
                if let Some((_, socket)) = &*self.socket.borrow() {
                    socket.send(&message);
                }
            }
            Effect::Close(code) => {
                let closed = self.socket.take();
                if let Some((_, socket)) = closed {
                    socket.close(code);
                }
            }
            Effect::Link(state) => {
                let state = LinkState::from(state);
                self.state.replace(state.clone());
                self.announce(LINK_TOPIC, Payload::from_js(state.to_js()));
            }
            Effect::Deliver(inbound) => self.deliver(inbound),
            // At the end an event that waits again is about to be given up.
            Effect::Sent(_) | Effect::Requeued(_) if self.ended.get() => {}
            Effect::Sent(id) => self.at_stage(&id, Stage::Sent),
            Effect::Requeued(id) => self.at_stage(&id, Stage::Queued),
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
                if let Ok(topic) = Topic::parse(LINK_TOPIC) {
                    self.bus.fail(topic, &pattern, message);
                }
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
                self.refused.replace(None);
            }
            Err(thrown) => {
                let why = text_of(&thrown);
                self.client.borrow_mut().closed(ABNORMAL, &why, monotonic());
                self.refused.replace(Some(why));
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
        let payload = published.unwrap_or_else(|| {
            let content_type = body.content_type.map_or(crate::JSON.into(), Into::into);
            Payload::from_bytes(Bytes { content_type, data: body.data.into() })
        });
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

    fn announce(&self, topic: &str, payload: Payload) {
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

/// The platform's secure source.
pub(super) fn entropy() -> Entropy {
    Box::new(|bytes| {
        fill_random(bytes);
    })
}

/// The close code of a connection that was never there (RFC 6455, 7.4.1).
const ABNORMAL: u16 = 1006;
