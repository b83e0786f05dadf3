//! The escape that turns a user's text into one token of a topic.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::is_illegal;

/// Makes one token of any text, so that what users type (a room's name) can stand in a topic.
///
/// Percent-encodes (RFC 3986) what a token may not hold: white space, control characters, `.`, `*`,
/// `>`, `%` itself, and a `$` so that nobody's text becomes a topic of the runtime. An empty text
/// becomes `%`, which no other text does. [`unescape_token`] gives the text back.
///
/// ```
/// assert_eq!(topic::escape_token("tea & cake. *"), "tea%20&%20cake%2E%20%2A");
/// assert_eq!(topic::unescape_token("tea%20&%20cake%2E%20%2A"), "tea & cake. *");
/// ```
pub fn escape_token(text: &str) -> String {
    const RESERVED: &AsciiSet =
        &CONTROLS.add(b' ').add(b'.').add(b'*').add(b'>').add(b'%').add(b'$');
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut token = String::with_capacity(text.len());
    for character in text.chars() {
        let mut utf8 = [0; 4];
        let utf8 = character.encode_utf8(&mut utf8);
        if character.is_ascii() {
            token.extend(utf8_percent_encode(utf8, RESERVED));
        } else if is_illegal(character) {
            token.extend(utf8_percent_encode(utf8, CONTROLS));
        } else {
            token.push(character);
        }
    }
    token
}

/// Gives back the text from which [`escape_token`] made `token`.
///
/// What is no escape is kept as it stands, so that any token can be shown.
pub fn unescape_token(token: &str) -> String {
    if token == "%" {
        return String::new();
    }
    percent_decode_str(token).decode_utf8_lossy().into_owned()
}
