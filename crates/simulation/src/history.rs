//! Histories: the decisions of the store and what each application received, in one order.
//!
//! The world writes a history and the [checker](crate::check) reads it. They do not know each other. Topics, events,
//! profiles and readers are small numbers, so that tests can write histories by hand.

use std::fmt;

/// An event, for all copies of its row.
pub type EventNo = u32;
/// A profile: the outbox that the tabs of an origin share, with its identity.
pub type ProfileNo = u32;
/// One life of a tab. A reload begins another.
pub type LifeNo = u32;
/// A subscription, a reader of history, a watcher of presence or a delete in one life of a tab.
pub type ReaderNo = u32;
/// A client id of a profile, now or earlier: the publisher as the peer names it.
pub type ClientNo = u32;
/// A topic.
pub type TopicNo = u8;
/// A stream. Each topic belongs to one; 0 is the main stream.
pub type StreamNo = u8;
/// The most streams of a relay.
pub const STREAMS: usize = 2;

/// A position in the log of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoggedAt {
    /// The stream.
    pub stream: StreamNo,
    /// The epoch of its log.
    pub epoch: u64,
    /// The offset, from 1.
    pub offset: u64,
}

/// The topics of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topics(pub u32);

impl Topics {
    /// All topics.
    pub const ALL: Self = Self(u32::MAX);

    /// These topics.
    pub fn of(topics: &[TopicNo]) -> Self {
        Self(topics.iter().fold(0, |set, topic| set | 1 << topic))
    }

    /// Whether this topic is one of them.
    pub fn holds(self, topic: TopicNo) -> bool {
        self.0 & (1 << topic) != 0
    }
}

/// Where a subscription starts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// After the newest event.
    Latest,
    /// At the oldest event of each stream.
    Earliest,
    /// At the last events of its topics, up to this number, in each stream.
    Last(u64),
    /// After these positions, which the application has kept over a reload. Streams without a position start at their
    /// first event.
    After([Option<LoggedAt>; STREAMS]),
}

/// The outcome of a kept event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The event is in the log.
    Stored(LoggedAt),
    /// The event is not in the log and never will be: it was rejected, has expired or was cancelled.
    Rejected,
    /// The outcome is unknown.
    Uncertain,
}

/// A change in the life of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageState {
    /// It begins or is restored. From now on it receives the messages of the other tabs of its profile.
    Here,
    /// It is put into the back/forward cache.
    Away {
        /// It has received no messages from this virtual time on.
        since: u64,
    },
    /// It has ended.
    Gone,
}

/// A record. Its fields are the small numbers above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each field is named after its type
pub enum Record {
    /// The store keeps the newest events of each topic of a stream, up to this number, and may drop the others.
    KeepsLast { stream: StreamNo, count: usize },
    /// The store has committed an event.
    Logged { place: LoggedAt, client: ClientNo, event: EventNo, topic: TopicNo },
    /// The store has committed an event that reports the deletion of another one, and has emptied that.
    LoggedDeletion { place: LoggedAt, target: LoggedAt, topic: TopicNo },
    /// The store has dropped the events of a stream up to this offset.
    Trimmed { stream: StreamNo, up_to: u64 },
    /// The store has restarted without the events after `head` in a stream, in a new epoch.
    TailLost { stream: StreamNo, epoch: u64, head: u64 },

    /// An application has learned that its publish is kept on a disk.
    Kept { profile: ProfileNo, event: EventNo },
    /// An application has learned that its publish is kept in memory only.
    Taken { profile: ProfileNo, event: EventNo },
    /// The event may be rejected, because it breaks a rule, is cancelled or may expire. No other event may be.
    Refusable { event: EventNo },
    /// The event must be signed before it is sent.
    MustBeSigned { event: EventNo },
    /// The store has committed an event without a signature of its device.
    LoggedUnsigned { event: EventNo },
    /// The peer has admitted a connection that did not prove the key of its client.
    AdmittedWithoutKey { client: ClientNo },
    /// This profile now has a copy of the row of an event.
    Copied { profile: ProfileNo, event: EventNo },
    /// This profile has the row of an event again, from a backup. `is_other`: it has had another client id since, with
    /// which the event may have been sent as well.
    Restored { profile: ProfileNo, event: EventNo, is_other: bool },
    /// The outcomes of this profile's events may stay unknown until it is [`Record::Certain`] again. Its client was
    /// forgotten, or is used by two profiles or by two states of one.
    Doubted { profile: ProfileNo },
    /// The relay has forgotten its decisions for a client. It recognises an event only while that is in the log.
    Forgot { client: ClientNo },
    /// Publishes that this profile keeps from now on have a known outcome.
    Certain { profile: ProfileNo },
    /// This profile has lost the row, because its disk was replaced or destroyed.
    Wiped { profile: ProfileNo, event: EventNo },
    /// The life of a page has changed.
    Page { life: LifeNo, state: PageState },
    /// An application has received a pending event of its own or of another tab.
    Echoed { life: LifeNo, event: EventNo },
    /// An application has learned the outcome of a publish.
    Answered { profile: ProfileNo, life: LifeNo, event: EventNo, answer: Answer },

    /// An application subscribes with room for this number of unfinished events.
    Subscribed { reader: ReaderNo, topics: Topics, from: From, room: u32 },
    /// It has learned that it has caught up in all streams.
    CaughtUp { reader: ReaderNo },
    /// It has received an event.
    Delivered { reader: ReaderNo, place: LoggedAt, event: EventNo },
    /// The event that a reader has received there has its data, or was emptied.
    Data { reader: ReaderNo, place: LoggedAt, is_there: bool },
    /// It has finished an event.
    Took { reader: ReaderNo },
    /// It has received a gap in a stream.
    Gap { reader: ReaderNo, stream: StreamNo, from: u64, to: u64 },
    /// It has learned that a stream has a new epoch.
    Reset { reader: ReaderNo, stream: StreamNo },

    /// An application pages backwards from the newest event of its topics, one stream after the other.
    Scrolls { reader: ReaderNo, topics: Topics },
    /// It has received an event that is older than the previous one.
    Older { reader: ReaderNo, place: LoggedAt, event: EventNo },
    /// It has learned that it has reached the beginning.
    Bottom { reader: ReaderNo },
    /// It has learned that the log has a new epoch, and starts again.
    ScrollsAgain { reader: ReaderNo },

    /// An application asks to delete an event.
    Deletes { reader: ReaderNo, target: LoggedAt },
    /// It has learned where the deletion is logged, or `None` if the event stays.
    Deleted { reader: ReaderNo, deletion: Option<LoggedAt> },

    /// A profile has really joined or left a topic.
    Present { topic: TopicNo, profile: ProfileNo, here: bool },
    /// An application watches the presence on a topic.
    Watches { reader: ReaderNo, topic: TopicNo },
    /// It has learned that this profile has joined or left.
    Seen { reader: ReaderNo, profile: ProfileNo, here: bool },

    /// The subscription, reader, watcher or delete with this number has ended.
    Ended { reader: ReaderNo },
}

/// All records with their virtual times.
#[derive(Debug, Clone, Default)]
pub struct History {
    records: Vec<(u64, Record)>,
}

impl History {
    /// Adds a record.
    pub fn push(&mut self, now: u64, record: Record) {
        self.records.push((now, record));
    }

    /// The records in order.
    pub fn records(&self) -> &[(u64, Record)] {
        &self.records
    }
}

/// The number of the event that reports the deletion of another one.
pub fn deletion_of(stream: StreamNo, offset: u64) -> EventNo {
    1 << 31 | EventNo::from(stream) << 24 | offset as EventNo
}

impl FromIterator<Record> for History {
    /// Creates a history with one record per millisecond.
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        Self { records: (0..).zip(records).collect() }
    }
}

impl fmt::Display for LoggedAt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{} of stream {}", self.offset, self.epoch, self.stream)
    }
}
