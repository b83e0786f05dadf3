//! Reads CBOR (RFC 8949) as far as the grammar has it, with one error without a text: nobody gets to read it. Written by
//! hand: a browser downloads this, and minicbor's decoder is five times as long.

use super::{Malformed, Read};
use crate::MAX_NUMBER;

/// Reads one item after the other. Strings are in one piece; arrays and maps may be of either form.
#[derive(Clone)]
pub(crate) struct Reader<'b> {
    input: &'b [u8],
    position: usize,
}

/// What comes next, as far as the grammar tells it apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Flag,
    Text,
    Bytes,
    Null,
    /// The end of an array or a map that has not said how long it is.
    Break,
    /// An array, a map, or what the grammar does not have.
    Other,
}

/// Major types, the upper three bits of an item's first byte.
const NUMBER: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// The lower five bits of an item that ends with a break.
const OPEN: u8 = 31;
const BREAK: u8 = 0xff;

/// How deep arrays and maps may lie in each other: in what the grammar asks for it is 4.
const MAX_DEPTH: u32 = 32;

impl<'b> Reader<'b> {
    pub(crate) fn new(input: &'b [u8]) -> Self {
        Self { input, position: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn kind(&self) -> Read<Kind> {
        Ok(match self.first()? {
            0x00..=0x1b => Kind::Number,
            0x40..=0x5b => Kind::Bytes,
            0x60..=0x7b => Kind::Text,
            0xf4 | 0xf5 => Kind::Flag,
            0xf6 | 0xf7 => Kind::Null,
            BREAK => Kind::Break,
            _ => Kind::Other,
        })
    }

    pub(crate) fn number(&mut self) -> Read<u64> {
        let number = self.number64()?;
        if number > MAX_NUMBER { Err(Malformed) } else { Ok(number) }
    }

    /// A number that may have all 64 bits.
    pub(crate) fn number64(&mut self) -> Read<u64> {
        self.head(NUMBER)
    }

    pub(crate) fn integer(&mut self) -> Read<i32> {
        let is_negative = self.first()? >> 5 == NEGATIVE;
        let number = self.head(u8::from(is_negative))?;
        let number = i32::try_from(number).map_err(|_| Malformed)?;
        Ok(if is_negative { -1 - number } else { number })
    }

    pub(crate) fn flag(&mut self) -> Read<bool> {
        let flag = self.first()?;
        if self.kind()? != Kind::Flag {
            return Err(Malformed);
        }
        self.pass(1)?;
        Ok(flag == 0xf5)
    }

    pub(crate) fn text(&mut self) -> Read<&'b str> {
        std::str::from_utf8(self.string(TEXT)?).map_err(|_| Malformed)
    }

    pub(crate) fn bytes(&mut self) -> Read<&'b [u8]> {
        self.string(BYTES)
    }

    fn string(&mut self, major: u8) -> Read<&'b [u8]> {
        let length = self.head(major)?;
        let from = self.position;
        self.pass(length)?;
        self.input.get(from..self.position).ok_or(Malformed)
    }

    /// The head of an array: how many items it has, if it says so.
    pub(crate) fn array(&mut self) -> Read<Option<u64>> {
        self.list(ARRAY)
    }

    /// The head of a map: how many entries it has, if it says so.
    pub(crate) fn map(&mut self) -> Read<Option<u64>> {
        self.list(MAP)
    }

    fn list(&mut self, major: u8) -> Read<Option<u64>> {
        if self.first()? == major << 5 | OPEN {
            self.pass(1)?;
            return Ok(None);
        }
        self.head(major).map(Some)
    }

    /// Whether another item follows in an array or a map of which so many are `left`.
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

    /// The next item of an array of which so many are `left`; it must be there.
    pub(crate) fn item<T>(
        &mut self,
        left: &mut Option<u64>,
        read: fn(&mut Self) -> Read<T>,
    ) -> Read<T> {
        if self.more(left)? { read(self) } else { Err(Malformed) }
    }

    /// The end of an array of which so many items are `left`: they are skipped.
    pub(crate) fn end(&mut self, mut left: Option<u64>) -> Read<()> {
        while self.more(&mut left)? {
            self.skip()?;
        }
        Ok(())
    }

    /// Skips the next item, with all that is in it.
    pub(crate) fn skip(&mut self) -> Read<()> {
        self.skip_at(MAX_DEPTH)
    }

    fn skip_at(&mut self, depth: u32) -> Read<()> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let first = self.first()?;
        let (mut left, parts) = match first >> 5 {
            // Pieces, until the end.
            BYTES | TEXT if first & 31 == OPEN => {
                self.pass(1)?;
                (None, 1)
            }
            major @ (BYTES | TEXT) => return self.string(major).map(drop),
            ARRAY => (self.array()?, 1),
            MAP => (self.map()?, 2),
            TAG => {
                self.head(TAG)?;
                return self.skip_at(depth);
            }
            // Numbers, and simple values: all of it is in the head.
            major => return self.head(major).map(drop),
        };
        while self.more(&mut left)? {
            for _ in 0..parts {
                self.skip_at(depth)?;
            }
        }
        Ok(())
    }

    /// The first byte of the next item.
    fn first(&self) -> Read<u8> {
        self.input.get(self.position).copied().ok_or(Malformed)
    }

    /// Reads the head of an item of this major type: the number in it.
    fn head(&mut self, major: u8) -> Read<u64> {
        let first = self.first()?;
        let short = first & 31;
        if first >> 5 != major || short > 27 {
            return Err(Malformed);
        }
        self.pass(1)?;
        if short < 24 {
            return Ok(short.into());
        }
        let from = self.position;
        self.pass(1 << (short - 24))?;
        let bytes = self.input.get(from..self.position).unwrap_or_default();
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Passes over so many bytes, which must be there.
    fn pass(&mut self, bytes: u64) -> Read<()> {
        if bytes > (self.input.len() - self.position) as u64 {
            return Err(Malformed);
        }
        self.position += bytes as usize;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minicbor::Decoder;
    use minicbor::decode::Error;

    use super::{Read, Reader};

    /// Whether both read the same of `input`, and stop at the same place.
    fn agree<'b, T: PartialEq>(
        input: &'b [u8],
        ours: fn(&mut Reader<'b>) -> Read<T>,
        theirs: fn(&mut Decoder<'b>) -> Result<T, Error>,
    ) -> bool {
        let (mut reader, mut decoder) = (Reader::new(input), Decoder::new(input));
        match (ours(&mut reader), theirs(&mut decoder)) {
            (Ok(ours), Ok(theirs)) => ours == theirs && reader.position() == decoder.position(),
            (ours, theirs) => ours.is_err() && theirs.is_err(),
        }
    }

    #[test]
    fn what_minicbor_reads_is_read_alike_and_nothing_else_is() {
        let tails: [&[u8]; 4] =
            [b"", b"\x00", b"abcdefgh\xff\xff", b"\x00\x00\x00\x00\x00\x00\x03abc\xff\xff"];
        for head in 0..=u16::MAX {
            for tail in tails {
                let input = [&head.to_be_bytes()[..], tail].concat();
                let input = &input[..];
                assert!(agree(input, Reader::number64, Decoder::u64), "u64 {input:x?}");
                assert!(agree(input, Reader::integer, Decoder::i32), "i32 {input:x?}");
                assert!(agree(input, Reader::flag, Decoder::bool), "bool {input:x?}");
                assert!(agree(input, Reader::text, Decoder::str), "str {input:x?}");
                assert!(agree(input, Reader::bytes, Decoder::bytes), "bytes {input:x?}");
                assert!(agree(input, Reader::array, Decoder::array), "array {input:x?}");
                assert!(agree(input, Reader::map, Decoder::map), "map {input:x?}");
            }
        }
    }
}
