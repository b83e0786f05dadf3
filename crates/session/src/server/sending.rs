//! Gathers frames into messages for the socket.

use super::{Effect, Server, ServerState, SocketMessage, Texts, Wire};
use crate::wire::frame::FromPeer;

/// Messages are cut at about this size, so that a page of large events does not become one message. A receiver that
/// has stopped reading costs about one message, which must fit into 48 KiB together with its last event.
pub(super) const MESSAGE_BYTES: usize = 46 << 10;

impl Server {
    pub(super) fn send(&mut self, frame: &FromPeer) {
        if self.state == ServerState::Closed {
            return;
        }
        match self.wire {
            Wire::Frames => {
                frame.encode(&mut self.message);
                self.cut();
            }
            #[cfg(feature = "json")]
            Wire::Json => self.send_text(frame),
        }
    }

    /// Sends the message if it is long enough.
    pub(super) fn cut(&mut self) {
        if self.message.len() >= MESSAGE_BYTES || self.texts.len() >= MESSAGE_BYTES {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        if !self.message.is_empty() {
            self.last_message = self.message.len();
            let message = std::mem::take(&mut self.message);
            self.effects.push_back(Effect::Send(SocketMessage::Binary(message)));
        } else if self.message.capacity() > 0 {
            self.message = Vec::new();
        }
        if self.texts.len() > 0 {
            self.last_message = self.texts.len();
            let texts = std::mem::take(&mut self.texts);
            self.effects.push_back(Effect::Send(SocketMessage::Texts(texts)));
        } else if self.texts.has_room() {
            self.texts = Texts::default();
        }
    }

    /// Allocates the buffer of an empty message.
    pub(super) fn make_room(&mut self) {
        match self.wire {
            Wire::Frames if self.message.capacity() == 0 => self.message.reserve(self.last_message),
            #[cfg(feature = "json")]
            Wire::Json if !self.texts.has_room() => {
                self.texts = Texts::with_capacity(self.last_message);
            }
            _ => {}
        }
    }
}
