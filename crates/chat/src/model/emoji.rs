//! Emoji: messages of a few alone, which are shown larger, and the table of all.

mod table;

pub use table::{Emoji, TONES, Table};

/// The most emoji that are shown larger.
const MAX: usize = 3;

/// The most code points of one emoji: a family of four has seven with its joiners, a flag of a region seven with its
/// tags, and each person may have a skin tone. Longer sequences are not drawn as one.
const MAX_CODE_POINTS: usize = 12;

const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';

/// Whether `text` consists of one to three emoji, with or without spaces between them.
pub fn is_few(text: &str) -> bool {
    let mut count = 0;
    let mut characters = text.chars().filter(|character| *character != ' ').peekable();
    while let Some(first) = characters.next() {
        count += 1;
        if count > MAX || !is_base(first) {
            return false;
        }
        if is_regional(first) && !characters.next().is_some_and(is_regional) {
            return false;
        }
        let mut length = 1;
        let mut is_joined = false;
        while let Some(next) = characters.next_if(|next| is_joined || extends(*next)) {
            if is_joined && !is_base(next) {
                return false;
            }
            is_joined = next == JOINER;
            length += 1;
            if length > MAX_CODE_POINTS {
                return false;
            }
        }
        if is_joined {
            return false;
        }
    }
    count > 0
}

/// The characters that fonts draw as emoji, or that begin a sequence that they draw as one. The style sheet names the
/// same.
fn is_base(character: char) -> bool {
    matches!(
        character,
        '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23fa}' | '\u{25fd}' | '\u{25fe}' | '\u{2600}'..='\u{27bf}'
            | '\u{2b1b}' | '\u{2b1c}' | '\u{2b50}' | '\u{2b55}' | '\u{1f000}'..='\u{1faff}'
    )
}

fn is_regional(character: char) -> bool {
    matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Joiners, the selector of the coloured style, skin tones, and the tags of flags.
fn extends(character: char) -> bool {
    matches!(character, JOINER | EMOJI_STYLE | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_three_emoji_alone_are_few() {
        for text in [
            "😀",
            "😀😀😀",
            "😀 👍🏽 🎉",
            "❤️",
            "👩‍👩‍👧‍👦",
            "👩🏽‍🚀🏳️‍🌈",
            "🇩🇪🇫🇷",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            "⭐",
        ] {
            assert!(is_few(text), "{text}");
        }
    }

    #[test]
    fn texts_and_more_than_three_emoji_are_not() {
        let endless = "👩\u{200d}".repeat(1_000);
        for text in [
            "",
            " ",
            "hi 😀",
            "😀!",
            "😀😀😀😀",
            "7",
            "#",
            "🇩",
            "🇩😀",
            "👩\u{200d}",
            "👩\u{200d}a",
            &endless,
        ] {
            assert!(!is_few(text), "{text}");
        }
    }
}
