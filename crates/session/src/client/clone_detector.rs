//! Detects copies of a client, each with its own store (a profile that was copied to another machine, or restored
//! from a backup): copies keep fencing each other. The store knows which tokens were taken by the tabs that share it.
//! A client that is fenced although none of these tabs took a token, or that is fenced repeatedly before its link is
//! stable, has a clone elsewhere. After some time it takes a new identity.

use super::TabId;

/// How often clones fence a client before it gives way: at least this often, and up to four times as often. The range
/// keeps both of two clones from giving way.
const PATIENCE: u32 = 5;

#[derive(Debug, Default)]
pub(super) struct CloneDetector {
    /// The last token that a hello used.
    used: u64,
    /// Whether a connection with that token was fenced, and if so, whether it had been stable.
    is_fenced: Option<bool>,
    /// How often clones have fenced this client id.
    fenced: u32,
}

impl CloneDetector {
    /// The connection was closed, or not admitted, because of a higher token.
    pub(super) fn fenced(&mut self, had_held: bool) {
        self.is_fenced = Some(had_held);
    }

    /// Turns the store's next token into the one to use. Each fencing doubles the distance added on top, because the
    /// store may have lost a token or may never have known it.
    pub(super) fn taken(&mut self, token: u64) -> u64 {
        let mut beyond = 0;
        if let Some(had_held) = self.is_fenced.take() {
            let by_own_tab = had_held && token != self.used + 1;
            self.fenced = if by_own_tab { 0 } else { self.fenced + 1 };
            beyond = (1 << self.fenced.saturating_sub(1).min(31)) - 1;
        }
        self.used = token.saturating_add(beyond);
        self.used
    }

    /// Whether the client must take a new identity. It does so after one last welcome, which tells what the peer has
    /// decided under the old identity.
    pub(super) fn give_way(&self, tab: &TabId) -> bool {
        self.fenced >= PATIENCE * u32::from(1 + tab[2] % 4)
    }
}
