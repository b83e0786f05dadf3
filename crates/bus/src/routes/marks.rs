//! Which topics were seen lately, in a fixed room: what tells a hot topic from a one-off.

const MARKS: usize = 2_048;

/// How often a mark is passed by others before it gives its place to one of them. With it, many topics
/// that take turns become hot as well, and a hot one is recognised after so many times at the latest.
pub(super) const PATIENCE: u8 = 64;

#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Empty until the first topic is seen.
    places: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    tag: u32,
    patience: u8,
}

impl Marks {
    /// Whether the topic of that `hash` has a mark. It is used up; a topic without one tries to get one.
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
