//! An event as the log takes it. The connection that received it prepares it, so that the one thread that writes does
//! little work, and frees little memory that other threads have allocated.

use std::sync::Arc;

use session::server::{Append, Numbered, Refusal, Ticket};
use topic::Topic;

use crate::digest::{Digest, digest};

/// An [`Append`], ready to be written.
#[derive(Debug, Clone)]
pub struct Record {
    /// Names the request.
    pub ticket: Ticket,
    /// The number of a client's event; `None` for a client without a hello.
    pub client: Option<Numbered>,
    pub(crate) event: Result<Ready, Refusal>,
}

#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) topic: Topic,
    pub(crate) id: String,
    pub(crate) digest: Digest,
    /// Encoded.
    pub(crate) body: Arc<[u8]>,
}

impl Record {
    /// About how many bytes it adds to the log.
    pub(crate) fn bytes(&self) -> u64 {
        let event = self.event.as_ref();
        event.map_or(0, |ready| (ready.topic.as_str().len() + ready.body.len()) as u64)
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
