//! Logs unreadable rows once a minute, because their clients come again and again.

/// What is found within this many milliseconds is one line.
const EVERY: u64 = 60_000;

/// How many unreadable rows were found and not logged.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    found: u64,
    /// When they were last logged, in milliseconds since 1970.
    logged: Option<u64>,
}

impl Unreadable {
    /// Adds rows that were found. Returns how many to log now, if it is time.
    pub(super) fn note(&mut self, found: u64, now: u64) -> Option<u64> {
        self.found += found;
        // A clock that went back would keep it silent.
        let is_due = self.logged.is_none_or(|logged| now < logged || logged + EVERY <= now);
        if self.found == 0 || !is_due {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_logged_at_once_and_then_once_a_minute() {
        let mut unreadable = Unreadable::default();
        assert_eq!(unreadable.note(0, 1_000), None);
        assert_eq!(unreadable.note(1, 1_000), Some(1));
        assert_eq!(unreadable.note(2, 1_001), None);
        assert_eq!(unreadable.note(1, 60_999), None);
        assert_eq!(unreadable.note(1, 61_000), Some(4));
        assert_eq!(unreadable.note(0, 200_000), None);
        assert_eq!(unreadable.note(1, 5), Some(1));
    }
}
