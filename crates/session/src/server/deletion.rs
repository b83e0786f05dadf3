//! The decision on a delete. The connection knows the rights of its client, but only the store has the event. So a
//! request carries the rights, and the store decides by them.

use topic::Topic;

use super::{StreamNo, Ticket};
use crate::rights::{Right, Rights};
use crate::signed::is_for_certificates;
use crate::{Body, Position, RejectCode};

/// An event to delete. A store looks the event up, asks [`Deletion::check`], and then logs [`Deletion::event`] and
/// replaces the event's body in the same commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// Identifies the request.
    pub ticket: Ticket,
    /// The stream of the event.
    pub stream: StreamNo,
    /// The position of the event.
    pub target: Position,
    /// The deletion event, for the topic and the stream of the deleted one.
    pub event: Body,
    /// The beginnings of the sources of the client's events: of its own, and of its device's key.
    pub sources: Vec<String>,
    /// The account of the client; `None` for a guest.
    pub account: Option<String>,
    /// What the client may do.
    pub rights: Rights,
}

/// An event that the client may delete, and what is left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletable {
    /// The event, which has to be deleted.
    New(Box<Body>),
    /// The event was deleted before, by the deletion event at this offset.
    Repeat(u64),
}

impl Deletion {
    /// The refusal if the log has no event at the target's position.
    pub const NOT_FOUND: (RejectCode, &'static str) =
        (RejectCode::NotFound, "there is no such event in this log");

    /// Decides about the event at the target's position, by its topic and its encoded body. `epoch` is that of the log.
    ///
    /// # Errors
    /// Why the event stays, as a code and in words.
    pub fn check(
        &self,
        epoch: u64,
        topic: &Topic,
        body: &[u8],
    ) -> Result<Deletable, (RejectCode, &'static str)> {
        if epoch != self.target.epoch {
            return Err(Self::NOT_FOUND);
        }
        let body = Body::decode(body).map_err(|_| Self::NOT_FOUND)?;
        if self.target.id.as_ref().is_some_and(|id| *id != body.id) {
            return Err(Self::NOT_FOUND);
        }
        if body.is_from_peer() {
            return Err((RejectCode::NotAllowed, "an event of the peer itself cannot be deleted"));
        }
        if is_for_certificates(topic.as_str()) {
            return Err((RejectCode::NotAllowed, "certificates are revoked, not deleted"));
        }
        if !self.is_of_author(&body) && !self.rights.allow(Right::Moderate, topic) {
            let message =
                "only the author may delete an event, and those who may moderate its topic";
            return Err((RejectCode::NotAllowed, message));
        }
        Ok(match body.deleted() {
            Some(deletion) => Deletable::Repeat(deletion),
            None => Deletable::New(Box::new(body)),
        })
    }

    /// Whether the client has published the event: its account has, or for a guest this client.
    fn is_of_author(&self, body: &Body) -> bool {
        if self.account.is_some() || body.authid.is_some() {
            return self.account == body.authid;
        }
        let begins = |source: &String| {
            let rest = body.source.strip_prefix(source);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.sources.iter().any(begins)
    }
}
