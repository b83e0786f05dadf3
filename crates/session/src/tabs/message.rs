//! What tabs say to each other: CBOR like the frames of a link, each an array of its kind and a map.

use crate::client::{LinkState, Outcome, Row, TabId};
use crate::wire::decode;
use crate::wire::encode::{at, bytes, flag, number, tagged, text};
use crate::{Body, Millis};
use topic::Topic;

/// A message on the channel, which all other tabs hear, in order for each sender.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub(super) from: TabId,
    pub(super) says: Says,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Says {
    /// Who leads? I want to be its guest; what it knew of a visit before this one is over.
    Ask { visit: u32 },
    /// I am still there.
    Here,
    /// I lead, so is my link, which is this client's, and these are my guests with their visits and bases.
    Lead {
        term: u64,
        link: LinkState,
        peer: String,
        client: [u8; 16],
        guests: Vec<(TabId, u32, u32)>,
    },
    /// To this leader of this term, for the peer: two may have the same term for a while.
    ToPeer { term: u64, leader: TabId, frames: Vec<u8> },
    /// To the guests of this term, from the peer.
    FromPeer { term: u64, frames: Vec<u8> },
    /// I have kept this row, under a number of this client.
    Kept { client: [u8; 16], row: Row },
    /// This is what became of an event.
    Settled { id: String, outcome: Outcome },
    /// What became of this event? I was asleep.
    Lost { id: String },
    /// I go.
    Bye,
    /// The store holds another client now.
    Renewed,
    /// The application wants the link again, that has stopped.
    Connect,
    /// An event for the tabs; an ephemeral one is for the peer too, if the receiver leads.
    Event { topic: Topic, body: Vec<u8>, ephemeral: bool },
}

/// The kinds of messages: the first item of each. Tabs of other versions hear them too, so numbers are never reused.
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
/// The bytes of a guest in the list of a leader: its id, its visit and its base.
const GUEST: usize = 24;

impl Message {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = Vec::new();
        let out = &mut message;
        let from = bytes(&self.from);
        match &self.says {
            Says::Ask { visit } => tagged(out, kind::ASK, &[from, number(*visit)]),
            Says::Here => tagged(out, kind::HERE, &[from]),
            Says::Lead { term, link, peer, client, guests } => {
                let (state, figure, reason) = match link {
                    LinkState::Connecting => (0_u64, 0, ""),
                    LinkState::Online => (1, 0, ""),
                    LinkState::Offline { retry_in } => (2, *retry_in, ""),
                    LinkState::Stopped { code, reason } => (3, u64::from(*code), &**reason),
                };
                let mut list = Vec::with_capacity(guests.len() * GUEST);
                for (tab, visit, base) in guests {
                    list.extend_from_slice(tab);
                    list.extend_from_slice(&visit.to_le_bytes());
                    list.extend_from_slice(&base.to_le_bytes());
                }
                let (state, figure) = (number(state), number(figure));
                let (term, list) = (number(*term), bytes(&list));
                let (reason, peer) = (text(reason), text(peer));
                tagged(
                    out,
                    kind::LEAD,
                    &[from, term, state, figure, reason, peer, list, bytes(client)],
                );
            }
            Says::ToPeer { term, leader, frames } => {
                tagged(out, kind::TO_PEER, &[from, number(*term), bytes(frames), bytes(leader)]);
            }
            Says::FromPeer { term, frames } => {
                tagged(out, kind::FROM_PEER, &[from, number(*term), bytes(frames)])
            }
            Says::Kept { client, row } => tagged(
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
                ],
            ),
            Says::Settled { id, outcome } => match outcome {
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
            Says::Lost { id } => tagged(out, kind::LOST, &[from, text(id)]),
            Says::Bye => tagged(out, kind::BYE, &[from]),
            Says::Renewed => tagged(out, kind::RENEWED, &[from]),
            Says::Connect => tagged(out, kind::CONNECT, &[from]),
            Says::Event { topic, body, ephemeral } => {
                tagged(
                    out,
                    kind::EVENT,
                    &[from, text(topic.as_str()), bytes(body), flag(*ephemeral)],
                );
            }
        }
        message
    }

    /// None if the bytes are no message.
    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        if message.len() > MAX_MESSAGE {
            return None;
        }
        let mut decoder = decode::Reader::new(message);
        let (kind, f) = decode::tagged(&mut decoder, kind::LAST).ok()??;
        if decoder.position() != message.len() {
            return None;
        }
        let from = f.array(0);
        let says = match kind {
            kind::ASK => Says::Ask { visit: f.number32(1) },
            kind::HERE => Says::Here,
            kind::LEAD => Says::Lead {
                term: f.number(1),
                link: link(f.number(2), f.number(3), f.text(4))?,
                peer: f.text(5),
                client: f.array(7),
                guests: guests(f.bytes(6))?,
            },
            kind::TO_PEER => {
                Says::ToPeer { term: f.number(1), leader: f.array(3), frames: f.bytes(2).to_vec() }
            }
            kind::FROM_PEER => Says::FromPeer { term: f.number(1), frames: f.bytes(2).to_vec() },
            kind::KEPT => {
                let body = f.bytes(4).to_vec();
                let row = Row {
                    number: f.number(2),
                    id: Body::decode(&body).ok()?.id,
                    topic: Topic::parse(&f.text(3)).ok()?,
                    body,
                    expires: f.clamped_number(5),
                    durability: f.durability(6),
                    leaving: f.flag(7),
                    dropped: None,
                    owner: from,
                };
                Says::Kept { client: f.array(1), row }
            }
            kind::STORED => Says::Settled {
                id: f.text(1),
                outcome: Outcome::Stored(f.position(2), f.durability(3)),
            },
            kind::REJECTED => Says::Settled {
                id: f.text(1),
                outcome: Outcome::Rejected(f.reject_code(2), f.text(3)),
            },
            kind::BYE => Says::Bye,
            kind::RENEWED => Says::Renewed,
            kind::EVENT => Says::Event {
                topic: Topic::parse(&f.text(1)).ok()?,
                body: f.bytes(2).to_vec(),
                ephemeral: f.flag(3),
            },
            kind::LOST => Says::Lost { id: f.text(1) },
            kind::CONNECT => Says::Connect,
            _ => return None,
        };
        f.checked(Self { from, says }).ok()
    }
}

fn link(state: u64, figure: Millis, reason: String) -> Option<LinkState> {
    Some(match state {
        0 => LinkState::Connecting,
        1 => LinkState::Online,
        2 => LinkState::Offline { retry_in: figure },
        3 => LinkState::Stopped { code: u16::try_from(figure).ok()?, reason },
        _ => return None,
    })
}

fn guests(list: &[u8]) -> Option<Vec<(TabId, u32, u32)>> {
    let guest = |guest: &[u8]| {
        let (tab, rest) = guest.split_at_checked(16)?;
        let (visit, base) = rest.split_at_checked(4)?;
        let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
        Some((tab.try_into().ok()?, number(visit)?, number(base)?))
    };
    list.chunks(GUEST).map(guest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, Position, RejectCode, Stream};

    fn all() -> Vec<Message> {
        let topic = Topic::parse("a.b").unwrap();
        let body = Body { id: "id".into(), ..Body::default() }.encode();
        let row = Row {
            number: 7,
            id: "id".into(),
            topic: topic.clone(),
            body: body.clone(),
            expires: Some(9),
            durability: Durability::Replicated,
            leaving: true,
            dropped: None,
            owner: [1; 16],
        };
        let links = [
            LinkState::Connecting,
            LinkState::Online,
            LinkState::Offline { retry_in: 5 },
            LinkState::Stopped { code: 4503, reason: "why".into() },
        ];
        let stored = Outcome::Stored(
            Position { stream: Stream::named("s"), epoch: 1, offset: 2, id: Some("x".into()) },
            Durability::Memory,
        );
        let rejected = Outcome::Rejected(RejectCode::Cancelled, "why".into());
        let mut says = vec![
            Says::Ask { visit: 5 },
            Says::Here,
            Says::ToPeer { term: 3, leader: [6; 16], frames: vec![1, 2] },
            Says::FromPeer { term: 3, frames: vec![] },
            Says::Kept { client: [4; 16], row: row.clone() },
            Says::Kept { client: [4; 16], row: Row { expires: None, leaving: false, ..row } },
            Says::Settled { id: "id".into(), outcome: stored },
            Says::Settled { id: "id".into(), outcome: rejected },
            Says::Lost { id: "id".into() },
            Says::Bye,
            Says::Renewed,
            Says::Connect,
            Says::Event { topic, body, ephemeral: true },
        ];
        says.extend(links.map(|link| Says::Lead {
            term: 8,
            link,
            peer: "p".into(),
            client: [5; 16],
            guests: vec![([2; 16], 7, 1), ([3; 16], 8, 4_095)],
        }));
        says.into_iter().map(|says| Message { from: [1; 16], says }).collect()
    }

    #[test]
    fn what_a_tab_says_is_what_another_hears() {
        for message in all() {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn what_is_cut_short_or_goes_on_is_no_message() {
        for message in all() {
            let mut bytes = message.encode();
            for end in 0..bytes.len() {
                assert_eq!(Message::decode(&bytes[..end]), None, "{message:?}");
            }
            bytes.push(0);
            assert_eq!(Message::decode(&bytes), None, "{message:?}");
        }
        assert_eq!(Message::decode(&vec![0; MAX_MESSAGE + 1]), None);
    }
}
