//! Commands: what the application wants of a link, and what it can ask. A command only changes the machine; the next
//! [`Link::drive`] carries out its effects. So the owner can note what it has asked for before the first effect comes.

use session::client::{
    OutboxRow, PublishError, PublishOptions, RequestId, SubscriptionId, SubscriptionState, Window,
};
use session::rights::Rights;
use session::tabs::Lane;
use session::{Body, Position, Start, TallyTopic};
use topic::{Pattern, Topic};

use super::{Link, LinkCounters, OutboxStorage, Role};
use crate::js::monotonic;

impl Link {
    /// Puts a durable event into the outbox.
    pub(crate) fn publish(
        &self,
        topic: Topic,
        body: &Body,
        options: PublishOptions,
    ) -> Result<(), PublishError> {
        self.tab.borrow_mut().client().publish_with(topic, body, options, monotonic())
    }

    /// Sends an ephemeral event to the peer and to the other tabs, unless the connection is congested: then it would
    /// arrive too late to be of use.
    pub(crate) fn send_ephemeral(&self, topic: &Topic, body: &Body) {
        if !self.connection(Lane::Shared).is_congested() {
            let _is_up = self.tab.borrow_mut().send_ephemeral(topic, body);
        }
    }

    /// Sends a local event to the other tabs.
    pub(crate) fn share(&self, topic: &Topic, body: &Body) {
        self.tab.borrow_mut().share(topic, body);
    }

    /// Cancels a durable event, and returns whether it can still be cancelled.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        self.tab.borrow_mut().cancel(id)
    }

    pub(crate) fn subscribe(
        &self,
        pattern: Pattern,
        start: Start,
        window: Window,
    ) -> SubscriptionId {
        self.tab.borrow_mut().client().subscribe_within(pattern, start, window)
    }

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) {
        self.tab.borrow_mut().client().unsubscribe(id);
    }

    /// The application has finished an event of these subscriptions.
    pub(crate) fn taken(&self, subscriptions: &[SubscriptionId], bytes: usize) {
        self.tab.borrow_mut().client().taken(subscriptions, bytes);
    }

    /// Requests a page of the peer's log.
    pub(crate) fn history(
        &self,
        pattern: Pattern,
        before: Option<Position>,
        limit: u32,
    ) -> RequestId {
        self.tab.borrow_mut().client().history(pattern, before, limit)
    }

    /// Requests to delete an event of the peer's log.
    pub(crate) fn delete(&self, position: Position) -> RequestId {
        self.tab.borrow_mut().client().delete(position)
    }

    /// Requests counts of the events of topics.
    pub(crate) fn tally(&self, topics: Vec<TallyTopic>) -> RequestId {
        self.tab.borrow_mut().client().tally(topics)
    }

    pub(crate) fn forget_request(&self, id: RequestId) {
        self.tab.borrow_mut().client().forget_request(id);
    }

    /// Becomes present at a topic, or changes key and data there.
    pub(crate) fn join(&self, topic: &Topic, key: String, data: Vec<u8>) {
        self.tab.borrow_mut().client().join(topic, key, data);
    }

    pub(crate) fn leave(&self, topic: &Topic) {
        self.tab.borrow_mut().client().leave(topic);
    }

    pub(crate) fn watch(&self, topic: &Topic) {
        self.tab.borrow_mut().client().watch(topic);
    }

    pub(crate) fn unwatch(&self, topic: &Topic) {
        self.tab.borrow_mut().client().unwatch(topic);
    }

    /// Whether a peer has attested with this source that an event is from this page's client.
    pub(crate) fn is_own(&self, source: &str) -> bool {
        let mut tab = self.tab.borrow_mut();
        tab.client().is_own(source)
            || tab.fallback().is_some_and(|fallback| fallback.is_own(source))
    }

    /// Whose link the peer says this is.
    pub(crate) fn subject(&self) -> Option<String> {
        self.tab.borrow_mut().client().subject().map(str::to_owned)
    }

    /// What the peer lets this client do.
    pub(crate) fn rights(&self) -> Rights {
        self.tab.borrow_mut().client().rights().clone()
    }

    /// The number of durable events without an answer, of all tabs that share the outbox.
    pub(crate) fn unanswered(&self) -> usize {
        self.tab.borrow().outbox_len()
    }

    /// Calls `found` with each of these events.
    pub(crate) fn each_unanswered(&self, found: impl FnMut(&OutboxRow)) {
        self.tab.borrow().outbox().for_each(found);
    }

    /// How far a subscription has read.
    pub(crate) fn subscription_state(&self, id: SubscriptionId) -> Option<SubscriptionState> {
        self.tab.borrow_mut().client().subscription_state(id)
    }

    /// Begins to measure the round trip, and returns the last one in milliseconds.
    pub(crate) fn round_trip(&self) -> Option<u64> {
        let mut tab = self.tab.borrow_mut();
        let client = tab.client();
        client.ping(monotonic());
        client.round_trip()
    }

    pub(crate) fn counters(&self) -> LinkCounters {
        self.counters.get()
    }

    /// Whether a durable event without an answer is gone with the page.
    pub(crate) fn is_in_memory(&self, id: &str) -> bool {
        self.store.is_memory() || self.tab.borrow().is_in_memory(id)
    }

    pub(crate) fn url(&self) -> &str {
        &self.options.url
    }

    pub(crate) fn role(&self) -> Role {
        match self.sharing() {
            None => Role::Alone,
            Some(_) if self.tab.borrow().leads() => Role::Leader,
            Some(_) => Role::Follower,
        }
    }

    pub(crate) fn storage(&self) -> OutboxStorage {
        self.storage.get()
    }

    /// Whether the browser has promised to keep the outbox, or `None` if it has not answered.
    pub(crate) fn is_persisted(&self) -> Option<bool> {
        self.persistence.granted.get()
    }
}
