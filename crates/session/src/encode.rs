//! Writes frames and bodies as CBOR. Written by hand, as [`decode`](crate::decode) is and for the same
//! reason: a browser downloads this, and one loop over the fields of all maps is small.

use std::convert::Infallible;

use minicbor::Encoder;

use crate::RejectCode;
use crate::event::{Body, Extension, Position, Start, Stream};
use crate::frame::{Attendee, FromClient, FromPeer, Head};

pub(crate) type Out<'o> = Encoder<&'o mut Vec<u8>>;
/// A `Vec` takes all that is written, so there is no error to tell of.
pub(crate) type Written = Result<(), minicbor::encode::Error<Infallible>>;

/// What stands under a key of a map.
pub(crate) enum Value<'v> {
    Number(u64),
    Flag,
    Text(&'v str),
    Bytes(&'v [u8]),
    Position(&'v Position),
    Positions(&'v [Position]),
    Start(&'v Start),
    Pair(u32, u32),
    /// What only one end writes, so that the other need not carry it.
    By(&'v dyn Fn(&mut Out<'_>) -> Written),
    Extensions(&'v [(String, Extension)]),
    Path(&'v [String]),
}

use Value::{By, Bytes, Extensions, Number, Pair, Path, Start as StartAt, Text};

/// Appends a frame of a client to a message.
pub(crate) fn from_client(sent: &FromClient, message: &mut Vec<u8>) {
    match sent {
        FromClient::Hello(f) => frame(
            message,
            0,
            &[
                bytes(&f.client),
                bytes(&f.secret),
                number(f.fence),
                number(f.lowest),
                flag(f.returning),
                optional_text(&f.token),
            ],
        ),
        FromClient::Subscribe(f) => frame(
            message,
            2,
            &[
                number(f.subscription),
                text(&f.pattern),
                Some(StartAt(&f.start)),
                f.credit.map(|(events, bytes)| Pair(events, bytes)),
            ],
        ),
        FromClient::Unsubscribe(f) => frame(message, 5, &[number(f.subscription)]),
        FromClient::Publish(f) => frame(
            message,
            6,
            &[
                f.number.and_then(number),
                number(f.topic),
                optional_text(&f.name),
                bytes(&f.body),
                f.lowest.and_then(number),
            ],
        ),
        FromClient::Credit(f) => {
            frame(message, 12, &[number(f.subscription), number(f.events), number(f.bytes)])
        }
        FromClient::Ping(f) => frame(message, 13, &[number(f.number)]),
        FromClient::Pong(f) => frame(message, 14, &[number(f.number)]),
        FromClient::Refresh(f) => frame(message, 16, &[text(&f.token)]),
        FromClient::History(f) => frame(
            message,
            17,
            &[
                number(f.request),
                text(&f.pattern),
                f.before.and_then(number),
                number(f.limit),
                stream(&f.stream),
            ],
        ),
        FromClient::Join(f) => frame(message, 18, &[text(&f.topic), text(&f.key), bytes(&f.data)]),
        FromClient::Leave(f) => frame(message, 19, &[text(&f.topic)]),
        FromClient::Watch(f) => frame(message, 20, &[text(&f.topic)]),
        FromClient::Unwatch(f) => frame(message, 21, &[text(&f.topic)]),
    }
}

/// Appends a frame of a peer to a message.
pub(crate) fn from_peer(sent: &FromPeer, message: &mut Vec<u8>) {
    match sent {
        FromPeer::Welcome(f) => frame(
            message,
            1,
            &[
                text(&f.peer),
                number(f.highest),
                optional_text(&f.highest_id),
                number(f.heartbeat),
                number(f.max_message),
                flag(f.forgotten),
            ],
        ),
        FromPeer::Subscribed(f) => {
            let others = (!f.others.is_empty()).then_some(Value::Positions(&f.others));
            frame(message, 3, &[number(f.subscription), at(&f.head), flag(f.reset), others])
        }
        FromPeer::Refused(f) => {
            frame(message, 4, &[number(f.subscription), number(f.code as u64), text(&f.message)])
        }
        FromPeer::Ack(f) => {
            frame(message, 7, &[number(f.number), at(&f.position), number(f.durability as u64)])
        }
        FromPeer::Reject(f) => frame(
            message,
            8,
            &[number(f.number), number(f.code as u64), text(&f.message), f.retry.and_then(number)],
        ),
        FromPeer::Event(f) => {
            let name = f.name.as_deref();
            event(message, f.topic, name, &f.heads, f.offset, &f.body, &f.stream);
        }
        FromPeer::CaughtUp(f) => {
            frame(message, 10, &[number(f.subscription), number(f.count), at(&f.head)])
        }
        FromPeer::Gap(f) => {
            let stream = stream(&f.stream);
            frame(message, 11, &[number(f.subscription), number(f.from), number(f.to), stream])
        }
        FromPeer::Ping(f) => frame(message, 13, &[number(f.number)]),
        FromPeer::Pong(f) => frame(message, 14, &[number(f.number)]),
        FromPeer::Bye(f) => {
            frame(message, 15, &[number(f.code), text(&f.message), f.retry.and_then(number)])
        }
        FromPeer::Expiring(f) => frame(message, 22, &[number(f.milliseconds)]),
        FromPeer::Page(f) => {
            let entries = f.entries.iter().map(|it| (it.offset, it.topic.as_str(), &*it.body));
            let next = f.next.as_ref().map(|(stream, before)| (stream, *before));
            page(message, f.request, f.epoch, entries, next, f.refused);
        }
        FromPeer::Present(f) => {
            frame(message, 24, &[text(&f.topic), Some(By(&|e| attendees(e, &f.entries)))])
        }
        FromPeer::Presence(f) => {
            let left = |e: &mut Out<'_>| {
                e.array(f.left.len() as u64)?;
                f.left.iter().try_for_each(|id| e.u64(*id).map(drop))
            };
            let joined = |e: &mut Out<'_>| attendees(e, &f.joined);
            frame(message, 25, &[text(&f.topic), Some(By(&joined)), Some(By(&left))]);
        }
        FromPeer::NotPresent(f) => {
            frame(message, 26, &[text(&f.topic), number(f.code as u64), text(&f.message)])
        }
    }
}

/// Appends an event; the body goes from where it is shared straight into the message.
pub(crate) fn event(
    message: &mut Vec<u8>,
    topic: u32,
    name: Option<&str>,
    heads: &[Head],
    offset: Option<u64>,
    body: &[u8],
    of: &Stream,
) {
    message.reserve(body.len() + 64);
    let heads = |e: &mut Out<'_>| {
        e.array(heads.len() as u64)?;
        heads.iter().try_for_each(|head| {
            e.array(if head.previous.is_some() { 2 } else { 1 })?;
            e.u64(head.subscription.into())?;
            head.previous.map_or(Ok(()), |previous| e.u64(previous).map(drop))
        })
    };
    let fields = [
        number(topic),
        name.map(Text),
        Some(By(&heads)),
        offset.and_then(number),
        bytes(body),
        stream(of),
    ];
    frame(message, 9, &fields);
}

/// Appends a page of history.
pub(crate) fn page<'p>(
    message: &mut Vec<u8>,
    request: u32,
    epoch: u64,
    entries: impl ExactSizeIterator<Item = (u64, &'p str, &'p [u8])> + Clone,
    next: Option<(&Stream, u64)>,
    refused: Option<RejectCode>,
) {
    let entries = |e: &mut Out<'_>| triples(e, entries.clone());
    let code = refused.and_then(|code| number(code as u64));
    frame(
        message,
        23,
        &[
            number(request),
            number(epoch),
            Some(By(&entries)),
            next.and_then(|(_, next)| number(next)),
            code,
            next.and_then(|(of, _)| stream(of)),
        ],
    );
}

fn attendees(e: &mut Out<'_>, attendees: &[Attendee]) -> Written {
    triples(e, attendees.iter().map(|it| (it.id, it.key.as_str(), &*it.data)))
}

fn triples<'t>(
    e: &mut Out<'_>,
    mut triples: impl ExactSizeIterator<Item = (u64, &'t str, &'t [u8])>,
) -> Written {
    e.array(triples.len() as u64)?;
    triples.try_for_each(|(number, text, bytes)| {
        e.array(3)?.u64(number)?.str(text)?.bytes(bytes).map(drop)
    })
}

/// Appends what stands for these bytes under a key.
pub(crate) fn byte_string(message: &mut Vec<u8>, bytes: &[u8]) {
    let written = Encoder::new(message).bytes(bytes).map(drop);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// A body as bytes.
pub(crate) fn body(body: &Body) -> Vec<u8> {
    let attributes = body.id.len() + body.source.len();
    let mut bytes = Vec::with_capacity(body.data.len() + attributes + 64);
    let written = write_body(&mut Encoder::new(&mut bytes), body);
    debug_assert!(written.is_ok(), "{written:?}");
    bytes
}

pub(crate) fn frame(message: &mut Vec<u8>, kind: u64, fields: &[Option<Value<'_>>]) {
    let written = write_frame(&mut Encoder::new(message), kind, fields);
    debug_assert!(written.is_ok(), "{written:?}");
}

fn write_frame(e: &mut Out<'_>, kind: u64, fields: &[Option<Value<'_>>]) -> Written {
    e.array(2)?.u64(kind)?;
    map(e, fields)
}

fn write_body(e: &mut Out<'_>, body: &Body) -> Written {
    map(
        e,
        &[
            text(&body.id),
            (!body.source.is_empty()).then_some(Text(&body.source)),
            body.time.and_then(number),
            optional_text(&body.content_type),
            optional_text(&body.schema),
            bytes(&body.data),
            (!body.extensions.is_empty()).then_some(Extensions(&body.extensions)),
            (!body.path.is_empty()).then_some(Path(&body.path)),
        ],
    )
}

/// A field's key is its place; what is absent is left out.
fn map(e: &mut Out<'_>, fields: &[Option<Value<'_>>]) -> Written {
    e.map(fields.iter().flatten().count() as u64)?;
    for (key, value) in fields.iter().enumerate() {
        if let Some(value) = value {
            e.u64(key as u64)?;
            write_value(e, value)?;
        }
    }
    Ok(())
}

fn write_value(e: &mut Out<'_>, value: &Value<'_>) -> Written {
    match value {
        Number(number) => _ = e.u64(*number)?,
        Value::Flag => _ = e.bool(true)?,
        Text(text) => _ = e.str(text)?,
        Bytes(bytes) => _ = e.bytes(bytes)?,
        Value::Position(position) => map(
            e,
            &[
                stream(&position.stream),
                number(position.epoch),
                number(position.offset),
                optional_text(&position.id),
            ],
        )?,
        Value::Positions(positions) => {
            e.array(positions.len() as u64)?;
            write_positions(e, positions)?;
        }
        StartAt(start) => match start {
            Start::Latest => _ = e.array(1)?.u64(0)?,
            Start::Earliest => _ = e.array(1)?.u64(1)?,
            Start::Last(count) => _ = e.array(2)?.u64(2)?.u64(*count)?,
            Start::After(positions) => {
                e.array(1 + positions.len() as u64)?.u64(3)?;
                write_positions(e, positions)?;
            }
        },
        Pair(first, second) => _ = e.array(2)?.u32(*first)?.u32(*second)?,
        By(write) => write(e)?,
        Extensions(extensions) => {
            e.map(extensions.len() as u64)?;
            for (name, value) in *extensions {
                e.str(name)?;
                match value {
                    Extension::Text(text) => e.str(text)?,
                    Extension::Integer(integer) => e.i64((*integer).into())?,
                    Extension::Boolean(boolean) => e.bool(*boolean)?,
                };
            }
        }
        Path(path) => {
            e.array(path.len() as u64)?;
            for peer in *path {
                e.str(peer)?;
            }
        }
    }
    Ok(())
}

fn write_positions(e: &mut Out<'_>, positions: &[Position]) -> Written {
    positions.iter().try_for_each(|position| write_value(e, &Value::Position(position)))
}

pub(crate) fn number(number: impl Into<u64>) -> Option<Value<'static>> {
    Some(Number(number.into()))
}

pub(crate) fn text(text: &str) -> Option<Value<'_>> {
    Some(Text(text))
}

/// The stream that every peer has is left out.
fn stream(stream: &Stream) -> Option<Value<'_>> {
    stream.other().map(Text)
}

fn optional_text(text: &Option<String>) -> Option<Value<'_>> {
    text.as_deref().map(Text)
}

pub(crate) fn bytes(bytes: &[u8]) -> Option<Value<'_>> {
    Some(Bytes(bytes))
}

pub(crate) fn at(position: &Position) -> Option<Value<'_>> {
    Some(Value::Position(position))
}

/// A flag that is off is left out.
pub(crate) fn flag(flag: bool) -> Option<Value<'static>> {
    flag.then_some(Value::Flag)
}
