//! Streams on the command line. `orders=shop.*.order,shop.*.paid` assigns topics to a stream. A retention limit
//! applies to all streams (`30d`) or to one (`orders=90d`).

use std::time::Duration;

use session::Stream;
use store::{Keep, MAX_KEEP_TOPIC, Route};
use topic::{Pattern, TopicError};

use crate::units::{self, UnitError};

/// A setting of one stream, or the default for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoped<T> {
    /// The stream. `None` for all.
    pub stream: Option<Stream>,
    /// The value.
    pub value: T,
}

/// Why an option for a stream is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// There is no name.
    #[error(
        "give a stream its topics as NAME=PATTERN or NAME=PATTERN,PATTERN: orders=shop.*.order"
    )]
    NoPatterns,
    /// An invalid name.
    #[error("a stream's name has 1 to 64 of a-z, 0-9, `-` and `_`")]
    Name,
    /// The main stream has no patterns.
    #[error("the stream `main` takes what no other stream takes: give its name no patterns")]
    Main,
    /// An invalid pattern.
    #[error("`{0}` is not a pattern: {1}")]
    Pattern(String, TopicError),
    /// An invalid count.
    #[error("give a number of events, at least 1, or STREAM=COUNT")]
    Count,
    /// An invalid count of the events of each topic.
    #[error("give a number of events from 1 to {MAX_KEEP_TOPIC}, or STREAM=COUNT")]
    TopicCount,
    /// No bytes, which other options take for no limit.
    #[error("with 0 bytes the log would lose what it acks: leave the option out to keep all")]
    Nothing,
    /// An invalid amount.
    #[error("{0}; STREAM=AMOUNT says it of one stream")]
    Amount(#[from] UnitError),
}

/// Parses a stream and its patterns.
///
/// # Errors
/// A [`StreamError`] with the correct form.
pub fn route(text: &str) -> Result<Route, StreamError> {
    let (name, patterns) = text.split_once('=').ok_or(StreamError::NoPatterns)?;
    let stream = stream(name)?;
    if stream == Stream::MAIN {
        return Err(StreamError::Main);
    }
    let pattern = |text: &str| {
        Pattern::parse(text).map_err(|error| StreamError::Pattern(text.to_owned(), error))
    };
    let patterns = patterns.split(',').map(pattern).collect::<Result<_, _>>()?;
    Ok(Route { stream, patterns })
}

/// Parses how many events to keep.
///
/// # Errors
/// See [`route`].
pub fn events(text: &str) -> Result<Scoped<u64>, StreamError> {
    scoped(text, |count| count.parse().ok().filter(|count| *count > 0).ok_or(StreamError::Count))
}

/// Parses how many bytes to keep.
///
/// # Errors
/// See [`route`].
pub fn bytes(text: &str) -> Result<Scoped<u64>, StreamError> {
    scoped(text, |bytes| match units::bytes(bytes)? {
        0 => Err(StreamError::Nothing),
        bytes => Ok(bytes),
    })
}

/// Parses how long to keep events.
///
/// # Errors
/// See [`route`].
pub fn age(text: &str) -> Result<Scoped<Duration>, StreamError> {
    scoped(text, |time| Ok(units::some_time(time)?))
}

/// Parses how many events of each topic to keep.
///
/// # Errors
/// See [`route`].
pub fn per_topic(text: &str) -> Result<Scoped<usize>, StreamError> {
    scoped(text, |count| {
        let count = count.parse().ok().filter(|count| (1..=MAX_KEEP_TOPIC).contains(count));
        count.ok_or(StreamError::TopicCount)
    })
}

/// The default retention, and the retention of the streams with their own settings. The last of several values
/// counts.
pub fn keep(
    events: &[Scoped<u64>],
    bytes: &[Scoped<u64>],
    age: &[Scoped<Duration>],
    topic: &[Scoped<usize>],
) -> (Keep, Vec<(Stream, Keep)>) {
    let of = |stream: Option<&Stream>| Keep {
        events: said(events, stream).unwrap_or(u64::MAX),
        bytes: said(bytes, stream).unwrap_or(u64::MAX),
        age: said(age, stream),
        topic: said(topic, stream),
    };
    let named = events.iter().chain(bytes).filter_map(|it| it.stream.as_ref());
    let named = named.chain(age.iter().filter_map(|it| it.stream.as_ref()));
    let mut names: Vec<_> = named.chain(topic.iter().filter_map(|it| it.stream.as_ref())).collect();
    names.sort_by_key(|name| name.as_str());
    names.dedup();
    (of(None), names.into_iter().map(|name| (name.clone(), of(Some(name)))).collect())
}

fn said<T: Clone>(all: &[Scoped<T>], stream: Option<&Stream>) -> Option<T> {
    let last = |of: Option<&Stream>| all.iter().rev().find(|it| it.stream.as_ref() == of);
    last(stream).or_else(|| last(None)).map(|it| it.value.clone())
}

fn scoped<T>(
    text: &str,
    value: impl FnOnce(&str) -> Result<T, StreamError>,
) -> Result<Scoped<T>, StreamError> {
    Ok(match text.split_once('=') {
        Some((name, text)) => Scoped { stream: Some(stream(name)?), value: value(text)? },
        None => Scoped { stream: None, value: value(text)? },
    })
}

fn stream(name: &str) -> Result<Stream, StreamError> {
    let is_fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_fine);
    if is_name { Ok(Stream::named(name)) } else { Err(StreamError::Name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_a_name_and_patterns() {
        let orders = route("orders=shop.*.order,shop.paid.>").unwrap();
        assert_eq!(orders.stream, Stream::named("orders"));
        let patterns: Vec<_> = orders.patterns.iter().map(Pattern::as_str).collect();
        assert_eq!(patterns, ["shop.*.order", "shop.paid.>"]);
        for (text, error) in [
            ("orders", StreamError::NoPatterns),
            ("=a", StreamError::Name),
            ("Orders=a", StreamError::Name),
            ("main=a", StreamError::Main),
        ] {
            assert_eq!(route(text), Err(error), "{text}");
        }
        for text in ["a=", "a=b,", "a=b..c", "a=b c"] {
            assert!(matches!(route(text), Err(StreamError::Pattern(..))), "{text}");
        }
    }

    #[test]
    fn what_is_said_of_a_stream_goes_over_what_is_said_of_all() {
        let events = [events("100").unwrap(), events("main=7").unwrap()];
        let bytes = [bytes("orders=1MiB").unwrap()];
        let age = [age("30d").unwrap(), age("orders=1d").unwrap(), age("orders=2d").unwrap()];
        let topic = [per_topic("main=1").unwrap()];
        let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
        let all = Keep { events: 100, bytes: u64::MAX, age: days(30), topic: None };
        let main = Keep { events: 7, topic: Some(1), ..all.clone() };
        let orders = Keep { bytes: 1 << 20, age: days(2), ..all.clone() };
        let of = vec![(Stream::MAIN, main), (Stream::named("orders"), orders)];
        assert_eq!(keep(&events, &bytes, &age, &topic), (all, of));
        assert_eq!(keep(&[], &[], &[], &[]), (Keep::default(), Vec::new()));
    }

    #[test]
    fn an_invalid_amount_is_an_error() {
        assert_eq!(events("orders=0"), Err(StreamError::Count));
        assert_eq!(events("x"), Err(StreamError::Count));
        for text in ["0", "orders=1001", "x"] {
            assert_eq!(per_topic(text), Err(StreamError::TopicCount), "{text}");
        }
        assert!(matches!(bytes("orders=x"), Err(StreamError::Amount(UnitError::Bytes))));
        assert!(matches!(age("7"), Err(StreamError::Amount(UnitError::Time))));
        assert_eq!(age("a b=7d"), Err(StreamError::Name));
        for text in ["0", "0MiB", "orders=0"] {
            assert_eq!(bytes(text), Err(StreamError::Nothing), "{text}");
        }
        for text in ["0s", "orders=0d"] {
            assert_eq!(age(text), Err(StreamError::Amount(UnitError::NoTime)), "{text}");
        }
    }
}
