//! The table of emoji in `www/emoji`: one line for each, with the emoji, the name and the words to find it by,
//! separated by tabs. A `+` at the beginning says that the emoji has skin tones, and a `*` that each of its persons has
//! one. A line without tabs names a group.

use crate::letters::lower;

/// An emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emoji {
    /// The emoji without a skin tone.
    pub text: &'static str,
    /// The name in the user's language.
    pub name: &'static str,
    /// Further words, with the short codes, in lower case.
    words: &'static str,
    /// The number of its group.
    pub group: usize,
    tones: Tones,
}

/// Where an emoji has skin tones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tones {
    No,
    First,
    Each,
}

/// All emoji, and the names of their groups.
#[derive(Debug, Default)]
pub struct Table {
    pub emoji: Vec<Emoji>,
    pub groups: Vec<&'static str>,
}

/// The skin tones, from none to the darkest.
pub const TONES: [&str; 6] = ["", "\u{1f3fb}", "\u{1f3fc}", "\u{1f3fd}", "\u{1f3fe}", "\u{1f3ff}"];

const EMOJI_STYLE: char = '\u{fe0f}';

impl Table {
    /// Reads a table.
    pub fn parse(text: &'static str) -> Self {
        let mut table = Self::default();
        for line in text.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next()) {
                (Some(text), Some(name), Some(words)) => {
                    let (tones, text) = match (text.strip_prefix('+'), text.strip_prefix('*')) {
                        (Some(text), _) => (Tones::First, text),
                        (_, Some(text)) if !text.starts_with(EMOJI_STYLE) => (Tones::Each, text),
                        _ => (Tones::No, text),
                    };
                    let group = table.groups.len().saturating_sub(1);
                    table.emoji.push(Emoji { text, name, words, group, tones });
                }
                _ => table.groups.push(line),
            }
        }
        table
    }

    /// The emoji that all words of `query` are about, the best first: those whose name or words begin with it.
    pub fn search(&self, query: &str, most: usize) -> Vec<Emoji> {
        let query = lower(query.trim());
        if query.is_empty() {
            return Vec::new();
        }
        let rank = |emoji: &Emoji| {
            let ranks = query.split_whitespace().map(|word| emoji.rank(word));
            ranks.max().unwrap_or(UNRELATED)
        };
        let mut found: Vec<Vec<Emoji>> = vec![Vec::new(); UNRELATED];
        for emoji in &self.emoji {
            if let Some(found) = found.get_mut(rank(emoji)) {
                found.push(*emoji);
            }
        }
        found.into_iter().flatten().take(most).collect()
    }
}

/// The rank of an emoji that a word is not about.
const UNRELATED: usize = 4;

impl Emoji {
    /// How near a word is to it: 0 is the nearest.
    fn rank(&self, word: &str) -> usize {
        let begins = |text: &str| text.split([' ', '_']).any(|other| other.starts_with(word));
        let name = lower(self.name);
        if self.code() == word || name == word {
            0
        } else if begins(&name) || begins(self.code()) {
            1
        } else if begins(self.words) {
            2
        } else if name.contains(word) || self.words.contains(word) {
            3
        } else {
            UNRELATED
        }
    }

    /// The first of its words: the short code.
    pub fn code(&self) -> &'static str {
        self.words.split(' ').next().unwrap_or_default()
    }

    /// The emoji with a skin tone, one of [`TONES`], if it has skin tones.
    pub fn with_tone(&self, tone: &str) -> String {
        if tone.is_empty() || self.tones == Tones::No {
            return self.text.to_owned();
        }
        let mut toned = String::new();
        let mut parts = self.text.chars().peekable();
        let mut is_done = false;
        while let Some(part) = parts.next() {
            toned.push(part);
            if !is_done && (toned.chars().count() == 1 || is_person(part)) {
                toned.push_str(tone);
                // The tone has a coloured style of its own.
                parts.next_if_eq(&EMOJI_STYLE);
                is_done = self.tones == Tones::First;
            }
        }
        toned
    }
}

/// The characters of sequences that have skin tones of their own.
fn is_person(part: char) -> bool {
    matches!(part, '\u{1f468}' | '\u{1f469}' | '\u{1f9d1}' | '\u{1faf1}' | '\u{1faf2}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Smileys & emotion
😀\tgrinning face\tgrinning cheerful smile
😄\tgrinning face with smiling eyes\tsmile happy joy
😏\tsmirking face\tsmirk
People
+👋\twaving hand\twave hello bye
+☝️\tindex pointing up\tpoint_up
+👩‍🚀\twoman astronaut\twoman_astronaut space
*👩‍🤝‍👨\twoman and man holding hands\tcouple
👨‍👩‍👧\tfamily\tfamily child";

    fn found(query: &str) -> Vec<&'static str> {
        Table::parse(TEXT).search(query, 10).iter().map(|emoji| emoji.text).collect()
    }

    #[test]
    fn a_table_has_groups_of_emoji() {
        let table = Table::parse(TEXT);
        assert_eq!(table.groups, ["Smileys & emotion", "People"]);
        let groups: Vec<usize> = table.emoji.iter().map(|emoji| emoji.group).collect();
        assert_eq!(groups, [0, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!((table.emoji[3].text, table.emoji[3].code()), ("👋", "wave"));
    }

    #[test]
    fn a_search_finds_the_nearest_first_by_all_words_in_any_case() {
        assert_eq!(found("smile"), ["😄", "😀"]);
        assert_eq!(found("smi"), ["😄", "😏", "😀"]);
        assert_eq!(found("Waving HAND"), ["👋"]);
        assert_eq!(found("up"), ["☝️", "👩‍🤝‍👨"]);
        assert_eq!(found("waving smile"), [""; 0]);
        assert_eq!(found(" "), [""; 0]);
        assert_eq!(Table::parse(TEXT).search("s", 2).len(), 2);
    }

    #[test]
    fn a_skin_tone_follows_each_person_that_has_one() {
        let toned: Vec<String> =
            Table::parse(TEXT).emoji.iter().map(|emoji| emoji.with_tone(TONES[3])).collect();
        assert_eq!(toned[3..], ["👋🏽", "☝🏽", "👩🏽‍🚀", "👩🏽‍🤝‍👨🏽", "👨‍👩‍👧"]);
        assert_eq!(Table::parse(TEXT).emoji[3].with_tone(TONES[0]), "👋");
        assert_eq!(toned[0], "😀");
    }
}
