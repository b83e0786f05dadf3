//! Copies of a client, each in a store of its own (a profile that was copied to another machine, or restored
//! from a backup): they take the link from each other. The store knows which tokens were taken by tabs that
//! share it; who is fenced though none of them took one has a rival elsewhere, and after some of that becomes
//! another client.

use super::TabId;

/// How often a client is fenced by rivals before it gives way: so many times at least, and up to four times as
/// often, so that not both of two rivals give way.
const PATIENCE: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Rivals {
    /// The last token that the store gave.
    taken: u64,
    /// A connection with it was fenced.
    is_fenced: bool,
    /// How often rivals have done so since the client has its id.
    fenced: u32,
}

impl Rivals {
    /// The connection was ended, or not let in, by one with a higher token.
    pub(super) fn fenced(&mut self) {
        self.is_fenced = true;
    }

    /// The store has given the next token. The one to greet with, which is higher where rivals are ahead: the
    /// way to another id is a last welcome, which says what the peer has decided under the old one.
    pub(super) fn taken(&mut self, token: u64, tab: &TabId) -> u64 {
        if std::mem::take(&mut self.is_fenced) {
            self.fenced = if token == self.taken + 1 { self.fenced + 1 } else { 0 };
        }
        self.taken = token;
        let beyond = self.fenced.saturating_sub(patience(tab));
        token.saturating_add((1 << beyond.min(40)) - 1)
    }

    /// Whether the client is to take another id.
    pub(super) fn give_way(&self, tab: &TabId) -> bool {
        self.fenced >= patience(tab)
    }
}

fn patience(tab: &TabId) -> u32 {
    PATIENCE * u32::from(1 + tab[2] % 4)
}
