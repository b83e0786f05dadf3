//! Bugs on purpose, in what surrounds the machines: a simulation that does not find them proves nothing.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// The store logs a number again that it has decided.
    NoDedupe,
    /// The relay answers publishes when they wait for the commit.
    AckBeforeCommit,
    /// The relay hands events to subscribers when they wait for the commit.
    DeliverBeforeCommit,
    /// A reader that resumes is given a page without its first event.
    SkipOneOnResume,
    /// A log that has lost its tail goes on in the same epoch.
    SameEpochAfterLostTail,
    /// The outbox gives a number to two rows.
    NumberUsedTwice,
    /// The relay answers a final reject as if the event were stored.
    RejectAnsweredAsStored,
    /// The relay lets an older connection of a client go on beside a newer one.
    NoFence,
    /// A leader whose lock was stolen is told by nobody, neither lock nor tabs, and the relay takes what it
    /// writes.
    StaleLeader,
    /// A publish is acked with its offset in another stream than it stands in.
    OtherStream,
    /// The relay does not look at what a reader has room for.
    NoCredit,
    /// A page of history misses its last event.
    PageSkipsOne,
    /// Who has gone without leaving is present at the relay for ever.
    GhostsStay,
    /// A disk that was deleted takes a row as one that has left, though it has not under its new number.
    MarksRowsOfAnotherClient,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::NoDedupe,
        Self::AckBeforeCommit,
        Self::DeliverBeforeCommit,
        Self::SkipOneOnResume,
        Self::SameEpochAfterLostTail,
        Self::NumberUsedTwice,
        Self::RejectAnsweredAsStored,
        Self::NoFence,
        Self::StaleLeader,
        Self::OtherStream,
        Self::NoCredit,
        Self::PageSkipsOne,
        Self::GhostsStay,
        Self::MarksRowsOfAnotherClient,
    ];
}
