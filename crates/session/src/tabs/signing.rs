//! The device's key, for both clients of a tab.

use super::Tab;
use crate::Millis;

impl Tab {
    /// See [`Client::signs_as`](crate::client::Client::signs_as).
    pub fn signs_as(&mut self, source: &str) {
        self.client.signs_as(source);
        if let Some(fallback) = self.fallback() {
            fallback.signs_as(source);
        }
    }

    /// Asks again for the signatures that could not be made: see
    /// [`Client::sign_again`](crate::client::Client::sign_again).
    pub fn sign_again(&mut self, now: Millis) {
        self.now = now;
        self.client.sign_again(now);
        if let Some(fallback) = self.fallback() {
            fallback.sign_again(now);
        }
    }
}
