//! The newest committed events, kept for connections that are nearly up to date.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use session::server::{Logged, Page, StreamNo};
use topic::Pattern;

use super::cost;

/// The most events that are kept, shared evenly by the streams,
const EVENTS: usize = 8_192;
/// and the most bytes.
const BYTES: usize = 16 << 20;
/// The most events of one call,
const ANSWER: usize = 128;
/// and about the most bytes: a connection holds them as messages until its client has taken them.
const ANSWER_BYTES: usize = 64 << 10;
/// The approximate size of a page, in bytes of bodies.
const PAGE: usize = 256 << 10;

/// One of each stream.
#[derive(Debug)]
pub(super) struct Tails {
    tails: Vec<Tail>,
}

impl Tails {
    /// Empty tails of streams whose last events are at these offsets.
    pub(super) fn new(heads: &[u64]) -> Self {
        let most = (EVENTS / heads.len().max(1), BYTES / heads.len().max(1));
        let tail = |head: &u64| Tail { start: head + 1, most, ..Tail::default() };
        Self { tails: heads.iter().map(tail).collect() }
    }

    pub(super) fn extend(&mut self, events: &[Arc<Logged>]) {
        for event in events {
            self.tails[event.stream].push(event);
        }
    }

    /// The store no longer holds these events. Connections that follow the head still get them.
    pub(super) fn supersede(&mut self, events: &[(StreamNo, u64)]) {
        for (stream, offset) in events {
            self.tails[*stream].supersede(*offset);
        }
    }

    /// As [`Tail::reach`], each stream its own.
    pub(super) fn reach(&mut self, heads: &[u64]) {
        for (tail, head) in self.tails.iter_mut().zip(heads) {
            tail.reach(*head);
        }
    }

    /// Replaces the events at the same positions, if the tails still have them.
    pub(super) fn replace(&mut self, events: &[Arc<Logged>]) {
        for event in events {
            self.tails[event.stream].replace(event);
        }
    }

    pub(super) fn from(&self, stream: StreamNo, offset: u64) -> Recent {
        self.tails[stream].from(offset)
    }

    /// The last event of a stream, unless only the store has it.
    pub(super) fn newest(&self, stream: StreamNo) -> Option<&Logged> {
        self.tails.get(stream)?.events.back().map(|event| &**event)
    }

    /// The event at an offset, if it is kept.
    pub(super) fn event(&self, stream: StreamNo, offset: u64) -> Option<&Logged> {
        let tail = self.tails.get(stream)?;
        tail.events.get(tail.place(offset)?).map(|event| &**event)
    }

    pub(super) fn page(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Option<Page> {
        self.tails.get(stream)?.page(pattern, from, limit)
    }
}

#[derive(Debug, Default)]
struct Tail {
    /// Without gaps.
    events: VecDeque<Arc<Logged>>,
    /// The offset of the first of them, or of the next one if there are none.
    start: u64,
    /// The offsets of events that the store no longer holds. Some of these events may come later, because maintenance
    /// can overtake the writer.
    superseded: HashSet<u64>,
    bytes: usize,
    /// Events, and bytes.
    most: (usize, usize),
}

/// What the tail holds from an offset on.
#[derive(Debug, PartialEq, Eq)]
pub enum Recent {
    /// The next events, from exactly that offset on.
    Events(Vec<Arc<Logged>>),
    /// Older than the tail: only the store has it.
    Older,
}

impl Tail {
    fn push(&mut self, event: &Arc<Logged>) {
        if self.end() != event.offset {
            // A commit that seemed to fail left events that only the store has.
            self.restart(event.offset);
        }
        self.bytes += cost(event);
        self.events.push_back(Arc::clone(event));
        let (most, most_bytes) = self.most;
        while self.events.len() > most || self.bytes > most_bytes {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= cost(&oldest);
            self.superseded.remove(&oldest.offset);
            self.start = oldest.offset + 1;
        }
    }

    /// The offset of the next event.
    fn end(&self) -> u64 {
        self.start + self.events.len() as u64
    }

    fn supersede(&mut self, offset: u64) {
        if self.start <= offset {
            self.superseded.insert(offset);
        }
    }

    /// Empties the tail. It begins again at this offset.
    fn restart(&mut self, start: u64) {
        self.events.clear();
        self.bytes = 0;
        self.start = start;
        self.superseded.retain(|offset| start <= *offset);
    }

    /// Empties the tail if the stream's last event, at this offset, is not in it: the tail must not pass for the end of
    /// the stream.
    fn reach(&mut self, head: u64) {
        if self.end() <= head {
            self.restart(head + 1);
        }
    }

    fn replace(&mut self, event: &Arc<Logged>) {
        let at = self.place(event.offset);
        let kept = at.and_then(|at| self.events.get_mut(at));
        if let Some(kept) = kept.filter(|kept| kept.offset == event.offset) {
            self.bytes = self.bytes + cost(event) - cost(kept);
            *kept = Arc::clone(event);
        }
    }

    fn from(&self, offset: u64) -> Recent {
        match self.place(offset) {
            Some(at) => {
                let mut bytes = 0;
                let events = self.events.range(at..).take(ANSWER).take_while(|event| {
                    let has_room = bytes < ANSWER_BYTES;
                    bytes += event.body.len();
                    has_room
                });
                Recent::Events(events.cloned().collect())
            }
            None => Recent::Older,
        }
    }

    /// The index of the first event from an offset on, or `None` if that offset is older than the tail.
    fn place(&self, offset: u64) -> Option<usize> {
        let at = offset.checked_sub(self.events.front()?.offset)?;
        Some(usize::try_from(at).unwrap_or(usize::MAX).min(self.events.len()))
    }

    /// A page as from the store, if all of it is in the tail.
    fn page(&self, pattern: &Pattern, from: u64, limit: usize) -> Option<Page> {
        let at = self.place(from)?;
        let head = self.events.back()?.offset;
        let mut page = Page { events: Vec::new(), next: from.max(head + 1), gap: None };
        let mut bytes = 0;
        // A run of one topic is matched once.
        let mut last: Option<(&Arc<Logged>, bool)> = None;
        for event in self.events.range(at..) {
            if page.events.len() >= limit || bytes >= PAGE {
                page.next = event.offset;
                break;
            }
            if self.superseded.contains(&event.offset) {
                continue;
            }
            let matches = match last {
                Some((other, matches)) if other.topic == event.topic => matches,
                _ => pattern.matches(&event.topic),
            };
            last = Some((event, matches));
            if matches {
                bytes += event.body.len();
                page.events.push(Arc::clone(event));
            }
        }
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use topic::Topic;

    fn events(offsets: std::ops::Range<u64>, size: usize) -> Vec<Arc<Logged>> {
        events_of(0, offsets, size)
    }

    fn events_of(stream: StreamNo, offsets: std::ops::Range<u64>, size: usize) -> Vec<Arc<Logged>> {
        let topic = Topic::parse("t").unwrap();
        let body: Arc<[u8]> = vec![0; size].into();
        let event = |offset| Logged::new(stream, offset, topic.clone(), body.clone());
        offsets.map(|offset| Arc::new(event(offset))).collect()
    }

    #[test]
    fn the_newest_events_are_kept_and_older_ones_are_the_stores() {
        let mut tails = Tails::new(&[0]);
        assert_eq!(tails.from(0, 1), Recent::Older);
        tails.extend(&events(1..100_000, 10));
        assert_eq!((tails.from(0, 1), tails.tails[0].events.len()), (Recent::Older, EVENTS));
        assert_eq!(tails.from(0, 99_990), Recent::Events(events(99_990..100_000, 10)));
        assert_eq!(tails.from(0, 100_000), Recent::Events(Vec::new()));
        tails.extend(&events(100_000..100_100, 1 << 20));
        assert!(tails.tails[0].bytes <= BYTES && tails.tails[0].events.len() < 17);
    }

    #[test]
    fn an_answer_has_a_bound_in_bytes_and_one_event_at_least() {
        let mut tails = Tails::new(&[0]);
        tails.extend(&events(1..10, 60 << 10));
        assert_eq!(tails.from(0, 1), Recent::Events(events(1..3, 60 << 10)));
        tails.extend(&events(10..12, 250 << 10));
        assert_eq!(tails.from(0, 10), Recent::Events(events(10..11, 250 << 10)));
    }

    #[test]
    fn a_page_is_read_from_what_is_kept_or_not_at_all() {
        let mut tails = Tails::new(&[0]);
        let [t, other] = ["t", "u"].map(|text| Pattern::parse(text).unwrap());
        assert_eq!(tails.page(0, &t, 1, 10), None);
        tails.extend(&events(1..100_000, 10));
        assert_eq!(tails.page(0, &t, 1, 10), None);
        let page = |events, next| Some(Page { events, next, gap: None });
        assert_eq!(tails.page(0, &t, 99_000, 10), page(events(99_000..99_010, 10), 99_010));
        assert_eq!(tails.page(0, &t, 99_990, 10), page(events(99_990..100_000, 10), 100_000));
        assert_eq!(tails.page(0, &t, 100_000, 10), page(Vec::new(), 100_000));
        assert_eq!(tails.page(0, &other, 99_000, 10), page(Vec::new(), 100_000));
        tails.extend(&events(100_000..100_010, PAGE / 2));
        let two = tails.page(0, &t, 100_000, 10).unwrap();
        assert_eq!((two.events.len(), two.next), (2, 100_002));
    }

    #[test]
    fn a_replaced_event_is_read_in_place_of_the_old_one() {
        let mut tails = Tails::new(&[0]);
        tails.replace(&events(1..2, 5));
        tails.extend(&events(3..6, 100));
        let bytes = tails.tails[0].bytes;
        tails.replace(&[events(1..2, 5), events(4..5, 5), events(6..7, 5)].concat());
        assert_eq!(tails.tails[0].bytes, bytes - 95);
        let expected = [events(3..4, 100), events(4..5, 5), events(5..6, 100)].concat();
        assert_eq!(tails.from(0, 3), Recent::Events(expected));
    }

    #[test]
    fn a_page_lacks_what_the_store_no_longer_holds_and_a_follower_gets_it() {
        let mut tails = Tails::new(&[0]);
        let t = Pattern::parse("t").unwrap();
        tails.extend(&events(1..6, 1));
        tails.supersede(&[(0, 2), (0, 3)]);
        let page = tails.page(0, &t, 1, 2).unwrap();
        let offsets: Vec<_> = page.events.iter().map(|event| event.offset).collect();
        assert_eq!((offsets, page.next, page.gap), (vec![1, 4], 5, None));
        assert_eq!(tails.from(0, 2), Recent::Events(events(2..6, 1)));
        // It forgets them with the events.
        tails.extend(&events(6..20_000, 1));
        assert!(tails.tails[0].superseded.is_empty());
        tails.supersede(&[(0, 4), (0, 19_000)]);
        assert_eq!(tails.tails[0].superseded.len(), 1);
        tails.extend(&events(30_000..30_001, 1));
        assert!(tails.tails[0].superseded.is_empty());
    }

    #[test]
    fn what_is_superseded_before_it_comes_is_in_no_page() {
        let t = Pattern::parse("t").unwrap();
        let offsets = |tails: &Tails, from| -> Vec<u64> {
            let page = tails.page(0, &t, from, 9).unwrap();
            page.events.iter().map(|event| event.offset).collect()
        };
        // The tail is empty since the start, after it, and because of a hole.
        let mut tails = Tails::new(&[4]);
        tails.supersede(&[(0, 3), (0, 4), (0, 5)]);
        assert_eq!(tails.tails[0].superseded.len(), 1);
        tails.extend(&events(5..8, 1));
        assert_eq!(offsets(&tails, 5), [6, 7]);
        tails.supersede(&[(0, 6), (0, 12)]);
        tails.extend(&events(11..14, 1));
        assert_eq!((offsets(&tails, 11), tails.tails[0].superseded.len()), (vec![11, 13], 1));
        tails.reach(&[15]);
        tails.supersede(&[(0, 15), (0, 16)]);
        tails.extend(&events(16..18, 1));
        assert_eq!((offsets(&tails, 16), tails.tails[0].superseded.len()), (vec![17], 1));
        // An event that is too large for it.
        tails.extend(&events(18..19, BYTES));
        tails.supersede(&[(0, 18), (0, 19)]);
        tails.extend(&events(19..21, 1));
        assert_eq!((offsets(&tails, 19), tails.tails[0].superseded.len()), (vec![20], 1));
    }

    #[test]
    fn a_hole_empties_the_tail_so_that_the_store_is_asked() {
        let mut tails = Tails::new(&[0]);
        tails.extend(&events(1..5, 1));
        tails.extend(&events(7..9, 1));
        assert_eq!(tails.from(0, 4), Recent::Older);
        assert_eq!(tails.from(0, 7), Recent::Events(events(7..9, 1)));
    }

    #[test]
    fn each_stream_has_a_tail_and_all_together_are_bounded() {
        let mut tails = Tails::new(&[0, 0]);
        tails.extend(&events_of(1, 1..3, 1));
        tails.extend(&events_of(0, 1..20_000, 1 << 10));
        assert_eq!(tails.from(1, 1), Recent::Events(events_of(1, 1..3, 1)));
        assert!(tails.tails[0].events.len() <= EVENTS / 2);
        // The store has more of one stream; the other is all here.
        tails.reach(&[20_500, 2]);
        assert_eq!(tails.from(0, 19_999), Recent::Older);
        assert_eq!(tails.from(1, 3), Recent::Events(Vec::new()));
    }
}
