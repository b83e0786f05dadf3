//! Times of RFC 3339, and the calendar that they need.

#[cfg(feature = "json")]
mod reading;

#[cfg(feature = "json")]
pub use reading::read;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A cycle of the calendar, 400 years.
const DAYS_OF_CYCLE: u64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;
/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A time in UTC to the second, such as `2026-11-30T09:00:00Z`, from seconds since 1970. `None` beyond the year 9999,
/// for which RFC 3339 has no text.
pub fn zulu(seconds: u64) -> Option<String> {
    std::str::from_utf8(&to_the_second(seconds)?).ok().map(str::to_owned)
}

/// The same as bytes, without an allocation.
fn to_the_second(seconds: u64) -> Option<[u8; 20]> {
    if seconds > LAST {
        return None;
    }
    let (year, month, day) = date(seconds / DAY);
    let of_day = seconds % DAY;
    let (hour, minute, second) = (of_day / HOUR, of_day / MINUTE % 60, of_day % 60);
    let mut text = *b"0000-00-00T00:00:00Z";
    digits(&mut text[..4], year);
    for (at, number) in [(5, month), (8, day), (11, hour), (14, minute), (17, second)] {
        digits(&mut text[at..at + 2], number);
    }
    Some(text)
}

/// Writes the last digits of a number.
fn digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day since 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let of_cycle = days % DAYS_OF_CYCLE;
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = year + days / DAYS_OF_CYCLE * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// Days since 1970. The year starts in March, so that a leap day is its last day.
#[cfg(feature = "json")]
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let of_cycle = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_cycle = of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    year.div_euclid(400) * DAYS_OF_CYCLE as i64 + of_cycle - DAYS_TO_1970 as i64
}

/// A time in UTC with as many digits of the second as it needs, from milliseconds since 1970 and the nanoseconds below
/// them. `None` beyond the year 9999.
#[cfg(feature = "json")]
pub fn write(time: crate::Millis, nanoseconds: u32) -> Option<String> {
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    text[..20].copy_from_slice(&to_the_second(time / 1_000)?);
    let fraction = time % 1_000 * 1_000_000 + u64::from(nanoseconds);
    let mut end = 19;
    if fraction > 0 {
        text[end] = b'.';
        digits(&mut text[20..29], fraction);
        end = text[..29].iter().rposition(|digit| *digit != b'0').map_or(end, |last| last + 1);
        text[end] = b'Z';
    }
    std::str::from_utf8(&text[..=end]).ok().map(str::to_owned)
}
