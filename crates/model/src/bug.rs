//! Deliberate bugs of a store.

/// A deliberate bug of a [`Store`](crate::Store). The tests that compare stores, or check what they promise, must find
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// It logs a number again that it has already decided.
    NoDedupe,
    /// It ignores fencing tokens.
    NoFence,
    /// It admits a client by its secret although the client has proven a key.
    SecretOpensAfterKey,
    /// It answers the repeat of a rejected event as if the event were stored.
    RejectAnsweredAsStored,
    /// It names the wrong stream in the position of an event.
    OtherStream,
    /// A page of history misses its last event.
    PageSkipsOne,
    /// It logs a deletion, and keeps the deleted event as it was.
    DeletesNothing,
    /// It logs the deletion of a deleted event again.
    DeletesTwice,
    /// A stream that keeps the last values of its topics drops the newest ones instead of the oldest.
    DropsNewestValue,
    /// A log that has lost its tail keeps its epoch.
    SameEpochAfterLostTail,
}
