//! What a link counts, for developer tools.

use super::Link;

/// What this tab has sent and received over sockets since its bridge was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// How often a socket was opened: once more than it reconnected.
    pub connections: u32,
    /// The messages that were handed to a socket.
    pub messages_out: u32,
    /// Their bytes.
    pub bytes_out: u64,
    /// The messages that have arrived.
    pub messages_in: u32,
    /// Their bytes.
    pub bytes_in: u64,
}

impl Link {
    pub(super) fn count_opened(&self) {
        let before = self.counters.get();
        self.counters.set(LinkCounters { connections: before.connections + 1, ..before });
    }

    pub(super) fn count_sent(&self, bytes: usize) {
        let before = self.counters.get();
        let (messages_out, bytes_out) = (before.messages_out + 1, before.bytes_out + bytes as u64);
        self.counters.set(LinkCounters { messages_out, bytes_out, ..before });
    }

    pub(super) fn count_received(&self, bytes: usize) {
        let before = self.counters.get();
        let (messages_in, bytes_in) = (before.messages_in + 1, before.bytes_in + bytes as u64);
        self.counters.set(LinkCounters { messages_in, bytes_in, ..before });
    }
}
