//! What a client may say of its events: nothing that only the peer says, and no source that leads out of the one
//! that the peer puts before it.

use crate::wire::body::is_reserved;
use crate::{Body, Millis};

/// A time by the client's clock is kept if it is at most so far ahead of the peer's,
const AHEAD: Millis = 10 * 60 * 1_000;
/// or so far behind it. With another one, or none, an event has the time of its arrival.
const BEHIND: Millis = 31 * 24 * 60 * 60 * 1_000;

/// Why a client may not say this of an event.
pub(super) fn illegal(body: &Body) -> Option<String> {
    if !is_path(&body.source) {
        return Some(
            "`source` has a dot segment, an empty segment, `?`, `#`, `%`, `\\` or a control character"
                .to_owned(),
        );
    }
    let mut names = body.extensions.iter().map(|(name, _)| name);
    let name = names.find(|name| is_reserved(name))?;
    Some(format!("`{name}` is not an extension that a client may set"))
}

/// Whether a source still names something below `/clients/<id>` with that before it, whoever resolves it.
fn is_path(source: &str) -> bool {
    let is_legal = |c: char| !(c.is_control() || matches!(c, '?' | '#' | '%' | '\\'));
    // `https://example.org` names somebody; elsewhere two slashes name another host.
    let path = match source.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        _ if source.is_empty() || source == "/" => return true,
        _ => source.strip_prefix('/').unwrap_or(source),
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    source.chars().all(is_legal)
        && path.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

/// RFC 3986, 3.1.
fn is_scheme(text: &str) -> bool {
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_legal)
}

/// Puts the time of arrival in place of one that is missing, or far from it.
pub(super) fn put_time(body: &mut Body, now: Millis) {
    let is_near = |time: Millis| time <= now + AHEAD && time + BEHIND >= now;
    if !body.time.is_some_and(is_near) {
        (body.time, body.nanoseconds) = (Some(now), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_stays_below_the_one_that_the_peer_puts_before_it() {
        for legal in [
            "",
            "/",
            "py",
            "/sensors/1",
            "sensors/1",
            "a/",
            "/a/",
            "urn:uuid:6e8bc430",
            "mailto:a@b.example",
            "https://example.org",
            "https://example.org/",
            "https://example.org/a/b",
            "...",
            "a..b",
            ".well-known",
            "\u{e9}",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert!(is_path(legal), "{legal}");
        }
        for illegal in [
            "..",
            ".",
            "../clients/0",
            "a/..",
            "a/./b",
            "/..",
            "//",
            "//a",
            "a//b",
            "a//",
            "/a//",
            "%2e%2e/x",
            "a?b",
            "a#b",
            "a\\..\\b",
            "a\u{0}b",
            "a\nb",
            "a\u{85}b",
            "https://",
            "https://a/../b",
            "https://a//b",
            "https:///a",
            "1://a",
            "\u{e9}://a",
            "a/b://c",
        ] {
            assert!(!is_path(illegal), "{illegal:?}");
        }
    }

    #[test]
    fn a_time_stays_if_it_is_near() {
        let now = 1_795_000_000_000;
        for (time, kept) in [
            (Some(now), true),
            (Some(now + AHEAD), true),
            (Some(now + AHEAD + 1), false),
            (Some(now - BEHIND), true),
            (Some(now - BEHIND - 1), false),
            (Some(0), false),
            (Some(crate::MAX_NUMBER), false),
            (None, false),
        ] {
            let mut body = Body { time, nanoseconds: 5, ..Body::default() };
            put_time(&mut body, now);
            let expected = if kept { (time, 5) } else { (Some(now), 0) };
            assert_eq!((body.time, body.nanoseconds), expected, "{time:?}");
        }
    }
}
