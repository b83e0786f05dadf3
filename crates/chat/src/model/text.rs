//! Names and messages as people write them: what may be sent, and how much of it is shown. Others write with
//! programs of their own, so what they send is held to the same bounds when it is read.

use std::rc::Rc;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use crate::events::{Person, TextMessage};

/// A message has at most so many code points. UTF-8 takes at most four bytes for each, so it has at most 24,000
/// bytes: a fraction of what a relay takes, and laid out in half a second in any script.
pub const MOST_CHARACTERS: usize = 6_000;

/// A name has at most so many code points.
pub const MOST_OF_NAME: usize = 64;

/// Stands for a name that no reader would see.
pub const NO_NAME: &str = "(no name)";

/// A longer message is folded, in bytes. Browsers take time for a line break by the square of a paragraph's length,
/// and more for scripts that need more bytes for a character.
const FOLDED_BYTES: usize = 2_000;

/// A message of more lines is folded.
const FOLDED_LINES: usize = 30;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing would be seen of it.
    #[error("This message has no visible characters.")]
    Invisible,
    /// It has so many code points.
    #[error("This message has {0} characters. At most {MOST_CHARACTERS} can be sent.")]
    TooLong(usize),
}

/// Whether `text` may be sent as a message.
///
/// # Errors
/// A [`TextError`], whose text is for the person who wrote it.
pub fn check(text: &str) -> Result<(), TextError> {
    check_length(text)?;
    if is_visible(text) { Ok(()) } else { Err(TextError::Invisible) }
}

/// Whether `text` is within the bound of messages; one that is being written may have nothing visible yet.
///
/// # Errors
/// [`TextError::TooLong`].
pub fn check_length(text: &str) -> Result<(), TextError> {
    match text.chars().count() {
        0..=MOST_CHARACTERS => Ok(()),
        characters => Err(TextError::TooLong(characters)),
    }
}

/// Whether a reader sees anything of `text`.
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_blank)
}

fn is_blank(character: char) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let is_empty_glyph = matches!(
        character,
        '\u{2800}' // braille without a dot
            | '\u{fff9}'
            ..='\u{fffb}' // marks of ruby text
            | '\u{16fe4}' // the filler of the small Khitan script
            | '\u{1d159}' // the head of no note
    );
    is_empty_glyph
        || character.is_whitespace()
        || character.is_control()
        || ignorable.contains(character)
}

/// `text` as a person's name: a [line] of at most [`MOST_OF_NAME`] code points.
pub fn name(text: &str) -> Option<String> {
    let name: String = line(text)?.chars().take(MOST_OF_NAME).collect();
    is_visible(&name).then_some(name)
}

/// `text` in one line that changes nothing beside it: without line breaks and control characters, and without those
/// that turn the direction of writing, which reach beyond a line that does not end them. Nothing, if no reader would
/// see it.
pub fn line(text: &str) -> Option<String> {
    let line: String = text.chars().filter(|character| !is_directive(*character)).collect();
    let line = line.trim();
    is_visible(line).then(|| line.to_owned())
}

fn is_directive(character: char) -> bool {
    // Separators of lines and paragraphs, embeddings and overrides; isolates.
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What is kept and shown of a message, whoever sent it; nothing, if no reader would see it.
pub fn shown(message: Rc<TextMessage>) -> Option<Rc<TextMessage>> {
    let TextMessage { sender, text } = &*message;
    if !is_visible(text) {
        return None;
    }
    let name = name(&sender.name).unwrap_or_else(|| NO_NAME.to_owned());
    let end = text.char_indices().nth(MOST_CHARACTERS);
    if end.is_none() && name == sender.name {
        return Some(message);
    }
    let text = match end {
        Some((end, _)) => [&text[..end], "…"].concat(),
        None => text.clone(),
    };
    Some(Rc::new(TextMessage { sender: Person { id: sender.id.clone(), name }, text }))
}

/// The beginning of a long message, for readers who have not asked for all of it; nothing, if it is short.
pub fn folded(text: &str) -> Option<&str> {
    let breaks = text.match_indices(is_line_break);
    let lines = breaks.map(|(at, _)| at).nth(FOLDED_LINES - 1).unwrap_or(text.len());
    let end = lines.min(text.floor_char_boundary(FOLDED_BYTES));
    if end == text.len() {
        return None;
    }
    let head = &text[..end];
    // Between two words, if there are words.
    let word = head.rfind(char::is_whitespace).filter(|at| *at > end / 2 && end < lines);
    Some(&head[..word.unwrap_or(end)])
}

/// Where a browser begins a new line.
fn is_line_break(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
#[path = "text/tests.rs"]
mod tests;
