//! Messages: each is a sequence of frames.

use std::ops::Range;

use super::frame::{DecodeError, FromClient, FromPeer};
use super::{decode, encode};

impl FromClient {
    /// Appends this frame to a message.
    pub fn encode(&self, message: &mut Vec<u8>) {
        encode::from_client(self, message);
    }

    /// Decodes the frames of a message one by one. The iterator ends after an error.
    pub fn decode(message: &[u8]) -> impl Iterator<Item = Result<Self, DecodeError>> {
        frames(message, decode::from_client).map(|frame| frame.map(|(frame, _)| frame))
    }
}

impl FromPeer {
    /// Appends this frame to a message.
    pub fn encode(&self, message: &mut Vec<u8>) {
        encode::from_peer(self, message);
    }

    /// Decodes the frames of a message one by one. The iterator ends after an error.
    pub fn decode(message: &[u8]) -> impl Iterator<Item = Result<Self, DecodeError>> {
        Self::decode_with_bytes(message).map(|frame| frame.map(|(frame, _)| frame))
    }

    /// Like [`FromPeer::decode`], with the bytes of each frame.
    pub(crate) fn decode_with_bytes(
        message: &[u8],
    ) -> impl Iterator<Item = Result<(Self, &[u8]), DecodeError>> {
        frames(message, decode::from_peer)
            .map(|frame| frame.map(|(frame, range)| (frame, &message[range])))
    }
}

/// Reads the frames of a message one by one with `read`, each with its range in the message. Skips frames of later
/// versions. The iterator ends after an error.
pub(crate) fn frames<F>(
    message: &[u8],
    read: fn(&mut decode::Reader<'_>) -> Result<Option<F>, decode::Malformed>,
) -> impl Iterator<Item = Result<(F, Range<usize>), DecodeError>> {
    let mut decoder = decode::Reader::new(message);
    let mut failed = false;
    std::iter::from_fn(move || {
        while !failed && decoder.position() < message.len() {
            let at = decoder.position();
            match read(&mut decoder) {
                Ok(Some(frame)) => return Some(Ok((frame, at..decoder.position()))),
                Ok(None) => {}
                Err(decode::Malformed) => {
                    failed = true;
                    return Some(Err(DecodeError { at }));
                }
            }
        }
        None
    })
}
