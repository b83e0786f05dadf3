//! Reads the relations of the messages of some days back from the newest one, in a bounded number of pages.

/// The messages of a part have relations on at most this many days. For more days, all relations since the first one
/// are read.
const MAX_DAYS: usize = 7;
/// At most how many pages are read at a time.
const MAX_PAGES: u32 = 16;

/// Which relations a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those since the first message.
    All,
    /// Those of a day.
    Day(u32),
    /// The edits of a day.
    Edits(u32),
}

/// Why reading has ended.
enum End<P> {
    /// All was read.
    Complete,
    /// There is more before this position.
    Many(Option<P>),
    /// A page was refused.
    Failed,
}

/// Reads the relations of the messages of `days`, which begin with the newest. Afterwards `days` has only those that
/// were read completely. `page` reads a page before a position. It returns what the page holds, and where the next one
/// begins.
pub async fn read_back<T, P>(
    days: &mut Vec<u32>,
    mut page: impl AsyncFnMut(Of, Option<P>) -> Option<(Vec<T>, Option<P>)>,
) -> Vec<T> {
    let mut all = Vec::new();
    if days.len() > MAX_DAYS {
        match read_topics(Of::All, None, &mut all, &mut page).await {
            End::Complete => {
                // The first message may not be the first one of its day.
                days.pop();
                return all;
            }
            End::Failed => {
                days.clear();
                return all;
            }
            End::Many(_) => {}
        }
    }
    let mut read = Vec::new();
    for &day in &*days {
        match read_topics(Of::Day(day), None, &mut all, &mut page).await {
            End::Complete => read.push(day),
            End::Many(before) => {
                // Reactions, of which anybody can send many, hide no edit.
                read_topics(Of::Edits(day), before, &mut all, &mut page).await;
            }
            End::Failed => break,
        }
    }
    *days = read;
    all
}

async fn read_topics<T, P>(
    of: Of,
    mut before: Option<P>,
    all: &mut Vec<T>,
    page: &mut impl AsyncFnMut(Of, Option<P>) -> Option<(Vec<T>, Option<P>)>,
) -> End<P> {
    for _ in 0..MAX_PAGES {
        let Some((part, next)) = page(of, before).await else { return End::Failed };
        all.extend(part);
        if next.is_none() {
            return End::Complete;
        }
        before = next;
    }
    End::Many(before)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// The days that were asked for, by page, and those that were read completely. `pages` is how many pages a day has,
    /// or all days have; `None` if they are refused.
    fn read(days: u32, pages: impl Fn(Of) -> Option<u32>) -> (Vec<Of>, Vec<u32>) {
        let mut days: Vec<u32> = (1..=days).rev().collect();
        let asked = {
            let read = pin!(read_back(&mut days, async |of, before: Option<u32>| {
                let (at, last) = (before.unwrap_or(1), pages(of)?);
                Some((vec![of], Some(at + 1).filter(|next| *next <= last)))
            }));
            match read.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(asked) => asked,
                Poll::Pending => panic!("all pages are there"),
            }
        };
        (asked, days)
    }

    #[test]
    fn few_days_are_read_one_by_one_and_many_together_without_the_first() {
        let (asked, complete) = read(2, |_| Some(2));
        assert_eq!(asked, [2, 2, 1, 1].map(Of::Day));
        assert_eq!(complete, [2, 1]);
        let (asked, complete) = read(8, |_| Some(16));
        assert_eq!(asked, [Of::All; 16]);
        assert_eq!(complete, [8, 7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn days_with_too_much_to_read_together_are_read_one_by_one() {
        let (asked, complete) = read(8, |of| Some(if of == Of::All { 17 } else { 1 }));
        assert_eq!(asked.len(), 16 + 8);
        assert_eq!(complete, [8, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn the_edits_behind_the_reactions_of_a_day_are_read() {
        let (asked, complete) = read(1, |of| Some(if of == Of::Day(1) { 17 } else { 18 }));
        assert_eq!(asked, [[Of::Day(1); 16].as_slice(), &[Of::Edits(1); 2]].concat());
        assert_eq!(complete, [0; 0]);
        let (asked, _) = read(2, |of| Some(if of == Of::Day(1) { 1 } else { 99 }));
        let expected = [[Of::Day(2); 16].as_slice(), &[Of::Edits(2); 16], &[Of::Day(1)]].concat();
        assert_eq!(asked, expected, "their number has a bound, too");
    }

    #[test]
    fn days_that_were_not_read_completely_are_not_kept() {
        let (_, complete) = read(3, |of| Some(if of == Of::Day(2) { 17 } else { 16 }));
        assert_eq!(complete, [3, 1]);
        let (_, complete) = read(3, |of| (of == Of::Day(3)).then_some(1));
        assert_eq!(complete, [3]);
        assert_eq!(read(8, |_| None), (vec![], vec![]));
    }
}
