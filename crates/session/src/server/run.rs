//! A run of ephemeral events as the bytes that many connections send: they are encoded once.
//!
//! What differs between connections is how an event begins: the topic's number and the subscriptions. Connections
//! with the same beginning send the same bytes.

use std::sync::Arc;

use super::{Effect, Ephemeral, SocketMessage, Server, Wire, texts};
use crate::wire::encode;

/// A run ends at about this many bytes. A receiver that has stopped reading costs about one run.
const RUN_BYTES: usize = 60 << 10;
/// The same of texts, which are longer: a write costs as much as the copying of 60 KiB, and is then for as many events.
#[cfg(feature = "json")]
pub(super) const RUN_TEXT_BYTES: usize = 92 << 10;
/// The most bytes of a byte string's head.
const HEAD: usize = 9;

impl Server {
    /// How an ephemeral event begins on this connection, if it begins as the last one did and no subscription has a
    /// limit. It is empty on a wire of texts, and only there.
    pub fn beginning(&self, event: &Ephemeral) -> Option<&[u8]> {
        let cache = self.cached_prefix(&event.topic)?;
        (cache.is_unlimited && !self.is_closed()).then_some(&cache.beginning)
    }

    /// Encodes events on one topic from the first on, whose [`Server::beginning`] is known, until the run is long
    /// enough. Answers WebSocket frames, and how many events they are.
    pub fn encode_run<'e>(
        &self,
        events: impl Iterator<Item = &'e Ephemeral> + Clone,
    ) -> (Vec<u8>, usize) {
        let Some(cache) = &self.prefix_cache else { return (Vec::new(), 0) };
        let events = events.take_while(|event| cache.is_on(&event.topic));
        match self.wire {
            Wire::Frames => {
                let (mut bytes, mut count) = (0, 0);
                for event in events.clone() {
                    if bytes >= RUN_BYTES {
                        break;
                    }
                    bytes += cache.beginning.len() + HEAD + event.body.len();
                    count += 1;
                }
                let frame = texts::binary(bytes, |message| {
                    for event in events.take(count) {
                        message.extend_from_slice(&cache.beginning);
                        encode::byte_string(message, &event.body);
                    }
                });
                (frame, count)
            }
            #[cfg(feature = "json")]
            Wire::Json => self.run_of_texts(events),
        }
    }

    /// Sends the frames that [`Server::encode_run`] has made for a connection with the same beginning.
    pub fn send_run(&mut self, frames: Arc<Vec<u8>>) {
        self.flush();
        self.effects.push_back(Effect::Send(SocketMessage::Frames(frames)));
    }
}
