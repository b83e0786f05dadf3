//! Rows that cannot be read, in the log once a minute: their clients come again and again.

/// What is found within so many milliseconds is one line.
const EVERY: u64 = 60_000;

/// How many rows were found that have not been told.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    found: u64,
    /// When they were told last, in milliseconds since 1970.
    told: Option<u64>,
}

impl Unreadable {
    /// Notes that so many were found; answers how many to tell now.
    pub(super) fn note(&mut self, found: u64, now: u64) -> Option<u64> {
        self.found += found;
        // A clock that went back would keep it silent.
        let is_due = self.told.is_none_or(|told| now < told || told + EVERY <= now);
        if self.found == 0 || !is_due {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_told_at_once_and_then_once_a_minute() {
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
