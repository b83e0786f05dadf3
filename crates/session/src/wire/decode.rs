//! Decodes frames and bodies from CBOR. Handwritten for size, because browsers download this code: one loop over maps
//! for all frames takes a quarter of the code of derived decoders.

mod fields;
mod reader;

use super::body::{Body, BodyError, Extension, Position, Signature, Start};
use super::frame::{
    Ack, AtTopic, Bye, CaughtUp, Credit, Delete, Deleted, Denied, Event, Expiring, FromClient,
    FromPeer, Gap, Hello, History, HistoryEntry, HistoryPage, Join, NotPresent, Ping, Presence,
    Present, Publish, Recipient, Refresh, Refused, Reject, Subscribe, Subscribed, Tallied, Tally,
    TallyTopic, TopicTally, Unsubscribe, Welcome,
};
use super::kind::FrameKind;
use fields::Fields;
use reader::Kind;
pub(crate) use reader::Reader;

use topic::Pattern;

use crate::rights::{Right, Rights};
use crate::{MAX_NUMBER, MAX_POSITIONS, MAX_TALLIED};

/// The bytes violate the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) type Read<T> = Result<T, Malformed>;

/// Reads the next frame of a client. Returns `None` for a frame of a later version.
pub(crate) fn from_client(d: &mut Reader<'_>) -> Read<Option<FromClient>> {
    let Some((kind, f)) = frame(d)? else { return Ok(None) };
    let frame = match kind {
        FrameKind::Hello => FromClient::Hello(hello(&f)),
        FrameKind::Subscribe => match f.nested(2, start).flatten() {
            Some(start) => FromClient::Subscribe(Subscribe {
                subscription: f.number32(0),
                pattern: f.text(1),
                start,
                credit: f.nested(3, credit),
            }),
            None => FromClient::UnknownStart(Unsubscribe { subscription: f.number32(0) }),
        },
        FrameKind::Unsubscribe => {
            FromClient::Unsubscribe(Unsubscribe { subscription: f.number32(0) })
        }
        FrameKind::Publish => FromClient::Publish(Publish {
            number: f.optional_number(0),
            topic: f.number32(1),
            name: f.optional_text(2),
            body: f.bytes(3).to_vec(),
            lowest: f.optional_number(4),
        }),
        FrameKind::Credit => FromClient::Credit(Credit {
            subscription: f.number32(0),
            events: f.number32(1),
            bytes: f.number32(2),
        }),
        FrameKind::Ping => FromClient::Ping(Ping { number: f.number32(0) }),
        FrameKind::Pong => FromClient::Pong(Ping { number: f.number32(0) }),
        FrameKind::Refresh => FromClient::Refresh(Refresh { token: f.text(0) }),
        FrameKind::History => FromClient::History(History {
            request: f.number32(0),
            pattern: f.text(1),
            before: f.clamped_number(2),
            limit: f.number32(3),
            stream: f.stream(4),
        }),
        FrameKind::Join => {
            FromClient::Join(Join { topic: f.text(0), key: f.text(1), data: f.bytes(2).to_vec() })
        }
        FrameKind::Leave => FromClient::Leave(AtTopic { topic: f.text(0) }),
        FrameKind::Watch => FromClient::Watch(AtTopic { topic: f.text(0) }),
        FrameKind::Unwatch => FromClient::Unwatch(AtTopic { topic: f.text(0) }),
        FrameKind::Delete => {
            FromClient::Delete(Delete { request: f.number32(0), position: f.position(1) })
        }
        FrameKind::Tally => FromClient::Tally(Tally {
            request: f.number32(0),
            topics: f.required(f.nested(1, counted), Vec::new()),
        }),
        _ => return Err(Malformed),
    };
    f.checked(Some(frame))
}

fn hello(f: &Fields<'_>) -> Hello {
    let (secret, key, proof) = (f.optional_array(1), f.optional_array(6), f.optional_array(7));
    let is_proven = key.is_some() && proof.is_some();
    let is_half = key.is_some() != proof.is_some();
    f.required(((secret.is_some() || is_proven) && !is_half).then_some(()), ());
    Hello {
        client: f.array(0),
        secret,
        fence: f.number(2),
        lowest: f.number(3),
        returning: f.flag(4),
        token: f.optional_text(5),
        key,
        proof,
        reading: f.flag(8),
    }
}

/// Reads the next frame of a peer. Returns `None` for a frame of a later version.
pub(crate) fn from_peer(d: &mut Reader<'_>) -> Read<Option<FromPeer>> {
    let Some((kind, f)) = frame(d)? else { return Ok(None) };
    let frame = match kind {
        FrameKind::Welcome => FromPeer::Welcome(Welcome {
            peer: f.text(0),
            highest: f.number(1),
            highest_id: f.optional_text(2),
            heartbeat: f.number32(3),
            max_message: f.number32(4),
            forgotten: f.flag(5),
            subject: f.optional_text(6),
            rights: f.rights(7),
            kinds: f.numbers(8),
            reading: f.flag(9),
        }),
        FrameKind::ChangedRights => FromPeer::ChangedRights(f.rights(0)),
        FrameKind::Subscribed => FromPeer::Subscribed(Subscribed {
            subscription: f.number32(0),
            head: f.position(1),
            reset: f.flag(2),
            others: f.nested(3, |nested| list(nested, position)).unwrap_or_default(),
        }),
        FrameKind::Refused => FromPeer::Refused(Refused {
            subscription: f.number32(0),
            code: f.reject_code(1),
            message: f.text(2),
        }),
        FrameKind::Ack => FromPeer::Ack(Ack {
            number: f.number(0),
            position: f.position(1),
            durability: f.durability(2),
        }),
        FrameKind::Reject => FromPeer::Reject(Reject {
            number: f.number(0),
            code: f.reject_code(1),
            message: f.text(2),
            retry: f.optional_number32(3),
        }),
        FrameKind::Event => FromPeer::Event(Event {
            topic: f.number32(0),
            name: f.optional_text(1),
            recipients: f.required(f.nested(2, |nested| list(nested, recipient)), Vec::new()),
            offset: f.optional_number(3),
            body: f.bytes(4).to_vec(),
            stream: f.stream(5),
        }),
        FrameKind::CaughtUp => FromPeer::CaughtUp(CaughtUp {
            subscription: f.number32(0),
            count: f.number(1),
            head: f.position(2),
        }),
        FrameKind::Gap => FromPeer::Gap(Gap {
            subscription: f.number32(0),
            from: f.number(1),
            to: f.number(2),
            stream: f.stream(3),
        }),
        FrameKind::Ping => FromPeer::Ping(Ping { number: f.number32(0) }),
        FrameKind::Pong => FromPeer::Pong(Ping { number: f.number32(0) }),
        FrameKind::Bye => FromPeer::Bye(Bye {
            code: f.required(f.number32(0).try_into().ok(), 0),
            message: f.text(1),
            retry: f.optional_number32(2),
        }),
        FrameKind::Expiring => FromPeer::Expiring(Expiring { milliseconds: f.number32(0) }),
        FrameKind::Page => FromPeer::Page(HistoryPage {
            request: f.number32(0),
            epoch: f.optional_number64(1).unwrap_or_default(),
            entries: f.triples(2, |(offset, topic, body)| HistoryEntry { offset, topic, body }),
            next: f.clamped_number(3).map(|before| (f.stream(5), before)),
            refused: f.optional_reject_code(4),
        }),
        FrameKind::Present => {
            FromPeer::Present(Present { topic: f.text(0), entries: f.attendees(1) })
        }
        FrameKind::Presence => FromPeer::Presence(Presence {
            topic: f.text(0),
            joined: f.attendees(1),
            left: f.numbers(2),
        }),
        FrameKind::NotPresent => FromPeer::NotPresent(NotPresent {
            topic: f.text(0),
            code: f.reject_code(1),
            message: f.text(2),
        }),
        FrameKind::Denied => FromPeer::Denied(Denied {
            topic: f.number32(0),
            code: f.reject_code(1),
            message: f.text(2),
        }),
        FrameKind::Deleted => FromPeer::Deleted(Deleted {
            request: f.number32(0),
            outcome: match f.optional_reject_code(2) {
                Some(code) => Err(code),
                None => Ok(f.position(1)),
            },
            retry: f.optional_number32(3),
        }),
        FrameKind::Tallied => FromPeer::Tallied(Tallied {
            request: f.number32(0),
            topics: match f.optional_reject_code(2) {
                Some(code) => Err(code),
                None => Ok(f.nested(1, |nested| list(nested, count)).unwrap_or_default()),
            },
        }),
        _ => return Err(Malformed),
    };
    f.checked(Some(frame))
}

/// An event's body. `None` if its signature has another length.
fn body(d: &mut Reader<'_>) -> Read<Option<Body>> {
    let f = Fields::read(d)?;
    let signature = f.optional_bytes(8).map(Signature::try_from);
    let body = signature.transpose().ok().map(|signature| Body {
        id: f.text(0),
        source: f.optional_text(1).unwrap_or_default(),
        // The log may hold what earlier versions accepted.
        time: f.clamped_number(2),
        nanoseconds: f.optional_number32(10).unwrap_or_default(),
        authid: f.optional_text(11),
        content_type: f.optional_text(3),
        schema: f.optional_text(4),
        data: f.bytes(5).to_vec(),
        extensions: f.nested(6, extensions).unwrap_or_default(),
        path: f.nested(7, |nested| list(nested, peer)).unwrap_or_default(),
        signature,
        signed: f.nested(9, |nested| list(nested, peer)).unwrap_or_default(),
    });
    f.checked(body)
}

impl Body {
    /// Decodes a body. A peer [checks](Self::check) bodies from clients. Readers of stored bodies need not.
    ///
    /// # Errors
    /// A [`BodyError`] if `bytes` is not a valid body.
    pub fn decode(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(bytes);
        let body = body(&mut reader).map_err(|Malformed| {
            BodyError::event("the event's body does not follow the grammar")
        })?;
        if reader.position() != bytes.len() {
            return Err(BodyError::event("bytes follow the event's body"));
        }
        body.ok_or(BodyError::signature("the event's signature does not have 64 bytes"))
    }
}

/// Reads a frame's kind and its fields. Skips a frame of a later version and returns `None` for it.
pub(crate) fn frame<'b>(d: &mut Reader<'b>) -> Read<Option<(FrameKind, Fields<'b>)>> {
    let fields = tagged(d, FrameKind::LAST)?;
    Ok(fields.and_then(|(number, fields)| Some((FrameKind::from_number(number)?, fields))))
}

/// Reads an array of a number and a map. If the number is above `last`, skips the array and returns `None`.
pub(crate) fn tagged<'b>(d: &mut Reader<'b>, last: u64) -> Read<Option<(u64, Fields<'b>)>> {
    let mut left = d.array()?;
    let number = d.item(&mut left, Reader::number64)?;
    let is_known = number <= last;
    let fields = if is_known { Some((number, d.item(&mut left, Fields::read)?)) } else { None };
    d.end(left)?;
    Ok(fields)
}

fn position(d: &mut Reader<'_>) -> Read<Position> {
    let f = Fields::read(d)?;
    f.checked(Position {
        stream: f.stream(0),
        epoch: f.required(f.optional_number64(1), 0),
        offset: f.number(2),
        id: f.optional_text(3),
    })
}

/// Returns `None` for a start of a later version.
fn start(mut d: Reader<'_>) -> Read<Option<Start>> {
    let Ok(mut left) = d.array() else { return Ok(None) };
    Ok(Some(match d.item(&mut left, Reader::number64)? {
        0 => Start::Latest,
        1 => Start::Earliest,
        2 => Start::Last(d.item(&mut left, Reader::number64)?.min(MAX_NUMBER)),
        3 => {
            // Reads one position more than the limit allows, so that the server refuses the subscription. The rest is
            // not kept.
            let mut positions = Vec::new();
            while positions.len() <= MAX_POSITIONS && d.more(&mut left)? {
                positions.push(position(&mut d)?);
            }
            if positions.is_empty() {
                return Err(Malformed);
            }
            Start::After(positions)
        }
        _ => return Ok(None),
    }))
}

/// Reads at most one topic more than allowed: enough for the server to refuse the request.
fn counted(mut d: Reader<'_>) -> Read<Vec<TallyTopic>> {
    let mut left = d.array()?;
    let mut topics = Vec::new();
    while topics.len() <= MAX_TALLIED && d.more(&mut left)? {
        let mut left = d.array()?;
        let topic = d.item(&mut left, Reader::text)?.to_owned();
        let after = if d.more(&mut left)? { Some(position(&mut d)?) } else { None };
        d.end(left)?;
        topics.push(TallyTopic { topic, after });
    }
    Ok(topics)
}

fn count(d: &mut Reader<'_>) -> Read<TopicTally> {
    let f = Fields::read(d)?;
    f.checked(TopicTally {
        count: f.optional_number(0).unwrap_or_default(),
        head: f.nested(1, |mut nested| position(&mut nested)),
        newest: f.optional_number(2).map(|offset| (offset, f.bytes(3).to_vec())),
        refused: f.optional_reject_code(4),
    })
}

fn credit(mut d: Reader<'_>) -> Read<(u32, u32)> {
    let mut left = d.array()?;
    let credit = (d.item(&mut left, number32)?, d.item(&mut left, number32)?);
    d.end(left)?;
    Ok(credit)
}

fn number32(d: &mut Reader<'_>) -> Read<u32> {
    d.number()?.try_into().map_err(|_| Malformed)
}

/// A number, a text and bytes.
fn triple(d: &mut Reader<'_>) -> Read<(u64, String, Vec<u8>)> {
    let mut left = d.array()?;
    let number = d.item(&mut left, Reader::number)?;
    let text = d.item(&mut left, Reader::text)?.to_owned();
    let bytes = d.item(&mut left, Reader::bytes)?.to_vec();
    d.end(left)?;
    Ok((number, text, bytes))
}

fn peer(d: &mut Reader<'_>) -> Read<String> {
    Ok(d.text()?.to_owned())
}

fn recipient(d: &mut Reader<'_>) -> Read<Recipient> {
    let mut left = d.array()?;
    let subscription = d.item(&mut left, number32)?;
    let mut previous = None;
    if d.more(&mut left)? {
        match d.kind()? {
            Kind::Null => d.skip()?,
            _ => previous = Some(d.number()?),
        }
        d.end(left)?;
    }
    Ok(Recipient { subscription, previous })
}

/// A list that is absent is empty. Patterns of later versions are skipped.
fn rights(mut d: Reader<'_>) -> Read<Rights> {
    let f = Fields::read(&mut d)?;
    let patterns = |right: Right| {
        let texts = f.nested(right as usize, |nested| list(nested, peer)).unwrap_or_default();
        texts.into_iter().filter_map(|text| Pattern::parse(&text).ok()).collect()
    };
    f.checked(Rights::of(Right::ALL.map(patterns)))
}

fn list<T>(mut d: Reader<'_>, item: fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let mut left = d.array()?;
    let mut items = Vec::new();
    while d.more(&mut left)? {
        items.push(item(&mut d)?);
    }
    Ok(items)
}

fn extensions(mut d: Reader<'_>) -> Read<Vec<(String, Extension)>> {
    let mut left = d.map()?;
    let mut extensions = Vec::new();
    while d.more(&mut left)? {
        let name = d.text()?.to_owned();
        let value = match d.kind()? {
            Kind::Text => Extension::Text(d.text()?.to_owned()),
            Kind::Flag => Extension::Boolean(d.flag()?),
            _ => Extension::Integer(d.integer()?),
        };
        extensions.push((name, value));
    }
    Ok(extensions)
}
