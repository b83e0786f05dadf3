//! Runs of ephemeral events, encoded once for many connections.
//!
//! Connections differ in how an event begins: the topic's number and the subscriptions. Connections with the same
//! beginning send the same bytes.

use std::sync::Arc;

use super::{Effect, Ephemeral, Server, SocketMessage, Wire, texts};
use crate::wire::encode;

/// A run ends at about this size. A receiver that has stopped reading costs about one run.
const RUN_BYTES: usize = 60 << 10;
/// The same for texts, which are longer. A write costs about as much as copying 60 KiB: an event cost 10 % more CPU
/// with runs of 92 KiB, and 45 % more with runs of 48 KiB.
#[cfg(feature = "json")]
pub(super) const RUN_TEXT_BYTES: usize = 180 << 10;
/// The maximum size of a byte string's head.
const HEAD: usize = 9;

impl Server {
    /// The beginning of an ephemeral event on this connection, if it is the same as for the last one and no
    /// subscription has a limit. Only for texts it is empty.
    pub fn beginning(&self, event: &Ephemeral) -> Option<&[u8]> {
        let cache = self.cached_prefix(&event.topic)?;
        (cache.is_unlimited && !self.is_closed()).then_some(&cache.beginning)
    }

    /// Encodes a run of events on one topic, whose [`Server::beginning`] is known. Returns WebSocket frames, and the
    /// number of events in them.
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

    /// Sends frames from [`Server::encode_run`] of a connection with the same beginning.
    pub fn send_run(&mut self, frames: Arc<Vec<u8>>) {
        self.flush();
        self.effects.push_back(Effect::Send(SocketMessage::Frames(frames)));
    }
}
