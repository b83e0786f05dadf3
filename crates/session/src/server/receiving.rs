//! Incoming messages, fed in parts. An owner with rate limits waits between the parts.

use super::publishing::Waiting;
use super::{Effect, Server, ServerState, Wire};
use crate::rights::Subject;
use crate::wire::decode;
use crate::wire::frame::{self, DecodeError, FromClient, FromPeer};
use crate::wire::message::frames;
use crate::{CloseCode, Millis, RejectCode};

/// A part ends after this many bytes or effects, because small frames can request far more than their size.
const PART_BYTES: usize = 32 << 10;
const PART_EFFECTS: usize = 128;

/// The counts since they were last taken. See [`Server::take_costs`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Costs {
    /// Publishes, durable or ephemeral, and deletes.
    pub publishes: u32,
    /// Subscriptions.
    pub subscribes: u32,
    /// Requests for history, and for counts of events.
    pub histories: u32,
    /// Presence joins and watches.
    pub joins: u32,
}

impl Server {
    /// Handles a binary message.
    pub fn received(&mut self, message: &[u8], now: Millis) {
        let mut at = 0;
        while let Some(next) = self.received_part(message, at, now) {
            at = next;
        }
    }

    /// Handles a binary message in parts, for an owner that carries out the effects of one part before it feeds the
    /// next. Starts at the offset `at`, and returns the offset of the next part, if there is one.
    pub fn received_part(&mut self, message: &[u8], at: usize, now: Millis) -> Option<usize> {
        self.heard(now);
        if message.len() > self.options.max_message {
            self.too_large();
            return None;
        }
        if self.wire != Wire::Frames {
            let message = "this subprotocol uses text messages";
            self.close(CloseCode::ProtocolError, message);
            return None;
        }
        let before = self.effects.len();
        let mut next = at;
        for frame in frames(message.get(at..)?, decode::from_client) {
            match frame {
                Ok((frame, place)) => {
                    // Skipped frames before it count too.
                    next = at + place.end;
                    self.frame(frame);
                }
                Err(error) => {
                    let error = DecodeError { at: at + error.at };
                    self.close(CloseCode::ProtocolError, &error.to_string());
                }
            }
            if self.state == ServerState::Closed {
                return None;
            }
            let is_part = next - at >= PART_BYTES || self.effects.len() - before >= PART_EFFECTS;
            if is_part || self.awaits_authority() {
                return (next < message.len()).then_some(next);
            }
        }
        None
    }

    fn frame(&mut self, frame: FromClient) {
        match (self.state, frame) {
            (ServerState::Closed, _) => {}
            (ServerState::Greeting, FromClient::Hello(hello)) => {
                let frame::Hello { client, fence, lowest, returning, .. } = hello;
                self.state = ServerState::Opening { client, fence, lowest, returning };
                self.hello_until = None;
                self.credential.guest = Subject::guest(&client);
                self.greeted(&hello);
                self.key = hello.key;
                self.effects.push_back(Effect::Open(hello));
            }
            (ServerState::Open { .. }, FromClient::Hello(_)) if self.greeted_again() => {}
            (_, FromClient::Hello(_)) => {
                self.close(CloseCode::UnexpectedHello, "the client has said hello already")
            }
            (ServerState::Open { client: Some(client) }, FromClient::Publish(publish)) => {
                self.costs.publishes += 1;
                self.publish(client, publish);
            }
            // Unreachable: a client without a hello speaks JSON.
            (ServerState::Open { client: None }, FromClient::Publish(_)) => {
                self.close(CloseCode::UnexpectedHello, "say hello first");
            }
            (ServerState::Open { .. }, FromClient::Subscribe(subscribe)) => {
                self.costs.subscribes += 1;
                self.subscribe(subscribe);
            }
            (ServerState::Open { .. }, FromClient::UnknownStart(it)) => {
                self.costs.subscribes += 1;
                let message = "this peer does not support the subscription's start";
                self.refuse(it.subscription, "", RejectCode::IllegalEvent, message.to_owned());
            }
            (ServerState::Open { .. }, FromClient::Unsubscribe(unsubscribe)) => {
                self.unsubscribe(unsubscribe.subscription);
            }
            (ServerState::Open { .. }, FromClient::Credit(credit)) => self.credit(credit),
            (ServerState::Open { .. }, FromClient::History(history)) => {
                self.costs.histories += 1;
                self.history(history);
            }
            (ServerState::Open { .. }, FromClient::Refresh(refresh)) => self.refresh(refresh.token),
            (ServerState::Open { .. }, FromClient::Join(join)) => {
                self.costs.joins += 1;
                self.join(join);
            }
            (ServerState::Open { .. }, FromClient::Leave(at)) => self.leave(&at.topic),
            (ServerState::Open { .. }, FromClient::Watch(at)) => {
                self.costs.joins += 1;
                self.watch(at.topic);
            }
            (ServerState::Open { .. }, FromClient::Unwatch(at)) => self.unwatch(&at.topic),
            (ServerState::Open { .. }, FromClient::Tally(tally)) => self.tally(tally),
            (ServerState::Open { .. }, FromClient::Delete(delete)) => {
                self.costs.publishes += 1;
                self.delete(Waiting::Delete(delete.request), delete.position);
            }
            (ServerState::Open { .. }, FromClient::Ping(ping)) => self.send(&FromPeer::Pong(ping)),
            (ServerState::Open { .. }, FromClient::Pong(_)) => {}
            (ServerState::Greeting | ServerState::Opening { .. }, _) => {
                self.close(CloseCode::UnexpectedHello, "say hello first, and wait for the welcome");
            }
        }
    }

    /// The requests since the last call. An owner with rate limits waits before it feeds more.
    pub fn take_costs(&mut self) -> Costs {
        std::mem::take(&mut self.costs)
    }

    /// Like [`Server::tick`], for an owner that does not read because a limit is exceeded. The client's silence is
    /// not counted then, and the client still gets signs of life.
    pub fn tick_unread(&mut self, now: Millis) {
        self.heard(now);
        self.tick(now);
        if self.is_open() {
            self.send(&FromPeer::Ping(frame::Ping { number: 0 }));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::server::{Opened, Options, SocketMessage};
    use crate::{Body, Hello, Publish};

    fn welcomed() -> Server {
        let mut server = Server::new(Arc::new(Options::default()), Wire::Frames, &[0], 0);
        let (client, secret) = ([1; 16], [2; 32]);
        let hello = Hello::new(client, secret, 1);
        server.received(&message([FromClient::Hello(hello)]), 0);
        server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true });
        while server.poll().is_some() {}
        server
    }

    fn message(frames: impl IntoIterator<Item = FromClient>) -> Vec<u8> {
        let mut message = Vec::new();
        frames.into_iter().for_each(|frame| frame.encode(&mut message));
        message
    }

    fn publish(number: u64, bytes: usize) -> FromClient {
        let body = Body { id: number.to_string(), data: vec![0; bytes], ..Body::default() };
        let name = Some("t".to_owned());
        let body = body.encode();
        FromClient::Publish(Publish { number: Some(number), topic: 0, name, body, lowest: None })
    }

    /// The number of publishes in each part of a message.
    fn parts(server: &mut Server, message: &[u8]) -> Vec<u32> {
        let (mut at, mut parts) = (Some(0), Vec::new());
        while let Some(from) = at {
            at = server.received_part(message, from, 0);
            parts.push(server.take_costs().publishes);
        }
        parts
    }

    #[test]
    fn a_part_has_a_bound_in_effects_and_in_bytes() {
        let small = message((1..=300).map(|number| publish(number, 1)));
        assert_eq!(parts(&mut welcomed(), &small), [128, 128, 44]);
        let large = message((1..=3).map(|number| publish(number, 20 << 10)));
        assert_eq!(parts(&mut welcomed(), &large), [2, 1]);
        assert_eq!(parts(&mut welcomed(), &message([])), [0]);
    }

    #[test]
    fn an_error_in_a_later_part_names_its_place_in_the_message() {
        let mut server = welcomed();
        let mut bytes = message((1..=200).map(|number| publish(number, 1)));
        let at = bytes.len();
        bytes.push(0xff);
        server.received(&bytes, 0);
        let close = std::iter::from_fn(|| server.poll()).find_map(|effect| match effect {
            Effect::Close(_, reason) => Some(reason),
            _ => None,
        });
        assert!(close.unwrap().contains(&format!("byte {at} ")));
    }

    #[test]
    fn a_client_that_is_not_read_is_not_silent_and_hears_of_the_peer() {
        let mut server = welcomed();
        for second in 0..600 {
            server.tick_unread(second * 1_000);
            assert!(matches!(server.poll(), Some(Effect::Send(SocketMessage::Binary(_)))));
            assert_eq!(server.poll(), None);
        }
        // From here on silence counts again.
        server.tick(618_999);
        assert_eq!((server.poll(), server.deadline()), (None, 619_000));
    }
}
