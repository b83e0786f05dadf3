//! Credentials in the headers of requests.

use axum::http::{HeaderMap, HeaderValue, header};

/// The token of an `Authorization: Bearer` header (RFC 6750, 2.1). Other schemes may be for a proxy.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let is_bearer = |line: &&HeaderValue| {
        let scheme = line.as_bytes().split(|byte| *byte == b' ').next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
    };
    let mut lines = headers.get_all(header::AUTHORIZATION).iter().filter(is_bearer);
    let line = lines.next()?;
    // Two tokens are ambiguous, and count as an empty one, which is refused.
    let token = line.to_str().ok().filter(|_| lines.next().is_none());
    let token = token.and_then(|line| line.split_once(' ')).map_or("", |(_, token)| token.trim());
    Some(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_found_among_other_schemes_and_two_count_as_an_empty_one() {
        let bearer = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (header::AUTHORIZATION, line.parse().unwrap()));
            bearer(&lines.collect())
        };
        assert_eq!(bearer(&[]), None);
        assert_eq!(bearer(&["Basic eA=="]), None);
        assert_eq!(bearer(&["Bearerx y"]), None);
        assert_eq!(bearer(&["Basic eA==", "bearer  a.b.c "]).as_deref(), Some("a.b.c"));
        for wrong in [&["Bearer"][..], &["Bearer "], &["Bearer a", "Bearer b"], &["Bearer \u{e4}"]]
        {
            assert_eq!(bearer(wrong).as_deref(), Some(""), "{wrong:?}");
        }
    }
}
