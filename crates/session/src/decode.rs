//! Reads frames and bodies from CBOR. Written by hand: a browser downloads this, and one loop over
//! maps for all frames takes a quarter of what derived decoders take.

pub(crate) mod fields;
mod reader;

use crate::client::PlaceKind;
use crate::event::{Body, Extension, Position, Start};
use crate::frame::{
    Ack, AtTopic, Bye, CaughtUp, Credit, Entry, Event, Expiring, FromClient, FromPeer, Gap, Head,
    Hello, History, HistoryPage, Join, NotPresent, Ping, Presence, Present, Publish, Refresh,
    Refused, Reject, Subscribe, Subscribed, Unsubscribe, Welcome,
};
use fields::Fields;
use reader::Kind;
pub(crate) use reader::Reader;

/// The bytes are not what the grammar asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

pub(crate) type Read<T> = Result<T, Malformed>;

/// The next frame of a client.
pub(crate) fn from_client(d: &mut Reader<'_>) -> Read<FromClient> {
    let (kind, f) = frame(d)?;
    f.checked(match kind {
        0 => FromClient::Hello(Hello {
            client: f.array(0),
            secret: f.array(1),
            fence: f.number(2),
            lowest: f.number(3),
            returning: f.flag(4),
            token: f.optional_text(5),
        }),
        2 => FromClient::Subscribe(Subscribe {
            subscription: f.number32(0),
            pattern: f.text(1),
            start: f.required(f.nested(2, start), Start::Latest),
            credit: f.nested(3, credit),
        }),
        5 => FromClient::Unsubscribe(Unsubscribe { subscription: f.number32(0) }),
        6 => FromClient::Publish(Publish {
            number: f.optional_number(0),
            topic: f.number32(1),
            name: f.optional_text(2),
            body: f.bytes(3).to_vec(),
            lowest: f.optional_number(4),
        }),
        12 => FromClient::Credit(Credit {
            subscription: f.number32(0),
            events: f.number32(1),
            bytes: f.number32(2),
        }),
        13 => FromClient::Ping(Ping { number: f.number32(0) }),
        14 => FromClient::Pong(Ping { number: f.number32(0) }),
        16 => FromClient::Refresh(Refresh { token: f.text(0) }),
        17 => FromClient::History(History {
            request: f.number32(0),
            pattern: f.text(1),
            before: f.optional_number(2),
            limit: f.number32(3),
            stream: f.stream(4),
        }),
        18 => {
            FromClient::Join(Join { topic: f.text(0), key: f.text(1), data: f.bytes(2).to_vec() })
        }
        19 => FromClient::Leave(AtTopic { topic: f.text(0) }),
        20 => FromClient::Watch(AtTopic { topic: f.text(0) }),
        21 => FromClient::Unwatch(AtTopic { topic: f.text(0) }),
        _ => return Err(Malformed),
    })
}

/// What a leader reads of a guest's frame.
pub(crate) enum FromGuest {
    Subscribe(u32),
    Unsubscribe(u32),
    /// Credit, or a request for a page.
    Numbered(u32),
    Presence {
        kind: PlaceKind,
        comes: bool,
        topic: String,
    },
}

/// The next frame of a guest.
pub(crate) fn from_guest(d: &mut Reader<'_>) -> Read<FromGuest> {
    let (kind, f) = frame(d)?;
    let presence = |kind, comes| FromGuest::Presence { kind, comes, topic: f.text(0) };
    f.checked(match kind {
        2 => FromGuest::Subscribe(f.number32(0)),
        5 => FromGuest::Unsubscribe(f.number32(0)),
        12 | 17 => FromGuest::Numbered(f.number32(0)),
        18 => presence(PlaceKind::Joined, true),
        19 => presence(PlaceKind::Joined, false),
        20 => presence(PlaceKind::Watched, true),
        21 => presence(PlaceKind::Watched, false),
        _ => return Err(Malformed),
    })
}

/// The next frame of a peer.
pub(crate) fn from_peer(d: &mut Reader<'_>) -> Read<FromPeer> {
    let (kind, f) = frame(d)?;
    f.checked(match kind {
        1 => FromPeer::Welcome(Welcome {
            peer: f.text(0),
            highest: f.number(1),
            highest_id: f.optional_text(2),
            heartbeat: f.number32(3),
            max_message: f.number32(4),
            forgotten: f.flag(5),
        }),
        3 => FromPeer::Subscribed(Subscribed {
            subscription: f.number32(0),
            head: f.position(1),
            reset: f.flag(2),
            others: f.nested(3, |nested| list(nested, position)).unwrap_or_default(),
        }),
        4 => FromPeer::Refused(Refused {
            subscription: f.number32(0),
            code: f.reject_code(1),
            message: f.text(2),
        }),
        7 => FromPeer::Ack(Ack {
            number: f.number(0),
            position: f.position(1),
            durability: f.durability(2),
        }),
        8 => FromPeer::Reject(Reject {
            number: f.number(0),
            code: f.reject_code(1),
            message: f.text(2),
            retry: f.optional_number32(3),
        }),
        9 => FromPeer::Event(Event {
            topic: f.number32(0),
            name: f.optional_text(1),
            heads: f.required(f.nested(2, |nested| list(nested, head)), Vec::new()),
            offset: f.optional_number(3),
            body: f.bytes(4).to_vec(),
            stream: f.stream(5),
        }),
        10 => FromPeer::CaughtUp(CaughtUp {
            subscription: f.number32(0),
            count: f.number(1),
            head: f.position(2),
        }),
        11 => FromPeer::Gap(Gap {
            subscription: f.number32(0),
            from: f.number(1),
            to: f.number(2),
            stream: f.stream(3),
        }),
        13 => FromPeer::Ping(Ping { number: f.number32(0) }),
        14 => FromPeer::Pong(Ping { number: f.number32(0) }),
        15 => FromPeer::Bye(Bye {
            code: f.required(f.number32(0).try_into().ok(), 0),
            message: f.text(1),
            retry: f.optional_number32(2),
        }),
        22 => FromPeer::Expiring(Expiring { milliseconds: f.number32(0) }),
        23 => FromPeer::Page(HistoryPage {
            request: f.number32(0),
            epoch: f.optional_number(1).unwrap_or_default(),
            entries: f.triples(2, |(offset, topic, body)| Entry { offset, topic, body }),
            next: f.optional_number(3).map(|before| (f.stream(5), before)),
            refused: f.optional_reject_code(4),
        }),
        24 => FromPeer::Present(Present { topic: f.text(0), entries: f.attendees(1) }),
        25 => FromPeer::Presence(Presence {
            topic: f.text(0),
            joined: f.attendees(1),
            left: f.nested(2, |nested| list(nested, |item| item.number())).unwrap_or_default(),
        }),
        26 => FromPeer::NotPresent(NotPresent {
            topic: f.text(0),
            code: f.reject_code(1),
            message: f.text(2),
        }),
        _ => return Err(Malformed),
    })
}

/// An event's body.
pub(crate) fn body(d: &mut Reader<'_>) -> Read<Body> {
    let f = Fields::read(d)?;
    f.checked(Body {
        id: f.text(0),
        source: f.optional_text(1).unwrap_or_default(),
        time: f.optional_number(2),
        content_type: f.optional_text(3),
        schema: f.optional_text(4),
        data: f.bytes(5).to_vec(),
        extensions: f.nested(6, extensions).unwrap_or_default(),
        path: f.nested(7, |nested| list(nested, peer)).unwrap_or_default(),
    })
}

/// A frame's kind and its fields.
pub(crate) fn frame<'b>(d: &mut Reader<'b>) -> Read<(u64, Fields<'b>)> {
    let mut left = d.array()?;
    let kind = d.item(&mut left, Reader::number)?;
    let fields = d.item(&mut left, Fields::read)?;
    d.end(left)?;
    Ok((kind, fields))
}

fn position(d: &mut Reader<'_>) -> Read<Position> {
    let f = Fields::read(d)?;
    f.checked(Position {
        stream: f.stream(0),
        epoch: f.number(1),
        offset: f.number(2),
        id: f.optional_text(3),
    })
}

fn start(mut d: Reader<'_>) -> Read<Start> {
    let mut left = d.array()?;
    let start = match d.item(&mut left, Reader::number)? {
        0 => Start::Latest,
        1 => Start::Earliest,
        2 => Start::Last(d.item(&mut left, Reader::number)?),
        3 => {
            let positions = rest(&mut d, &mut left, position)?;
            return if positions.is_empty() { Err(Malformed) } else { Ok(Start::After(positions)) };
        }
        _ => return Err(Malformed),
    };
    d.end(left)?;
    Ok(start)
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

fn head(d: &mut Reader<'_>) -> Read<Head> {
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
    Ok(Head { subscription, previous })
}

fn list<T>(mut d: Reader<'_>, item: fn(&mut Reader<'_>) -> Read<T>) -> Read<Vec<T>> {
    let mut left = d.array()?;
    rest(&mut d, &mut left, item)
}

/// The items of an array of which so many are `left`.
fn rest<T>(
    d: &mut Reader<'_>,
    left: &mut Option<u64>,
    item: fn(&mut Reader<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let mut items = Vec::new();
    while d.more(left)? {
        items.push(item(d)?);
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
