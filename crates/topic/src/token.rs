//! Escaping any text to one token of a topic.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::is_illegal;

/// Escapes any text to one token, so that topics can contain text from users, for example a room's name.
///
/// Percent-encodes (RFC 3986) the characters that a token must not contain: white space, control
/// characters, `.`, `*` and `>`. It also encodes `%` itself, and `$` so that the text cannot become a topic
/// of the runtime. An empty text becomes `%`, which no other text does. [`unescape_token`] is the inverse.
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

/// Returns the text that [`escape_token`] has turned into `token`.
///
/// Invalid escapes are kept as they are, so that any token can be shown.
pub fn unescape_token(token: &str) -> String {
    if token == "%" {
        return String::new();
    }
    percent_decode_str(token).decode_utf8_lossy().into_owned()
}
