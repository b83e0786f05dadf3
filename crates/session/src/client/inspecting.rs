//! What developer tools ask a client.

use super::subscriptions::SubscriptionState;
use super::{Client, SubscriptionId};
use crate::Millis;
use crate::wire::frame::{FromClient, Ping};

impl Client {
    /// How far a subscription has read. `None` if it has ended.
    pub fn subscription_state(&self, id: SubscriptionId) -> Option<SubscriptionState> {
        self.subscriptions.state(id)
    }

    /// Measures the [round trip](Self::round_trip), unless a measurement is running. Does nothing while the link is
    /// down, and in a tab that follows another one.
    pub fn ping(&mut self, now: Millis) {
        if self.is_online() && !self.following && self.connection.pinged.is_none() {
            self.connection.pinged = Some(now);
            self.send(&FromClient::Ping(Ping { number: 0 }));
        }
    }

    /// How long the peer took to answer the last ping of this connection.
    pub fn round_trip(&self) -> Option<Millis> {
        self.connection.round_trip
    }

    pub(super) fn ponged(&mut self, now: Millis) {
        if let Some(pinged) = self.connection.pinged.take() {
            self.connection.round_trip = Some(now.saturating_sub(pinged));
        }
    }
}
