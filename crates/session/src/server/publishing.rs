//! The publishing side: from a client's event to the log, or to the other connections, and back to the client with
//! the outcome. Events are checked, and signed with what only the peer can attest.

use topic::Topic;

use super::{
    Append, Decided, Effect, Ephemeral, Numbered, Refusal, Server, ServerState, Ticket, claims,
};
use crate::signed::{Thumbprint, is_for_certificates};
use crate::wire::frame::{Ack, FromPeer, Publish, Reject};
use crate::wire::topic_numbers::UnknownTopic;
use crate::{Body, CloseCode, Extension, MAX_UNANSWERED, RejectCode};

/// Why an ephemeral event on a topic of certificates is refused.
const NOT_DURABLE: &str =
    "topics of the form `certs.*` have durable events only: the certificates of keys";

/// What the client waits for: the outcome of a numbered event, of a request to delete, or of what has an id in JSON.
#[derive(Debug)]
pub(super) enum Waiting {
    Number(u64),
    Delete(u32),
    #[cfg(feature = "json")]
    Id(String),
}

impl Server {
    pub(super) fn publish(
        &mut self,
        (client, fence, mut lowest): ([u8; 16], u64, u64),
        publish: Publish,
    ) {
        if let Some(raised) = publish.lowest {
            lowest = lowest.max(raised);
            self.state = ServerState::Open { client: Some((client, fence, lowest)) };
        }
        let (number, is_named) = (publish.topic, publish.name.is_some());
        let topic = self.topics_in.topic(number, publish.name.as_deref());
        let event = self.checked(topic, &publish.body);
        if is_named {
            self.publish_rights.forget(number);
        }
        let event = event.and_then(|(topic, body)| match self.may_publish(number, &topic) {
            true => Ok((topic, body)),
            false => Err(self.not_allowed(&topic, body.id)),
        });
        let Some(number) = publish.number else {
            return match event {
                Ok((topic, _)) if is_for_certificates(topic.as_str()) => {
                    self.close(CloseCode::ProtocolError, NOT_DURABLE);
                }
                Ok((topic, body)) => {
                    let event = Self::ephemeral(topic, &body);
                    self.show(Effect::Forward(event));
                }
                Err(refusal) if refusal.code == RejectCode::NotAllowed => {
                    self.denied(publish.topic, refusal.message);
                }
                Err(refusal) => self.close(CloseCode::ProtocolError, &refusal.message),
            };
        };
        if self.holds_back(number) {
            return;
        }
        self.held_back = None;
        self.record();
        let client = Numbered { client, fence, number, lowest };
        self.append(Waiting::Number(number), Some(client), event);
    }

    /// The event for the other connections.
    pub(super) fn ephemeral(topic: Topic, body: &Body) -> Ephemeral {
        let mut extensions = body.extensions.iter();
        let key = match extensions.find(|(name, _)| name == "partitionkey") {
            Some((_, Extension::Text(key))) => key.as_str().into(),
            Some((_, Extension::Integer(key))) => key.to_string().into(),
            _ => body.source.as_str().into(),
        };
        Ephemeral::new(topic, key, body.encode().into())
    }

    pub(super) fn append(
        &mut self,
        waiting: Waiting,
        client: Option<Numbered>,
        event: Result<(Topic, Body), Refusal>,
    ) {
        if let Some(ticket) = self.await_outcome(waiting) {
            self.effects.push_back(Effect::Append(Append { ticket, client, event }));
        }
    }

    /// Gives a ticket to a request whose outcome the client awaits. If there are too many, closes the connection and
    /// returns `None`.
    pub(super) fn await_outcome(&mut self, waiting: Waiting) -> Option<Ticket> {
        if self.unanswered.len() >= MAX_UNANSWERED {
            let message = format!("{MAX_UNANSWERED} publishes are unanswered already");
            self.close(CloseCode::TooManyUnanswered, &message);
            return None;
        }
        let ticket = self.ticket();
        self.unanswered.push_back((ticket, waiting));
        Some(ticket)
    }

    /// Checks an event: its topic, and the body with the peer's additions. Returns why it cannot be published
    /// otherwise.
    pub(super) fn checked(
        &self,
        topic: Result<Topic, UnknownTopic>,
        body: &[u8],
    ) -> Result<(Topic, Body), Refusal> {
        self.fits(body.len())?;
        let mut body = Body::decode(body).map_err(|error| Refusal {
            code: error.code(),
            message: error.to_string(),
            id: None,
        })?;
        let topic = self.signed(topic, &mut body)?;
        Ok((topic, body))
    }

    /// Checks the size of a body.
    pub(super) fn fits(&self, bytes: usize) -> Result<(), Refusal> {
        if bytes <= self.options.max_event {
            return Ok(());
        }
        let message = format!("an event may have at most {} bytes", self.options.max_event);
        Err(Refusal { code: RejectCode::TooLarge, message, id: None })
    }

    /// The same for a decoded body.
    pub(super) fn signed(
        &self,
        topic: Result<Topic, UnknownTopic>,
        body: &mut Body,
    ) -> Result<Topic, Refusal> {
        let legal = claims::check(body, self.key().is_some());
        self.sign(body);
        // The peer's additions may exceed a limit, and what is logged must stay readable.
        let legal =
            legal.and_then(|()| body.check().map_err(|error| (error.code(), error.to_string())));
        let illegal = match (legal, topic) {
            (Err(illegal), _) => illegal,
            (_, Err(UnknownTopic::Number)) => {
                (RejectCode::IllegalTopic, "the topic's number has no name".to_owned())
            }
            (_, Err(UnknownTopic::Name(error))) => (RejectCode::IllegalTopic, error.to_string()),
            (_, Ok(topic)) if topic.is_system() => {
                let message = "topics that begin with `$` are not bridged".to_owned();
                (RejectCode::IllegalTopic, message)
            }
            (Ok(()), Ok(topic)) if is_for_certificates(topic.as_str()) && self.key().is_none() => {
                let message =
                    "a certificate comes from the holder of its key: the hello has not proven one";
                (RejectCode::UnknownCertificate, message.to_owned())
            }
            (Ok(()), Ok(topic)) => return Ok(topic),
        };
        let (code, message) = illegal;
        let is_named = (1..=Body::MAX_ATTRIBUTE_BYTES).contains(&body.id.len());
        let id = is_named.then(|| body.id.clone());
        Err(Refusal { code, message, id })
    }

    /// Adds what only the peer can attest: the client or its key in the source, its account, the peer on the path, and
    /// the time if the event has none.
    fn sign(&self, body: &mut Body) {
        let said = body.source.trim_start_matches('/');
        let key = self.key().filter(|_| body.signature.is_some());
        let key = key.map(|key| Thumbprint::of(key).source());
        let prefix = key.as_deref().unwrap_or(&self.source);
        let mut source = String::with_capacity(prefix.len() + 1 + said.len());
        source.push_str(prefix);
        if !said.is_empty() {
            source.push('/');
            source.push_str(said);
        }
        body.source = source;
        body.authid = self.credential.account().map(str::to_owned);
        body.path.push(self.options.peer.clone());
        if let Some(ahead) = self.wall_is_ahead {
            claims::put_time(body, self.heard.saturating_add_signed(ahead));
        }
    }

    /// The response to [`Effect::Append`] and to [`Effect::Delete`].
    pub fn decided(&mut self, ticket: Ticket, decided: Decided) {
        let at = self.unanswered.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        let Some((_, waiting)) = at.ok().and_then(|at| self.unanswered.remove(at)) else { return };
        if self.state == ServerState::Closed {
            return;
        }
        match (waiting, decided) {
            (_, Decided::Fenced) => self.fenced(),
            (Waiting::Number(number), Decided::Stored(position, durability)) => {
                self.send(&FromPeer::Ack(Ack { number, position, durability }));
            }
            (Waiting::Number(number), Decided::Rejected { code: RejectCode::HeldBack, .. })
                if self.holds_back(number) => {}
            (Waiting::Number(number), Decided::Rejected { code, message, retry }) => {
                self.reject(number, code, &message, retry);
            }
            (Waiting::Delete(request), decided) => self.answer_delete(request, decided),
            #[cfg(feature = "json")]
            (Waiting::Id(id), decided) => self.answer_text(&id, decided),
        }
    }

    /// Whether an earlier number must be retried first. Dropped silently: the retryable reject already makes the
    /// client resend from there, and an answer for each would make it resend each time.
    fn holds_back(&self, number: u64) -> bool {
        self.held_back.is_some_and(|held| number > held)
    }

    fn reject(&mut self, number: u64, code: RejectCode, message: &str, retry: Option<u32>) {
        if retry.is_some() {
            self.held_back = Some(self.held_back.map_or(number, |held| held.min(number)));
        }
        let message = message.to_owned();
        self.send(&FromPeer::Reject(Reject { number, code, message, retry }));
    }
}

/// The prefix for the sources of a client's events.
pub(super) fn source_of(client: &[u8; 16]) -> String {
    format!("/clients/{:032x}", u128::from_be_bytes(*client))
}

#[cfg(test)]
mod tests;
