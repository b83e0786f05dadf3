//! A store in memory: the logs of its streams and the records of its clients, changed atomically.
//!
//! Everything in it is committed. A disk that has lost confirmed writes is an older copy of this store.

mod clients;
mod deleting;
mod log;

use std::sync::Arc;

use session::server::{
    Answer, Append, Decided, Deletion, Located, Logged, Numbered, Opened, Page, Query, StreamNo,
    Ticket,
};
use session::{Body, Durability, Hello, Position, RejectCode, Start, Stream};
use topic::{Pattern, Topic};

use crate::bug::Bug;
pub use clients::ClientId;
use clients::{Clients, Known};
use log::Log;

/// A store in memory: the logs of its streams and the records of its clients. Clones are cheap because they share
/// bodies.
#[derive(Debug, Clone, Default)]
pub struct Store {
    logs: Vec<Log>,
    clients: Clients,
    /// The disk is full, so new events are refused for now.
    pub full: bool,
    /// The store cannot be used, so hellos, events and new subscriptions are refused for now.
    pub fails: bool,
    /// What it does wrong on purpose.
    pub bug: Option<Bug>,
}

/// What a connection asks a store to write.
#[derive(Debug, Clone)]
pub enum Write {
    /// A hello.
    Open(Hello),
    /// An event.
    Append(Append),
    /// An event to delete.
    Delete(Deletion),
}

/// The outcome of a [`Write`].
#[derive(Debug)]
pub enum Outcome {
    /// Of a hello.
    Opened(Opened),
    /// Of an event, or of a deletion.
    Decided(Ticket, Decided),
}

/// The prefix of the topics of the second stream.
pub const SIDE: &str = "b.";

impl Store {
    /// Creates an empty store with one or two streams: the main one, and one for the topics of [`SIDE`].
    pub fn new(streams: &[Stream]) -> Self {
        let logs = streams.iter().enumerate().map(|(number, name)| Log::new(number, name.clone()));
        Self { logs: logs.collect(), ..Self::default() }
    }

    /// The position of the last event of each stream.
    pub fn heads(&self) -> Vec<Position> {
        self.logs.iter().map(Log::head).collect()
    }

    /// The offset of the last event of each stream.
    pub fn last_offsets(&self) -> impl Iterator<Item = u64> {
        self.logs.iter().map(Log::last)
    }

    /// The stream of a topic.
    pub fn stream_of(&self, topic: &Topic) -> StreamNo {
        usize::from(self.logs.len() > 1 && topic.as_str().starts_with(SIDE))
    }

    /// The events of a stream that were not trimmed, with their ids.
    pub fn events(
        &self,
        stream: StreamNo,
    ) -> impl DoubleEndedIterator<Item = (&Arc<Logged>, &str)> {
        self.logs[stream].events()
    }

    /// Logs an event of a publisher that is not connected here.
    pub fn append(&mut self, stream: StreamNo, topic: &Topic, body: &Body) -> Arc<Logged> {
        self.logs[stream].append(topic, body)
    }

    /// Commits a write, and returns its new log entry. Without `checks_fence` an event is taken from a connection that
    /// was fenced.
    pub fn write(&mut self, write: &Write, checks_fence: bool) -> (Outcome, Option<Arc<Logged>>) {
        match write {
            Write::Open(hello) => (Outcome::Opened(self.open(hello)), None),
            Write::Append(append) => {
                let (decided, logged) = self.decide(append, checks_fence);
                (Outcome::Decided(append.ticket, decided), logged)
            }
            Write::Delete(deletion) => {
                let (decided, logged) = self.delete(deletion);
                (Outcome::Decided(deletion.ticket, decided), logged)
            }
        }
    }

    /// Opens a client after its hello.
    pub fn open(&mut self, hello: &Hello) -> Opened {
        if self.fails {
            return Opened::Unavailable;
        }
        self.clients.open(hello, self.bug)
    }

    /// Decides about an event, and returns the new log entry. Without `checks_fence` the connection may be fenced.
    pub fn decide(
        &mut self,
        append: &Append,
        checks_fence: bool,
    ) -> (Decided, Option<Arc<Logged>>) {
        let Some(numbered) = append.client else {
            return (rejected(RejectCode::IllegalEvent, ""), None);
        };
        if self.fails {
            return (self.clients.refuse_for_now(&numbered, RejectCode::Unavailable), None);
        }
        let checks_fence = checks_fence && self.bug != Some(Bug::NoFence);
        match self.clients.admit(&numbered, checks_fence) {
            Known::Stored(_) | Known::Rejected(_) if self.bug == Some(Bug::NoDedupe) => {
                match &append.event {
                    Ok((topic, body)) => {
                        let stream = self.stream_of(topic);
                        let logged = self.logs[stream].append(topic, body);
                        (self.stored((stream, logged.offset)), Some(logged))
                    }
                    Err(refusal) => (rejected(refusal.code, &refusal.message), None),
                }
            }
            Known::Stored((stream, offset)) => (self.stored((stream as StreamNo, offset)), None),
            Known::Rejected(code) => (self.refused_for_good(code, ""), None),
            Known::Answer(answer) => (answer, None),
            Known::New => self.new_event(append, &numbered),
        }
    }

    fn new_event(
        &mut self,
        append: &Append,
        numbered: &Numbered,
    ) -> (Decided, Option<Arc<Logged>>) {
        let (topic, body) = match &append.event {
            Ok(event) => event,
            Err(refusal) => {
                self.clients.decide(numbered, refusal.id.as_deref(), Err(refusal.code));
                return (self.refused_for_good(refusal.code, &refusal.message), None);
            }
        };
        let mut known = self.logs.iter().enumerate();
        let known = known.find_map(|(stream, log)| Some((stream, log.find(body)?)));
        let (place, logged) = match known {
            Some(place) => (place, None),
            None if self.full => {
                return (self.clients.refuse_for_now(numbered, RejectCode::DiskFull), None);
            }
            None => {
                let stream = self.stream_of(topic);
                let logged = self.logs[stream].append(topic, body);
                ((stream, logged.offset), Some(logged))
            }
        };
        self.clients.decide(numbered, Some(&body.id), Ok((place.0 as u32, place.1)));
        (self.stored(place), logged)
    }

    fn refused_for_good(&self, code: RejectCode, message: &str) -> Decided {
        if self.bug == Some(Bug::RejectAnsweredAsStored) {
            return self.stored((0, self.logs[0].head().offset));
        }
        rejected(code, message)
    }

    /// The answer to a query. A history looks at no more than `look_at` events.
    pub fn answer(&self, query: &Query, look_at: usize) -> Answer {
        match query {
            Query::Locate { .. } if self.fails => Answer::Located(Located::Unavailable),
            Query::Locate { pattern, start } => Answer::Located(self.locate(pattern, start)),
            Query::Read { stream, pattern, from, limit } => {
                Answer::Page(self.page(*stream, pattern, *from, *limit))
            }
            Query::History { stream, pattern, before, limit } => {
                let mut older = self.logs[*stream].older(pattern, *before, *limit, look_at);
                if self.bug == Some(Bug::PageSkipsOne) {
                    older.events.pop();
                }
                Answer::Older(older)
            }
            Query::Tally(topics) => {
                let count = |(topic, after): &(Topic, Option<Position>)| {
                    self.logs[self.stream_of(topic)].count(topic, after.as_ref())
                };
                Answer::Counts(topics.iter().map(count).collect())
            }
        }
    }

    fn locate(&self, pattern: &Pattern, start: &Start) -> Located {
        let (mut places, mut strange) = (Vec::new(), Vec::new());
        for log in &self.logs {
            match log.locate(pattern, start) {
                Ok(place) => places.push(place),
                Err(head) => strange.push(head),
            }
        }
        if strange.is_empty() { Located::At(places) } else { Located::Reset(strange) }
    }

    /// The matching events of a stream from an offset on.
    pub fn page(&self, stream: StreamNo, pattern: &Pattern, from: u64, limit: usize) -> Page {
        self.logs[stream].page(pattern, from, limit)
    }

    /// Makes a stream keep only the newest events of each topic, up to this number.
    pub fn keep_last(&mut self, stream: StreamNo, count: usize) {
        self.logs[stream].keep_last(count);
    }

    /// Drops the events of a stream that later ones of their topics supersede. A relay does this in the commit of the
    /// later ones.
    pub fn supersede(&mut self, stream: StreamNo) {
        self.logs[stream].supersede(self.bug == Some(Bug::DropsNewestValue));
    }

    /// Drops the oldest events of a stream until a number of them is left, and returns the last dropped offset.
    pub fn trim(&mut self, stream: StreamNo, left: u64) -> u64 {
        self.logs[stream].trim(left)
    }

    /// Starts a new epoch, because the log of a stream may have lost its tail.
    pub fn recovered(&mut self, stream: StreamNo, epoch: u64) {
        if self.bug != Some(Bug::SameEpochAfterLostTail) {
            self.logs[stream].start_epoch(epoch);
        }
    }

    /// The known clients.
    pub fn clients(&self) -> Vec<ClientId> {
        self.clients.ids()
    }

    /// The fencing token of a client's newest connection.
    pub fn fence(&self, client: &ClientId) -> Option<u64> {
        self.clients.fence(client)
    }

    /// The device key that a client has proven.
    pub fn key(&self, client: &ClientId) -> Option<[u8; 65]> {
        self.clients.key(client)
    }

    /// The highest decided number of a client, and the id of that event.
    pub fn last_decided(&self, client: &ClientId) -> Option<(u64, Option<&str>)> {
        self.clients.last_decided(client)
    }

    /// Whether a client is known and not forgotten.
    pub fn is_sure_of(&self, client: &ClientId) -> bool {
        self.clients.is_sure_of(client)
    }

    /// Forgets a client that was absent for too long.
    pub fn forget(&mut self, client: &ClientId) {
        self.clients.forget(client);
    }

    fn stored(&self, (stream, offset): (StreamNo, u64)) -> Decided {
        let position = self.logs[stream].position(offset);
        let named = match self.bug {
            Some(Bug::OtherStream) => self.logs.len() - 1 - stream,
            _ => stream,
        };
        let stream = self.logs[named].head().stream;
        Decided::Stored(Position { stream, ..position }, Durability::Disk)
    }
}

fn rejected(code: RejectCode, message: &str) -> Decided {
    Decided::Rejected { code, message: message.to_owned(), retry: None }
}
