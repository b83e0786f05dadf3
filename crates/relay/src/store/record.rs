//! An event as the log takes it. Made by the connection that it came through: the one thread that writes has
//! the least to do, and frees little that another has allocated.

use std::sync::Arc;

use session::server::{Append, Numbered, Refusal, Ticket};
use topic::Topic;

use super::ids::{Digest, digest};

/// An [`Append`], ready to be written.
#[derive(Debug, Clone)]
pub struct Record {
    pub(crate) ticket: Ticket,
    pub(crate) client: Option<Numbered>,
    pub(crate) event: Result<Ready, Refusal>,
}

#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) topic: Topic,
    pub(crate) id: String,
    /// Of its source and id.
    pub(super) digest: Digest,
    /// Encoded.
    pub(crate) body: Arc<[u8]>,
}

impl Ready {
    /// About how many bytes it adds to the log.
    pub(super) fn bytes(&self) -> u64 {
        (self.topic.as_str().len() + self.body.len()) as u64
    }
}

impl From<Append> for Record {
    fn from(Append { ticket, client, event }: Append) -> Self {
        let event = event.map(|(topic, body)| {
            let (digest, encoded) = (digest(&body), body.encode().into());
            Ready { topic, digest, body: encoded, id: body.id }
        });
        Self { ticket, client, event }
    }
}
