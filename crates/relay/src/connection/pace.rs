//! The pace of a connection: its requests are charged to the rates of its key, and beyond them the socket is not read
//! until the debt is paid.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Bytes;
use session::server::Costs;
use session::{CloseCode, RejectCode};
use tokio::time::{Instant, timeout};

use super::Connection;
use super::socket::SEND;
use crate::border::audit;
use crate::limits::Kind;

/// How often a client that is not read gets a sign of life. A client closes a link on which its request stays
/// unanswered in silence for longer.
const SIGN: Duration = Duration::from_secs(2);
/// The part of a message's time limit that it may wait for memory.
const STARVED: u32 = 6;
/// When a client that found no memory should reconnect, in milliseconds.
pub(super) const RETRY: u32 = 5_000;

/// The size of a send that needs no memory from the budget.
pub(super) const LARGE: usize = 64 << 10;

/// What the socket's next read waits for.
pub(super) type Debt = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A message that was fed in part, and where its next part begins.
pub(super) type Rest = (Bytes, usize);

/// Resolves when a debt is paid.
pub(super) async fn paid(debt: &mut Option<Debt>) {
    match debt {
        Some(debt) => debt.await,
        None => std::future::pending().await,
    }
}

impl Connection {
    /// Charges the requests since the last call.
    pub(super) fn charge(&mut self) {
        self.charge_subscriptions();
        if self.server.take_denials() > 0 {
            audit::denied(self.actor());
        }
        for _ in 0..self.server.take_deletes_not_found() {
            audit::deleted(self.actor(), Err(RejectCode::NotFound));
        }
        let costs = self.server.take_costs();
        if costs == Costs::default() {
            return;
        }
        self.is_known = true;
        self.shared.metrics.events.requested(costs);
        let allowance = &self.from.allowance;
        let kinds = [
            (Kind::Publishes, costs.publishes),
            (Kind::Subscribes, costs.subscribes),
            (Kind::Histories, costs.histories),
            (Kind::Joins, costs.joins),
        ];
        let owed =
            kinds.map(|(kind, count)| (!allowance.try_take(kind, count)).then_some((kind, count)));
        if owed.iter().any(Option::is_some) {
            let allowance = allowance.clone();
            self.sign_later();
            self.debt = Some(Box::pin(async move {
                for (kind, count) in owed.into_iter().flatten() {
                    allowance.take(kind, count).await;
                }
            }));
        }
    }

    /// Whether the socket must not be read.
    pub(super) fn is_held_back(&self) -> bool {
        self.debt.is_some() || self.is_shut
    }

    /// The stream has begun to wait.
    pub(super) fn shut(&mut self) {
        self.is_shut = true;
        self.sign_later();
    }

    /// A wait that follows another one does not postpone the sign of life.
    fn sign_later(&mut self) {
        let now = Instant::now();
        if self.next_sign < now {
            self.next_sign = now + SIGN;
        }
    }

    /// Feeds the next part of a message. Returns false without one, or if it must wait.
    pub(super) fn next_part(&mut self) -> bool {
        if self.debt.is_some() || self.server.is_full() {
            return false;
        }
        let Some((message, at)) = self.rest.take() else { return false };
        self.take_part(message, at);
        self.charge();
        true
    }

    pub(super) fn take_part(&mut self, message: Bytes, at: usize) {
        let now = self.now();
        match self.server.received_part(&message, at, now) {
            Some(next) => self.rest = Some((message, next)),
            None => self.finished(),
        }
    }

    /// A message was fed completely. Its memory is held until what it asks for is done or queued.
    pub(super) fn finished(&mut self) {
        match (&mut self.received, self.peer.gate.finished()) {
            (Some(held), Some(more)) => held.merge(more),
            (None, Some(permit)) => self.received = Some(permit),
            (_, None) => {}
        }
    }

    /// Checks the time limits.
    pub(super) fn tick(&mut self) {
        let now = self.now();
        self.meter.look_now(&self.server, &self.fed);
        let gate = &self.peer.gate;
        self.is_shut = gate.is_shut();
        let limit = self.shared.message_timeout;
        if !limit.is_zero() && gate.unfinished_for() >= limit {
            return self.server.close(CloseCode::Silent, "a message took too long to arrive");
        }
        if !limit.is_zero() && gate.starved_for() >= limit / STARVED {
            return self.overloaded("too many large messages from your address are incomplete");
        }
        if self.is_held_back() {
            self.next_sign = Instant::now() + SIGN;
            self.server.tick_unread(now);
        } else {
            self.server.tick(now);
        }
    }

    /// Takes memory for events of this size that will be sent, because a slow receiver keeps them for a while. The
    /// events before them have been sent.
    pub(super) async fn make_room(&mut self, bytes: usize) {
        if bytes <= LARGE {
            return;
        }
        self.sending = None;
        match timeout(SEND, self.from.share.take(bytes)).await {
            Ok(permit) => self.sending = Some(permit),
            Err(_) => self.overloaded("too many bytes are on their way to your address"),
        }
    }

    /// Closes the connection because there is no memory for its requests.
    pub(super) fn overloaded(&mut self, message: &str) {
        self.server.close_for(CloseCode::Overloaded, message, Some(RETRY));
    }
}
