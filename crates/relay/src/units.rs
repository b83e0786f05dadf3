//! Amounts on the command line: `64MiB`, `10GB`, `90d`, `12h`.

use std::time::Duration;

/// Why an amount is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// An amount of bytes.
    #[error("give bytes as a whole number, with a unit or without: 4096, 500MB, 64MiB, 10GiB")]
    Bytes,
    /// An amount of time.
    #[error("give a time as a whole number with a unit: 30s, 15m, 12h, 90d")]
    Time,
    /// No time, which other options take for no limit.
    #[error(
        "after no time all would be dropped at once: leave the option out, or give more, such as 90d"
    )]
    NoTime,
}

/// Parses an amount of bytes.
///
/// # Errors
/// A [`UnitError`] with the correct form.
pub fn bytes(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text).ok_or(UnitError::Bytes)?;
    let unit: u64 = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(UnitError::Bytes),
    };
    number.checked_mul(unit).ok_or(UnitError::Bytes)
}

/// Parses an amount of time.
///
/// # Errors
/// A [`UnitError`] with the correct form.
pub fn time(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split(text).ok_or(UnitError::Time)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(UnitError::Time),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(UnitError::Time)
}

/// Parses how long to keep something, which is more than nothing.
///
/// # Errors
/// A [`UnitError`] with the correct form.
pub fn some_time(text: &str) -> Result<Duration, UnitError> {
    let time = time(text)?;
    if time.is_zero() { Err(UnitError::NoTime) } else { Ok(time) }
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units_and_one_without_a_unit_is_an_error() {
        for (text, amount) in
            [("4096", 4096), ("0", 0), ("64MiB", 64 << 20), ("1 GB", 1_000_000_000)]
        {
            assert_eq!(bytes(text), Ok(amount), "{text}");
        }
        for (text, seconds) in [("30s", 30), ("15m", 900), ("12h", 43_200), ("90d", 7_776_000)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!((time("0s"), some_time("0s")), (Ok(Duration::ZERO), Err(UnitError::NoTime)));
        for text in ["", "MiB", "-1", "1.5GB", "64mib", "99999999999TiB"] {
            assert_eq!(bytes(text), Err(UnitError::Bytes), "{text}");
        }
        for text in ["", "90", "d", "1w", "99999999999999999999s", "999999999999999999d"] {
            assert_eq!(time(text), Err(UnitError::Time), "{text}");
        }
    }
}
