//! Reads times of RFC 3339: all its years, to the nanosecond, and nothing else.

use std::str::FromStr;

use super::{LAST, days};
use crate::Millis;

const MINUTE: i64 = super::MINUTE as i64;
const HOUR: i64 = super::HOUR as i64;
const DAY: i64 = super::DAY as i64;

/// Milliseconds since 1970 and the nanoseconds below them, or `None` if the text is not a time of RFC 3339.
///
/// A time before 1970 is read as 0. A time beyond the year 9999 in UTC, which an offset or a leap second can reach,
/// is read as the last nanosecond of that year: RFC 3339 has no text for it.
pub fn read(text: &str) -> Option<(Millis, u32)> {
    let (date_time, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(date_time) => (date_time, 0),
        None => {
            let (date_time, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            (date_time, read_offset(offset)?)
        }
    };
    let (date, time) = date_time.split_once(['T', 't'])?;
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, nanoseconds(fraction)?),
        None => (time, 0),
    };
    let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
    let is_in_range = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = days(year, month, day) * DAY + hour * HOUR + minute * MINUTE + second - offset;
    // A leap second ends a day in UTC.
    if !is_in_range || (second == 60 && seconds.rem_euclid(DAY) != 0) {
        return None;
    }
    let Ok(seconds) = u64::try_from(seconds) else { return Some((0, 0)) };
    if seconds > LAST {
        return Some((LAST * 1_000 + 999, 999_999));
    }
    Some((seconds * 1_000 + u64::from(fraction / 1_000_000), fraction % 1_000_000))
}

/// `+hh:mm` or `-hh:mm`, in seconds.
fn read_offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let [hours, minutes] = fields(&text[1..], ':', [2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * HOUR + minutes * MINUTE))
}

/// Numbers between separators, with this many digits each.
fn fields<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut fields = [0; N];
    for (field, length) in fields.iter_mut().zip(lengths) {
        *field = digits(parts.next().filter(|part| part.len() == length)?)?;
    }
    parts.next().is_none().then_some(fields)
}

fn digits(text: &str) -> Option<i64> {
    let are_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| i64::from_str(text).ok()).flatten()
}

/// The digits after the point. Those below a nanosecond are dropped.
fn nanoseconds(fraction: &str) -> Option<u32> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(9)];
    kept.bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .try_fold(0, |sum: u32, digit| Some(sum * 10 + u32::from(digit - b'0')))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::super::write;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_years_of_rfc_3339_are_read() {
        for (text, time) in [
            ("1970-01-01T00:00:00Z", (0, 0)),
            ("2026-11-23T10:00:00.5+01:00", (1_795_424_400_500, 0)),
            ("2026-11-23t09:00:00.500z", (1_795_424_400_500, 0)),
            ("2026-11-23T09:00:00.123456Z", (1_795_424_400_123, 456_000)),
            ("2026-11-23T09:00:00.1234567891Z", (1_795_424_400_123, 456_789)),
            ("2026-11-23T09:00:00-00:00", (1_795_424_400_000, 0)),
            ("2024-02-29T00:00:00Z", (1_709_164_800_000, 0)),
            ("2016-12-31T23:59:60Z", (1_483_228_800_000, 0)),
            ("2017-01-01T00:59:60+01:00", (1_483_228_800_000, 0)),
            ("9999-12-31T23:59:59.999Z", (253_402_300_799_999, 0)),
            ("9999-12-31T23:59:59.999999999Z", (253_402_300_799_999, 999_999)),
            ("1969-12-31T23:59:59.999Z", (0, 0)),
            ("0000-01-01T00:00:00Z", (0, 0)),
            ("0000-02-29T00:00:00+23:59", (0, 0)),
            ("9999-12-31T23:59:60.90Z", (253_402_300_799_999, 999_999)),
            ("9999-12-31T23:59:59-00:01", (253_402_300_799_999, 999_999)),
            ("9999-12-31T00:00:00-23:59", (253_402_300_740_000, 0)),
        ] {
            assert_eq!(read(text), Some(time), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_read() {
        for text in [
            "",
            "yesterday",
            "2026-11-23",
            "2026-11-23T10:00:00",
            "2026-11-23T10:00:00Z[UTC]",
            "2026-11-23T10:00:00+01:00[Europe/Berlin]",
            "2026-11-23T10:00:00+05",
            "2026-11-23T10:00:00+0530",
            "2026-11-23T10:00:00 +05:30",
            "2026-11-23T10:00:00+24:00",
            "2026-11-23T10:00:00+05:60",
            "2026-11-23T10:00:00\u{2212}05:30",
            "20261123T100000Z",
            "2026-11-23T100000Z",
            "2026-11-23T10:00Z",
            "2026-11-23T10Z",
            "2026-11-23T10:00:00,5Z",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00.-5Z",
            "2026-11-23 10:00:00Z",
            " 2026-11-23T10:00:00Z",
            "2026-11-23T10:00:00Z ",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:60:00Z",
            "2026-11-23T10:00:61Z",
            "2026-11-23T10:00:60Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "+02026-11-23T10:00:00Z",
            "-0001-11-23T10:00:00Z",
            "10000-01-01T00:00:00Z",
            "202-11-23T10:00:00Z",
            "2026-1-23T10:00:00Z",
            "2026-W48-1T10:00:00Z",
            "2026-327T10:00:00Z",
            "1795424400",
            "٢٠٢٦-11-23T10:00:00Z",
            "2026-11-23T10:00:00é",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn beyond_the_year_9999_nothing_is_written() {
        assert_eq!(write(253_402_300_799_999, 0).unwrap(), "9999-12-31T23:59:59.999Z");
        assert_eq!(write(253_402_300_800_000, 0), None);
        assert_eq!(write(u64::MAX, 0), None);
        assert_eq!(write(0, 1).unwrap(), "1970-01-01T00:00:00.000000001Z");
    }

    proptest! {
        #[test]
        fn a_time_comes_back_as_it_was(time in 0..253_402_300_800_000_u64, nanoseconds in 0..1_000_000_u32) {
            let text = write(time, nanoseconds).unwrap();
            prop_assert_eq!(read(&text), Some((time, nanoseconds)), "{}", text);
        }

        #[test]
        fn what_is_read_can_be_written(
            year in prop_oneof![Just(0), Just(1969), Just(9999), 0..10_000],
            month in prop_oneof![Just(1), Just(12), 1..13],
            day in prop_oneof![Just(1), Just(31), 1..32],
            hour in prop_oneof![Just(0), Just(23), 0..24],
            minute in prop_oneof![Just(0), Just(59), 0..60],
            second in 58..61,
            fraction in "(\\.[0-9]{1,12})?",
            offset in "Z|[+-](0|2)[0-3]:(00|59)",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}");
            if let Some((time, nanoseconds)) = read(&text) {
                let written = write(time, nanoseconds);
                prop_assert_eq!(written.as_deref().and_then(read), Some((time, nanoseconds)), "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9T:.Zz+é-]{0,40}") {
            let _ = read(&text);
        }
    }
}
