//! Ephemeral events on their way to the connections that want them.
//!
//! The newest are kept once for all. A connection has a mailbox with the places of those that wait for
//! it: one that takes nothing costs a few bytes for each run of events. When that is full only the newest of each
//! topic and key remain, and then the oldest are skipped. Only connections whose patterns match are
//! woken, and those once for all that waits.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use session::server::Ephemeral;
use slab::Slab;
use topic::Pattern;

use super::places::Places;
use super::routes::Routes;

/// The most events that are kept for all connections,
const EVENTS: usize = 8_192;
/// and the most bytes that they cost.
const BYTES: usize = 8 << 20;
/// The most events that wait for one connection,
const WAITING: usize = 1_024;
/// and the most that remain when there were more.
const REMAINING: usize = WAITING / 4 * 3;
/// A connection takes events of about so many bytes at a time, which make a message. The rest waits here, where it is kept once for
/// all: a connection that has stopped reading holds no more than this.
const TAKEN: usize = 80 << 10;
/// So many patterns change under one lock, so that others have their turn.
const TOGETHER: usize = 256;

/// An ephemeral event on its way to the other connections.
#[derive(Debug)]
pub struct Forwarded {
    /// The connection that it came through, which does not get it back.
    pub from: u64,
    /// The event.
    pub event: Ephemeral,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Mailboxes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The newest events, ascending without a hole.
    recent: VecDeque<Arc<Forwarded>>,
    bytes: usize,
    /// The place of the first of them.
    first: u64,
    boxes: Slab<Waiting>,
    routes: Routes,
}

/// What waits for one connection.
#[derive(Debug)]
struct Waiting {
    connection: u64,
    patterns: HashSet<Pattern>,
    places: Places,
    waker: Option<Waker>,
}

/// The end of a connection; dropped, nothing waits for it any more.
#[derive(Debug)]
pub struct Mailbox {
    shared: Arc<Mailboxes>,
    key: usize,
}

impl Mailboxes {
    pub(super) fn join(self: &Arc<Self>, connection: u64) -> Mailbox {
        let patterns = HashSet::new();
        let waiting = Waiting { connection, patterns, places: Places::default(), waker: None };
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
        let place = state.first + state.recent.len() as u64;
        for &key in &*route {
            let waiting = &mut state.boxes[key];
            if waiting.connection == forwarded.from {
                continue;
            }
            if waiting.places.len() == WAITING {
                waiting.conflate(&state.recent, state.first);
            }
            waiting.places.push(place);
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
        state.keep(forwarded);
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, forwarded: Forwarded) {
        self.bytes += cost(&forwarded.event);
        self.recent.push_back(Arc::new(forwarded));
        while self.recent.len() > EVENTS || self.bytes > BYTES {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            self.first += 1;
            self.bytes -= cost(&oldest.event);
        }
    }

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
    /// Makes room: of each topic and key the newest remains, as far as there is room.
    fn conflate(&mut self, recent: &VecDeque<Arc<Forwarded>>, first: u64) {
        let mut newer = HashSet::new();
        let mut remaining = Vec::with_capacity(REMAINING);
        for place in self.places.runs().rev().flat_map(Iterator::rev) {
            if let Some(event) = at(recent, first, place).map(|forwarded| &forwarded.event)
                && remaining.len() < REMAINING
                && newer.insert((&event.topic, &event.key))
            {
                remaining.push(place);
            }
        }
        self.places = Places::default();
        remaining.into_iter().rev().for_each(|place| self.places.push(place));
    }
}

/// The bytes that an event costs while it is kept.
fn cost(event: &Ephemeral) -> usize {
    let texts = event.topic.as_str().len() + event.key.len();
    texts + event.body.len() + size_of::<Forwarded>()
}

/// The event at a place; none if it is no longer kept.
fn at(recent: &VecDeque<Arc<Forwarded>>, first: u64, place: u64) -> Option<&Arc<Forwarded>> {
    recent.get(usize::try_from(place.checked_sub(first)?).ok()?)
}

impl Mailbox {
    /// From now on events that match a pattern of `begun` come too, and none for one of `ended`.
    pub fn want(&self, begun: &[Pattern], ended: &[Pattern]) {
        for (patterns, wants) in [(ended, false), (begun, true)] {
            for some in patterns.chunks(TOGETHER) {
                let mut state = self.shared.lock();
                some.iter().for_each(|pattern| state.change(self.key, pattern, wants));
            }
        }
    }

    /// Puts what waits into `taken`, the oldest first and not too much at a time, waiting for the first.
    pub fn poll_take(
        &self,
        context: &mut Context<'_>,
        taken: &mut VecDeque<Arc<Forwarded>>,
    ) -> Poll<()> {
        let mut state = self.shared.lock();
        let State { recent, first, boxes, .. } = &mut *state;
        let waiting = &mut boxes[self.key];
        if waiting.places.is_empty() {
            if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                waiting.waker = Some(context.waker().clone());
            }
            return Poll::Pending;
        }
        let mut bytes = 0;
        while bytes < TAKEN
            && let Some(place) = waiting.places.pop_front()
        {
            if let Some(forwarded) = at(recent, *first, place) {
                bytes += cost(&forwarded.event);
                taken.push_back(Arc::clone(forwarded));
            }
        }
        Poll::Ready(())
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let patterns = std::mem::take(&mut self.shared.lock().boxes[self.key].patterns);
        let patterns: Vec<_> = patterns.into_iter().collect();
        for some in patterns.chunks(TOGETHER) {
            let mut state = self.shared.lock();
            some.iter().for_each(|pattern| state.routes.change(pattern, self.key, false));
        }
        self.shared.lock().boxes.remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use topic::Topic;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    fn forward(hub: &Mailboxes, from: u64, to: &str, body: &[u8]) {
        keyed(hub, from, to, &body.escape_ascii().to_string(), body);
    }

    fn keyed(hub: &Mailboxes, from: u64, to: &str, key: &str, body: &[u8]) {
        let topic = Topic::parse(to).unwrap();
        let event = Ephemeral::new(topic, key.into(), body.into());
        hub.forward(Forwarded { from, event });
    }

    fn taken(mailbox: &Mailbox) -> Vec<Vec<u8>> {
        let mut taken = VecDeque::new();
        while mailbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut taken).is_ready() {}
        taken.iter().map(|forwarded| forwarded.event.body.to_vec()).collect()
    }

    #[test]
    fn an_event_waits_once_for_each_connection_that_wants_it_and_not_for_its_own() {
        let hub = Arc::new(Mailboxes::default());
        let [one, two, three] = [1, 2, 3].map(|number| hub.join(number));
        one.want(&patterns(&["a.>"]), &[]);
        two.want(&patterns(&["a.*", "a.b", "a.b"]), &[]);
        three.want(&patterns(&["b"]), &[]);
        forward(&hub, 1, "a.b", b"x");
        assert_eq!(taken(&one), Vec::<Vec<u8>>::new());
        assert_eq!(taken(&two), [b"x"]);
        assert_eq!(taken(&three), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_topic_finds_those_who_came_and_misses_those_who_went_since_it_was_last_used() {
        let hub = Arc::new(Mailboxes::default());
        let one = hub.join(1);
        forward(&hub, 0, "a", b"0");
        one.want(&patterns(&["a"]), &[]);
        forward(&hub, 0, "a", b"1");
        let two = hub.join(2);
        two.want(&patterns(&["*"]), &[]);
        forward(&hub, 0, "a", b"2");
        one.want(&patterns(&["b"]), &patterns(&["a"]));
        forward(&hub, 0, "a", b"3");
        drop(two);
        forward(&hub, 0, "a", b"4");
        assert_eq!(taken(&one), [b"1", b"2"]);
        assert!(hub.lock().routes.len() == 1 && hub.lock().boxes.len() == 1);
    }

    #[test]
    fn a_connection_that_takes_nothing_skips_the_oldest_and_the_one_beside_it_does_not() {
        let hub = Arc::new(Mailboxes::default());
        let (slow, fast) = (hub.join(1), hub.join(2));
        slow.want(&patterns(&["a"]), &[]);
        fast.want(&patterns(&["a"]), &[]);
        for number in 0..3 * WAITING {
            forward(&hub, 0, "a", &number.to_be_bytes());
            assert_eq!(taken(&fast), [number.to_be_bytes()]);
        }
        let kept = taken(&slow);
        assert!((REMAINING..=WAITING).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept.last().unwrap()[..], (3 * WAITING - 1).to_be_bytes());
        assert!(kept.is_sorted());
    }

    #[test]
    fn under_pressure_the_newest_of_each_key_remains() {
        let hub = Arc::new(Mailboxes::default());
        let slow = hub.join(1);
        slow.want(&patterns(&[">"]), &[]);
        keyed(&hub, 0, "cursor", "once", b"once");
        for number in 0..WAITING {
            keyed(&hub, 0, "cursor", ["ann", "bob"][number % 2], &number.to_be_bytes());
        }
        let kept = taken(&slow);
        let newest = |back: usize| (WAITING - back).to_be_bytes().to_vec();
        assert_eq!(kept, [b"once".to_vec(), newest(3), newest(2), newest(1)]);
    }

    #[test]
    fn what_is_kept_for_all_is_bounded_in_bytes() {
        let hub = Arc::new(Mailboxes::default());
        let slow = hub.join(1);
        slow.want(&patterns(&["a"]), &[]);
        for _ in 0..100 {
            keyed(&hub, 0, "a", "k", &vec![0; 256 << 10]);
        }
        assert!(hub.lock().bytes <= BYTES);
        assert_eq!(taken(&slow).len(), BYTES / (257 << 10));
    }

    #[test]
    fn a_connection_takes_little_at_a_time_and_misses_nothing() {
        let hub = Arc::new(Mailboxes::default());
        let mailbox = hub.join(1);
        mailbox.want(&patterns(&["a"]), &[]);
        for number in 0..100_u8 {
            keyed(&hub, 0, "a", "k", &[number; 10 << 10]);
        }
        let mut all = Vec::new();
        loop {
            let mut taken = VecDeque::new();
            let mut context = Context::from_waker(Waker::noop());
            if mailbox.poll_take(&mut context, &mut taken).is_pending() {
                break;
            }
            let bytes: usize = taken.iter().map(|forwarded| cost(&forwarded.event)).sum();
            assert!(bytes < TAKEN + (11 << 10), "{bytes}");
            all.extend(taken.iter().map(|forwarded| forwarded.event.body[0]));
        }
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn who_waits_is_woken_once_for_all_that_comes() {
        let hub = Arc::new(Mailboxes::default());
        let mailbox = hub.join(1);
        mailbox.want(&patterns(&["a"]), &[]);
        assert!(taken(&mailbox).is_empty());
        assert!(hub.lock().boxes[mailbox.key].waker.is_some());
        forward(&hub, 0, "a", b"1");
        assert!(hub.lock().boxes[mailbox.key].waker.is_none());
        forward(&hub, 0, "a", b"2");
        assert_eq!(taken(&mailbox), [b"1", b"2"]);
    }
}
