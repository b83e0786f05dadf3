//! The gate delays a connection's reads: for the rate limit of its key, and for memory for unfinished messages.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::budget::{Permit, Share};
use crate::limits::{Allowance, Kind};

/// The buffer of a message doubles when it is full, so it can be this many times as large as what has arrived.
const GROWTH: usize = 2;
/// The size of a buffer that is free. Each connection may cost this much.
const FREE: usize = 64 << 10;
/// Beyond that, memory is taken from the budget in pieces of this size.
const PIECE: usize = 64 << 10;
/// Reads are charged to the rate in units of this size, because most reads are far smaller.
const DEBT: usize = 4 << 10;

/// What a read waits for.
pub(super) type Wait = Pin<Box<dyn Future<Output = Option<Permit>> + Send>>;

/// See the [module](self). Shared by the stream, which reads, and the connection, which observes the gate.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<GateState>);

#[derive(Debug, Default)]
struct GateState {
    /// `None` while the client is unknown, because the connection comes from a proxy.
    allowance: Option<Allowance>,
    /// The budget of unfinished messages. `None` before the connection is a WebSocket: the HTTP layer has its own
    /// limit.
    share: Option<Share>,
    /// Bytes that were read but not charged to the rate yet.
    debt: usize,
    /// Bytes that were read since the last message was complete.
    unread: usize,
    permit: Option<Permit>,
    /// Since when the current message is larger than the free size.
    large_since: Option<Instant>,
    /// Since when the read waits for memory.
    starved_since: Option<Instant>,
    /// Whether the read waits.
    is_shut: bool,
    waker: Option<Waker>,
}

impl Gate {
    pub(super) fn new(allowance: Option<Allowance>) -> Self {
        Self(Mutex::new(GateState { allowance, ..GateState::default() }))
    }

    /// Charges the bytes from here on to this client.
    pub(super) fn assign(&self, allowance: &Allowance) {
        self.lock().allowance = Some(allowance.clone());
    }

    /// Charges the bytes to this client, until the returned guard is dropped.
    pub(crate) fn lend(&self, allowance: &Allowance) -> Lent<'_> {
        let before = self.lock().allowance.replace(allowance.clone());
        Lent { gate: self, before }
    }

    /// The connection is a WebSocket from here on.
    pub(crate) fn upgraded(&self, share: Share) {
        let mut state = self.lock();
        state.share = Some(share);
        state.unread = 0;
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.lock().share.is_some()
    }

    /// What the next read must wait for.
    pub(super) fn before_read(&self) -> Option<Wait> {
        let mut state = self.lock();
        let wait = state.charge().or_else(|| state.make_room());
        if wait.is_some() {
            state.is_shut = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
        wait
    }

    /// The wait is over.
    pub(super) fn waited(&self, permit: Option<Permit>) {
        let mut state = self.lock();
        state.is_shut = false;
        state.starved_since = None;
        if let Some(permit) = permit {
            state.hold(permit);
        }
    }

    /// Counts bytes that were read.
    pub(super) fn read(&self, bytes: usize) {
        let mut state = self.lock();
        state.debt += bytes;
        state.unread += bytes;
    }

    /// The message is complete. Returns its memory, to be held for as long as the message is. The start of the next
    /// one may be read already; the size of a buffer bounds it.
    pub(crate) fn finished(&self) -> Option<Permit> {
        let mut state = self.lock();
        state.unread = 0;
        state.large_since = None;
        state.permit.take()
    }

    /// Whether the read waits.
    pub(crate) fn is_shut(&self) -> bool {
        self.lock().is_shut
    }

    /// How long the read has waited for memory.
    pub(crate) fn starved_for(&self) -> Duration {
        self.lock().starved_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How long a large message has been unfinished.
    pub(crate) fn unfinished_for(&self) -> Duration {
        self.lock().large_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Resolves when the read begins to wait.
    pub(crate) fn poll_shut(&self, context: &mut Context<'_>, known: bool) -> Poll<()> {
        let mut state = self.lock();
        if state.is_shut && !known {
            return Poll::Ready(());
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// No panic can leave this inconsistent.
    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Gate::lend`].
#[must_use = "the former client is charged again when this is dropped"]
pub(crate) struct Lent<'g> {
    gate: &'g Gate,
    before: Option<Allowance>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.gate.lock().allowance = self.before.take();
    }
}

impl GateState {
    /// Charges what was read to the rate.
    fn charge(&mut self) -> Option<Wait> {
        if self.debt < DEBT {
            return None;
        }
        let allowance = self.allowance.as_ref()?;
        let kibibytes = u32::try_from(self.debt >> 10).unwrap_or(u32::MAX);
        self.debt &= 1_023;
        if allowance.try_take(Kind::Kibibytes, kibibytes) {
            return None;
        }
        let allowance = allowance.clone();
        Some(Box::pin(async move {
            allowance.take(Kind::Kibibytes, kibibytes).await;
            None
        }))
    }

    /// Takes memory for the next piece of a large message.
    fn make_room(&mut self) -> Option<Wait> {
        let share = self.share.as_ref()?;
        let room = FREE + self.permit.as_ref().map_or(0, Permit::bytes);
        if GROWTH * self.unread < room {
            return None;
        }
        self.large_since.get_or_insert_with(Instant::now);
        let share = share.clone();
        if let Some(permit) = share.try_take(PIECE) {
            self.hold(permit);
            return None;
        }
        self.starved_since = Some(Instant::now());
        Some(Box::pin(async move { Some(share.take(PIECE).await) }))
    }

    fn hold(&mut self, permit: Permit) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::limits::{Key, Limiter, Limits};

    fn key() -> Key {
        Key::of([192, 0, 2, 1].into())
    }

    fn gate(memory: u64) -> (Gate, Budget) {
        let budget = Budget::new(memory);
        let gate = Gate::new(Some(Limiter::new(Limits::default()).of(&key())));
        gate.upgraded(budget.share(&key()));
        (gate, budget)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_small_costs_no_memory_and_what_is_large_gives_it_back() {
        let (gate, budget) = gate(2 << 20);
        for _ in 0..1_000 {
            assert!(gate.before_read().is_none());
            gate.read(FREE / GROWTH / 10);
            assert!(gate.finished().is_none());
        }
        for _ in 0..50 {
            assert!(gate.before_read().is_none());
            gate.read(4 << 10);
        }
        // 200 KiB in a buffer of 256 KiB at least.
        assert_eq!(budget.used(), 6 * PIECE);
        assert_eq!(gate.unfinished_for(), Duration::ZERO);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(gate.unfinished_for(), Duration::from_secs(5));
        let permit = gate.finished();
        assert_eq!((budget.used(), gate.unfinished_for()), (6 * PIECE, Duration::ZERO));
        drop(permit);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn without_memory_it_is_shut_and_goes_on_when_there_is_some() {
        let (gate, budget) = gate(4 * PIECE as u64);
        let other = budget.share(&key()).try_take(PIECE).unwrap();
        gate.read(FREE / GROWTH);
        let mut wait = gate.before_read().unwrap();
        let moment = Duration::from_secs(1);
        assert!(tokio::time::timeout(moment, &mut wait).await.is_err());
        assert!(gate.is_shut() && gate.starved_for() == moment);
        drop(other);
        gate.waited(wait.await);
        assert!(!gate.is_shut() && gate.starved_for() == Duration::ZERO);
        assert_eq!(budget.used(), PIECE);
        drop(gate);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_rate_it_is_shut_for_as_long_as_the_bytes_take() {
        let (gate, _budget) = gate(0);
        gate.read(8 << 20);
        assert!(gate.before_read().is_none());
        drop(gate.finished());
        gate.read(1 << 20);
        let began = Instant::now();
        let wait = gate.before_read().unwrap();
        assert!(gate.is_shut());
        gate.waited(wait.await);
        assert_eq!(began.elapsed().as_millis() / 10, 50);
        assert!(!gate.is_shut());
    }

    #[tokio::test(start_paused = true)]
    async fn the_connection_is_woken_when_its_stream_begins_to_wait() {
        let (gate, _budget) = gate(0);
        let gate = std::sync::Arc::new(gate);
        let other = std::sync::Arc::clone(&gate);
        let woken = tokio::spawn(async move {
            std::future::poll_fn(|context| other.poll_shut(context, false)).await;
        });
        tokio::task::yield_now().await;
        gate.read(9 << 20);
        assert!(gate.before_read().is_some());
        woken.await.unwrap();
    }
}
