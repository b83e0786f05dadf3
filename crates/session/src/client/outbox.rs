//! The durable events without an answer, by ascending numbers: a mirror of the store, plus the events that are on
//! their way into the store or out of it.

mod entry;
mod keeping;
mod removing;
mod sending;
mod signing;

use std::collections::VecDeque;

use super::store::{OutboxRow, SavedState};
use crate::Millis;
use keeping::Waiting;

pub(super) use entry::{LOST, OutboxEntry, Signing, Stage};
pub(super) use keeping::Full;

/// Bounded in rows and bytes. Beyond that, publishes fail.
#[derive(Debug)]
pub(super) struct Outbox {
    /// By ascending numbers.
    rows: VecDeque<OutboxEntry>,
    /// Events that the store has not taken yet, in the order of publishes.
    waiting: VecDeque<Waiting>,
    /// How many of them, from the first on, are being written.
    keeping: usize,
    /// Answered rows that the store may still hold.
    erase: Vec<(u64, String)>,
    /// How many of them, from the first on, are being deleted.
    erasing: usize,
    /// The rows whose mark was requested from the store, answered by the peer or not.
    marking: bool,
    /// The rows whose drop was requested from the store, in order.
    drops: VecDeque<Vec<u64>>,
    /// All numbers below this are known here, as rows or as decided.
    next: u64,
    /// All rows below this were sent on this connection.
    unsent: u64,
    /// Whether a row may expire, must be signed in time, or may be given up.
    timed: bool,
    decided: (u64, String),
    bytes: usize,
    max_rows: usize,
    max_bytes: usize,
}

impl Outbox {
    pub(super) fn new(max_rows: usize, max_bytes: usize) -> Self {
        Self {
            rows: VecDeque::new(),
            waiting: VecDeque::new(),
            keeping: 0,
            erase: Vec::new(),
            erasing: 0,
            marking: false,
            drops: VecDeque::new(),
            next: 1,
            unsent: 0,
            timed: false,
            decided: (0, String::new()),
            bytes: 0,
            max_rows,
            max_bytes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.waiting.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &OutboxRow> {
        self.rows.iter().map(|entry| &entry.row).chain(self.waiting.iter().map(|w| &w.row))
    }

    pub(super) fn entries(&mut self) -> impl Iterator<Item = &mut OutboxEntry> {
        self.rows.iter_mut()
    }

    /// The highest number that was decided, and its event's id.
    pub(super) fn decided(&self) -> &(u64, String) {
        &self.decided
    }

    /// The first number that was never given, as far as this page knows.
    fn top(&self) -> u64 {
        self.rows.back().map_or(self.next, |last| self.next.max(last.row.number + 1))
    }

    /// Whether a number was given that this page does not know.
    pub(super) fn has_hole(&self) -> bool {
        self.top() > self.next
    }

    /// The lowest number that the client may still ask the peer about.
    pub(super) fn lowest(&self) -> u64 {
        let first = self.rows.front().map_or(self.next, |entry| entry.row.number);
        self.erase.iter().map(|(number, _)| *number).fold(first.min(self.next), u64::min)
    }

    /// Whether the peer may know of an event. Only then does it matter that the peer has forgotten the client.
    pub(super) fn may_have_left(&self) -> bool {
        self.decided.0 > 0 || self.rows.iter().any(|entry| entry.row.leaving)
    }

    /// Whether the client has published nothing that is known here.
    pub(super) fn has_no_history(&self) -> bool {
        self.decided.0 == 0 && self.len() == 0
    }

    /// When the next row expires or is given up, on a clock that is `ahead` behind the wall clock.
    pub(super) fn next_expiry(&self, expires: bool, ahead: i64) -> Option<Millis> {
        if !self.timed {
            return None;
        }
        let times = self.rows.iter().filter_map(|entry| match entry.stage {
            Stage::Idle if expires => entry.ends().map(|at| at.saturating_add_signed(-ahead)),
            Stage::Lost { .. } if entry.seen.is_some() => Some(0),
            Stage::Lost { until, .. } => Some(until),
            _ => None,
        });
        times.min()
    }

    pub(super) fn get(&mut self, number: u64) -> Option<&mut OutboxEntry> {
        let at = self.at(number)?;
        self.rows.get_mut(at)
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut OutboxEntry> {
        self.rows.iter_mut().find(|entry| entry.row.id == id)
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&number, |entry| entry.row.number).ok()
    }

    /// Inserts a row that another tab has kept, unless it is known or already decided.
    pub(super) fn insert(&mut self, row: OutboxRow) -> bool {
        let Err(at) = self.rows.binary_search_by_key(&row.number, |entry| entry.row.number) else {
            return false;
        };
        if row.number < self.next {
            return false;
        }
        self.timed |= row.is_timed();
        self.bytes += row.body.len();
        self.rows.insert(at, OutboxEntry::new(row));
        self.advance();
        true
    }

    /// Inserts a row that the store has taken for this page but no longer holds, unless it is known.
    pub(super) fn miss(&mut self, row: OutboxRow, now: Millis) {
        if self.find(&row.id).is_none() {
            let number = if self.at(row.number).is_some() { self.top() } else { row.number };
            let at = self.rows.partition_point(|entry| entry.row.number < number);
            (self.timed, self.bytes) = (true, self.bytes + row.body.len());
            let stage = Stage::lost(now);
            self.rows
                .insert(at, OutboxEntry { stage, ..OutboxEntry::new(OutboxRow { number, ..row }) });
        }
    }

    /// Leaves the rows of the store to other pages.
    pub(super) fn leave_rows(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let (keeping, bytes) = (self.keeping, waiting.iter().map(|w| w.row.body.len()).sum());
        let timed = waiting.iter().any(|w| w.row.is_timed());
        let empty = Self::new(self.max_rows, self.max_bytes);
        *self = Self { waiting, keeping, bytes, timed, ..empty };
    }

    /// Replaces the mirror with what the store holds, and returns the rows that were new. `same` says whether the
    /// store still belongs to the same client. If not, all numbers are new, and the ids of the rows that the store no
    /// longer holds are returned too.
    pub(super) fn load(
        &mut self,
        mut saved: SavedState,
        same: bool,
        now: Millis,
    ) -> (Vec<(u64, String)>, Vec<String>) {
        // A store that was restored from a backup does not know all numbers that were given.
        saved.next = saved.next.max(saved.decided.0 + 1);
        if !same {
            self.erase.clear();
            (self.erasing, self.unsent) = (0, 0);
            // Rows that are being written have not been sent under the number that they will get.
            self.waiting.iter_mut().take(self.keeping).for_each(|w| w.row.leaving = false);
        }
        let (mut new, mut rows) = (Vec::new(), VecDeque::with_capacity(saved.rows.len()));
        for row in saved.rows {
            if self.is_answered(row.number) {
                continue;
            }
            let known = if same {
                self.at(row.number)
            } else {
                self.rows.iter().position(|entry| entry.row.id == row.id)
            };
            rows.push_back(match known.and_then(|at| self.rows.remove(at)) {
                Some(mut entry) => {
                    entry.row.leaving |= row.leaving;
                    entry.row.number = row.number;
                    if matches!(entry.stage, Stage::Lost { .. }) || !same {
                        entry.stage = Stage::Idle;
                    }
                    entry
                }
                None => {
                    new.push((row.number, row.id.clone()));
                    self.timed |= row.is_timed();
                    self.bytes += row.body.len();
                    OutboxEntry::new(row)
                }
            });
        }
        self.next = saved.next;
        self.decided = if same && self.decided.0 > saved.decided.0 {
            std::mem::take(&mut self.decided)
        } else {
            saved.decided
        };
        // Rows that the store does not hold: it never did, or another tab has settled them.
        let mut gone = Vec::new();
        for mut entry in std::mem::take(&mut self.rows) {
            if !same {
                // Its number now belongs to another row.
                self.bytes -= entry.row.body.len();
                gone.push(entry.row.id);
                continue;
            }
            let newer = entry.row.number >= saved.next;
            if !newer && !matches!(entry.stage, Stage::Lost { .. }) {
                self.timed = true;
                entry.stage = Stage::lost(now);
            }
            let at =
                rows.partition_point(|other: &OutboxEntry| other.row.number < entry.row.number);
            rows.insert(at, entry);
        }
        self.rows = rows;
        self.advance();
        (new, gone)
    }

    /// Consecutive numbers are known.
    fn advance(&mut self) {
        let from = self.rows.partition_point(|entry| entry.row.number < self.next);
        for entry in self.rows.range(from..) {
            if entry.row.number == self.next {
                self.next += 1;
            }
        }
    }
}
