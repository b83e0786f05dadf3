//! Deliberate bugs around the machines. The simulation must find them.

use model::Bug;

/// A deliberate bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// The store logs a number again that it has already decided.
    NoDedupe,
    /// The relay acks publishes before their commit.
    AckBeforeCommit,
    /// The relay delivers events before their commit.
    DeliverBeforeCommit,
    /// A resuming reader misses the first event of a page.
    SkipOneOnResume,
    /// A log that has lost its tail keeps its epoch.
    SameEpochAfterLostTail,
    /// A stream that keeps the last values of its topics drops the newest ones.
    DropsNewestValue,
    /// The outbox uses the same number for two rows.
    NumberUsedTwice,
    /// The relay acks a final reject.
    RejectAnsweredAsStored,
    /// The relay does not fence an older connection of a client.
    NoFence,
    /// A leader is never notified that its lock was stolen, and the relay accepts its writes.
    StaleLeader,
    /// A publish is acked with the wrong stream.
    OtherStream,
    /// The relay ignores the room of a reader.
    NoCredit,
    /// A page of history misses its last event.
    PageSkipsOne,
    /// The store keeps the data of a deleted event.
    DeletesNothing,
    /// The store logs the deletion of a deleted event again.
    DeletesTwice,
    /// A client that disconnects without leaving stays present forever.
    GhostsStay,
    /// A row from a deleted disk counts as sent although it was not sent with its new number.
    MarksRowsOfAnotherClient,
    /// The peer gives a connection that resumes the rights of its client's first connection.
    ResumeUnchecked,
    /// The peer keeps rights after the credential has ended.
    RightOutlivesToken,
    /// A disk forgets which events must be signed.
    DiskForgetsToSign,
    /// The relay admits a client by its secret although the client has proven a key.
    SecretOpensAfterKey,
}

impl Mutation {
    /// All variants.
    pub const ALL: [Self; 21] = [
        Self::NoDedupe,
        Self::AckBeforeCommit,
        Self::DeliverBeforeCommit,
        Self::SkipOneOnResume,
        Self::SameEpochAfterLostTail,
        Self::DropsNewestValue,
        Self::NumberUsedTwice,
        Self::RejectAnsweredAsStored,
        Self::NoFence,
        Self::StaleLeader,
        Self::OtherStream,
        Self::NoCredit,
        Self::PageSkipsOne,
        Self::DeletesNothing,
        Self::DeletesTwice,
        Self::GhostsStay,
        Self::MarksRowsOfAnotherClient,
        Self::ResumeUnchecked,
        Self::RightOutlivesToken,
        Self::DiskForgetsToSign,
        Self::SecretOpensAfterKey,
    ];

    /// The bug of the relay's store, if it is one.
    pub fn of_store(self) -> Option<Bug> {
        Some(match self {
            Self::NoDedupe => Bug::NoDedupe,
            Self::SameEpochAfterLostTail => Bug::SameEpochAfterLostTail,
            Self::DropsNewestValue => Bug::DropsNewestValue,
            Self::RejectAnsweredAsStored => Bug::RejectAnsweredAsStored,
            Self::NoFence => Bug::NoFence,
            Self::OtherStream => Bug::OtherStream,
            Self::SecretOpensAfterKey => Bug::SecretOpensAfterKey,
            Self::PageSkipsOne => Bug::PageSkipsOne,
            Self::DeletesNothing => Bug::DeletesNothing,
            Self::DeletesTwice => Bug::DeletesTwice,
            _ => return None,
        })
    }
}
