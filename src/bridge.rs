//! The bridge: joins a bus to a peer by rules. This is the side of the bus. The link below it holds the connection and
//! the outbox.

mod body;
#[cfg(feature = "trust")]
mod certify;
#[cfg(feature = "trust")]
mod checking;
mod deleting;
mod error;
mod handle;
mod history;
mod inbound;
#[cfg(feature = "inspect")]
mod inspected;
mod inspecting;
#[cfg(feature = "trust")]
mod keyring;
mod options;
mod outbound;
mod pending;
mod presence;
mod report;
mod requests;
mod rule;
mod rules;
mod state;
mod tally;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use bus::Topic;
use session::Body;
use session::client::{self, Effect};

use crate::js::fill_random;
use crate::link::{CLOSED, Fetching, Link, Port};
use crate::{Bus, Cause, Delivery, Event, Payload, Stage};

pub use crate::link::{LinkCounters, OutboxStorage, Role};
pub use deleting::DeleteError;
pub use error::BridgeError;
pub use handle::{Bridge, RuleGuard};
pub use history::{HistoryError, HistoryPage};
pub use inspecting::{Credit, OutboxEvent, RuleStatus};
pub use options::BridgeOptions;
pub use presence::{Occupant, Occupants, PRESENCE_TOPIC, PresenceGuard};
pub use rule::Rule;
pub use session::rights::{Right, Rights};
pub use session::{CloseCode, Durability, Position, RejectCode, Start as StartFrom};
pub use state::{Acked, CaughtUp, Gap, LinkState, LinkStatus, Uncertain};
pub use tally::{TallyError, TopicTally};

use inbound::Inbox;
use options::Fetch;
use pending::Pending;
use presence::PresenceRecord;
use report::Report;
use requests::{Answer, Request};
use rules::Rules;

/// The topic that reports the state of a link and its outbox, as a [`LinkStatus`], whenever it changes. Retained.
pub const LINK_TOPIC: &str = "$bus.link";
/// The topic that reports that a rule has brought all events that existed when it began to read, as a [`CaughtUp`].
pub const CAUGHT_UP_TOPIC: &str = "$bus.caught_up";
/// The topic that reports events which a rule asked for and the peer's log no longer has, as a [`Gap`].
pub const GAP_TOPIC: &str = "$bus.gap";
/// The topic that reports an event which the peer may or may not have stored, as an [`Uncertain`].
pub const UNCERTAIN_TOPIC: &str = "$bus.uncertain";

/// The bus's end of a link. No borrow is held while it calls the bus or the link.
struct Endpoint {
    this: Weak<Self>,
    bus: Bus,
    link: Rc<Link>,
    fetch: Option<Fetch>,
    report: Report,
    inbox: Inbox,
    #[cfg(feature = "trust")]
    keyring: keyring::Keyring,
    #[cfg(feature = "trust")]
    certify: Option<js_sys::Function>,
    rules: RefCell<Rules>,
    pending: RefCell<Pending>,
    requests: RefCell<Vec<Request>>,
    presence: RefCell<Vec<PresenceRecord>>,
    /// Itself, from its end until the store has written what it was given.
    flushing: RefCell<Option<Rc<Self>>>,
    /// The key of the newest guard.
    last_key: Cell<u64>,
    /// Events that no inbound rule matches.
    ignored: Cell<u64>,
    /// Events that an interceptor has dropped or denied.
    refused: Cell<u64>,
}

impl Endpoint {
    fn new(bus: Bus, options: BridgeOptions) -> Result<Rc<Self>, BridgeError> {
        if !fill_random(&mut [0; 1]) {
            return Err(BridgeError::NoRandomness);
        }
        let BridgeOptions { link, fetch, .. } = options;
        Ok(Rc::new_cyclic(|this: &Weak<Self>| Self {
            this: this.clone(),
            link: Link::new(link, this.clone()),
            fetch,
            report: Report::new(&bus),
            inbox: Inbox::default(),
            #[cfg(feature = "trust")]
            keyring: keyring::Keyring::new(options.trust, this.clone()),
            #[cfg(feature = "trust")]
            certify: options.certify,
            rules: RefCell::default(),
            pending: RefCell::default(),
            requests: RefCell::default(),
            presence: RefCell::default(),
            flushing: RefCell::default(),
            last_key: Cell::new(0),
            ignored: Cell::new(0),
            refused: Cell::new(0),
            bus,
        }))
    }

    /// Closes the link. What the store holds stays there for the next bridge.
    fn end(&self) {
        // Before the link ends: events that were published just now are still to be written.
        self.flushing.replace(self.this.upgrade());
        self.end_requests();
        self.inbox.clear();
        let reason = "the application closed the link".to_owned();
        self.report.enter(LinkState::Stopped { code: CLOSED, reason });
        self.link.end();
    }

    fn next_key(&self) -> u64 {
        self.last_key.set(self.last_key.get() + 1);
        self.last_key.get()
    }

    /// Counts an event that has reached no subscriber here.
    fn ignore(&self) {
        self.ignored.set(self.ignored.get() + 1);
    }

    /// Counts an event that an interceptor did not let in.
    fn refuse(&self) {
        self.refused.set(self.refused.get() + 1);
    }

    /// The current status of the link and its outbox.
    fn status(&self) -> LinkStatus {
        self.report.update(&self.link, self.rules.borrow().have_caught_up());
        self.report.status()
    }

    /// Publishes the status of the link if it has changed.
    fn publish_status(&self) {
        self.report.update(&self.link, self.rules.borrow().have_caught_up());
        if let Some(payload) = self.report.news() {
            self.announce(LINK_TOPIC, payload);
        }
    }

    /// Reports a failure that belongs to no publish.
    fn complain(&self, label: &str, cause: Cause) {
        if let Ok(topic) = Topic::parse(LINK_TOPIC) {
            self.bus.fail(topic, label, cause);
        }
    }

    fn announce(&self, topic: &str, payload: Payload) {
        if let Ok(topic) = Topic::parse(topic) {
            self.bus.announce(Event::new(topic, payload, Delivery::Local));
        }
    }
}

impl Port for Endpoint {
    fn state_changed(&self, state: client::ConnectionState) {
        let state = LinkState::from(state);
        if state != LinkState::Online {
            self.rules.borrow_mut().set_caught_up(None, false);
        }
        self.report.enter(state);
        self.publish_status();
    }

    fn effect(&self, effect: Effect) {
        match effect {
            #[cfg(feature = "trust")]
            Effect::Deliver(inbound) => self.check(inbound),
            #[cfg(not(feature = "trust"))]
            Effect::Deliver(inbound) => {
                self.inbox.push(inbound);
                self.bring_in();
            }
            Effect::Sent(id) => self.at_stage(&id, Stage::Sent),
            Effect::Kept(id) | Effect::Requeued(id) => self.at_stage(&id, Stage::Kept),
            Effect::Pending { topic, body } => self.found(topic, body),
            Effect::Settled { id, outcome, comes } => self.settled(&id, outcome, comes),
            Effect::Passed { id } => self.passed(&id),
            Effect::CaughtUp(subscription) => {
                self.inbox.caught_up(subscription);
                self.bring_in();
            }
            Effect::Reset(subscription, _) => {
                self.rules.borrow_mut().set_caught_up(Some(subscription), false);
            }
            Effect::Gap(subscription, stream, from, to) => {
                self.found_gap(subscription, stream.as_str(), from, to);
            }
            Effect::Refused(subscription, _, message) => self.was_refused(subscription, message),
            Effect::History(id, page) => self.answered(id, Answer::Page(page)),
            Effect::Deleted(id, outcome) => self.answered(id, Answer::Deleted(outcome)),
            Effect::Tallied(id, tallies) => self.answered(id, Answer::Tallied(tallies)),
            Effect::Occupants(occupants) => self.tell_occupants(&occupants),
            Effect::NotPresent { topic, message, .. } | Effect::Denied { topic, message, .. } => {
                self.complain(&topic, message.into());
            }
            // The link carries these out.
            Effect::Open
            | Effect::FetchCredential
            | Effect::Prove(_)
            | Effect::Sign { .. }
            | Effect::Store(_)
            | Effect::Send(_)
            | Effect::Close(_)
            | Effect::Link(_)
            | Effect::StoreFailed(_) => {}
        }
    }

    fn shared(&self, topic: Topic, body: Body, ephemeral: bool) {
        self.bring(topic, body, ephemeral);
    }

    fn fetch_credential(&self) -> Option<Fetching> {
        let (fetching, this) = (self.fetch.as_ref()?(), self.this.clone());
        Some(Box::pin(async move {
            match fetching.await {
                Ok(credential) => Some(credential),
                Err(cause) => {
                    if let Some(this) = this.upgrade() {
                        this.complain("credentials", cause);
                    }
                    None
                }
            }
        }))
    }

    fn outbox_failed(&self, reason: String) {
        self.complain("outbox", reason.into());
    }

    fn idle(&self) {
        self.publish_status();
    }

    fn ended(&self) {
        self.give_up_pending();
        let flushed = self.flushing.take();
        drop(flushed);
    }
}
