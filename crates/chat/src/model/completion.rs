//! What the user may be about to write in the composer: an emoji by its name, or a person's name.

use crate::letters::{is_alphanumeric, lower};

/// What is completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An emoji, after a colon.
    Emoji,
    /// A person who is mentioned, after an at sign.
    Person,
}

/// The fewest characters of an emoji's name.
const FEWEST: usize = 2;
/// The most bytes that are looked at.
const MAX: usize = 100;

/// What the text before the caret ends with: the kind, and what was written after the mark.
pub fn begun(before: &str) -> Option<(Kind, &str)> {
    let near = &before[before.ceil_char_boundary(before.len().saturating_sub(MAX))..];
    let mark = near.rfind([':', '@', '\n'])?;
    let (start, rest) = near.split_at(mark);
    if start.ends_with(|before: char| !before.is_whitespace() && before != '(') {
        return None;
    }
    if let Some(name) = rest.strip_prefix(':') {
        let is_part = |part: char| is_alphanumeric(part) || matches!(part, '_' | '+' | '-');
        let is_name = name.chars().all(is_part) && name.chars().count() >= FEWEST;
        return is_name.then_some((Kind::Emoji, name));
    }
    let name = rest.strip_prefix('@').filter(|name| !name.starts_with(' '))?;
    Some((Kind::Person, name))
}

/// The names that begin with what was written, or contain a word that does, in their order.
pub fn people<'a, T>(
    query: &str,
    all: &'a [T],
    name: impl Fn(&T) -> &str,
    most: usize,
) -> Vec<&'a T> {
    let query = lower(query);
    let is_meant = |name: &str| {
        let name = lower(name);
        name.starts_with(&query) || name.split(' ').any(|word| word.starts_with(&query))
    };
    all.iter().filter(|one| is_meant(name(one))).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_an_emoji_or_a_person_begins_with_a_mark_after_a_space() {
        for (text, expected) in [
            (":smi", Some((Kind::Emoji, "smi"))),
            ("hi :+1", Some((Kind::Emoji, "+1"))),
            ("(:大笑", Some((Kind::Emoji, "大笑"))),
            (":s", None),
            (":)", None),
            (": smile", None),
            ("at 12:30", None),
            ("https://x", None),
            ("@", Some((Kind::Person, ""))),
            ("hi @An", Some((Kind::Person, "An"))),
            ("@Guest 1", Some((Kind::Person, "Guest 1"))),
            ("ann@x.org", None),
            ("@ and", None),
            ("@Ann\nhi", None),
            ("", None),
        ] {
            assert_eq!(begun(text), expected, "{text}");
        }
        let long = ["ä".repeat(10_000), " :smile".to_owned()].concat();
        assert_eq!(begun(&long), Some((Kind::Emoji, "smile")));
    }

    #[test]
    fn people_are_found_by_the_beginning_of_each_word_of_their_names() {
        let all = ["Ann", "Bob Anders", "Jan", "Élodie"];
        let found = |query: &str| people(query, &all, |name| name, 2);
        assert_eq!(found("an"), [&"Ann", &"Bob Anders"]);
        assert_eq!(found("bob an"), [&"Bob Anders"]);
        assert_eq!(found("é"), [&"Élodie"]);
        assert_eq!(found("nn"), [&""; 0]);
        assert_eq!(found("").len(), 2);
    }
}
