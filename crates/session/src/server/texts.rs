//! Text messages that are sent together.

use std::fmt;

/// The first byte of a frame with a whole text message: FIN, and the opcode 1,
const TEXT: u8 = 0x81;
/// and of a frame with a whole binary message.
const BINARY: u8 = 0x82;
/// The maximum size of a frame's head.
pub(super) const HEAD: usize = 10;

/// Text messages in one buffer, each as a server's WebSocket frame (RFC 6455, 5.2). The owner writes the buffer as it
/// is, without another copy.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Texts(Vec<u8>);

impl Texts {
    /// Creates a single text.
    pub fn one(text: &str) -> Self {
        let mut texts = Self::default();
        texts.push(text.len(), |out| out.extend_from_slice(text.as_bytes()));
        texts
    }

    /// The frames.
    pub fn frames(&self) -> &[u8] {
        &self.0
    }

    /// The texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let (head, length) = match *rest {
                [_, 126, high, low, ..] => (4, u16::from_be_bytes([high, low]).into()),
                [_, 127, a, b, c, d, e, f, g, h, ..] => {
                    (HEAD, usize::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h])).ok()?)
                }
                [_, length, ..] => (2, length.into()),
                _ => return None,
            };
            let text = rest.get(head..head + length)?;
            rest = &rest[head + length..];
            std::str::from_utf8(text).ok()
        })
    }

    /// The size of the frames.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Creates an empty buffer with this capacity.
    #[cfg(feature = "json")]
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Whether it holds an allocation.
    pub(super) fn has_room(&self) -> bool {
        self.0.capacity() > 0
    }

    /// Appends a text of about this size, which `write` appends to its argument.
    pub(super) fn push(&mut self, about: usize, write: impl FnOnce(&mut Vec<u8>)) {
        push(&mut self.0, TEXT, about, write);
    }

    /// Returns the frames.
    #[cfg(feature = "json")]
    pub(super) fn into_frames(self) -> Vec<u8> {
        self.0
    }
}

/// The frame of a binary message of about this size, which `write` appends to its argument.
pub(super) fn binary(about: usize, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = Vec::new();
    push(&mut frame, BINARY, about, write);
    frame
}

/// Appends a frame with a message of about this size.
fn push(out: &mut Vec<u8>, first: u8, about: usize, write: impl FnOnce(&mut Vec<u8>)) {
    // Reserves the head for the expected size. Another size moves the message.
    let guess = head_of(first, about).1;
    out.reserve(about + HEAD);
    let begin = out.len();
    out.resize(begin + guess, 0);
    write(out);
    let length = out.len() - begin - guess;
    let (head, size) = head_of(first, length);
    if size != guess {
        out.splice(begin..begin + guess, head[..size].iter().copied());
    } else {
        out[begin..begin + size].copy_from_slice(&head[..size]);
    }
}

/// The head for a message of this size, and the head's size.
fn head_of(first: u8, length: usize) -> ([u8; HEAD], usize) {
    let mut head = [0; HEAD];
    head[0] = first;
    let size = if let Some(short) = u8::try_from(length).ok().filter(|short| *short < 126) {
        head[1] = short;
        2
    } else if let Ok(middle) = u16::try_from(length) {
        head[1] = 126;
        head[2..4].copy_from_slice(&middle.to_be_bytes());
        4
    } else {
        head[1] = 127;
        head[2..].copy_from_slice(&(length as u64).to_be_bytes());
        HEAD
    };
    (head, size)
}

impl fmt::Debug for Texts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_out_as_they_went_in(
            texts in proptest::collection::vec(("[a-zé]{0,3}", 0_usize..70_000, 0_usize..70_000), 0..5),
        ) {
            let texts: Vec<_> =
                texts.into_iter().map(|(text, times, about)| (text.repeat(times), about)).collect();
            let mut all = Texts::default();
            for (text, about) in &texts {
                all.push(*about, |out| out.extend_from_slice(text.as_bytes()));
            }
            let back: Vec<&str> = all.iter().collect();
            prop_assert_eq!(back, texts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_text_is_framed_as_the_standard_says() {
        assert_eq!(Texts::one("Hello").frames(), b"\x81\x05Hello");
        let long = "x".repeat(256);
        assert_eq!(&Texts::one(&long).frames()[..5], b"\x81\x7e\x01\x00x");
        let longer = "x".repeat(1 << 16);
        assert_eq!(&Texts::one(&longer).frames()[..11], b"\x81\x7f\0\0\0\0\0\x01\0\0x");
    }
}
