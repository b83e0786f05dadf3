//! Which topics were looked up recently, in a table of fixed size. This separates hot topics from one-offs.

const MARKS: usize = 2_048;

/// How many lookups of other topics a mark survives before one of them replaces it. Up to this number of topics that
/// alternate become hot as well, and a topic is hot after this many lookups at the latest.
pub(super) const PATIENCE: u8 = 64;

#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Empty until the first lookup.
    places: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    tag: u32,
    patience: u8,
}

impl Marks {
    /// Whether the topic with this `hash` has a mark, which is used up. A topic without one tries to set one.
    pub(super) fn seen_before(&mut self, hash: u32) -> bool {
        if self.places.is_empty() {
            self.places = vec![Mark { tag: 0, patience: 0 }; MARKS];
        }
        let tag = hash | 1;
        let Some(mark) = self.places.get_mut(hash as usize % MARKS) else { return false };
        if mark.tag == tag {
            *mark = Mark { tag: 0, patience: 0 };
            return true;
        }
        match mark.patience.checked_sub(1) {
            Some(patience) => mark.patience = patience,
            None => *mark = Mark { tag, patience: PATIENCE },
        }
        false
    }
}
