//! minicbor's decoder, reduced to the grammar, with one error without a text, which nothing displays.

use minicbor::Decoder;
use minicbor::data::Type;

use super::{Malformed, Read};
use crate::MAX_NUMBER;

/// Reads items one by one. Strings must be in one piece; arrays and maps may be of either form.
#[derive(Clone)]
pub(crate) struct Reader<'b>(Decoder<'b>);

/// The type of the next item, as far as the grammar distinguishes types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Flag,
    Text,
    Bytes,
    Null,
    /// The end of an array or a map of indefinite length.
    Break,
    /// An array, a map, or something outside the grammar.
    Other,
}

/// How deep arrays and maps may nest. The grammar needs 4.
const MAX_DEPTH: u32 = 32;

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    pub(crate) fn position(&self) -> usize {
        self.0.position()
    }

    pub(crate) fn kind(&self) -> Read<Kind> {
        Ok(match self.0.datatype().map_err(malformed)? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => Kind::Number,
            Type::Bool => Kind::Flag,
            Type::String => Kind::Text,
            Type::Bytes => Kind::Bytes,
            Type::Null | Type::Undefined => Kind::Null,
            Type::Break => Kind::Break,
            _ => Kind::Other,
        })
    }

    pub(crate) fn number(&mut self) -> Read<u64> {
        let number = self.number64()?;
        if number > MAX_NUMBER { Err(Malformed) } else { Ok(number) }
    }

    /// A number of up to 64 bits.
    pub(crate) fn number64(&mut self) -> Read<u64> {
        self.0.u64().map_err(malformed)
    }

    pub(crate) fn integer(&mut self) -> Read<i32> {
        self.integer64()?.try_into().map_err(|_| Malformed)
    }

    /// minicbor has separate code for each width.
    fn integer64(&mut self) -> Read<i64> {
        self.0.i64().map_err(malformed)
    }

    pub(crate) fn flag(&mut self) -> Read<bool> {
        self.0.bool().map_err(malformed)
    }

    pub(crate) fn text(&mut self) -> Read<&'b str> {
        self.0.str().map_err(malformed)
    }

    pub(crate) fn bytes(&mut self) -> Read<&'b [u8]> {
        self.0.bytes().map_err(malformed)
    }

    /// The head of an array: its length, if it is definite.
    pub(crate) fn array(&mut self) -> Read<Option<u64>> {
        self.0.array().map_err(malformed)
    }

    /// The head of a map: its length, if it is definite.
    pub(crate) fn map(&mut self) -> Read<Option<u64>> {
        self.0.map().map_err(malformed)
    }

    /// Whether another item follows in an array or a map with `left` items to go.
    pub(crate) fn more(&mut self, left: &mut Option<u64>) -> Read<bool> {
        match left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.kind()? == Kind::Break => {
                self.pass(1)?;
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// The next item of an array with `left` items to go. It must exist.
    pub(crate) fn item<T>(
        &mut self,
        left: &mut Option<u64>,
        read: fn(&mut Self) -> Read<T>,
    ) -> Read<T> {
        if self.more(left)? { read(self) } else { Err(Malformed) }
    }

    /// Skips the `left` remaining items of an array.
    pub(crate) fn end(&mut self, mut left: Option<u64>) -> Read<()> {
        while self.more(&mut left)? {
            self.skip()?;
        }
        Ok(())
    }

    /// Skips the next item with everything inside it.
    pub(crate) fn skip(&mut self) -> Read<()> {
        self.skip_at(MAX_DEPTH)
    }

    /// minicbor's own function does the same with seven times the code.
    fn skip_at(&mut self, depth: u32) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let (mut left, parts) = match self.0.datatype().map_err(malformed)? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => return self.number64().map(drop),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => return self.integer64().map(drop),
            // 64-bit integers: eight bytes follow the first.
            Type::Int => return self.pass(9),
            Type::Bytes => return self.bytes().map(drop),
            Type::String => return self.text().map(drop),
            Type::Bool | Type::Null | Type::Undefined => return self.pass(1),
            Type::Simple => return self.0.simple().map(drop).map_err(malformed),
            Type::F16 => return self.pass(3),
            Type::F32 => return self.pass(5),
            Type::F64 => return self.pass(9),
            Type::Tag => {
                self.0.tag().map_err(malformed)?;
                return self.skip_at(depth);
            }
            Type::Array | Type::ArrayIndef => (self.array()?, 1),
            Type::Map | Type::MapIndef => (self.map()?, 2),
            // Pieces, each such a string, until the end marker.
            Type::BytesIndef | Type::StringIndef => {
                self.pass(1)?;
                (None, 1)
            }
            Type::Break | Type::Unknown(_) => return Err(Malformed),
        };
        while self.more(&mut left)? {
            for _ in 0..parts {
                self.skip_at(depth)?;
            }
        }
        Ok(())
    }

    /// Skips this many bytes, which must exist.
    fn pass(&mut self, bytes: usize) -> Read<()> {
        let position = self.0.position() + bytes;
        if position > self.0.input().len() {
            return Err(Malformed);
        }
        self.0.set_position(position);
        Ok(())
    }
}

fn malformed(_: minicbor::decode::Error) -> Malformed {
    Malformed
}
