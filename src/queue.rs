//! A subscription whose events wait until they are read.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;

use crate::Event;

/// What a full queue does with another event; see [`Subscriber::queue`](crate::Subscriber::queue).
pub type Overflow = bus::Overflow<Event>;

/// A subscription whose events wait until they are read, one by one or as a [`Stream`]. Dropping it ends the
/// subscription. Created by [`Subscriber::queue`](crate::Subscriber::queue).
#[derive(Debug)]
#[must_use = "the subscription ends when this is dropped"]
pub struct Queue(pub(crate) bus::Queue<Event>);

impl Queue {
    /// Takes the oldest event.
    pub fn pop(&self) -> Option<Event> {
        self.0.pop().map(taken)
    }

    /// The number of events in the queue.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of events that were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Stream for Queue {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let next = Pin::new(&mut self.0).poll_next(context);
        next.map(|message| message.map(taken))
    }
}

fn taken(message: bus::Message<Event>) -> Event {
    message.payload.let_go();
    message.payload
}
