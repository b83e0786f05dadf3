//! Copies of a client, each in a store of its own (a profile that was copied to another machine, or restored
//! from a backup): they take the link from each other. The store knows which tokens were taken by tabs that
//! share it; who is fenced though none of them took one, or again and again before the link has held, has a rival
//! elsewhere, and after some of that becomes another client.

use super::TabId;

/// How often a client is fenced by rivals before it gives way: so many times at least, and up to four times as
/// often, so that not both of two rivals give way.
const PATIENCE: u32 = 5;

#[derive(Debug, Default)]
pub(super) struct CloneDetector {
    /// The last token that was greeted with.
    used: u64,
    /// A connection with it was fenced: whether it had held before.
    is_fenced: Option<bool>,
    /// How often rivals have done so since the client has its id.
    fenced: u32,
}

impl CloneDetector {
    /// The connection was ended, or not let in, by one with a higher token.
    pub(super) fn fenced(&mut self, had_held: bool) {
        self.is_fenced = Some(had_held);
    }

    /// The store has given the next token. The one to greet with: each fencing doubles how far that goes beyond,
    /// as the store may have lost what it knew of, or never heard of it.
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

    /// Whether the client is to take another id. It does so after a last welcome, which says what the peer has
    /// decided under the old one.
    pub(super) fn give_way(&self, tab: &TabId) -> bool {
        self.fenced >= PATIENCE * u32::from(1 + tab[2] % 4)
    }
}
