//! Reads frames and bodies from CBOR. Written by hand: a browser downloads this, and one loop over
//! maps for all frames takes a quarter of what derived decoders take.

use minicbor::Decoder;
use minicbor::data::Type;

use crate::event::{Body, Extension, Position, Start};
use crate::frame::{
    Ack, Bye, CaughtUp, Credit, Event, Frame, Gap, Head, Hello, Ping, Publish, Refused, Reject,
    Subscribe, Subscribed, Unsubscribe, Welcome,
};
use crate::{Durability, RejectCode};

/// The bytes are not what the grammar asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

type Read<T> = Result<T, Malformed>;

/// What stands in a map under its known keys; the others are skipped.
struct Fields<'b>([Option<Value<'b>>; 8]);

enum Value<'b> {
    Number(u64),
    Flag(bool),
    Text(&'b str),
    Bytes(&'b [u8]),
    /// A map or an array, to be read from here.
    Nested(Decoder<'b>),
}

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// The next frame.
pub(crate) fn frame(d: &mut Decoder<'_>) -> Read<Frame> {
    let length = d.array()?;
    let kind = d.u64()?;
    let f = Fields::read(d)?;
    let frame = match kind {
        0 => Frame::Hello(Hello {
            client: f.array(0)?,
            secret: f.array(1)?,
            fence: f.number(2)?,
            lowest: f.number(3)?,
            returning: f.flag(4)?,
        }),
        1 => Frame::Welcome(Welcome {
            peer: f.text(0)?,
            highest: f.number(1)?,
            highest_id: f.optional_text(2)?,
            heartbeat: f.number32(3)?,
            max_message: f.number32(4)?,
            forgotten: f.flag(5)?,
        }),
        2 => Frame::Subscribe(Subscribe {
            subscription: f.number32(0)?,
            pattern: f.text(1)?,
            start: start(f.nested(2)?)?,
        }),
        3 => Frame::Subscribed(Subscribed {
            subscription: f.number32(0)?,
            head: position(f.nested(1)?)?,
            reset: f.flag(2)?,
        }),
        4 => Frame::Refused(Refused {
            subscription: f.number32(0)?,
            code: f.reject_code(1)?,
            message: f.text(2)?,
        }),
        5 => Frame::Unsubscribe(Unsubscribe { subscription: f.number32(0)? }),
        6 => Frame::Publish(Publish {
            number: f.optional_number(0)?,
            topic: f.number32(1)?,
            name: f.optional_text(2)?,
            body: f.bytes(3)?.to_vec(),
            lowest: f.optional_number(4)?,
        }),
        7 => Frame::Ack(Ack {
            number: f.number(0)?,
            position: position(f.nested(1)?)?,
            durability: Durability::from_number(f.number(2)?).ok_or(Malformed)?,
        }),
        8 => Frame::Reject(Reject {
            number: f.number(0)?,
            code: f.reject_code(1)?,
            message: f.text(2)?,
            retry: f.optional_number32(3)?,
        }),
        9 => Frame::Event(Event {
            topic: f.number32(0)?,
            name: f.optional_text(1)?,
            heads: list(f.nested(2)?, head)?,
            offset: f.optional_number(3)?,
            body: f.bytes(4)?.to_vec(),
        }),
        10 => Frame::CaughtUp(CaughtUp {
            subscription: f.number32(0)?,
            count: f.number(1)?,
            head: position(f.nested(2)?)?,
        }),
        11 => {
            Frame::Gap(Gap { subscription: f.number32(0)?, from: f.number(1)?, to: f.number(2)? })
        }
        12 => Frame::Credit(Credit {
            subscription: f.number32(0)?,
            events: f.number32(1)?,
            bytes: f.number32(2)?,
        }),
        13 => Frame::Ping(Ping { number: f.number32(0)? }),
        14 => Frame::Pong(Ping { number: f.number32(0)? }),
        15 => Frame::Bye(Bye {
            code: f.number32(0)?.try_into().map_err(|_| Malformed)?,
            message: f.text(1)?,
            retry: f.optional_number32(2)?,
        }),
        _ => return Err(Malformed),
    };
    end(d, length, 2)?;
    Ok(frame)
}

/// An event's body.
pub(crate) fn body(d: &mut Decoder<'_>) -> Read<Body> {
    let f = Fields::read(d)?;
    Ok(Body {
        id: f.text(0)?,
        source: f.optional_text(1)?.unwrap_or_default(),
        time: f.optional_number(2)?,
        content_type: f.optional_text(3)?,
        schema: f.optional_text(4)?,
        data: f.bytes(5)?.to_vec(),
        extensions: match f.optional_nested(6)? {
            Some(nested) => extensions(nested)?,
            None => Vec::new(),
        },
        path: match f.optional_nested(7)? {
            Some(nested) => list(nested, |d| Ok(d.str()?.to_owned()))?,
            None => Vec::new(),
        },
    })
}

fn position(mut d: Decoder<'_>) -> Read<Position> {
    let f = Fields::read(&mut d)?;
    Ok(Position { epoch: f.number(1)?, offset: f.number(2)?, id: f.optional_text(3)? })
}

fn start(mut d: Decoder<'_>) -> Read<Start> {
    let length = d.array()?;
    let (start, items) = match d.u64()? {
        0 => (Start::Latest, 1),
        1 => (Start::Earliest, 1),
        2 => (Start::Last(d.u64()?), 2),
        3 => {
            let nested = d.clone();
            d.skip()?;
            (Start::After(position(nested)?), 2)
        }
        _ => return Err(Malformed),
    };
    end(&mut d, length, items)?;
    Ok(start)
}

fn head(d: &mut Decoder<'_>) -> Read<Head> {
    let length = d.array()?;
    let subscription = d.u64()?.try_into().map_err(|_| Malformed)?;
    let is_over = match length {
        Some(length) => length < 2,
        None => d.datatype()? == Type::Break,
    };
    let mut previous = None;
    if !is_over {
        match d.datatype()? {
            Type::Null => d.skip()?,
            _ => previous = Some(d.u64()?),
        }
    }
    end(d, length, if is_over { 1 } else { 2 })?;
    Ok(Head { subscription, previous })
}

fn list<T>(mut d: Decoder<'_>, item: fn(&mut Decoder<'_>) -> Read<T>) -> Read<Vec<T>> {
    let mut left = d.array()?;
    let mut items = Vec::new();
    while more(&mut d, &mut left)? {
        items.push(item(&mut d)?);
    }
    Ok(items)
}

fn extensions(mut d: Decoder<'_>) -> Read<Vec<(String, Extension)>> {
    let mut left = d.map()?;
    let mut extensions = Vec::new();
    while more(&mut d, &mut left)? {
        let name = d.str()?.to_owned();
        let value = match d.datatype()? {
            Type::String => Extension::Text(d.str()?.to_owned()),
            Type::Bool => Extension::Boolean(d.bool()?),
            _ => Extension::Integer(i32::try_from(i128::from(d.int()?)).map_err(|_| Malformed)?),
        };
        extensions.push((name, value));
    }
    Ok(extensions)
}

/// Whether another item follows in an array or a map of which so many are `left`.
fn more(d: &mut Decoder<'_>, left: &mut Option<u64>) -> Read<bool> {
    match left {
        Some(0) => Ok(false),
        Some(left) => {
            *left -= 1;
            Ok(true)
        }
        None if d.datatype()? == Type::Break => {
            d.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

/// The end of an array of which so many items have been read; those beyond are skipped.
fn end(d: &mut Decoder<'_>, length: Option<u64>, read: u64) -> Read<()> {
    let mut left = match length {
        Some(length) => Some(length.checked_sub(read).ok_or(Malformed)?),
        None => None,
    };
    while more(d, &mut left)? {
        d.skip()?;
    }
    Ok(())
}

impl<'b> Fields<'b> {
    fn read(d: &mut Decoder<'b>) -> Read<Self> {
        let mut fields = Self([const { None }; 8]);
        let mut left = d.map()?;
        while more(d, &mut left)? {
            let key = d.u64()?;
            let value = Value::read(d)?;
            if let Some(field) = usize::try_from(key).ok().and_then(|key| fields.0.get_mut(key)) {
                *field = value;
            }
        }
        Ok(fields)
    }

    fn optional_number(&self, key: usize) -> Read<Option<u64>> {
        match &self.0[key] {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(Malformed),
        }
    }

    fn number(&self, key: usize) -> Read<u64> {
        self.optional_number(key)?.ok_or(Malformed)
    }

    fn optional_number32(&self, key: usize) -> Read<Option<u32>> {
        self.optional_number(key)?.map(u32::try_from).transpose().map_err(|_| Malformed)
    }

    fn number32(&self, key: usize) -> Read<u32> {
        self.optional_number32(key)?.ok_or(Malformed)
    }

    fn flag(&self, key: usize) -> Read<bool> {
        match &self.0[key] {
            None => Ok(false),
            Some(Value::Flag(flag)) => Ok(*flag),
            Some(_) => Err(Malformed),
        }
    }

    fn optional_text(&self, key: usize) -> Read<Option<String>> {
        match &self.0[key] {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some((*text).to_owned())),
            Some(_) => Err(Malformed),
        }
    }

    fn text(&self, key: usize) -> Read<String> {
        self.optional_text(key)?.ok_or(Malformed)
    }

    fn bytes(&self, key: usize) -> Read<&'b [u8]> {
        match &self.0[key] {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    fn array<const N: usize>(&self, key: usize) -> Read<[u8; N]> {
        self.bytes(key)?.try_into().map_err(|_| Malformed)
    }

    fn optional_nested(&self, key: usize) -> Read<Option<Decoder<'b>>> {
        match &self.0[key] {
            None => Ok(None),
            Some(Value::Nested(nested)) => Ok(Some(nested.clone())),
            Some(_) => Err(Malformed),
        }
    }

    fn nested(&self, key: usize) -> Read<Decoder<'b>> {
        self.optional_nested(key)?.ok_or(Malformed)
    }

    fn reject_code(&self, key: usize) -> Read<RejectCode> {
        RejectCode::from_number(self.number(key)?).ok_or(Malformed)
    }
}

impl<'b> Value<'b> {
    /// The next value; none if it is null.
    fn read(d: &mut Decoder<'b>) -> Read<Option<Self>> {
        Ok(Some(match d.datatype()? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Self::Number(d.u64()?),
            Type::Bool => Self::Flag(d.bool()?),
            Type::String => Self::Text(d.str()?),
            Type::Bytes => Self::Bytes(d.bytes()?),
            kind => {
                let nested = d.clone();
                d.skip()?;
                if matches!(kind, Type::Null | Type::Undefined) {
                    return Ok(None);
                }
                Self::Nested(nested)
            }
        }))
    }
}
