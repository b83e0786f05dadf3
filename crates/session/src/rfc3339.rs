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
    if seconds > LAST {
        return None;
    }
    let (year, month, day) = date(seconds / DAY);
    let of_day = seconds % DAY;
    let (hour, minute, second) = (of_day / HOUR, of_day / MINUTE % 60, of_day % 60);
    let mut text = String::with_capacity("2026-11-30T09:00:00.123456789Z".len());
    digits(&mut text, year, 4);
    for (mark, number) in [('-', month), ('-', day), ('T', hour), (':', minute), (':', second)] {
        text.push(mark);
        digits(&mut text, number, 2);
    }
    text.push('Z');
    Some(text)
}

/// Appends the last digits of a number, at most nine.
fn digits(text: &mut String, mut number: u64, width: usize) {
    let mut digits = [0; 9];
    let digits = &mut digits[..width];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    text.extend(digits.iter().map(|digit| char::from(*digit)));
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
    let mut text = zulu(time / 1_000)?;
    let fraction = time % 1_000 * 1_000_000 + u64::from(nanoseconds);
    if fraction > 0 {
        text.truncate(text.len() - 1);
        text.push('.');
        digits(&mut text, fraction, 9);
        text.truncate(text.trim_end_matches('0').len());
        text.push('Z');
    }
    Some(text)
}
