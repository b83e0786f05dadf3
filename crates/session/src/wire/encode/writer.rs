//! minicbor's encoder over a growing message. Writing to it cannot fail, so callers have no errors to handle.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::{Error, Write};

/// Appends items to a message.
pub(crate) struct Writer<'m>(Encoder<MessageBuffer<'m>>);

struct MessageBuffer<'m>(&'m mut Vec<u8>);

impl Write for MessageBuffer<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl<'m> Writer<'m> {
    pub(crate) fn new(message: &'m mut Vec<u8>) -> Self {
        Self(Encoder::new(MessageBuffer(message)))
    }

    pub(crate) fn number(&mut self, number: u64) {
        written(self.0.u64(number));
    }

    pub(crate) fn integer(&mut self, integer: i32) {
        written(self.0.i64(integer.into()));
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        written(self.0.bool(flag));
    }

    pub(crate) fn text(&mut self, text: &str) {
        written(self.0.str(text));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        written(self.0.bytes(bytes));
    }

    /// The head of an array of this length.
    pub(crate) fn array(&mut self, items: usize) {
        written(self.0.array(items as u64));
    }

    /// The head of a map of this length.
    pub(crate) fn map(&mut self, entries: usize) {
        written(self.0.map(entries as u64));
    }
}

fn written<T>(result: Result<T, Error<Infallible>>) {
    debug_assert!(result.is_ok(), "a message rejected bytes");
}
