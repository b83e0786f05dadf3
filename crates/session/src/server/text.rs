//! The `cloudevents.json` end of a connection: reads a client's texts, and writes the peer's frames as texts.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use topic::{Pattern, Topic};

use super::publishing::Waiting;
use super::run::RUN_TEXT_BYTES;
use super::tally::TallyFor;
use super::{
    Decided, Effect, Ephemeral, Refusal, Rendered, Server, ServerState, SocketMessage, StreamNo,
    Texts, Wire, texts,
};
use crate::json::{self, Incoming, Text};
use crate::rights::Subject;
use crate::wire::frame::{FromPeer, Recipient, Subscribe};
use crate::wire::topic_numbers::UnknownTopic;
use crate::{Body, CloseCode, Millis, RejectCode, Start, TopicTally};

use sha2::{Digest, Sha256};

/// The approximate limit on the bytes rendered for one receiver only.
const PLACE: usize = 64;
/// The bytes of a guest's random id that are part of its source. Base64 needs no padding for a multiple of three.
const GUEST_BYTES: usize = 12;

impl Server {
    /// Handles a text message.
    pub fn received_text(&mut self, message: &str, now: Millis) {
        self.heard(now);
        if message.len() > self.options.max_message {
            return self.too_large();
        }
        if self.wire != Wire::Json {
            let message = "this subprotocol uses binary messages";
            return self.close(CloseCode::ProtocolError, message);
        }
        let incoming = json::read(message);
        let is_first = self.hello_until.is_some();
        if incoming.is_ok() && !self.is_unknown() {
            self.hello_until = None;
        }
        match incoming {
            Ok(Incoming::Hello { id, guest, token }) if is_first => {
                self.hello_text(id, guest.as_deref(), token);
            }
            Ok(Incoming::Refresh { token }) => self.refresh(token),
            Ok(Incoming::Hello { id, .. }) => {
                let message = "`$link.hello` must come first, and only once";
                self.text(json::reject(&id, RejectCode::IllegalEvent, message));
            }
            Ok(Incoming::Publish { topic, body, ephemeral }) => {
                self.costs.publishes += 1;
                self.publish_text(&topic, body, ephemeral, message.len());
            }
            Ok(Incoming::Subscribe { id, pattern, start }) => {
                self.costs.subscribes += 1;
                self.subscribe_text(&id, &pattern, start);
            }
            Ok(Incoming::Tally { id, topics }) => {
                let names = topics.iter().map(|it| it.topic.clone()).collect();
                self.tally_for(TallyFor::Id(id, names), topics);
            }
            Ok(Incoming::Delete { id, position }) => {
                self.costs.publishes += 1;
                self.delete(Waiting::Id(id), position);
            }
            Ok(Incoming::Unsubscribe { pattern }) => {
                if let Some(subscription) = self.subscriptions.find(&pattern) {
                    self.unsubscribe(subscription);
                }
            }
            Err(json::ReadError::Event { id, message }) => {
                self.text(json::reject(&id, RejectCode::IllegalEvent, &message));
            }
            Err(json::ReadError::Text(message)) => self.close(CloseCode::ProtocolError, &message),
        }
    }

    /// Sets the identity of a client without a hello: random, and unique to the connection. Its events have the
    /// source `/guests/<id>`, unless it names a secret that identifies it across connections. Each receiver gets the
    /// source of each event, so it is short: 96 of the random bits in 16 characters.
    pub fn set_guest(&mut self, id: [u8; 16]) {
        if self.wire == Wire::Json {
            self.source = format!("/guests/{}", URL_SAFE_NO_PAD.encode(&id[..GUEST_BYTES]));
            self.credential.guest = Subject::json_guest(&id);
        }
    }

    fn hello_text(&mut self, id: String, guest: Option<&str>, token: Option<String>) {
        let is_account = self.credential.account().is_some();
        if let Some(secret) = guest
            && !is_account
        {
            self.name_guest(secret);
        }
        match token {
            // Without an authority, the token is not checked and everything is allowed.
            Some(token) if self.options.has_authority => {
                self.credential.greeting = Some(id);
                self.refresh(token);
            }
            _ if self.is_unknown() => {
                let message = "sign in: `$link.hello` needs a `token`";
                self.text(json::reject(&id, RejectCode::NotAllowed, message));
            }
            _ => self.welcome_text(&id),
        }
    }

    /// Identifies a guest by the hash of its secret.
    pub(super) fn name_guest(&mut self, secret: &str) {
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        self.source = format!("/guests/{digits}");
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        self.credential.guest = Subject::json_guest(&id);
        self.credential.name_guest();
        self.forget_publish_rights();
    }

    /// The authority has granted a credential.
    pub(super) fn signed_in(&mut self) {
        if self.wire != Wire::Json {
            return;
        }
        if let Some(name) = self.credential.account() {
            self.source = format!("/users/{}", json::path_segment(name));
        }
        if let Some(id) = self.credential.greeting.take() {
            self.hello_until = None;
            self.welcome_text(&id);
        }
    }

    fn welcome_text(&mut self, id: &str) {
        let subject = self.subject();
        let subject = subject.unwrap_or(self.credential.guest.name());
        self.text(json::welcome(id, &self.source, subject, &self.credential.rights));
    }

    /// Writes that a subscription cannot be made, or has ended.
    pub(super) fn refuse_text(&mut self, pattern: &str, code: RejectCode, message: &str) {
        self.text(json::refused(pattern, code, message));
    }

    fn publish_text(&mut self, topic: &str, mut body: Body, ephemeral: bool, bytes: usize) {
        match self.admitted(topic, &mut body, bytes) {
            Err(refusal) => self.text(json::reject(&body.id, refusal.code, &refusal.message)),
            Ok(topic) if ephemeral => {
                let event = Self::ephemeral(topic, &body);
                // Its receivers probably speak JSON too, and the body need not be decoded for them.
                event.text.keep(&event.body, Text::of_read(&event.topic, &body));
                self.show(Effect::Forward(event));
            }
            Ok(topic) => self.append(Waiting::Id(body.id.clone()), None, Ok((topic, body))),
        }
    }

    /// Checks an event and the client's right to publish it, and adds to the body what only the peer can attest. `bytes`
    /// is the size of its message.
    pub(super) fn admitted(
        &mut self,
        topic: &str,
        body: &mut Body,
        bytes: usize,
    ) -> Result<Topic, Refusal> {
        let topic = self.topic_named(topic);
        // The encoded form is shorter than the text.
        if bytes > self.options.max_event {
            self.fits(body.encode().len())?;
        }
        let topic = self.signed(topic, body)?;
        match self.may_publish_to(&topic) {
            true => Ok(topic),
            false => Err(self.not_allowed(&topic, body.id.clone())),
        }
    }

    /// A topic by its name. Successive events are often on the same topic, and share its text.
    fn topic_named(&mut self, name: &str) -> Result<Topic, UnknownTopic> {
        if let Some(topic) = self.last_topic.as_ref().filter(|topic| topic.as_str() == name) {
            return Ok(topic.clone());
        }
        let topic = Topic::parse(name).map_err(UnknownTopic::Name)?;
        self.last_topic = Some(topic.clone());
        Ok(topic)
    }

    fn subscribe_text(&mut self, id: &str, pattern: &str, start: Start) {
        if let Err(error) = Pattern::parse(pattern) {
            return self.text(json::reject(id, RejectCode::IllegalTopic, &error.to_string()));
        }
        if self.subscriptions.find(pattern).is_some() {
            let message = "the pattern is subscribed to already";
            return self.text(json::reject(id, RejectCode::AlreadySubscribed, message));
        }
        if let Some(message) = self.has_too_many() {
            return self.text(json::reject(id, RejectCode::TooMany, &message));
        }
        // The number never leaves this machine, and tickets are unique.
        let subscription = self.next_ticket as u32;
        let pattern = pattern.to_owned();
        // JSON has no credit: the socket's back-pressure holds a slow receiver.
        self.subscribe(Subscribe { subscription, pattern, start, credit: None });
    }

    /// Writes a frame as text, if the subprotocol has one for it.
    pub(super) fn send_text(&mut self, frame: &FromPeer) {
        match frame {
            FromPeer::Ping(_) => {
                self.flush();
                self.effects.push_back(Effect::Send(SocketMessage::Ping));
            }
            FromPeer::Subscribed(frame) => {
                if let Some(pattern) = self.subscriptions.pattern(frame.subscription) {
                    let heads = std::iter::once(&frame.head).chain(&frame.others);
                    self.text(json::subscribed(pattern, heads, frame.reset));
                }
            }
            FromPeer::Expiring(expiring) => self.text(json::expiring(expiring.milliseconds)),
            FromPeer::Gap(gap) => {
                if let Some(pattern) = self.subscriptions.pattern(gap.subscription) {
                    self.text(json::gap(pattern, &gap.stream, gap.from, gap.to));
                }
            }
            FromPeer::ChangedRights(rights) => self.text(json::rights(rights)),
            // The grammar has no text for these. There is no hello and no ping by number, the close frame replaces
            // the bye, and the end of the past is not reported.
            FromPeer::Welcome(_) | FromPeer::Pong(_) | FromPeer::Bye(_) | FromPeer::CaughtUp(_) => {
            }
            // Responses to requests that only frames can make.
            FromPeer::Page(_)
            | FromPeer::Present(_)
            | FromPeer::Presence(_)
            | FromPeer::NotPresent(_) => {}
            // Their numbers have no meaning here. `answer_text`, `refuse_text` and `event_text` report the same by
            // name.
            FromPeer::Ack(_)
            | FromPeer::Reject(_)
            | FromPeer::Refused(_)
            | FromPeer::Denied(_)
            | FromPeer::Deleted(_)
            | FromPeer::Tallied(_)
            | FromPeer::Event(_) => {}
        }
    }

    /// The outcome of the event `id`.
    pub(super) fn answer_text(&mut self, id: &str, decided: Decided) {
        match decided {
            Decided::Stored(position, _) => self.text(json::ack(id, &position)),
            Decided::Rejected { code, message, .. } => self.text(json::reject(id, code, &message)),
            Decided::Fenced => self.fenced(),
        }
    }

    /// The answer to the tally `id` of topics with these names.
    pub(super) fn tallied_text(
        &mut self,
        id: &str,
        names: &[String],
        topics: Result<Vec<TopicTally>, RejectCode>,
    ) {
        let text = match topics {
            Ok(tallies) => json::tallied(id, names, &tallies),
            Err(code) => json::reject(id, code, "at most 64 topics, and a few requests at once"),
        };
        self.text(text);
    }

    pub(super) fn event_text(
        &mut self,
        topic: &Topic,
        recipients: &[Recipient],
        place: Option<(StreamNo, u64)>,
        body: &Arc<[u8]>,
        rendered: &Rendered,
    ) {
        self.make_room();
        let Self { texts, options, subscriptions, .. } = self;
        let made = || {
            let place = place.map(|(stream, offset)| (&options.streams[stream], offset));
            Some(Text::new(topic, &Body::decode(body).ok()?, place))
        };
        let previous = recipients.first().and_then(|recipient| recipient.previous);
        let receiver = place.map(|(stream, _)| (subscriptions.epoch(stream), previous));
        rendered.with(body, made, |text| {
            texts.push(text.len() + PLACE, |out| text.write(receiver, out));
        });
        self.cut();
    }

    /// Encodes events until the run is long enough. Returns the frames, and the number of events.
    pub(super) fn run_of_texts<'e>(
        &self,
        events: impl Iterator<Item = &'e Ephemeral> + Clone,
    ) -> (Vec<u8>, usize) {
        // Most texts are rendered already. The run is kept for other connections, without unused memory.
        let mut bytes = 0;
        for length in events.clone().map_while(|event| event.text.length()) {
            bytes += texts::HEAD + length;
            if bytes >= RUN_TEXT_BYTES {
                break;
            }
        }
        let mut texts = Texts::with_capacity(bytes);
        let mut count = 0;
        for event in events {
            let made = || Some(Text::new(&event.topic, &Body::decode(&event.body).ok()?, None));
            event.text.with(&event.body, made, |text| {
                texts.push(text.len(), |out| text.write(None, out));
            });
            count += 1;
            if texts.len() >= RUN_TEXT_BYTES {
                break;
            }
        }
        (texts.into_frames(), count)
    }

    fn text(&mut self, text: String) {
        if self.state != ServerState::Closed {
            self.texts.push(text.len(), |out| out.extend_from_slice(text.as_bytes()));
            self.cut();
        }
    }
}
