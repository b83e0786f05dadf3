//! A subscription as its owner holds it: a value whose drop ends it.

use std::fmt;
use std::rc::Weak;

use crate::{Key, Pattern};

/// Keeps a handler subscribed; dropped, the subscription ends.
///
/// It may be dropped anywhere, also inside its own handler, and may outlive its bus.
#[must_use = "a subscription ends when it is dropped: keep it as long as the handler shall be called"]
pub struct Subscription {
    registry: Weak<dyn Registry>,
    pattern: Pattern,
    key: Key,
}

/// Where a subscription is registered, whatever the bus carries.
pub(crate) trait Registry {
    fn end(&self, pattern: &Pattern, key: Key);
}

impl Subscription {
    pub(crate) fn new(registry: Weak<dyn Registry>, pattern: Pattern, key: Key) -> Self {
        Self { registry, pattern, key }
    }

    /// What it asks for.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Ends it: the same as dropping it, said aloud.
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
