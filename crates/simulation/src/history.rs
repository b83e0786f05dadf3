//! What happened, in one order: what the store decided and what each application was told.
//!
//! The world writes it, and the [checker](crate::check) reads it; neither knows the other. Topics,
//! events, profiles and readers are small numbers, so that a history can be written by hand.

use std::fmt;

/// An event, over all copies of its row.
pub type EventNo = u32;
/// What the tabs of one origin share: an outbox, and the identity in it.
pub type ProfileNo = u32;
/// One life of one tab: a reload begins another.
pub type LifeNo = u32;
/// A subscription in one life of one tab, or who pages backwards there, or watches who is present.
pub type ReaderNo = u32;
/// An identity that a profile has, or had: the peer's word for who published.
pub type ClientNo = u32;
/// A topic.
pub type TopicNo = u8;
/// A stream, of which each topic has one; 0 is the main one.
pub type StreamNo = u8;
/// The most streams of a relay.
pub const STREAMS: usize = 2;

/// A place in the log of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The stream.
    pub stream: StreamNo,
    /// The life of its log.
    pub epoch: u64,
    /// From 1.
    pub offset: u64,
}

/// The topics that a subscription asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topics(pub u32);

impl Topics {
    /// All of them.
    pub const ALL: Self = Self(u32::MAX);

    /// These.
    pub fn of(topics: &[TopicNo]) -> Self {
        Self(topics.iter().fold(0, |set, topic| set | 1 << topic))
    }

    /// Whether this one is among them.
    pub fn holds(self, topic: TopicNo) -> bool {
        self.0 & (1 << topic) != 0
    }
}

/// Where a subscription starts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// After the head of the log.
    Latest,
    /// The first event that each stream still holds.
    Earliest,
    /// The last so many of its topics, in each stream.
    Last(u64),
    /// After these places, which the application has kept over a reload, and in a stream that has none with
    /// its first event.
    After([Option<Place>; STREAMS]),
}

/// What a publisher is told about a kept event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is in the log.
    Stored(Place),
    /// It is not, and never will be: rejected for good, expired or cancelled.
    Rejected,
    /// Nobody can say.
    Uncertain,
}

/// What becomes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageState {
    /// It begins, or comes back: it hears what other tabs of its profile say from now on.
    Here,
    /// It is put away.
    Away {
        /// It has heard nothing of what was said at this virtual time or later.
        since: u64,
    },
    /// It is gone for good.
    Gone,
}

/// Something that happened. Its fields are the small numbers above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each field is named after its type
pub enum Record {
    /// The store has committed an event.
    Logged { place: Place, client: ClientNo, event: EventNo, topic: TopicNo },
    /// The store has dropped what stands in a stream up to this offset.
    Trimmed { stream: StreamNo, up_to: u64 },
    /// The store has come back with nothing behind `head` in a stream, in a new life of its log.
    TailLost { stream: StreamNo, epoch: u64, head: u64 },

    /// An application was told that its publish is kept, by a disk that keeps it.
    Kept { profile: ProfileNo, event: EventNo },
    /// An application was told that its publish is taken, in memory only.
    Taken { profile: ProfileNo, event: EventNo },
    /// The event breaks a rule, is cancelled or may expire: it may be rejected. No other may.
    Refusable { event: EventNo },
    /// This profile now holds the row of an event too, copied from another one.
    Copied { profile: ProfileNo, event: EventNo },
    /// This profile holds the row of an event again, from its own past. `is_other`: it had another client's
    /// identity since, under which the event may have left as well.
    Restored { profile: ProfileNo, event: EventNo, is_other: bool },
    /// Nobody may be able to say what becomes of the events that this profile holds, and of those that it
    /// keeps until it is [`Record::Certain`] again: its client was forgotten, or is known to two profiles or
    /// to two states of one.
    Doubted { profile: ProfileNo },
    /// The relay has forgotten what it had decided for a client: it knows an event again only while the log
    /// holds it.
    Forgot { client: ClientNo },
    /// What this profile keeps from now on will have an answer that says something.
    Certain { profile: ProfileNo },
    /// This profile has no such row any more, for its disk was replaced or destroyed.
    Wiped { profile: ProfileNo, event: EventNo },
    /// What has become of a page.
    Page { life: LifeNo, state: PageState },
    /// An application is shown an event that waits for its answer: its own, or another tab's.
    Echoed { life: LifeNo, event: EventNo },
    /// An application was told what became of a publish.
    Answered { profile: ProfileNo, life: LifeNo, event: EventNo, answer: Answer },

    /// An application subscribes, and has room for so many events that it has not taken yet.
    Subscribed { reader: ReaderNo, topics: Topics, from: From, room: u32 },
    /// It was told that it has been told everything that was there, in all streams.
    CaughtUp { reader: ReaderNo },
    /// It was given an event.
    Delivered { reader: ReaderNo, place: Place, event: EventNo },
    /// It is done with one of them.
    Took { reader: ReaderNo },
    /// It was told that a range of a stream is gone.
    Gap { reader: ReaderNo, stream: StreamNo, from: u64, to: u64 },
    /// It was told that a stream is another one.
    Reset { reader: ReaderNo, stream: StreamNo },

    /// An application pages backwards, from the newest event of its topics on, through one stream after the
    /// other.
    Scrolls { reader: ReaderNo, topics: Topics },
    /// It was given an event, older than the one before.
    Older { reader: ReaderNo, place: Place, event: EventNo },
    /// It was told that there is nothing older.
    Bottom { reader: ReaderNo },
    /// It was told that the log is another one, and begins again.
    ScrollsAgain { reader: ReaderNo },

    /// A profile is present on a topic, in truth, or is so no more.
    Present { topic: TopicNo, profile: ProfileNo, here: bool },
    /// An application watches who is present on a topic.
    Watches { reader: ReaderNo, topic: TopicNo },
    /// It was told that an entry of this profile has come, or has gone.
    Seen { reader: ReaderNo, profile: ProfileNo, here: bool },

    /// Who subscribes, pages or watches under this number is gone, or wants no more.
    Ended { reader: ReaderNo },
}

/// All of it, with the virtual time of each record.
#[derive(Debug, Clone, Default)]
pub struct History {
    records: Vec<(u64, Record)>,
}

impl History {
    /// Adds what happens now.
    pub fn push(&mut self, now: u64, record: Record) {
        self.records.push((now, record));
    }

    /// The records in their order.
    pub fn records(&self) -> &[(u64, Record)] {
        &self.records
    }
}

impl FromIterator<Record> for History {
    /// A history by hand, one record a millisecond.
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        Self { records: (0..).zip(records).collect() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{} of stream {}", self.offset, self.epoch, self.stream)
    }
}
