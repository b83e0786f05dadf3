//! What later events say about a message: edits, reactions and its deletion. They may come before the message.
//!
//! A [`Fold`] is the same for any order of arrival: each of its parts keeps what has the highest position in the log.
//! What this browser's user has said and the log does not have yet counts last.

use std::rc::Rc;

use super::{Author, Place};

/// The most reactions to a message, and the most people whose edits of a message are kept. More are ignored.
const MAX_REACTIONS: usize = 500;
const MAX_EDITORS: usize = 8;

/// The most messages that are not known but have relations. The relations of the others come again with the message.
const MAX_ORPHANS: usize = 1_000;
/// The most bytes of these relations.
const MAX_ORPHAN_BYTES: usize = 1_000_000;

/// The message that an event is about: its id, its place in the log, and the day of the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub id: Rc<str>,
    pub place: Place,
    /// A relation on another day's topic than the message's is ignored. The UTC date as a number, such as 20261129.
    pub day: u32,
}

/// An event about a message.
#[derive(Debug, Clone)]
pub struct Said {
    /// The id of the event.
    pub event: Rc<str>,
    /// Its author.
    pub author: Author,
    /// Its place in the log, or [`Place::Pending`] while this browser's outbox has it.
    pub place: Place,
    /// What it says. `None` if it was refused.
    pub relation: Option<Relation>,
}

/// What an event says about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    Edited { text: Rc<str> },
    Reacted { emoji: Rc<str>, is_on: bool },
}

/// All that is known about a message besides itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fold {
    /// The last edit of each author. Only that of the message's author counts, and the author may not be known yet.
    edits: Vec<Edit>,
    /// The last of each person and emoji.
    reactions: Vec<Reaction>,
    /// What the user has said and the log does not have yet: the event's id and the relation, by publish order.
    waiting: Vec<(Rc<str>, Relation)>,
    is_deleted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    author: Author,
    place: Place,
    text: Rc<str>,
}

/// Whether a person has reacted with an emoji.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reaction {
    author: Author,
    place: Place,
    emoji: Rc<str>,
    is_on: bool,
}

impl Fold {
    fn add(&mut self, said: Said) {
        let Said { event, author, place, relation } = said;
        // Clients choose ids, so that of another client says nothing about the user's own event.
        let known = self.waiting.iter().position(|(other, _)| author.is_me() && *other == event);
        match (place, known, relation) {
            (Place::Pending(_), Some(_), Some(_)) => {}
            (Place::Pending(_), None, Some(relation)) => self.waiting.push((event, relation)),
            (_, known, relation) => {
                if let Some(at) = known {
                    self.waiting.remove(at);
                }
                if let Some(relation) = relation {
                    self.add_stored(author, place, relation);
                }
            }
        }
    }

    fn add_stored(&mut self, author: Author, place: Place, relation: Relation) {
        match relation {
            Relation::Edited { text } => {
                let known = self.edits.iter().position(|edit| edit.author.is(&author));
                let new = Edit { author, place, text };
                match known {
                    Some(at) if self.edits[at].place < place => self.edits[at] = new,
                    None if self.edits.len() < MAX_EDITORS => self.edits.push(new),
                    _ => {}
                }
            }
            Relation::Reacted { emoji, is_on } => {
                let is_same = |it: &Reaction| it.emoji == emoji && it.author.is(&author);
                let known = self.reactions.iter().position(is_same);
                let new = Reaction { author, place, emoji, is_on };
                match known {
                    Some(at) if self.reactions[at].place < place => self.reactions[at] = new,
                    None if self.reactions.len() < MAX_REACTIONS => self.reactions.push(new),
                    _ => {}
                }
            }
        }
    }

    /// The text that `author` has last given it.
    pub fn edit(&self, author: &Author) -> Option<&str> {
        let waiting = self.waiting.iter().rev().find_map(|(_, relation)| match relation {
            Relation::Edited { text } if author.is_me() => Some(text),
            _ => None,
        });
        let stored = || Some(&self.edits.iter().find(|edit| edit.author.is(author))?.text);
        waiting.or_else(stored).map(|text| &**text)
    }

    /// Whether the user has said something about it that is not in the log yet.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The client of `author` that has sent that text.
    pub fn editor(&self, author: &Author) -> Option<&Author> {
        self.edits.iter().map(|edit| &edit.author).find(|editor| editor.is(author))
    }

    /// The emoji with the people who react with them now, in the order of their reactions.
    pub fn reactions(&self) -> Vec<(Rc<str>, Vec<Author>)> {
        let mut on: Vec<&Reaction> = self.reactions.iter().filter(|it| it.is_on).collect();
        on.sort_by_key(|reaction| reaction.place);
        let mut groups: Vec<(Rc<str>, Vec<Author>)> = Vec::new();
        for Reaction { author, emoji, .. } in on {
            match groups.iter_mut().find(|(other, _)| other == emoji) {
                Some((_, people)) => people.push(author.clone()),
                None => groups.push((emoji.clone(), vec![author.clone()])),
            }
        }
        for (_, relation) in &self.waiting {
            let Relation::Reacted { emoji, is_on } = relation else { continue };
            let at = groups.iter().position(|(other, _)| other == emoji).unwrap_or_else(|| {
                groups.push((emoji.clone(), Vec::new()));
                groups.len() - 1
            });
            let people = &mut groups[at].1;
            people.retain(|person| !person.is_me());
            if *is_on {
                people.push(Author::default());
            } else if people.is_empty() {
                groups.remove(at);
            }
        }
        groups
    }

    /// Whether the message was deleted, which beats all else.
    pub fn is_deleted(&self) -> bool {
        self.is_deleted
    }

    /// The bytes that it needs, about.
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.edits.iter().map(|edit| edit.text.len()).sum();
        let waiting: usize = self.waiting.iter().map(|(_, relation)| relation.bytes()).sum();
        100 + texts + waiting + (self.edits.len() + self.reactions.len()) * 100
    }
}

impl Relation {
    /// The bytes that it needs, about.
    fn bytes(&self) -> usize {
        match self {
            Self::Edited { text } => 100 + text.len(),
            Self::Reacted { .. } => 100,
        }
    }
}

/// The relations of messages that are not known yet.
#[derive(Debug, Clone, Default)]
pub struct Orphans {
    folds: Vec<(About, Fold)>,
    /// The places of deleted messages.
    deleted: Vec<Place>,
    bytes: usize,
}

impl Orphans {
    /// Adds a relation. Returns whether others had to be dropped for it.
    pub fn add(&mut self, about: About, said: Said) -> bool {
        let at = self.folds.iter().rposition(|(other, _)| *other == about);
        let at = at.unwrap_or_else(|| {
            self.folds.push((about, Fold::default()));
            self.bytes += Fold::default().bytes();
            self.folds.len() - 1
        });
        let (_, fold) = &mut self.folds[at];
        let before = fold.bytes();
        fold.add(said);
        self.bytes = self.bytes + fold.bytes() - before;
        let is_full = self.folds.len() > MAX_ORPHANS || self.bytes > MAX_ORPHAN_BYTES;
        if is_full {
            let kept = self.folds.split_off(self.folds.len() / 2);
            self.folds = kept;
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

    /// The relations of a message that is known now.
    pub fn take(&mut self, about: &About) -> Option<Rc<Fold>> {
        let deleted = self.deleted.iter().position(|place| *place == about.place);
        let found = self.folds.iter().position(|(other, _)| other == about);
        if deleted.is_none() && found.is_none() {
            return None;
        }
        let mut fold = match found {
            Some(at) => {
                let (_, fold) = self.folds.swap_remove(at);
                self.bytes = self.bytes.saturating_sub(fold.bytes());
                fold
            }
            None => Fold::default(),
        };
        if let Some(at) = deleted {
            self.deleted.swap_remove(at);
            fold.is_deleted = true;
        }
        Some(Rc::new(fold))
    }

    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All relations of another timeline.
    pub fn append(&mut self, mut other: Self) {
        self.folds.append(&mut other.folds);
        self.deleted.append(&mut other.deleted);
        self.bytes += other.bytes;
    }
}

/// A fold with one more relation.
pub(super) fn with(fold: Option<&Rc<Fold>>, said: Said) -> Rc<Fold> {
    let mut fold = fold.map_or_else(Fold::default, |fold| (**fold).clone());
    fold.add(said);
    Rc::new(fold)
}

/// The fold of a message that was deleted.
pub(super) fn deleted(fold: Option<&Rc<Fold>>) -> Rc<Fold> {
    let mut fold = fold.map_or_else(Fold::default, |fold| (**fold).clone());
    fold.is_deleted = true;
    Rc::new(fold)
}

/// The UTC date of a time in milliseconds since 1970, as a number such as 20261129. The topics of relations contain it.
pub fn utc_day(time_ms: Option<u64>) -> u32 {
    // Days and years from 1 March of the year 0, so that a leap day is the last of its year.
    let days = time_ms.unwrap_or_default() / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year * 10_000 + month * 100 + day) as u32
}

#[cfg(test)]
mod tests {
    use super::utc_day;

    #[test]
    fn the_day_of_a_topic_is_the_date_in_utc() {
        for (seconds, day) in [
            (0, 19_700_101),
            (86_399, 19_700_101),
            (86_400, 19_700_102),
            (951_782_399, 20_000_228),
            (951_782_400, 20_000_229),
            (951_868_800, 20_000_301),
            (1_796_083_199, 20_261_130),
            (4_107_542_400, 21_000_301),
        ] {
            assert_eq!(utc_day(Some(seconds * 1_000)), day, "{seconds}");
        }
        assert_eq!(utc_day(None), 19_700_101);
    }
}
