//! The messages between tabs: CBOR like the frames of a link, each an array of its kind and a map.

use crate::client::{ConnectionState, OutboxRow, Outcome, PeerSays, TabId};
use crate::wire::decode;
use crate::wire::encode::{at, bytes, flag, number, number_list, tagged, text, with_rights};
use crate::{Body, Millis};
use topic::Topic;

/// A message on the channel. All other tabs receive it, in order for each sender.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Envelope {
    pub(super) from: TabId,
    pub(super) message: TabMessage,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TabMessage {
    /// I look for the leader, to become its follower. What it knew of an earlier visit is outdated.
    Ask { visit: u32 },
    /// I am alive.
    Here,
    /// I lead. This is the state of my link, its client id, and my followers with their visits and bases.
    Lead {
        term: u64,
        link: ConnectionState,
        peer: PeerSays,
        client: [u8; 16],
        followers: Vec<(TabId, u32, u32)>,
    },
    /// Frames for the peer, to this leader in this term: two leaders may share a term for a while.
    ToPeer { term: u64, leader: TabId, frames: Vec<u8> },
    /// Frames from the peer, to the followers in this term.
    FromPeer { term: u64, frames: Vec<u8> },
    /// I have kept this row, under a number of this client.
    Kept { client: [u8; 16], row: OutboxRow },
    /// The outcome of an event.
    Settled { id: String, outcome: Outcome },
    /// I slept: what is the outcome of this event?
    Lost { id: String },
    /// I am leaving.
    Bye,
    /// The store holds another client now.
    Renewed,
    /// The application wants to reconnect the stopped link.
    Connect,
    /// An event for the tabs. If it is ephemeral, a leader forwards it to the peer.
    Event { topic: Topic, body: Vec<u8>, ephemeral: bool },
}

/// The kinds of messages, as the first item of each. Numbers are never reused, because tabs of other versions receive
/// the messages too.
mod kind {
    pub(super) const ASK: u64 = 0;
    pub(super) const HERE: u64 = 1;
    pub(super) const LEAD: u64 = 2;
    pub(super) const TO_PEER: u64 = 3;
    pub(super) const FROM_PEER: u64 = 4;
    pub(super) const KEPT: u64 = 5;
    pub(super) const STORED: u64 = 6;
    pub(super) const REJECTED: u64 = 7;
    pub(super) const BYE: u64 = 8;
    pub(super) const RENEWED: u64 = 9;
    pub(super) const EVENT: u64 = 10;
    pub(super) const LOST: u64 = 11;
    pub(super) const CONNECT: u64 = 12;
    pub(super) const LAST: u64 = CONNECT;
}

/// Longer messages are ignored.
pub(super) const MAX_MESSAGE: usize = 8 << 20;
/// The size of a follower in the leader's list: its id, visit and base.
const FOLLOWER: usize = 24;

impl Envelope {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        let out = &mut encoded;
        let from = bytes(&self.from);
        match &self.message {
            TabMessage::Ask { visit } => tagged(out, kind::ASK, &[from, number(*visit)]),
            TabMessage::Here => tagged(out, kind::HERE, &[from]),
            TabMessage::Lead { term, link, peer, client, followers } => {
                let (state, figure, reason) = match link {
                    ConnectionState::Connecting => (0_u64, 0, ""),
                    ConnectionState::Online => (1, 0, ""),
                    ConnectionState::Offline { retry_in } => (2, *retry_in, ""),
                    ConnectionState::Stopped { code, reason } => (3, u64::from(*code), &**reason),
                };
                let mut list = Vec::with_capacity(followers.len() * FOLLOWER);
                for (tab, visit, base) in followers {
                    list.extend_from_slice(tab);
                    list.extend_from_slice(&visit.to_le_bytes());
                    list.extend_from_slice(&base.to_le_bytes());
                }
                let (state, figure) = (number(state), number(figure));
                let (term, list) = (number(*term), bytes(&list));
                let (reason, id) = (text(reason), text(&peer.id));
                let subject = peer.subject.as_deref().and_then(text);
                let kinds = number_list(&peer.kinds);
                with_rights(&peer.rights, |rights| {
                    let client = bytes(client);
                    let fields = [
                        from, term, state, figure, reason, id, list, client, subject, rights, kinds,
                    ];
                    tagged(out, kind::LEAD, &fields);
                });
            }
            TabMessage::ToPeer { term, leader, frames } => {
                tagged(out, kind::TO_PEER, &[from, number(*term), bytes(frames), bytes(leader)]);
            }
            TabMessage::FromPeer { term, frames } => {
                tagged(out, kind::FROM_PEER, &[from, number(*term), bytes(frames)])
            }
            TabMessage::Kept { client, row } => tagged(
                out,
                kind::KEPT,
                &[
                    from,
                    bytes(client),
                    number(row.number),
                    text(row.topic.as_str()),
                    bytes(&row.body),
                    row.expires.and_then(number),
                    number(row.durability as u64),
                    flag(row.leaving),
                    row.sign_by.and_then(number),
                ],
            ),
            TabMessage::Settled { id, outcome } => match outcome {
                Outcome::Stored(position, durability) => {
                    let durability = number(*durability as u64);
                    tagged(out, kind::STORED, &[from, text(id), at(position), durability]);
                }
                Outcome::Rejected(code, message) => {
                    tagged(
                        out,
                        kind::REJECTED,
                        &[from, text(id), number(*code as u64), text(message)],
                    );
                }
            },
            TabMessage::Lost { id } => tagged(out, kind::LOST, &[from, text(id)]),
            TabMessage::Bye => tagged(out, kind::BYE, &[from]),
            TabMessage::Renewed => tagged(out, kind::RENEWED, &[from]),
            TabMessage::Connect => tagged(out, kind::CONNECT, &[from]),
            TabMessage::Event { topic, body, ephemeral } => {
                tagged(
                    out,
                    kind::EVENT,
                    &[from, text(topic.as_str()), bytes(body), flag(*ephemeral)],
                );
            }
        }
        encoded
    }

    /// Returns `None` if the bytes are not a message.
    pub(super) fn decode(encoded: &[u8]) -> Option<Self> {
        if encoded.len() > MAX_MESSAGE {
            return None;
        }
        let mut decoder = decode::Reader::new(encoded);
        let (kind, f) = decode::tagged(&mut decoder, kind::LAST).ok()??;
        if decoder.position() != encoded.len() {
            return None;
        }
        let from = f.array(0);
        let message = match kind {
            kind::ASK => TabMessage::Ask { visit: f.number32(1) },
            kind::HERE => TabMessage::Here,
            kind::LEAD => TabMessage::Lead {
                term: f.number(1),
                link: link(f.number(2), f.number(3), f.text(4))?,
                peer: PeerSays {
                    id: f.text(5),
                    subject: f.optional_text(8),
                    rights: f.rights(9),
                    kinds: f.numbers(10),
                },
                client: f.array(7),
                followers: followers(f.bytes(6))?,
            },
            kind::TO_PEER => TabMessage::ToPeer {
                term: f.number(1),
                leader: f.array(3),
                frames: f.bytes(2).to_vec(),
            },
            kind::FROM_PEER => {
                TabMessage::FromPeer { term: f.number(1), frames: f.bytes(2).to_vec() }
            }
            kind::KEPT => {
                let body = f.bytes(4).to_vec();
                let row = OutboxRow {
                    number: f.number(2),
                    id: Body::decode(&body).ok()?.id,
                    topic: Topic::parse(&f.text(3)).ok()?,
                    body,
                    expires: f.clamped_number(5),
                    durability: f.durability(6),
                    leaving: f.flag(7),
                    dropped: None,
                    owner: from,
                    sign_by: f.clamped_number(8),
                };
                TabMessage::Kept { client: f.array(1), row }
            }
            kind::STORED => TabMessage::Settled {
                id: f.text(1),
                outcome: Outcome::Stored(f.position(2), f.durability(3)),
            },
            kind::REJECTED => TabMessage::Settled {
                id: f.text(1),
                outcome: Outcome::Rejected(f.reject_code(2), f.text(3)),
            },
            kind::BYE => TabMessage::Bye,
            kind::RENEWED => TabMessage::Renewed,
            kind::EVENT => TabMessage::Event {
                topic: Topic::parse(&f.text(1)).ok()?,
                body: f.bytes(2).to_vec(),
                ephemeral: f.flag(3),
            },
            kind::LOST => TabMessage::Lost { id: f.text(1) },
            kind::CONNECT => TabMessage::Connect,
            _ => return None,
        };
        f.checked(Self { from, message }).ok()
    }
}

fn link(state: u64, figure: Millis, reason: String) -> Option<ConnectionState> {
    Some(match state {
        0 => ConnectionState::Connecting,
        1 => ConnectionState::Online,
        2 => ConnectionState::Offline { retry_in: figure },
        3 => ConnectionState::Stopped { code: u16::try_from(figure).ok()?, reason },
        _ => return None,
    })
}

fn followers(list: &[u8]) -> Option<Vec<(TabId, u32, u32)>> {
    let follower = |follower: &[u8]| {
        let (tab, rest) = follower.split_at_checked(16)?;
        let (visit, base) = rest.split_at_checked(4)?;
        let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
        Some((tab.try_into().ok()?, number(visit)?, number(base)?))
    };
    list.chunks(FOLLOWER).map(follower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, Position, RejectCode, Stream};

    fn all() -> Vec<Envelope> {
        let topic = Topic::parse("a.b").unwrap();
        let body = Body { id: "id".into(), ..Body::default() }.encode();
        let row = OutboxRow {
            number: 7,
            id: "id".into(),
            topic: topic.clone(),
            body: body.clone(),
            expires: Some(9),
            durability: Durability::Replicated,
            leaving: true,
            dropped: None,
            owner: [1; 16],
            sign_by: Some(10),
        };
        let links = [
            ConnectionState::Connecting,
            ConnectionState::Online,
            ConnectionState::Offline { retry_in: 5 },
            ConnectionState::Stopped { code: 4503, reason: "why".into() },
        ];
        let stored = Outcome::Stored(
            Position { stream: Stream::named("s"), epoch: 1, offset: 2, id: Some("x".into()) },
            Durability::Memory,
        );
        let rejected = Outcome::Rejected(RejectCode::Cancelled, "why".into());
        let mut messages = vec![
            TabMessage::Ask { visit: 5 },
            TabMessage::Here,
            TabMessage::ToPeer { term: 3, leader: [6; 16], frames: vec![1, 2] },
            TabMessage::FromPeer { term: 3, frames: vec![] },
            TabMessage::Kept { client: [4; 16], row: row.clone() },
            TabMessage::Kept {
                client: [4; 16],
                row: OutboxRow { expires: None, leaving: false, sign_by: None, ..row },
            },
            TabMessage::Settled { id: "id".into(), outcome: stored },
            TabMessage::Settled { id: "id".into(), outcome: rejected },
            TabMessage::Lost { id: "id".into() },
            TabMessage::Bye,
            TabMessage::Renewed,
            TabMessage::Connect,
            TabMessage::Event { topic, body, ephemeral: true },
        ];
        messages.extend(links.map(|link| TabMessage::Lead {
            term: 8,
            link,
            peer: PeerSays {
                id: "p".into(),
                subject: Some("ann".into()),
                rights: crate::rights::Rights::none(),
                kinds: vec![28, 99],
            },
            client: [5; 16],
            followers: vec![([2; 16], 7, 1), ([3; 16], 8, 4_095)],
        }));
        messages.into_iter().map(|message| Envelope { from: [1; 16], message }).collect()
    }

    #[test]
    fn what_a_tab_says_is_what_another_hears() {
        for envelope in all() {
            assert_eq!(Envelope::decode(&envelope.encode()), Some(envelope));
        }
    }

    #[test]
    fn what_is_cut_short_or_goes_on_is_no_message() {
        for envelope in all() {
            let mut bytes = envelope.encode();
            for end in 0..bytes.len() {
                assert_eq!(Envelope::decode(&bytes[..end]), None, "{envelope:?}");
            }
            bytes.push(0);
            assert_eq!(Envelope::decode(&bytes), None, "{envelope:?}");
        }
        assert_eq!(Envelope::decode(&vec![0; MAX_MESSAGE + 1]), None);
    }
}
