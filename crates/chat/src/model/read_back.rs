//! Reads the relations of the messages of some days back from the newest one, in a bounded number of pages.

/// The messages of a part have relations on at most this many days. For more days, all relations since the first one
/// are read.
const MAX_DAYS: usize = 7;
/// At most how many pages are read at a time.
const MAX_PAGES: u32 = 16;

/// Why reading has ended.
enum End {
    /// All was read.
    Complete,
    /// There is more.
    Many,
    /// A page was refused.
    Failed,
}

/// Reads the relations of the messages of `days`, which begin with the newest. Afterwards `days` has only those that were
/// read completely. `page` reads a page before a position: of one day, or of all days since the first message. It returns
/// what the page holds, and where the next one begins.
pub async fn read_back<T, P>(
    days: &mut Vec<u32>,
    mut page: impl AsyncFnMut(Option<u32>, Option<P>) -> Option<(Vec<T>, Option<P>)>,
) -> Vec<T> {
    let mut all = Vec::new();
    if days.len() > MAX_DAYS {
        match read_topics(None, &mut all, &mut page).await {
            End::Complete => {
                // The first message may not be the first one of its day.
                days.pop();
                return all;
            }
            End::Failed => {
                days.clear();
                return all;
            }
            End::Many => {}
        }
    }
    let mut read = Vec::new();
    for &day in &*days {
        match read_topics(Some(day), &mut all, &mut page).await {
            End::Complete => read.push(day),
            End::Many => {}
            End::Failed => break,
        }
    }
    *days = read;
    all
}

async fn read_topics<T, P>(
    day: Option<u32>,
    all: &mut Vec<T>,
    page: &mut impl AsyncFnMut(Option<u32>, Option<P>) -> Option<(Vec<T>, Option<P>)>,
) -> End {
    let mut before = None;
    for _ in 0..MAX_PAGES {
        let Some((part, next)) = page(day, before).await else { return End::Failed };
        all.extend(part);
        if next.is_none() {
            return End::Complete;
        }
        before = next;
    }
    End::Many
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// The days that were asked for, by page, and those that were read completely. `pages` is how many pages a day has, or
    /// all days have; `None` if they are refused.
    fn read(days: u32, pages: impl Fn(Option<u32>) -> Option<u32>) -> (Vec<Option<u32>>, Vec<u32>) {
        let mut days: Vec<u32> = (1..=days).rev().collect();
        let asked = {
            let read = pin!(read_back(&mut days, async |day, before: Option<u32>| {
                let (at, last) = (before.unwrap_or(1), pages(day)?);
                Some((vec![day], Some(at + 1).filter(|next| *next <= last)))
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
        assert_eq!(asked, [Some(2), Some(2), Some(1), Some(1)]);
        assert_eq!(complete, [2, 1]);
        let (asked, complete) = read(8, |_| Some(16));
        assert_eq!(asked, [None; 16]);
        assert_eq!(complete, [8, 7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn days_with_too_much_to_read_together_are_read_one_by_one() {
        let (asked, complete) = read(8, |day| Some(if day.is_some() { 1 } else { 17 }));
        assert_eq!(asked.len(), 16 + 8);
        assert_eq!(complete, [8, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn days_that_were_not_read_completely_are_not_kept() {
        let (_, complete) = read(3, |day| Some(if day == Some(2) { 17 } else { 16 }));
        assert_eq!(complete, [3, 1]);
        let (_, complete) = read(3, |day| (day == Some(3)).then_some(1));
        assert_eq!(complete, [3]);
        assert_eq!(read(8, |_| None), (vec![], vec![]));
    }
}
