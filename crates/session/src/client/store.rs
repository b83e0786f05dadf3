//! What a client requests from the store that all tabs of an origin share, and the responses.
//!
//! The rows in a [`Client`](super::Client) are a mirror; the store is the truth. Each [`StoreRequest`] is one
//! transaction: it is applied completely or not at all. Apply a client's requests in order, and answer each once with
//! [`Client::answer`](super::Client::answer).

use std::fmt;

use topic::Topic;

use super::Entropy;
use crate::{Durability, Millis, RejectCode};

/// Identifies a tab (or another page, or a worker) of an origin. Random.
pub type TabId = [u8; 16];

/// A durable event that is not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Ascends in the order of publishes. The store assigns it; 0 until then.
    pub number: u64,
    /// The event's id.
    pub id: String,
    /// Its topic.
    pub topic: Topic,
    /// Its [`Body`](crate::Body), encoded.
    pub body: Vec<u8>,
    /// When the event expires, in milliseconds since 1970: it is not sent after that, unless it was sent before.
    pub expires: Option<Millis>,
    /// The least durability that the peer's answer must promise.
    pub durability: Durability,
    /// Whether it may have been sent. Without this flag it certainly was not, so it can expire or be cancelled.
    pub leaving: bool,
    /// Why it will not be sent. The row stays until a page has reported this to its application.
    pub dropped: Option<RejectCode>,
    /// The tab that published it.
    pub owner: TabId,
    /// By when it must be signed, in milliseconds since 1970. It is never sent without a signature, which the store
    /// does not hold. `None` if it needs none.
    pub sign_by: Option<Millis>,
}

impl OutboxRow {
    /// Whether it may be rejected because of the time.
    pub(super) fn is_timed(&self) -> bool {
        self.expires.is_some() || self.sign_by.is_some()
    }
}

/// Proves a client's identity. Its `Debug` output hides it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

/// Everything that a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedState {
    /// The client's public id.
    pub client: [u8; 16],
    /// The secret that proves the client's identity.
    pub secret: Secret,
    /// The next number to assign, starting at 1.
    pub next: u64,
    /// The last fencing token that was taken; 0 if no token was taken.
    pub fence: u64,
    /// The highest number among the rows that were erased after an answer, and its event's id; 0 if there was no such
    /// row.
    pub decided: (u64, String),
    /// The rows, by ascending number.
    pub rows: Vec<OutboxRow>,
}

/// A request to the store: one transaction. Requests that write rows or the identity need strict durability: once
/// answered, they survive a crash of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreRequest {
    /// Number the rows from the next number on, but at least from `at_least`; write them; and move the next number
    /// past them. If the store has changed to another client, ignore `at_least` and write the rows without
    /// [`OutboxRow::leaving`], because under their new numbers they have not been sent. Answered by
    /// [`StoreResponse::Kept`].
    Keep {
        /// The client whose numbers `at_least` refers to.
        client: [u8; 16],
        /// In the order of their publishes.
        rows: Vec<OutboxRow>,
        /// Lower numbers are taken, even if the store does not know that.
        at_least: u64,
    },
    /// Set [`OutboxRow::leaving`] on those of the rows that exist and are not [dropped](OutboxRow::dropped), if the
    /// store still belongs to this client. Answered by [`StoreResponse::Marked`].
    Mark {
        /// The client whose numbers these are.
        client: [u8; 16],
        /// The numbers of the rows.
        numbers: Vec<u64>,
    },
    /// Delete answered rows, and raise [`SavedState::decided`] to `decided` (never lower it), if the store still
    /// belongs to this client. Otherwise do nothing. Answered by [`StoreResponse::Erased`].
    Erase {
        /// The client whose numbers these are.
        client: [u8; 16],
        /// The numbers of the rows.
        numbers: Vec<u64>,
        /// The highest number that the peer has decided, and its event's id; 0 if it has decided none.
        decided: (u64, String),
    },
    /// Set [`OutboxRow::dropped`] on those of the rows that exist and are not [leaving](OutboxRow::leaving), if the
    /// store still belongs to this client. Answered by [`StoreResponse::Dropped`].
    Drop {
        /// The client whose numbers these are.
        client: [u8; 16],
        /// The numbers of the rows.
        numbers: Vec<u64>,
        /// The reason. A row that already has a reason keeps it.
        why: RejectCode,
    },
    /// If the store still belongs to `from`: take the new id and secret, set [`OutboxRow::dropped`] to
    /// [`RejectCode::Uncertain`] on the rows that are [leaving](OutboxRow::leaving) or have a number up to `highest`,
    /// renumber all rows from 1, move the next number past them, and set fence and decided to 0. Answered by
    /// [`StoreResponse::Renewed`] in any case.
    Renew {
        /// The client id to replace.
        from: [u8; 16],
        /// The highest number that the peer has decided for this id. A row up to it may be in the log, whatever this
        /// copy of the row says.
        highest: u64,
        /// The new client id.
        client: [u8; 16],
        /// Its secret.
        secret: Secret,
    },
    /// Raise [`SavedState::fence`] by one, or to `used + 1` if that is higher. Answered by [`StoreResponse::Fence`].
    TakeFence {
        /// The highest token that a hello has used. The store may not know of it.
        used: u64,
    },
    /// Read everything. Answered by [`StoreResponse::Loaded`].
    Load,
}

/// The store's response to a [`StoreRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreResponse {
    /// The rows are durable.
    Kept {
        /// The client whose numbers the rows have.
        client: [u8; 16],
        /// The number of the first row. The others follow without a gap.
        first: u64,
    },
    /// The rows that existed; they now have the mark.
    Marked(Vec<u64>),
    /// The rows are deleted.
    Erased,
    /// The rows that existed.
    Dropped {
        /// Those without the mark. They will not be sent.
        dropped: Vec<u64>,
        /// Those with the mark. They stay.
        leaving: Vec<u64>,
    },
    /// The store now belongs to another client. This is what it holds.
    Renewed(SavedState),
    /// The fencing token that was taken.
    Fence(u64),
    /// What the store holds.
    Loaded(SavedState),
}

/// A request that the store could not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct StoreFailed {
    /// The request.
    pub asked: StoreRequest,
    /// The cause.
    pub error: StoreError,
}

/// Why a store could not apply a request. Nothing of the request was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The origin's quota, or the disk, is used up.
    #[error("the browser's storage is full: free some space for this site")]
    Full,
    /// There is no store (for example in a private window), or it is broken.
    #[error("the browser does not let this page store anything")]
    Unavailable,
}

impl SavedState {
    /// The content of a new store: a fresh identity. Write it in the transaction that finds the store empty, so that
    /// tabs which start together agree on one identity.
    pub fn new(entropy: &mut Entropy) -> Self {
        let (mut client, mut secret) = ([0; 16], [0; 32]);
        entropy(&mut client);
        entropy(&mut secret);
        let secret = Secret(secret);
        Self { client, secret, next: 1, fence: 0, decided: (0, String::new()), rows: Vec::new() }
    }
}
