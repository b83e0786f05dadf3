//! What a client asks of the store that all tabs of an origin share, and what the store answers.
//!
//! The rows in a [`Client`](super::Client) are a mirror; the truth is in the store. Each [`StoreRequest`]
//! operation is one transaction, whole or not at all. A client's operations are carried out in the
//! order in which it asks, and each is answered once with [`Client::answer`](super::Client::answer).

use std::fmt;

use topic::Topic;

use super::Entropy;
use crate::{Durability, Millis, RejectCode};

/// Names a tab (or another page, or worker) of an origin. Random.
pub type TabId = [u8; 16];

/// A durable event that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Ascends in the order of publishes; the store gives it. 0 before that.
    pub number: u64,
    /// The event's id.
    pub id: String,
    /// Its topic.
    pub topic: Topic,
    /// Its [`Body`](crate::Body), encoded.
    pub body: Vec<u8>,
    /// After so many milliseconds since 1970 it is not sent any more, if it has not left before.
    pub expires: Option<Millis>,
    /// What the peer's answer must promise at least.
    pub durability: Durability,
    /// It may have left. One without this mark surely has not: it can expire, and be cancelled.
    pub leaving: bool,
    /// It will not be sent, and this is why: it stays until a page has told its application.
    pub dropped: Option<RejectCode>,
    /// The tab that published it.
    pub owner: TabId,
}

/// What proves that a client is who it says. Nobody reads it in a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

/// All that a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// The client's public id.
    pub client: [u8; 16],
    /// Proves it.
    pub secret: Secret,
    /// The next number to be given; from 1.
    pub next: u64,
    /// The last fencing token that was taken; 0 if none.
    pub fence: u64,
    /// The highest number of a row that was erased with an answer, and its event's id; 0 if none.
    pub decided: (u64, String),
    /// The rows; their numbers ascend.
    pub rows: Vec<OutboxRow>,
}

/// An operation on the store, in one transaction. Those that write rows or the identity ask for
/// strict durability: after the answer they outlive a crash of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreRequest {
    /// Number the rows from the next number on, but at least from `at_least`, write them, and move the
    /// next number behind them. If the store is another client's now, `at_least` does not count, and the rows are
    /// written without [`OutboxRow::leaving`]: under their new numbers they have not left.
    /// Answered by [`StoreResponse::Kept`].
    Keep {
        /// Whose numbers `at_least` counts.
        client: [u8; 16],
        /// In the order of their publishes.
        rows: Vec<OutboxRow>,
        /// Numbers below it are taken, though the store may not know.
        at_least: u64,
    },
    /// Set [`OutboxRow::leaving`] on those of the rows that are there and not [dropped](OutboxRow::dropped), if the store is
    /// still this client's.
    /// Answered by [`StoreResponse::Marked`].
    Mark {
        /// Whose numbers these are.
        client: [u8; 16],
        /// The rows.
        numbers: Vec<u64>,
    },
    /// Delete answered rows, and raise [`SavedState::decided`] to `decided` (never lower it), if the store is
    /// still this client's; otherwise nothing is left to do. Answered by [`StoreResponse::Erased`].
    Erase {
        /// Whose numbers these are.
        client: [u8; 16],
        /// The rows.
        numbers: Vec<u64>,
        /// The highest that the peer has decided, and its event's id; 0 if none.
        decided: (u64, String),
    },
    /// Set [`OutboxRow::dropped`] on those of the rows that are there and not [leaving](OutboxRow::leaving), if the store is
    /// still this client's. Answered by [`StoreResponse::Dropped`].
    Drop {
        /// Whose numbers these are.
        client: [u8; 16],
        /// The rows.
        numbers: Vec<u64>,
        /// Why; a row that has a reason already keeps it.
        why: RejectCode,
    },
    /// If the store is still `from`'s: take the new id and secret, set [`OutboxRow::dropped`] to
    /// [`RejectCode::Uncertain`] on the rows that are [leaving](OutboxRow::leaving) or have a number up to `highest`,
    /// number all anew from 1, put the next number behind them, and set fence and decided to 0. Answered by
    /// [`StoreResponse::Renewed`] in any case.
    Renew {
        /// The id that is given up.
        from: [u8; 16],
        /// What the peer has decided under it: such a row may be in the log, whatever this copy of it
        /// says.
        highest: u64,
        /// The new one.
        client: [u8; 16],
        /// Its secret.
        secret: Secret,
    },
    /// Raise [`SavedState::fence`] by one, or to one above `used`. Answered by [`StoreResponse::Fence`].
    TakeFence {
        /// The highest token that was greeted with, though the store may not know.
        used: u64,
    },
    /// Read everything. Answered by [`StoreResponse::Loaded`].
    Load,
}

/// The store's answer to a [`StoreRequest`] operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreResponse {
    /// The rows are safe.
    Kept {
        /// The client whose numbers they have.
        client: [u8; 16],
        /// The number of the first; the others follow without a hole.
        first: u64,
    },
    /// The rows that were there; they have the mark now.
    Marked(Vec<u64>),
    /// The rows are gone.
    Erased,
    /// What was there of the rows.
    Dropped {
        /// Those without the mark: they will not be sent.
        dropped: Vec<u64>,
        /// Those with it: they stay.
        leaving: Vec<u64>,
    },
    /// The store is another client's now, and holds this.
    Renewed(SavedState),
    /// The fencing token that was taken.
    Fence(u64),
    /// What the store holds.
    Loaded(SavedState),
}

/// An operation that the store did not carry out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct StoreFailed {
    /// The operation, given back.
    pub asked: StoreRequest,
    /// Why.
    pub error: StoreError,
}

/// Why a store did not carry out an operation. Nothing of it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The origin's quota, or the disk, is used up.
    #[error("the browser's storage is full: free some space for this site")]
    Full,
    /// There is no store (a private window, for one), or it is broken.
    #[error("the browser does not let this page store anything")]
    Unavailable,
}

impl SavedState {
    /// What an empty store is to hold: a new identity. It is written in the transaction that finds the
    /// store empty, so that tabs which start together agree.
    pub fn new(entropy: &mut Entropy) -> Self {
        let (mut client, mut secret) = ([0; 16], [0; 32]);
        entropy(&mut client);
        entropy(&mut secret);
        let secret = Secret(secret);
        Self { client, secret, next: 1, fence: 0, decided: (0, String::new()), rows: Vec::new() }
    }
}
