//! The bounds of names and messages, for sending and for showing. Other clients may be different programs, so received
//! texts are held to the same bounds.

mod message;

use std::borrow::Cow;
use std::rc::Rc;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use yew::AttrValue;

use crate::language::{t, t_with};
pub use message::{is_possible, shown};

/// The most code points of a message. UTF-8 needs at most four bytes for each, so a message has at most 24,000 bytes:
/// a fraction of what a relay accepts, and laid out within half a second in any script.
const MAX_CHARACTERS: usize = 6_000;

/// The most messages into which a text is cut that is too long for one.
const MAX_PARTS: usize = 20;

/// The most code points of a name.
pub const MAX_NAME_CHARACTERS: usize = 64;

/// The most bytes of a reaction: the longest emoji sequences of Unicode have 35.
const MAX_EMOJI_BYTES: usize = 64;

/// The most code points of a quote.
const MAX_PREVIEW_CHARACTERS: usize = 120;

/// The most people whom a message mentions.
pub const MAX_MENTIONS: usize = 20;

/// The most bytes of the id of a person or an event.
const MAX_ID_BYTES: usize = 200;

/// Messages with more bytes are folded. The time for line breaking grows with the square of a paragraph's length, and
/// is longer for scripts that need more bytes per character.
const FOLDED_BYTES: usize = 2_000;

/// Messages with more lines are folded.
const FOLDED_LINES: usize = 30;

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageError {
    /// It has no visible characters.
    Invisible,
    /// It has too many code points.
    TooLong(usize),
}

impl MessageError {
    /// A text for the user.
    pub fn text(&self) -> AttrValue {
        match self {
            Self::Invisible => t("This message has no visible characters."),
            Self::TooLong(characters) => t_with(
                "This message has {characters} characters. At most {most} can be sent.",
                &[("characters", &characters.to_string()), ("most", &MAX_CHARACTERS.to_string())],
            ),
        }
    }
}

/// Checks whether `text` may be sent as a message.
///
/// # Errors
/// A [`MessageError`], which has a text for the user.
pub fn check(text: &str) -> Result<(), MessageError> {
    check_length(text)?;
    if is_visible(text) { Ok(()) } else { Err(MessageError::Invisible) }
}

/// Checks the length of `text`, which may have no visible characters while it is being written.
///
/// # Errors
/// [`MessageError::TooLong`].
pub fn check_length(text: &str) -> Result<(), MessageError> {
    match text.chars().count() {
        0..=MAX_CHARACTERS => Ok(()),
        characters => Err(MessageError::TooLong(characters)),
    }
}

/// A text that is too long, in parts that can be sent, cut between lines or words if possible. Empty for one that is
/// not too long, or that has too many parts.
pub fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() && parts.len() <= MAX_PARTS {
        let whole = first(MAX_CHARACTERS, rest);
        let near = &whole[whole.floor_char_boundary(whole.len() / 2)..];
        let cut = if whole.len() == rest.len() {
            None
        } else {
            near.rfind(is_line_break).or_else(|| near.rfind(char::is_whitespace))
        };
        let end = cut.map_or(whole.len(), |cut| whole.len() - near.len() + cut);
        parts.extend(Some(rest[..end].trim_end()).filter(|part| is_visible(part)));
        rest = rest[end..].trim_start_matches(|blank| is_line_break(blank) || blank == ' ');
    }
    if (2..=MAX_PARTS).contains(&parts.len()) { parts } else { Vec::new() }
}

/// Whether `text` has visible characters.
pub fn is_visible(text: &str) -> bool {
    !text.chars().all(is_blank)
}

/// White space, control characters, and characters whose glyph is missing or empty: those that Unicode lists, the empty
/// braille pattern, the marks around ruby text, the filler of the Khitan small script and the null notehead.
fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || matches!(character, '\u{2800}' | '\u{fff9}'..='\u{fffb}' | '\u{16fe4}' | '\u{1d159}')
}

/// `text` as a name: a [line] of at most [`MAX_NAME_CHARACTERS`] code points.
pub fn name(text: &str) -> Option<String> {
    let line = line(text)?;
    let name = first(MAX_NAME_CHARACTERS, &line);
    is_visible(name).then(|| name.to_owned())
}

/// The name to show for a received name: another text in place of one without visible characters.
pub fn shown_name(text: &str) -> String {
    name(text).unwrap_or_else(|| t("(no name)").to_string())
}

/// `text` as one line that does not affect its surroundings: without line breaks, control characters and characters
/// that override the direction of writing, which may affect the text after the line. Empty if nothing is visible.
pub fn line(text: &str) -> Option<String> {
    let line: String = text.chars().filter(|character| !is_directive(*character)).collect();
    let line = line.trim();
    is_visible(line).then(|| line.to_owned())
}

fn is_directive(character: char) -> bool {
    // Separators of lines and paragraphs, embeddings, overrides and isolates.
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most this many code points of `text`, and "…" if there are more. If none of them is visible, those from the first
/// visible one on.
fn cut(most: usize, text: &str) -> Cow<'_, str> {
    let head = first(most, text);
    match head.len() == text.len() {
        true => text.into(),
        false if is_visible(head) => [head, "…"].concat().into(),
        false => {
            let seen = text.trim_start_matches(is_blank);
            let head = first(most, seen);
            if head.len() == seen.len() { seen.into() } else { [head, "…"].concat().into() }
        }
    }
}

/// The part of an edited text that is kept and shown. Empty if nothing is visible.
pub fn shown_text(text: &str) -> Option<Rc<str>> {
    is_visible(text).then(|| cut(MAX_CHARACTERS, text).into())
}

/// A reaction that is shown: a few visible characters.
pub fn shown_emoji(text: &str) -> Option<Rc<str>> {
    (text.len() <= MAX_EMOJI_BYTES && is_visible(text)).then(|| text.into())
}

/// The first code points of `text`, up to a limit.
fn first(count: usize, text: &str) -> &str {
    let end = text.char_indices().nth(count);
    end.map_or(text, |(end, _)| &text[..end])
}

/// The first line of a message with visible characters, for a quote.
pub fn preview(text: &str) -> String {
    let visible = text.split(is_line_break).find_map(line).unwrap_or_default();
    cut(MAX_PREVIEW_CHARACTERS, &visible).into_owned()
}

/// The beginning of a long message, which is shown while it is folded: from the first visible character on, if nothing
/// before it would be visible. `None` for a short message.
pub fn folded(text: &str) -> Option<&str> {
    let head = head(text)?;
    if is_visible(head) {
        return Some(head);
    }
    let seen = text.trim_start_matches(is_blank);
    Some(self::head(seen).unwrap_or(seen))
}

/// The beginning of a text that has too many bytes or lines.
fn head(text: &str) -> Option<&str> {
    let breaks = text.match_indices(is_line_break);
    let lines = breaks.map(|(at, _)| at).nth(FOLDED_LINES - 1).unwrap_or(text.len());
    let end = lines.min(text.floor_char_boundary(FOLDED_BYTES));
    if end == text.len() {
        return None;
    }
    let head = &text[..end];
    // Cuts between two words if possible.
    let word = head.rfind(char::is_whitespace).filter(|at| *at > end / 2 && end < lines);
    Some(&head[..word.unwrap_or(end)])
}

/// The characters at which a browser begins a new line.
fn is_line_break(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
#[path = "text/tests.rs"]
mod tests;
