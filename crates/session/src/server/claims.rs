//! What a client may claim about its events. It cannot set what the peer sets, and its source cannot escape the
//! prefix that the peer puts before it.

use crate::wire::body::is_reserved;
use crate::{Body, Millis, RejectCode};

/// The client's time is kept if it is at most this far ahead of the peer's clock,
const AHEAD: Millis = 10 * 60 * 1_000;
/// or at most this far behind. Otherwise the event gets the time of its arrival.
const BEHIND: Millis = 31 * 24 * 60 * 60 * 1_000;

/// Checks that the body claims nothing that a client must not claim. Only a client that has proven a key, as `has_key`
/// says, may sign events.
pub(super) fn check(body: &Body, has_key: bool) -> Result<(), (RejectCode, String)> {
    let illegal = |rule: &str| Err((RejectCode::IllegalEvent, rule.to_owned()));
    let bad_signature = |rule: &str| Err((RejectCode::BadSignature, rule.to_owned()));
    if !is_path(&body.source) {
        return illegal(
            "`source` has a dot segment, an empty segment, `?`, `#`, `%`, `\\` or a control character",
        );
    }
    let mut names = body.extensions.iter().map(|(name, _)| name);
    if let Some(name) = names.find(|name| is_reserved(name)) {
        return illegal(&format!("`{name}` is not an extension that a client may set"));
    }
    if body.signature.is_none() {
        return Ok(());
    }
    if !has_key {
        return bad_signature("the event is signed, but the hello has not proven a key");
    }
    // Otherwise the peer would have to put one, and change what is signed.
    if body.time.is_none() {
        return bad_signature("the event is signed, but has no `time`");
    }
    Ok(())
}

/// Whether a source stays below its prefix `/clients/<id>` when a reader resolves the whole as a URI.
fn is_path(source: &str) -> bool {
    let is_legal = |c: char| !(c.is_control() || matches!(c, '?' | '#' | '%' | '\\'));
    // `https://example.org` is an authority. Elsewhere two slashes would start another authority.
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

/// Replaces a time that is missing or implausible with the time of arrival. A signed time stays: a certificate must
/// cover it.
pub(super) fn put_time(body: &mut Body, now: Millis) {
    if body.signature.is_some() {
        return;
    }
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
