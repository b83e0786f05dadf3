//! Promises 1 and 3 for history: each page continues before the previous one, without a hole, down to the oldest event,
//! in one stream after the other.

use std::collections::BTreeMap;

use super::log::Logs;
use super::{Breach, Promise};
use crate::history::{EventNo, LoggedAt, ReaderNo, STREAMS, StreamNo, Topics};

#[derive(Debug, Default)]
pub(super) struct Scrolls {
    scrolls: BTreeMap<ReaderNo, Scroll>,
}

#[derive(Debug)]
struct Scroll {
    topics: Topics,
    /// The current stream.
    stream: StreamNo,
    /// For each stream the lowest offset down to which it has received everything from `head`, and the epoch.
    below: [Option<(u64, u64)>; STREAMS],
    /// The heads at its beginning. It need not receive later events.
    head: [u64; STREAMS],
    is_done: bool,
}

impl Scroll {
    fn new(logs: &Logs, topics: Topics) -> Self {
        let mut head = [0; STREAMS];
        for (head, log) in head.iter_mut().zip(logs.all()) {
            *head = log.head();
        }
        Self { topics, stream: 0, below: [None; STREAMS], head, is_done: false }
    }

    /// The newest event above `offset` that it should have received by now.
    fn hole(&self, logs: &Logs, stream: StreamNo, offset: u64) -> Option<(u64, EventNo)> {
        let log = logs.of(stream);
        let before = match self.below[usize::from(stream)] {
            // Events of an earlier epoch are no longer available.
            Some((epoch, _)) if epoch != log.epoch() => return None,
            Some((_, below)) => below,
            None => self.head[usize::from(stream)] + 1,
        };
        log.between(offset.max(log.trimmed()), before, self.topics).last()
    }
}

impl Scrolls {
    pub(super) fn begins(&mut self, logs: &Logs, number: ReaderNo, topics: Topics) {
        self.scrolls.insert(number, Scroll::new(logs, topics));
    }

    pub(super) fn again(&mut self, logs: &Logs, number: ReaderNo) {
        if let Some(scroll) = self.scrolls.get_mut(&number) {
            *scroll = Scroll::new(logs, scroll.topics);
        }
    }

    /// A stream now ends there. Later events need not be received.
    pub(super) fn less_is_there(&mut self, stream: StreamNo, head: u64) {
        for scroll in self.scrolls.values_mut() {
            let at = &mut scroll.head[usize::from(stream)];
            *at = head.min(*at);
        }
    }

    pub(super) fn older(
        &mut self,
        logs: &Logs,
        number: ReaderNo,
        place: LoggedAt,
        event: EventNo,
    ) -> Result<(), Breach> {
        let LoggedAt { stream, epoch, offset } = place;
        let breach = |promise, text: &str| {
            Err(Breach(promise, format!("scroll {number} is given {event} at {place}, {text}")))
        };
        let Some(scroll) = self.scrolls.get_mut(&number).filter(|scroll| !scroll.is_done) else {
            return breach(Promise::Order, "after its end");
        };
        if stream < scroll.stream {
            return breach(Promise::Order, &format!("after stream {}", scroll.stream));
        }
        for over in scroll.stream..stream {
            if let Some((offset, missing)) = scroll.hole(logs, over, 0) {
                let text = format!("and was not given {missing} at {offset} of stream {over}");
                return breach(Promise::Read, &text);
            }
        }
        scroll.stream = stream;
        let there = logs.at(place);
        if there != Some(event) {
            return breach(Promise::Order, &format!("where the log holds {there:?}"));
        }
        let below = scroll.below[usize::from(stream)];
        match below {
            Some((before, _)) if before != epoch => {
                return breach(
                    Promise::Order,
                    "of another epoch of the log, which was not reported",
                );
            }
            Some((_, below)) if below == offset => return breach(Promise::Once, "a second time"),
            Some((_, below)) if below < offset => {
                return breach(Promise::Order, &format!("above {below}"));
            }
            _ => {}
        }
        if epoch == logs.of(stream).epoch() {
            let topic = logs.of(stream).topic(offset);
            if topic.is_some_and(|topic| !scroll.topics.holds(topic)) {
                return breach(Promise::Order, "which it has not asked for");
            }
            if let Some((offset, missing)) = scroll.hole(logs, stream, offset) {
                return breach(Promise::Order, &format!("and was not given {missing} at {offset}"));
            }
        }
        scroll.below[usize::from(stream)] = Some((epoch, offset));
        Ok(())
    }

    pub(super) fn bottom(&mut self, logs: &Logs, number: ReaderNo) -> Result<(), Breach> {
        let Some(scroll) = self.scrolls.get_mut(&number) else { return Ok(()) };
        for stream in scroll.stream..STREAMS as StreamNo {
            if let Some((offset, missing)) = scroll.hole(logs, stream, 0) {
                let text = format!(
                    "scroll {number} has ended without {missing} at {offset} of stream {stream}"
                );
                return Err(Breach(Promise::Read, text));
            }
        }
        scroll.is_done = true;
        Ok(())
    }

    pub(super) fn ended(&mut self, number: ReaderNo) {
        self.scrolls.remove(&number);
    }

    pub(super) fn finish(&self) -> Result<(), Breach> {
        match self.scrolls.iter().find(|(_, scroll)| !scroll.is_done) {
            None => Ok(()),
            Some((number, _)) => {
                Err(Breach(Promise::Read, format!("scroll {number} never learned of its end")))
            }
        }
    }
}
