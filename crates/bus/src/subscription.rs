//! The guard of a subscription.

use std::fmt;
use std::rc::Weak;

use crate::Pattern;
use crate::router::Key;

/// Keeps a handler subscribed. Dropping it ends the subscription.
///
/// It may be dropped anywhere, even inside its own handler, and may outlive its bus.
#[must_use = "a subscription ends when this guard is dropped"]
pub struct Subscription {
    registry: Weak<dyn Registry>,
    pattern: Pattern,
    key: Key,
}

/// Where a subscription is registered, independent of the payload type of the bus.
pub(crate) trait Registry {
    fn end(&self, pattern: &Pattern, key: Key);
}

impl Subscription {
    pub(crate) fn new(registry: Weak<dyn Registry>, pattern: Pattern, key: Key) -> Self {
        Self { registry, pattern, key }
    }

    /// The pattern it subscribes to.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Ends the subscription. Dropping it does the same.
    pub fn end(self) {}
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.end(&self.pattern, self.key);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Subscription").field(&self.pattern).finish()
    }
}
