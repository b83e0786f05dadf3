//! The outcomes of a client's numbers, as runs: consecutive numbers of consecutive events need one entry.

use std::collections::VecDeque;

use crate::MAX_NUMBER;

/// A position in the logs of a peer: the stream's number, and the offset in it.
pub type LogPosition = (u32, u64);

/// The maximum number of outcomes of a client: several times the number of its unanswered publishes.
const MAX: u64 = 65_536;

/// The outcomes that a client may still ask for, by ascending numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    runs: VecDeque<Run>,
    kept: u64,
}

/// Consecutive numbers whose events are consecutive in one stream, or were all rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first number.
    pub number: u64,
    /// The count of numbers.
    pub count: u64,
    /// The position of the first event; `None` if they were rejected.
    pub position: Option<LogPosition>,
}

impl Run {
    /// The first number after the run.
    pub fn end(&self) -> u64 {
        self.number + self.count
    }

    /// The run without its first `skipped` numbers.
    fn after(&self, skipped: u64) -> Self {
        let position = self.position.map(|(stream, offset)| (stream, offset + skipped));
        Self { number: self.number + skipped, count: self.count - skipped, position }
    }
}

impl Outcomes {
    /// The number of outcomes.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// The runs, by ascending numbers.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter()
    }

    /// Adds a stored run. Returns `false` if it is invalid, does not follow the others, or is too long.
    #[must_use]
    pub fn push_run(&mut self, run: Run) -> bool {
        let ascends = self.runs.back().is_none_or(|last| last.end() <= run.number);
        let fits = |first: u64| {
            let last = first.checked_add(run.count.wrapping_sub(1));
            last.is_some_and(|last| last <= MAX_NUMBER)
        };
        let kept = self.kept.checked_add(run.count).filter(|kept| *kept <= MAX);
        let position_fits = run.position.is_none_or(|(_, offset)| fits(offset));
        let Some(kept) = kept.filter(|_| run.count > 0 && ascends) else { return false };
        if !fits(run.number) || !position_fits {
            return false;
        }
        self.runs.push_back(run);
        self.kept = kept;
        true
    }

    /// Adds the outcome of `number`, which is higher than all others: the event's position, or `None` if it was
    /// rejected. Drops outcomes beyond the limit.
    pub fn push(&mut self, number: u64, position: Option<LogPosition>) {
        let run = Run { number, count: 1, position };
        if let Some(last) = self.runs.back_mut()
            && last.end() == number
            && last.after(last.count).position == position
            && number <= MAX_NUMBER
            && position.is_none_or(|(_, offset)| offset <= MAX_NUMBER)
            && self.kept < MAX
        {
            last.count += 1;
            self.kept += 1;
        } else {
            _ = self.push_run(run);
        }
    }

    /// The outcome of `number`, if it is known.
    pub fn find(&self, number: u64) -> Option<Option<LogPosition>> {
        let after = self.runs.partition_point(|run| run.number <= number);
        let run = self.runs.get(after.checked_sub(1)?)?;
        (number < run.end()).then(|| run.after(number - run.number).position)
    }

    /// Drops the outcomes of the numbers below `lowest`. Returns the rejected ones among them.
    pub fn forget(&mut self, lowest: u64) -> Vec<u64> {
        let mut rejected = Vec::new();
        while let Some(run) = self.runs.front_mut()
            && run.number < lowest
        {
            let gone = run.count.min(lowest - run.number);
            self.kept -= gone;
            if run.position.is_none() {
                rejected.extend(run.number..run.number + gone);
            }
            if gone < run.count {
                *run = run.after(gone);
                break;
            }
            self.runs.pop_front();
        }
        rejected
    }
}
