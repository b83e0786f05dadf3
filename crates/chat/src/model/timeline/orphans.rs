//! The relations of messages that are not known yet, because the reader has not paged back to them.

use std::rc::Rc;

use super::relations::{About, Fold, Said};
use super::{Author, Place};

/// The most messages that are not known but have relations. The relations of the others come again with the message.
const MAX_ORPHANS: usize = 1_000;
/// The most bytes of these relations. Nothing else limits the number of relations of one message: anyone may send
/// one, and only the message names its author.
const MAX_ORPHAN_BYTES: usize = 1_000_000;

/// The relations of messages that are not known yet.
#[derive(Debug, Clone, Default)]
pub struct Orphans {
    folds: Vec<(About, Fold)>,
    /// The places of deleted messages.
    deleted: Vec<Place>,
    bytes: usize,
}

impl Orphans {
    /// Adds a relation. Returns whether relations had to be dropped.
    pub fn add(&mut self, about: About, said: Said) -> bool {
        let fold = self.fold(about);
        let before = fold.bytes();
        fold.add(said, None);
        let after = fold.bytes();
        self.bytes = self.bytes + after - before;
        self.trim()
    }

    /// The relations of a message.
    fn fold(&mut self, about: About) -> &mut Fold {
        let at = self.folds.iter().rposition(|(other, _)| *other == about).unwrap_or_else(|| {
            self.folds.push((about, Fold::default()));
            self.bytes += Fold::default().bytes();
            self.folds.len() - 1
        });
        &mut self.folds[at].1
    }

    /// While there are too many, drops the older half: the messages whose first relations came earliest. Returns
    /// whether there were too many.
    fn trim(&mut self) -> bool {
        let mut is_full = false;
        while self.folds.len() > MAX_ORPHANS || self.bytes > MAX_ORPHAN_BYTES {
            is_full = true;
            self.folds = self.folds.split_off(self.folds.len().div_ceil(2));
            self.bytes = self.folds.iter().map(|(_, fold)| fold.bytes()).sum();
        }
        is_full
    }

    /// A message that is not known was deleted.
    pub fn delete(&mut self, place: Place) {
        if !self.deleted.contains(&place) {
            if self.deleted.len() >= MAX_ORPHANS {
                // The log itself holds the oldest ones without their texts.
                self.deleted.remove(0);
            }
            self.deleted.push(place);
        }
    }

    /// Takes out the relations of a message by `author`, which is known now.
    pub fn take(&mut self, about: &About, author: &Author) -> Option<Rc<Fold>> {
        let deleted = self.deleted.iter().position(|place| *place == about.place);
        let found = self.folds.iter().position(|(other, _)| other == about);
        if deleted.is_none() && found.is_none() {
            return None;
        }
        let mut fold = match found {
            Some(at) => {
                // The others stay in the order in which they came.
                let (_, fold) = self.folds.remove(at);
                self.bytes = self.bytes.saturating_sub(fold.bytes());
                fold
            }
            None => Fold::default(),
        };
        fold.know_author(author);
        if let Some(at) = deleted {
            self.deleted.remove(at);
            fold.is_deleted = true;
        }
        Some(Rc::new(fold))
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds all relations of another timeline, which may have some of these, too. Returns whether relations had to be
    /// dropped.
    pub fn append(&mut self, other: Self) -> bool {
        for (about, other) in other.folds {
            let fold = self.fold(about);
            let before = fold.bytes();
            fold.merge(other);
            let after = fold.bytes();
            self.bytes = self.bytes + after - before;
        }
        other.deleted.into_iter().for_each(|place| self.delete(place));
        self.trim()
    }
}
