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
use super::runs::{Run, Runs};

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
    /// The newest events.
    recent: Recent,
    boxes: Slab<Waiting>,
    routes: Routes,
    runs: Runs,
}

/// Ascending without a hole.
#[derive(Debug, Default)]
struct Recent {
    /// Each with the number of connections that it is for.
    events: VecDeque<(Arc<Forwarded>, usize)>,
    bytes: usize,
    /// The place of the first of them.
    first: u64,
}

/// What waits for one connection.
#[derive(Debug)]
struct Waiting {
    connection: u64,
    patterns: HashSet<Pattern>,
    places: Places,
    waker: Option<Waker>,
}

/// The first event that waits for a connection.
#[derive(Debug)]
pub struct First {
    place: u64,
    /// Other connections are to send it too.
    pub is_shared: bool,
    /// The event.
    pub event: Arc<Forwarded>,
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
        let place = state.recent.next();
        for &key in &*route {
            let waiting = &mut state.boxes[key];
            if waiting.connection == forwarded.from {
                continue;
            }
            if waiting.places.len() == WAITING {
                waiting.conflate(&state.recent);
            }
            waiting.places.push(place);
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
        state.recent.keep(forwarded, route.len());
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, State> {
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

impl State {
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
        self.places = Places::default();
        remaining.into_iter().rev().for_each(|place| self.places.push(place));
    }
}

/// The bytes that an event costs while it is kept.
fn cost(event: &Ephemeral) -> usize {
    let texts = event.topic.as_str().len() + event.key.len();
    texts + event.body.len() + size_of::<Forwarded>()
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

    /// The first event that waits, which goes on waiting.
    pub fn poll_first(&self, context: &mut Context<'_>) -> Poll<First> {
        let mut state = self.shared.lock();
        let State { recent, boxes, .. } = &mut *state;
        let waiting = &mut boxes[self.key];
        waiting.places.skip_to(recent.first);
        let first = waiting.places.first();
        if let Some((place, (event, receivers))) = first.and_then(|at| Some((at, recent.at(at)?))) {
            let (event, is_shared) = (Arc::clone(event), *receivers > 1);
            return Poll::Ready(First { place, is_shared, event });
        }
        if !waiting.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            waiting.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Puts what waits into `taken`, the oldest first and not too much at a time.
    pub fn take(&self, taken: &mut VecDeque<Arc<Forwarded>>) {
        let mut state = self.shared.lock();
        let State { recent, boxes, .. } = &mut *state;
        let places = &mut boxes[self.key].places;
        let mut bytes = 0;
        while bytes < TAKEN
            && let Some(place) = places.pop_front()
        {
            if let Some((forwarded, _)) = recent.at(place) {
                bytes += cost(&forwarded.event);
                taken.push_back(Arc::clone(forwarded));
            }
        }
    }

    /// Takes the run that another connection has sent from the first event on, if all of it waits here and each of
    /// its events begins like this.
    pub fn take_run(&self, first: &First, beginning: &[u8]) -> Option<Arc<Vec<u8>>> {
        let mut state = self.shared.lock();
        let State { boxes, runs, .. } = &mut *state;
        let places = &mut boxes[self.key].places;
        let run = runs.find(first.place, beginning)?;
        if !places.begin_with(&run.places) {
            return None;
        }
        places.skip_to(run.places.end());
        Some(Arc::clone(&run.frames))
    }

    /// The events that wait with their places, from the first one on and not too much at a time. They go on waiting.
    pub fn waiting(&self, first: &First) -> Vec<(u64, Arc<Forwarded>)> {
        let state = self.shared.lock();
        let places = state.boxes[self.key].places.runs().flatten();
        // Meanwhile the first may have made room for newer ones.
        let places = places.skip_while(|place| *place < first.place);
        let mut bytes = 0;
        let mut events = Vec::new();
        for place in places {
            let Some((event, _)) = state.recent.at(place).filter(|_| bytes < TAKEN) else { break };
            bytes += cost(&event.event);
            events.push((place, Arc::clone(event)));
        }
        events
    }

    /// Takes events that are sent as these frames; each of them begins like this.
    pub fn sent(&self, events: &[(u64, Arc<Forwarded>)], beginning: &[u8], frames: &Arc<Vec<u8>>) {
        let places = Places::of(events.iter().map(|(place, _)| *place));
        let mut state = self.shared.lock();
        state.boxes[self.key].places.skip_to(places.end());
        state.runs.keep(Run { places, beginning: beginning.into(), frames: Arc::clone(frames) });
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

    fn first(mailbox: &Mailbox) -> Option<First> {
        match mailbox.poll_first(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(first) => Some(first),
            Poll::Pending => None,
        }
    }

    fn taken(mailbox: &Mailbox) -> Vec<Vec<u8>> {
        let mut taken = VecDeque::new();
        while first(mailbox).is_some() {
            mailbox.take(&mut taken);
        }
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
        assert!(hub.lock().recent.bytes <= BYTES);
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
        while first(&mailbox).is_some() {
            let mut taken = VecDeque::new();
            mailbox.take(&mut taken);
            let bytes: usize = taken.iter().map(|forwarded| cost(&forwarded.event)).sum();
            assert!(bytes < TAKEN + (11 << 10), "{bytes}");
            all.extend(taken.iter().map(|forwarded| forwarded.event.body[0]));
        }
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_is_encoded_by_one_and_taken_by_those_for_whom_it_is_the_same() {
        let hub = Arc::new(Mailboxes::default());
        let [one, same, other, late] = [1, 2, 3, 4].map(|number| hub.join(number));
        for mailbox in [&one, &same, &other] {
            mailbox.want(&patterns(&["a"]), &[]);
        }
        forward(&hub, 0, "a", b"1");
        // Of another topic, and from one of them.
        forward(&hub, 0, "b", b"2");
        forward(&hub, 3, "a", b"3");
        late.want(&patterns(&["a"]), &[]);
        forward(&hub, 0, "a", b"4");
        forward(&hub, 0, "a", b"5");

        let begins = first(&one).unwrap();
        assert!(begins.is_shared);
        assert!(one.take_run(&begins, b"x").is_none());
        let mut waiting = one.waiting(&begins);
        assert_eq!(waiting.len(), 4);
        waiting.truncate(3);
        let frames = Arc::new(b"1 3 4".to_vec());
        one.sent(&waiting, b"x", &frames);
        assert_eq!(taken(&one), [b"5"]);

        let begins = first(&same).unwrap();
        assert!(same.take_run(&begins, b"y").is_none());
        assert_eq!(same.take_run(&begins, b"x"), Some(frames));
        assert_eq!(taken(&same), [b"5"]);
        // Three lacks its own event, and four came later.
        for (mailbox, left) in [(&other, ["1", "4", "5"].as_slice()), (&late, &["4", "5"])] {
            assert!(mailbox.take_run(&first(mailbox).unwrap(), b"x").is_none());
            assert_eq!(taken(mailbox), left.iter().map(|it| it.as_bytes()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_event_for_one_connection_is_not_shared() {
        let hub = Arc::new(Mailboxes::default());
        let [one, two] = [1, 2].map(|number| hub.join(number));
        one.want(&patterns(&["a", "b"]), &[]);
        two.want(&patterns(&["b"]), &[]);
        for topic in ["a", "b"] {
            forward(&hub, 0, topic, b"");
        }
        let mut shared = Vec::new();
        while let Some(begins) = first(&one) {
            shared.push(begins.is_shared);
            one.sent(&one.waiting(&begins)[..1], b"", &Arc::default());
        }
        assert_eq!(shared, [false, true]);
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
