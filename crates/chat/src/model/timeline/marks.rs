//! What is drawn between messages: the day, and what is missing.

use super::{Place, Row};

/// Events that are gone from the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first one.
    pub from: Place,
    /// The last one.
    pub to: Place,
}

/// A line before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The log begins anew: its newest messages may be lost.
    NewLog,
    /// Events are gone from the log.
    Gap,
    /// A later day than that of all messages before.
    Day,
}

/// The lines between two messages. `newest_day` is the newest day of all messages before; above the first message of
/// all, it is today.
pub fn marks(before: Option<&Row>, row: &Row, newest_day: i32, gaps: &[Gap]) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Some(before) = before {
        if let (Place::InLog { life: one, .. }, Place::InLog { life: other, .. }) =
            (before.place, row.place)
            && one < other
        {
            marks.push(Mark::NewLog);
        }
        if gaps.iter().any(|gap| before.place < gap.from && gap.to < row.place) {
            marks.push(Mark::Gap);
        }
    }
    let is_later = match before {
        Some(_) => row.seen.day > newest_day,
        None => row.seen.day != newest_day,
    };
    if is_later && row.seen.day > 0 {
        marks.push(Mark::Day);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timeline::tests::{seen, stored_row};

    fn row(life: usize, offset: u64, day: i32) -> Row {
        let mut row = stored_row(seen("a"), offset);
        row.place = Place::in_log(life, offset);
        row.seen.day = day;
        row
    }

    #[test]
    fn a_day_stands_above_its_first_message_and_days_only_go_forward() {
        let first = row(0, 1, 5);
        assert_eq!(marks(None, &first, 5, &[]), [], "today needs no line");
        assert_eq!(marks(None, &first, 6, &[]), [Mark::Day]);
        assert_eq!(marks(Some(&first), &row(0, 2, 5), 5, &[]), []);
        assert_eq!(marks(Some(&first), &row(0, 2, 6), 5, &[]), [Mark::Day]);
        assert_eq!(marks(Some(&first), &row(0, 2, 4), 5, &[]), [], "a slow clock");
        assert_eq!(marks(Some(&first), &row(0, 2, 0), 5, &[]), [], "no time");
    }

    #[test]
    fn a_new_log_and_lost_events_have_a_line_where_they_are_missing() {
        let first = row(0, 10, 5);
        assert_eq!(marks(Some(&first), &row(1, 1, 5), 5, &[]), [Mark::NewLog]);
        let gap = [Gap { from: Place::in_log(0, 11), to: Place::in_log(0, 20) }];
        assert_eq!(marks(Some(&first), &row(0, 21, 5), 5, &gap), [Mark::Gap]);
        assert_eq!(marks(Some(&row(0, 21, 5)), &row(0, 22, 5), 5, &gap), []);
        assert_eq!(marks(None, &first, 5, &gap), []);
    }
}
