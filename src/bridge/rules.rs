//! The rules in force, and the subscriptions that they share.

use bus::{Pattern, Topic};
use session::client::{SubscriptionId, Window};
use session::{Durability, Start};

use super::{BridgeError, CAUGHT_UP_TOPIC, Endpoint, GAP_TOPIC, Rule, RuleStatus};
use crate::Payload;

#[derive(Default)]
pub(super) struct Rules(Vec<ActiveRule>);

struct ActiveRule {
    key: u64,
    pattern: Pattern,
    outbound: bool,
    /// How durable events must be stored, or `None` for ephemeral events.
    durability: Option<Durability>,
    subscription: Option<SubscriptionId>,
    /// Local events go to the other tabs.
    shared: bool,
    /// Its subscription has brought all events that existed when it began to read.
    has_caught_up: bool,
    #[cfg(feature = "trust")]
    signed: bool,
}

/// What the rules say about a topic. An event looks this up once, when it is published or arrives.
#[derive(Default)]
pub(super) struct RuleMatch {
    /// Set if its events are sent, with the durability that they need if they are durable.
    pub(super) outbound: Option<Option<Durability>>,
    /// Whether its local events go to the other tabs.
    pub(super) shared: bool,
    /// Whether a subscription brings its events.
    pub(super) inbound: bool,
    /// Whether its events must have a signature.
    #[cfg(feature = "trust")]
    pub(super) signed: bool,
}

impl Rules {
    pub(super) fn match_topic(&self, topic: &Topic) -> RuleMatch {
        let mut found = RuleMatch::default();
        for rule in self.0.iter().filter(|rule| rule.pattern.matches(topic)) {
            if rule.outbound {
                found.outbound = found.outbound.max(Some(rule.durability));
            }
            found.shared |= rule.shared;
            found.inbound |= rule.subscription.is_some();
            #[cfg(feature = "trust")]
            {
                found.signed |= rule.signed;
            }
        }
        found
    }

    /// Whether one of these subscriptions asks for this topic. A peer could send any other.
    pub(super) fn ask_for(&self, subscriptions: &[SubscriptionId], topic: &Topic) -> bool {
        self.0.iter().any(|rule| {
            rule.subscription.is_some_and(|id| subscriptions.contains(&id))
                && rule.pattern.matches(topic)
        })
    }

    /// Whether a rule of these subscriptions takes only signed events of this topic.
    #[cfg(feature = "trust")]
    pub(super) fn need_signature(&self, subscriptions: &[SubscriptionId], topic: &Topic) -> bool {
        self.0.iter().any(|rule| {
            rule.signed
                && rule.subscription.is_some_and(|id| subscriptions.contains(&id))
                && rule.pattern.matches(topic)
        })
    }

    /// The status of each rule, to which `complete` adds what its subscription knows.
    pub(super) fn each(
        &self,
        complete: impl Fn(RuleStatus, Option<SubscriptionId>) -> RuleStatus,
    ) -> Vec<RuleStatus> {
        let status = |rule: &ActiveRule| {
            let status = RuleStatus {
                pattern: rule.pattern.to_string(),
                outbound: rule.outbound,
                inbound: rule.subscription.is_some(),
                shared: rule.shared,
                durability: rule.durability,
                has_caught_up: rule.has_caught_up,
                positions: Vec::new(),
                credit: None,
            };
            complete(status, rule.subscription)
        };
        self.0.iter().map(status).collect()
    }

    fn subscription(&self, pattern: &Pattern) -> Option<SubscriptionId> {
        let mut same = self.0.iter().filter(|rule| rule.pattern == *pattern);
        same.find_map(|rule| rule.subscription)
    }

    fn pattern(&self, subscription: SubscriptionId) -> Option<String> {
        let rule = self.0.iter().find(|rule| rule.subscription == Some(subscription))?;
        Some(rule.pattern.to_string())
    }

    fn remove(&mut self, key: u64) -> Option<ActiveRule> {
        let at = self.0.iter().position(|rule| rule.key == key)?;
        Some(self.0.remove(at))
    }

    fn use_subscription(&self, id: SubscriptionId) -> bool {
        self.0.iter().any(|rule| rule.subscription == Some(id))
    }

    /// The peer has refused a subscription. Its rules stay, because they may be outbound, too.
    fn forget(&mut self, id: SubscriptionId) {
        for rule in self.0.iter_mut().filter(|rule| rule.subscription == Some(id)) {
            rule.subscription = None;
        }
    }

    /// Marks the rules of a subscription, or all rules, as caught up or not.
    pub(super) fn set_caught_up(&mut self, subscription: Option<SubscriptionId>, is_so: bool) {
        for rule in &mut self.0 {
            if subscription.is_none() || rule.subscription == subscription {
                rule.has_caught_up = is_so;
            }
        }
    }

    fn has_caught_up(&self, subscription: Option<SubscriptionId>) -> bool {
        self.0.iter().any(|rule| rule.subscription == subscription && rule.has_caught_up)
    }

    /// Whether all subscriptions have caught up.
    pub(super) fn have_caught_up(&self) -> bool {
        self.0.iter().all(|rule| rule.has_caught_up || rule.subscription.is_none())
    }
}

impl Endpoint {
    pub(super) fn add_rule(&self, rule: Rule) -> Result<u64, BridgeError> {
        let pattern = Pattern::parse(&rule.pattern)?;
        if pattern.as_str().starts_with('$') {
            return Err(BridgeError::SystemPattern(rule.pattern));
        }
        let Rule { inbound, outbound, durability, start, window, shared, .. } = rule;
        let key = self.next_key();
        let subscription = inbound.then(|| self.subscribe(&pattern, start, window));
        let has_caught_up = self.rules.borrow().has_caught_up(subscription);
        self.bus.pure().invalidate(&pattern);
        self.rules.borrow_mut().0.push(ActiveRule {
            key,
            pattern,
            outbound,
            durability,
            subscription,
            shared,
            has_caught_up,
            #[cfg(feature = "trust")]
            signed: rule.signed,
        });
        self.link.drive();
        Ok(key)
    }

    /// The subscription of `pattern`, which rules share.
    fn subscribe(&self, pattern: &Pattern, start: Start, window: Window) -> SubscriptionId {
        let shared = self.rules.borrow().subscription(pattern);
        shared.unwrap_or_else(|| self.link.subscribe(pattern.clone(), start, window))
    }

    pub(super) fn remove_rule(&self, key: u64) {
        let removed = self.rules.borrow_mut().remove(key);
        let Some(ActiveRule { subscription, pattern, .. }) = removed else { return };
        self.bus.pure().invalidate(&pattern);
        if let Some(id) = subscription
            && !self.rules.borrow().use_subscription(id)
        {
            self.link.unsubscribe(id);
            self.link.drive();
        }
    }

    /// A subscription has brought all events that existed when it began to read.
    pub(super) fn caught_up(&self, subscription: SubscriptionId) {
        self.rules.borrow_mut().set_caught_up(Some(subscription), true);
        let pattern = self.rules.borrow().pattern(subscription);
        if let Some(pattern) = pattern {
            self.announce(CAUGHT_UP_TOPIC, Payload::report(&[("pattern", pattern.into())]));
        }
    }

    /// Events that a subscription asked for are gone from a stream: the first and the last offset.
    pub(super) fn found_gap(&self, subscription: SubscriptionId, stream: &str, from: u64, to: u64) {
        let pattern = self.rules.borrow().pattern(subscription);
        if let Some(pattern) = pattern {
            self.report.found_gap();
            let gap = [
                ("pattern", pattern.into()),
                ("stream", stream.into()),
                ("from", from.to_string().into()),
                ("to", to.to_string().into()),
            ];
            self.announce(GAP_TOPIC, Payload::report(&gap));
        }
    }

    /// The peer has refused a subscription, which ends it.
    pub(super) fn was_refused(&self, subscription: SubscriptionId, message: String) {
        let pattern = self.rules.borrow().pattern(subscription).unwrap_or_default();
        self.rules.borrow_mut().forget(subscription);
        self.complain(&pattern, message.into());
    }
}
