//! The rules of a link that are in force, and the subscriptions that they share.

use bus::{Pattern, Topic};
use session::Durability;
use session::client::SubscriptionId;

use super::link::Link;
use super::{BridgeError, CAUGHT_UP_TOPIC, Rule};
use crate::Payload;

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
    /// Everything that was there has come.
    is_caught_up: bool,
}

impl Link {
    pub(super) fn add_rule(&self, rule: Rule) -> Result<u64, BridgeError> {
        let pattern = Pattern::parse(&rule.pattern)?;
        if pattern.as_str().starts_with('$') {
            return Err(BridgeError::SystemPattern(rule.pattern));
        }
        let key = self.next_key();
        let subscription = rule.inbound.then(|| self.subscription(&pattern, &rule));
        let is_caught_up = self.has_caught_up(subscription);
        self.bus().pure().invalidate(&pattern);
        let Rule { outbound, durability, shared, .. } = rule;
        self.rules.borrow_mut().push(Active {
            key,
            pattern,
            outbound,
            durability,
            subscription,
            shared,
            is_caught_up,
        });
        self.drive();
        Ok(key)
    }

    /// The subscription of `pattern`, which rules share.
    fn subscription(&self, pattern: &Pattern, rule: &Rule) -> SubscriptionId {
        let rules = self.rules.borrow();
        let same = rules.iter().filter(|rule| rule.pattern == *pattern);
        same.filter_map(|rule| rule.subscription).next().unwrap_or_else(|| {
            let (pattern, start) = (pattern.clone(), rule.start.clone());
            self.tab.borrow_mut().client().subscribe_within(pattern, start, rule.window)
        })
    }

    pub(super) fn remove_rule(&self, key: u64) {
        let unused = {
            let mut rules = self.rules.borrow_mut();
            let Some(at) = rules.iter().position(|rule| rule.key == key) else {
                return;
            };
            let Active { subscription, pattern, .. } = rules.remove(at);
            self.bus().pure().invalidate(&pattern);
            subscription.filter(|_| !rules.iter().any(|rule| rule.subscription == subscription))
        };
        if let Some(subscription) = unused {
            self.tab.borrow_mut().client().unsubscribe(subscription);
            self.drive();
        }
    }

    pub(super) fn pattern_of(&self, subscription: SubscriptionId) -> Option<String> {
        let rules = self.rules.borrow();
        let rule = rules.iter().find(|rule| rule.subscription == Some(subscription))?;
        Some(rule.pattern.to_string())
    }

    /// A subscription has brought everything that was there.
    pub(super) fn catches_up(&self, subscription: SubscriptionId) {
        self.set_caught_up(Some(subscription), true);
        if let Some(pattern) = self.pattern_of(subscription) {
            self.announce(CAUGHT_UP_TOPIC, Payload::told(&[("pattern", pattern.into())]));
        }
    }

    /// A subscription, or all of them, may not have brought everything.
    pub(super) fn falls_behind(&self, subscription: Option<SubscriptionId>) {
        self.set_caught_up(subscription, false);
    }

    fn set_caught_up(&self, subscription: Option<SubscriptionId>, is_so: bool) {
        let mut rules = self.rules.borrow_mut();
        for rule in rules.iter_mut() {
            if subscription.is_none() || rule.subscription == subscription {
                rule.is_caught_up = is_so;
            }
        }
    }

    fn has_caught_up(&self, subscription: Option<SubscriptionId>) -> bool {
        let rules = self.rules.borrow();
        rules.iter().any(|rule| rule.subscription == subscription && rule.is_caught_up)
    }

    /// Whether all rules that ask the peer have brought everything that was there.
    pub(super) fn is_caught_up(&self) -> bool {
        let rules = self.rules.borrow();
        rules.iter().all(|rule| rule.is_caught_up || rule.subscription.is_none())
    }

    /// Whether a rule asks the peer for events of this topic.
    pub(super) fn is_asked_for(&self, topic: &Topic) -> bool {
        let rules = self.rules.borrow();
        rules.iter().any(|rule| rule.subscription.is_some() && rule.pattern.matches(topic))
    }
}
