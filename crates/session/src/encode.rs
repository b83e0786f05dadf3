//! Writes frames and bodies as CBOR. Written by hand, as [`decode`](crate::decode) is and for the same
//! reason: a browser downloads this, and one loop over the fields of all maps is small.

use std::convert::Infallible;

use minicbor::Encoder;

use crate::event::{Body, Extension, Position, Start};
use crate::frame::{FromClient, FromPeer, Head};

type Out<'o> = Encoder<&'o mut Vec<u8>>;
/// A `Vec` takes all that is written, so there is no error to tell of.
type Written = Result<(), minicbor::encode::Error<Infallible>>;

/// What stands under a key of a map.
enum Value<'v> {
    Number(u64),
    Flag,
    Text(&'v str),
    Bytes(&'v [u8]),
    Position(&'v Position),
    Start(&'v Start),
    Heads(&'v [Head]),
    Extensions(&'v [(String, Extension)]),
    Path(&'v [String]),
}

use Value::{Bytes, Extensions, Heads, Number, Path, Start as StartAt, Text};

/// Appends a frame of a client to a message.
pub(crate) fn from_client(sent: &FromClient, message: &mut Vec<u8>) {
    match sent {
        FromClient::Hello(f) => frame(
            message,
            0,
            &[
                Some(Bytes(&f.client)),
                Some(Bytes(&f.secret)),
                Some(Number(f.fence)),
                Some(Number(f.lowest)),
                flag(f.returning),
            ],
        ),
        FromClient::Subscribe(f) => frame(
            message,
            2,
            &[Some(Number(f.subscription.into())), Some(Text(&f.pattern)), Some(StartAt(&f.start))],
        ),
        FromClient::Unsubscribe(f) => frame(message, 5, &[Some(Number(f.subscription.into()))]),
        FromClient::Publish(f) => frame(
            message,
            6,
            &[
                f.number.map(Number),
                Some(Number(f.topic.into())),
                text(&f.name),
                Some(Bytes(&f.body)),
                f.lowest.map(Number),
            ],
        ),
        FromClient::Credit(f) => frame(
            message,
            12,
            &[
                Some(Number(f.subscription.into())),
                Some(Number(f.events.into())),
                Some(Number(f.bytes.into())),
            ],
        ),
        FromClient::Ping(f) => frame(message, 13, &[Some(Number(f.number.into()))]),
        FromClient::Pong(f) => frame(message, 14, &[Some(Number(f.number.into()))]),
    }
}

/// Appends a frame of a peer to a message.
pub(crate) fn from_peer(sent: &FromPeer, message: &mut Vec<u8>) {
    match sent {
        FromPeer::Welcome(f) => frame(
            message,
            1,
            &[
                Some(Text(&f.peer)),
                Some(Number(f.highest)),
                text(&f.highest_id),
                Some(Number(f.heartbeat.into())),
                Some(Number(f.max_message.into())),
                flag(f.forgotten),
            ],
        ),
        FromPeer::Subscribed(f) => {
            frame(message, 3, &[Some(Number(f.subscription.into())), at(&f.head), flag(f.reset)])
        }
        FromPeer::Refused(f) => frame(
            message,
            4,
            &[
                Some(Number(f.subscription.into())),
                Some(Number(f.code as u64)),
                Some(Text(&f.message)),
            ],
        ),
        FromPeer::Ack(f) => frame(
            message,
            7,
            &[Some(Number(f.number)), at(&f.position), Some(Number(f.durability as u64))],
        ),
        FromPeer::Reject(f) => frame(
            message,
            8,
            &[
                Some(Number(f.number)),
                Some(Number(f.code as u64)),
                Some(Text(&f.message)),
                f.retry.map(|retry| Number(retry.into())),
            ],
        ),
        FromPeer::Event(f) => frame(
            message,
            9,
            &[
                Some(Number(f.topic.into())),
                text(&f.name),
                Some(Heads(&f.heads)),
                f.offset.map(Number),
                Some(Bytes(&f.body)),
            ],
        ),
        FromPeer::CaughtUp(f) => frame(
            message,
            10,
            &[Some(Number(f.subscription.into())), Some(Number(f.count)), at(&f.head)],
        ),
        FromPeer::Gap(f) => frame(
            message,
            11,
            &[Some(Number(f.subscription.into())), Some(Number(f.from)), Some(Number(f.to))],
        ),
        FromPeer::Ping(f) => frame(message, 13, &[Some(Number(f.number.into()))]),
        FromPeer::Pong(f) => frame(message, 14, &[Some(Number(f.number.into()))]),
        FromPeer::Bye(f) => frame(
            message,
            15,
            &[
                Some(Number(f.code.into())),
                Some(Text(&f.message)),
                f.retry.map(|retry| Number(retry.into())),
            ],
        ),
    }
}

/// A body as bytes.
pub(crate) fn body(body: &Body) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.data.len() + 64);
    let written = write_body(&mut Encoder::new(&mut bytes), body);
    debug_assert!(written.is_ok(), "{written:?}");
    bytes
}

fn frame(message: &mut Vec<u8>, kind: u64, fields: &[Option<Value<'_>>]) {
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
            Some(Text(&body.id)),
            (!body.source.is_empty()).then_some(Text(&body.source)),
            body.time.map(Number),
            text(&body.content_type),
            text(&body.schema),
            Some(Bytes(&body.data)),
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
                None,
                Some(Number(position.epoch)),
                Some(Number(position.offset)),
                text(&position.id),
            ],
        )?,
        StartAt(start) => match start {
            Start::Latest => _ = e.array(1)?.u64(0)?,
            Start::Earliest => _ = e.array(1)?.u64(1)?,
            Start::Last(count) => _ = e.array(2)?.u64(2)?.u64(*count)?,
            Start::After(position) => {
                e.array(2)?.u64(3)?;
                write_value(e, &Value::Position(position))?;
            }
        },
        Heads(heads) => {
            e.array(heads.len() as u64)?;
            for head in *heads {
                match head.previous {
                    None => _ = e.array(1)?.u64(head.subscription.into())?,
                    Some(previous) => {
                        e.array(2)?.u64(head.subscription.into())?.u64(previous)?;
                    }
                }
            }
        }
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

fn text(text: &Option<String>) -> Option<Value<'_>> {
    text.as_deref().map(Text)
}

fn at(position: &Position) -> Option<Value<'_>> {
    Some(Value::Position(position))
}

/// A flag that is off is left out.
fn flag(flag: bool) -> Option<Value<'static>> {
    flag.then_some(Value::Flag)
}
