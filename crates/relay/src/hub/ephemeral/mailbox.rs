//! The receiving side of a mailbox: event by event, or as a run that another connection has encoded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use topic::Pattern;

use super::{Forwarded, MailboxState, Mailboxes, cost};
use crate::hub::range_set::RangeSet;
use crate::hub::runs::Run;

/// A connection takes events of about this many bytes at a time, which make a message. The rest waits in the hub,
/// where it is kept once for all: a connection that has stopped reading holds no more than this.
pub(super) const TAKEN: usize = 80 << 10;
/// The most bytes of events in a run.
const RUN: usize = 160 << 10;
/// The most patterns that change under one lock, so that others get their turn.
const TOGETHER: usize = 256;

/// The first event that waits for a connection.
#[derive(Debug)]
pub struct First {
    place: u64,
    /// Other connections receive it too.
    pub is_shared: bool,
    /// The event.
    pub event: Arc<Forwarded>,
}

/// The receiving end of a connection. Dropping it discards what waits for the connection.
#[derive(Debug)]
pub struct Mailbox {
    pub(super) shared: Arc<Mailboxes>,
    pub(super) key: usize,
}

impl Mailbox {
    /// Adds the patterns of `begun`, and removes those of `ended`.
    pub fn want(&self, begun: &[Pattern], ended: &[Pattern]) {
        for (patterns, wants) in [(ended, false), (begun, true)] {
            for some in patterns.chunks(TOGETHER) {
                let mut state = self.shared.lock();
                some.iter().for_each(|pattern| state.change(self.key, pattern, wants));
            }
        }
    }

    /// Polls for the first waiting event, and leaves it in the mailbox.
    pub fn poll_first(&self, context: &mut Context<'_>) -> Poll<First> {
        let mut state = self.shared.lock();
        let MailboxState { recent, boxes, dropped, .. } = &mut *state;
        let waiting = &mut boxes[self.key];
        let before = waiting.places.len();
        waiting.places.skip_to(recent.first);
        dropped.inc_by((before - waiting.places.len()) as u64);
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

    /// Moves waiting events into `taken`, oldest first, as many as make a message.
    pub fn take(&self, taken: &mut VecDeque<Arc<Forwarded>>) {
        let mut state = self.shared.lock();
        let MailboxState { recent, boxes, .. } = &mut *state;
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
    /// its events begins like this. Also returns the number of its events.
    pub fn take_run(&self, first: &First, beginning: &[u8]) -> Option<(Arc<Vec<u8>>, usize)> {
        let mut state = self.shared.lock();
        let MailboxState { boxes, runs, .. } = &mut *state;
        let places = &mut boxes[self.key].places;
        let run = runs.find(first.place, beginning)?;
        if !places.begin_with(&run.places) {
            return None;
        }
        places.skip_to(run.places.end());
        Some((Arc::clone(&run.frames), run.places.len()))
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
            let Some((event, _)) = state.recent.at(place).filter(|_| bytes < RUN) else { break };
            bytes += cost(&event.event);
            events.push((place, Arc::clone(event)));
        }
        events
    }

    /// Takes events that are sent as these frames; each of them begins like this.
    pub fn sent(&self, events: &[(u64, Arc<Forwarded>)], beginning: &[u8], frames: &Arc<Vec<u8>>) {
        let places = RangeSet::of(events.iter().map(|(place, _)| *place));
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
