//! What later events say about a message: edits, reactions and its deletion. They may come before the message.
//!
//! A [`Fold`] is the same for any order of arrival: each of its parts keeps what has the highest position in the log,
//! and what others send displaces nothing that the author of the message sends. What this browser's user has sent, and
//! the log does not have yet, counts as the newest.

use std::cmp::{Ordering, Reverse};
use std::rc::Rc;

use super::{Author, Place};

/// The most reactions to a message that are kept.
const MAX_REACTIONS: usize = 500;

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
    /// The last edit of each author. Only that of the message's author counts. Those of others are kept until the
    /// message, and with it its author, is known.
    edits: Vec<Edit>,
    /// The last of each person and emoji.
    reactions: Vec<Reaction>,
    /// What the user has said and the log does not have yet: the event's id and the relation, by publish order.
    waiting: Vec<(Rc<str>, Relation)>,
    pub(super) is_deleted: bool,
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
    /// Adds what an event says. `message_author` is the author of the message, if it is known.
    pub(super) fn add(&mut self, said: Said, message_author: Option<&Author>) {
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
                match relation {
                    Some(Relation::Edited { text })
                        if message_author.is_none_or(|it| may_edit(&author, it)) =>
                    {
                        self.add_edit(Edit { author, place, text });
                    }
                    Some(Relation::Reacted { emoji, is_on }) => {
                        self.add_reaction(Reaction { author, place, emoji, is_on });
                    }
                    Some(Relation::Edited { .. }) | None => {}
                }
            }
        }
    }

    fn add_edit(&mut self, new: Edit) {
        match self.edits.iter_mut().find(|edit| edit.author.is(&new.author)) {
            Some(known) if known.place < new.place => *known = new,
            Some(_) => {}
            None => self.edits.push(new),
        }
    }

    fn add_reaction(&mut self, new: Reaction) {
        let is_same = |it: &&mut Reaction| it.emoji == new.emoji && it.author.is(&new.author);
        match self.reactions.iter_mut().find(is_same) {
            Some(known) if known.place < new.place => *known = new,
            Some(_) => {}
            None => {
                self.reactions.push(new);
                if self.reactions.len() > MAX_REACTIONS {
                    self.drop_reaction();
                }
            }
        }
    }

    /// Drops the oldest reaction of the person who has the most, among guests if they have more than half of all
    /// reactions, and otherwise among accounts: one attacker can be any number of guests. Any order of arrival leaves
    /// the same reactions.
    fn drop_reaction(&mut self) {
        let is_guest = |it: &&Reaction| it.author.account.is_none() && !it.author.is_me();
        let has_many_guests = self.reactions.iter().filter(is_guest).count() > MAX_REACTIONS / 2;
        let is_of_many = |it: &&Reaction| is_guest(it) == has_many_guests;
        let mut all: Vec<&Reaction> = self.reactions.iter().filter(is_of_many).collect();
        sort(&mut all, |one, other| {
            one.author.key().cmp(&other.author.key()).then(one.place.cmp(&other.place))
        });
        let mut dropped: Option<(usize, &Reaction)> = None;
        for of_one in all.chunk_by(|one, other| one.author.is(&other.author)) {
            if let [oldest, ..] = of_one {
                let rank = |count: usize, it: &Reaction| (count, Reverse(it.place));
                let is_first =
                    dropped.is_none_or(|(count, it)| rank(of_one.len(), oldest) > rank(count, it));
                if is_first {
                    dropped = Some((of_one.len(), oldest));
                }
            }
        }
        let at = dropped.and_then(|(_, dropped)| {
            self.reactions.iter().position(|it| std::ptr::eq(it, dropped))
        });
        if let Some(at) = at {
            self.reactions.swap_remove(at);
        }
    }

    /// The message is known now, and with it its author.
    pub(super) fn know_author(&mut self, author: &Author) {
        self.edits.retain(|edit| may_edit(&edit.author, author));
    }

    /// Adds what another fold of the same message has.
    pub(super) fn merge(&mut self, other: Self) {
        other.edits.into_iter().for_each(|edit| self.add_edit(edit));
        other.reactions.into_iter().for_each(|reaction| self.add_reaction(reaction));
        for (event, relation) in other.waiting {
            if self.waiting.iter().all(|(known, _)| *known != event) {
                self.waiting.push((event, relation));
            }
        }
        self.is_deleted |= other.is_deleted;
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
        sort(&mut on, |one, other| one.place.cmp(&other.place));
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

/// Sorts reactions. One function for all orders, because the code of a sort takes a kilobyte.
fn sort(reactions: &mut [&Reaction], order: fn(&&Reaction, &&Reaction) -> Ordering) {
    reactions.sort_by(order);
}

/// Whether an edit by `editor` of a message by `author` is kept. The author of an own message may get the account
/// later, so the user's own edits are kept.
fn may_edit(editor: &Author, author: &Author) -> bool {
    editor.is(author) || editor.is_me()
}

/// The fold of a known message with one more relation.
pub(super) fn with(fold: Option<&Rc<Fold>>, said: Said, author: &Author) -> Rc<Fold> {
    let mut fold = fold.map_or_else(Fold::default, |fold| (**fold).clone());
    fold.add(said, Some(author));
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
