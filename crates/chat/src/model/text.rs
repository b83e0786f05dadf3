//! Names and messages as people write them: what may be sent, and how much of it is shown. Others write with
//! programs of their own, so what they send is held to the same bounds when it is read.

use std::rc::Rc;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use crate::events::{Person, TextMessage};

/// A message has at most so many code points. UTF-8 takes at most four bytes for each, so it has at most 24,000
/// bytes: a fraction of what a relay takes, and laid out in half a second in any script.
const MOST_CHARACTERS: usize = 6_000;

/// A name has at most so many code points.
pub const MOST_OF_NAME: usize = 64;

/// Stands for a name that no reader would see.
const NO_NAME: &str = "(no name)";

/// A longer message is folded, in bytes. Browsers take time for a line break by the square of a paragraph's length,
/// and more for scripts that need more bytes for a character.
const FOLDED_BYTES: usize = 2_000;

/// A message of more lines is folded.
const FOLDED_LINES: usize = 30;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
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
/// A [`MessageError`], whose text is for the person who wrote it.
pub fn check(text: &str) -> Result<(), MessageError> {
    check_length(text)?;
    if is_visible(text) { Ok(()) } else { Err(MessageError::Invisible) }
}

/// Whether `text` is within the bound of messages; one that is being written may have nothing visible yet.
///
/// # Errors
/// [`MessageError::TooLong`].
pub fn check_length(text: &str) -> Result<(), MessageError> {
    match text.chars().count() {
        0..=MOST_CHARACTERS => Ok(()),
        characters => Err(MessageError::TooLong(characters)),
    }
}

/// Whether a reader sees anything of `text`.
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_blank)
}

/// White space, control characters, and what fonts have no glyph or an empty one for: beside what Unicode says so of,
/// braille without a dot, the marks around ruby text, the filler of the small Khitan script and the head of no note.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || matches!(character, '\u{2800}' | '\u{fff9}'..='\u{fffb}' | '\u{16fe4}' | '\u{1d159}')
}

/// `text` as a person's name: a [line] of at most [`MOST_OF_NAME`] code points.
pub fn name(text: &str) -> Option<String> {
    let line = line(text)?;
    let name = first(MOST_OF_NAME, &line);
    is_visible(name).then(|| name.to_owned())
}

/// What is shown of the name that somebody gives.
pub fn shown_name(text: &str) -> String {
    name(text).unwrap_or_else(|| NO_NAME.to_owned())
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
    let bounded = [first(MOST_CHARACTERS, text), first(MOST_OF_NAME, &sender.id)];
    let name = shown_name(&sender.name);
    if bounded == [text, &sender.id] && name == sender.name {
        return Some(message);
    }
    let [bounded, id] = bounded;
    let text = if bounded == text { text.clone() } else { [bounded, "…"].concat() };
    Some(Rc::new(TextMessage { sender: Person { id: id.to_owned(), name }, text }))
}

/// At most so many code points of `text`.
fn first(count: usize, text: &str) -> &str {
    let end = text.char_indices().nth(count);
    end.map_or(text, |(end, _)| &text[..end])
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
