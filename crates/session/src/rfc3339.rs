//! Dates of RFC 3339.

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A cycle of the calendar, 400 years.
const DAYS_OF_CYCLE: u64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: u64 = 719_468;
/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A time in UTC to the second, such as `2026-11-30T09:00:00Z`, from seconds since 1970. `None` beyond the year 9999, for
/// which RFC 3339 has no text.
pub fn zulu(seconds: u64) -> Option<String> {
    if seconds > LAST {
        return None;
    }
    let (year, month, day) = date(seconds / DAY);
    let of_day = seconds % DAY;
    let (hour, minute, second) = (of_day / HOUR, of_day / MINUTE % 60, of_day % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
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
