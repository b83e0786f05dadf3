//! Routes ephemeral events to the connections that want them.
//!
//! The newest events are kept once for all connections. Each connection has a mailbox with the positions of the events
//! that wait for it: a connection that reads nothing costs a few bytes for each run of events. In a full mailbox only
//! the newest event of each topic and key remains; then the oldest are skipped. Only connections with a matching
//! pattern are woken, once for everything that waits.

mod mailbox;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use prometheus_client::metrics::counter::Counter;
use session::server::Ephemeral;
use slab::Slab;
use topic::Pattern;

use super::range_set::RangeSet;
use super::routes::Routes;
use super::runs::Runs;
pub use mailbox::{First, Mailbox};

/// The most events that are kept for all connections,
const EVENTS: usize = 8_192;
/// and the most bytes that they cost.
const BYTES: usize = 8 << 20;
/// The most events that wait for one connection,
const WAITING: usize = 1_024;
/// and the most that remain when there were more.
const REMAINING: usize = WAITING / 4 * 3;

/// An ephemeral event on its way to the other connections.
#[derive(Debug)]
pub struct Forwarded {
    /// The connection of its publisher, which does not receive it.
    pub from: u64,
    /// The event.
    pub event: Ephemeral,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Mailboxes(Mutex<MailboxState>);

#[derive(Debug, Default)]
struct MailboxState {
    /// The newest events.
    recent: Recent,
    boxes: Slab<Waiting>,
    routes: Routes,
    runs: Runs,
    /// Counts events that were dropped because a connection was too slow.
    dropped: Counter,
}

/// Ascending, without gaps.
#[derive(Debug, Default)]
struct Recent {
    /// Each with the number of its receivers.
    events: VecDeque<(Arc<Forwarded>, usize)>,
    bytes: usize,
    /// The place of the first of them.
    first: u64,
}

/// The state of one mailbox.
#[derive(Debug)]
struct Waiting {
    connection: u64,
    patterns: HashSet<Pattern>,
    places: RangeSet,
    waker: Option<Waker>,
}

impl Mailboxes {
    /// With this counter of events that were dropped because a connection was too slow.
    pub(super) fn counted(dropped: Counter) -> Self {
        Self(Mutex::new(MailboxState { dropped, ..MailboxState::default() }))
    }

    pub(super) fn join(self: &Arc<Self>, connection: u64) -> Mailbox {
        let patterns = HashSet::new();
        let waiting = Waiting { connection, patterns, places: RangeSet::default(), waker: None };
        let key = self.lock().boxes.insert(waiting);
        Mailbox { shared: Arc::clone(self), key }
    }

    pub(super) fn forward(&self, forwarded: Forwarded) {
        let mut state = self.lock();
        let state = &mut *state;
        let route = state.routes.of(&forwarded.event.topic);
        if route.is_empty() {
            return;
        }
        let place = state.recent.next();
        for &key in &*route {
            let waiting = &mut state.boxes[key];
            if waiting.connection == forwarded.from {
                continue;
            }
            if waiting.places.len() == WAITING {
                waiting.conflate(&state.recent);
                state.dropped.inc_by((WAITING - waiting.places.len()) as u64);
            }
            waiting.places.push(place);
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
        state.recent.keep(forwarded, route.len());
    }

    /// A panic while the lock is held leaves no partial change.
    fn lock(&self) -> MutexGuard<'_, MailboxState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    /// The place of the next event.
    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn keep(&mut self, forwarded: Forwarded, receivers: usize) {
        self.bytes += cost(&forwarded.event);
        self.events.push_back((Arc::new(forwarded), receivers));
        while self.events.len() > EVENTS || self.bytes > BYTES {
            let Some((oldest, _)) = self.events.pop_front() else {
                break;
            };
            self.first += 1;
            self.bytes -= cost(&oldest.event);
        }
    }

    /// The event at a place; `None` if it is no longer kept.
    fn at(&self, place: u64) -> Option<&(Arc<Forwarded>, usize)> {
        self.events.get(usize::try_from(place.checked_sub(self.first)?).ok()?)
    }
}

impl MailboxState {
    fn change(&mut self, key: usize, pattern: &Pattern, wants: bool) {
        let patterns = &mut self.boxes[key].patterns;
        let changed =
            if wants { patterns.insert(pattern.clone()) } else { patterns.remove(pattern) };
        if changed {
            self.routes.change(pattern, key, wants);
        }
    }
}

impl Waiting {
    /// Makes room: keeps the newest event of each topic and key, as far as there is room.
    fn conflate(&mut self, recent: &Recent) {
        let mut newer = HashSet::new();
        let mut remaining = Vec::with_capacity(REMAINING);
        for place in self.places.runs().rev().flat_map(Iterator::rev) {
            if let Some(event) = recent.at(place).map(|(forwarded, _)| &forwarded.event)
                && remaining.len() < REMAINING
                && newer.insert((&event.topic, &event.key))
            {
                remaining.push(place);
            }
        }
        self.places = RangeSet::default();
        remaining.into_iter().rev().for_each(|place| self.places.push(place));
    }
}

/// The bytes that an event costs while it is kept.
fn cost(event: &Ephemeral) -> usize {
    let texts = event.topic.as_str().len() + event.key.len();
    texts + event.body.len() + size_of::<Forwarded>()
}
