//! The durable events that have no answer yet, in the order of their numbers: a mirror of what the
//! store holds, and what is on its way into the store and out of it.

use std::collections::VecDeque;

use super::storage::{Row, Saved, Storage};
use crate::{Millis, Position, RejectCode};

/// Bounded in rows and bytes: what is beyond is refused.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Their numbers ascend.
    rows: VecDeque<Entry>,
    /// What the store has not taken yet, in the order of publishes.
    waiting: VecDeque<Waiting>,
    /// So many of those, from the first on, are being written.
    keeping: usize,
    /// Answered rows that the store may still hold.
    erase: Vec<(u64, String)>,
    /// So many of those, from the first on, are being deleted.
    erasing: usize,
    /// The store is asked to mark some, whether or not they have had an answer since.
    marking: bool,
    /// What was asked to be dropped, in order.
    drops: VecDeque<Vec<u64>>,
    /// All numbers below it are known here: rows, or decided.
    next: u64,
    /// All rows below it have left on this connection.
    unsent: u64,
    /// Some row expires, or is given up at some time.
    timed: bool,
    decided: (u64, String),
    bytes: usize,
    max_rows: usize,
    max_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) row: Row,
    /// Its frame has left on this connection.
    pub(super) sent: bool,
    /// The store did not take it.
    pub(super) in_memory: bool,
    /// A subscription has brought it: so it is in the log, whatever becomes of the answer.
    pub(super) seen: Option<Position>,
    pub(super) stage: Stage,
}

impl Entry {
    fn new(row: Row) -> Self {
        Self { row, sent: false, in_memory: false, seen: None, stage: Stage::Idle }
    }

    /// When it expires, if it still can.
    pub(super) fn expires(&self) -> Option<Millis> {
        self.row.expires.filter(|_| !self.row.leaving)
    }
}

#[derive(Debug)]
struct Waiting {
    row: Row,
    cancelled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Idle,
    /// The store is asked to note that it may leave.
    Marking,
    /// The store is asked to drop it, for this reason.
    Dropping(RejectCode),
    /// The store holds it no more: another tab knows why, and says so until then. A page that slept is
    /// given as long again, to hear what was said meanwhile.
    Lost {
        until: Millis,
        again: bool,
    },
}

impl Stage {
    fn lost(now: Millis) -> Self {
        Self::Lost { until: now + LOST, again: true }
    }
}

/// The outbox has no room.
#[derive(Debug)]
pub(super) struct Full;

/// The most answered rows whose deletion failed that are tried again.
const MAX_ERASE: usize = 512;
/// The most rows that are written in one transaction.
const MAX_KEEP: usize = 256;
/// How long another tab has to say what became of a row.
pub(super) const LOST: Millis = 5_000;

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

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().map(|entry| &entry.row).chain(self.waiting.iter().map(|w| &w.row))
    }

    pub(super) fn entries(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.rows.iter_mut()
    }

    /// The highest number that was decided, and its event's id.
    pub(super) fn decided(&self) -> &(u64, String) {
        &self.decided
    }

    /// Numbers from here on were never given, as far as is known here.
    fn top(&self) -> u64 {
        self.rows.back().map_or(self.next, |last| self.next.max(last.row.number + 1))
    }

    /// A number was given that is not known here.
    pub(super) fn has_hole(&self) -> bool {
        self.top() > self.next
    }

    /// The lowest number that the peer may be asked about again.
    pub(super) fn lowest(&self) -> u64 {
        let first = self.rows.front().map_or(self.next, |entry| entry.row.number);
        self.erase.iter().map(|(number, _)| *number).fold(first.min(self.next), u64::min)
    }

    pub(super) fn push(&mut self, row: Row) -> Result<(), Full> {
        if self.len() >= self.max_rows || self.bytes + row.body.len() > self.max_bytes {
            return Err(Full);
        }
        self.timed |= row.expires.is_some();
        self.bytes += row.body.len();
        self.waiting.push_back(Waiting { row, cancelled: false });
        Ok(())
    }

    /// Asks the store to take what waits; one transaction at a time, so that numbers stand in the order
    /// of publishes whatever fails.
    pub(super) fn keep(&mut self, leaving: bool) -> Option<Storage> {
        if self.keeping > 0 || self.waiting.is_empty() {
            return None;
        }
        let rows = self.waiting.iter_mut().take(MAX_KEEP).map(|waiting| {
            waiting.row.leaving = leaving;
            waiting.row.clone()
        });
        let rows: Vec<Row> = rows.collect();
        self.keeping = rows.len();
        Some(Storage::Keep { rows, at_least: self.top() })
    }

    /// The rows that are being written have their numbers, from `first` on; without it they stay in
    /// memory. Answers their ids, and the numbers of those that were cancelled meanwhile.
    pub(super) fn kept(&mut self, first: Option<u64>) -> (Vec<String>, Vec<u64>) {
        let (mut ids, mut cancelled) = (Vec::new(), Vec::new());
        let start = first.unwrap_or(self.top());
        for (number, waiting) in (start..).zip(self.waiting.drain(..self.keeping)) {
            ids.push(waiting.row.id.clone());
            if waiting.cancelled && !waiting.row.leaving {
                cancelled.push(number);
            }
            let row = Row { number, ..waiting.row };
            let at = self.rows.partition_point(|entry| entry.row.number < number);
            let in_memory = first.is_none();
            self.rows.insert(at, Entry { in_memory, ..Entry::new(row) });
        }
        self.advance();
        self.keeping = 0;
        (ids, cancelled)
    }

    /// Takes back what was being written: it is refused, or stands in the store under numbers that are
    /// not known here.
    pub(super) fn take_keeping(&mut self) -> Vec<Row> {
        let taken: Vec<Row> = self.waiting.drain(..self.keeping).map(|w| w.row).collect();
        self.keeping = 0;
        self.bytes -= taken.iter().map(|row| row.body.len()).sum::<usize>();
        taken
    }

    /// Takes back an event that is not in the store yet. An error says whether one that is being
    /// written will be dropped afterwards.
    pub(super) fn unpublish(&mut self, id: &str) -> Option<Result<(), bool>> {
        let at = self.waiting.iter().position(|waiting| waiting.row.id == id)?;
        if at < self.keeping {
            let waiting = &mut self.waiting[at];
            waiting.cancelled = !waiting.row.leaving;
            return Some(Err(waiting.cancelled));
        }
        let waiting = self.waiting.remove(at)?;
        self.bytes -= waiting.row.body.len();
        Some(Ok(()))
    }

    /// Takes in a row of this page that the store took, unless it is known: the store does not hold it any more.
    pub(super) fn miss(&mut self, row: Row, now: Millis) {
        if self.find(&row.id).is_none() {
            let number = if self.at(row.number).is_some() { self.top() } else { row.number };
            let at = self.rows.partition_point(|entry| entry.row.number < number);
            (self.timed, self.bytes) = (true, self.bytes + row.body.len());
            let stage = Stage::Lost { until: now + LOST, again: true };
            self.rows.insert(at, Entry { stage, ..Entry::new(Row { number, ..row }) });
        }
    }

    /// Takes a row out; the store is to delete it.
    pub(super) fn settle(&mut self, number: u64, decided: bool) -> Option<Row> {
        let at = self.at(number)?;
        if decided && number > self.decided.0 {
            self.decided = (number, self.rows[at].row.id.clone());
        }
        if !self.rows[at].in_memory {
            self.erase.push((number, self.rows[at].row.id.clone()));
        }
        self.remove(at)
    }

    /// Takes a row out that the store does not hold any more.
    pub(super) fn forget(&mut self, number: u64) -> Option<Row> {
        self.remove(self.at(number)?)
    }

    /// The store is to delete a row that is not among those here.
    pub(super) fn erase_dropped(&mut self, row: Row) {
        self.erase.push((row.number, row.id));
    }

    /// The same for an event.
    pub(super) fn forget_id(&mut self, id: &str) -> bool {
        let at = self.rows.iter().position(|entry| entry.row.id == id);
        at.and_then(|at| self.remove(at)).is_some()
    }

    fn remove(&mut self, at: usize) -> Option<Row> {
        let row = self.rows.remove(at)?.row;
        self.bytes -= row.body.len();
        Some(row)
    }

    /// Asks the store to delete what is answered.
    pub(super) fn erase(&mut self, client: [u8; 16]) -> Option<Storage> {
        if self.erasing > 0 || self.erase.is_empty() {
            return None;
        }
        self.erasing = self.erase.len();
        let numbers = self.erase.iter().map(|(number, _)| *number).collect();
        Some(Storage::Erase { client, numbers, decided: self.decided.clone() })
    }

    /// The store has deleted them, or failed: then it is asked again. Beyond a bound the oldest are
    /// given up: a later life of this client sends them again, and hears that their numbers are stale.
    pub(super) fn erased(&mut self, done: bool) {
        let gone = if done { self.erasing } else { self.erase.len().saturating_sub(MAX_ERASE) };
        self.erase.drain(..gone);
        self.erasing = 0;
    }

    /// The row has its answer, though the store may still hold it.
    pub(super) fn is_answered(&self, number: u64) -> bool {
        self.erase.iter().any(|(erased, _)| *erased == number)
    }

    /// The events whose rows have their answer, and may still be in the store.
    pub(super) fn answered(&self) -> impl Iterator<Item = &str> {
        self.erase.iter().map(|(_, id)| &**id)
    }

    /// Asks the store to drop rows that have not left.
    pub(super) fn drop_rows(
        &mut self,
        client: [u8; 16],
        numbers: Vec<u64>,
        why: RejectCode,
    ) -> Storage {
        for number in &numbers {
            if let Some(entry) = self.get(*number) {
                entry.stage = Stage::Dropping(why);
            }
        }
        self.drops.push_back(numbers.clone());
        Storage::Drop { client, numbers, why }
    }

    /// The store has dropped some rows, others may have left, and what it holds no more another tab has
    /// settled. Answers the dropped rows with the reason.
    pub(super) fn dropped(
        &mut self,
        dropped: &[u64],
        leaving: &[u64],
        now: Millis,
    ) -> Vec<(Row, RejectCode)> {
        let mut gone = Vec::new();
        for number in self.drops.pop_front().unwrap_or_default() {
            let Some(entry) = self.get(number) else { continue };
            let Stage::Dropping(why) = entry.stage else { continue };
            if dropped.contains(&number) {
                gone.extend(self.settle(number, false).map(|row| (row, why)));
            } else if leaving.contains(&number) {
                (entry.stage, entry.row.leaving) = (Stage::Idle, true);
            } else {
                entry.stage = Stage::lost(now);
                self.timed = true;
            }
        }
        gone
    }

    /// The store could not drop these: they do not expire any more.
    pub(super) fn not_dropped(&mut self) {
        for number in self.drops.pop_front().unwrap_or_default() {
            if let Some(entry) = self.get(number) {
                (entry.stage, entry.row.expires) = (Stage::Idle, None);
            }
        }
    }

    /// The store has marked these; others that it was asked for are gone. Whether there are none of those.
    pub(super) fn marked(&mut self, marked: impl Fn(u64) -> bool, now: Millis) -> bool {
        let mut all = true;
        self.marking = false;
        for entry in self.rows.iter_mut().filter(|entry| entry.stage == Stage::Marking) {
            let there = marked(entry.row.number);
            self.timed |= !there;
            entry.row.leaving |= there;
            entry.stage = if there { Stage::Idle } else { Stage::lost(now) };
            all &= there;
        }
        all
    }

    /// Whether the peer may know of an event: only then does it matter that it has forgotten the client.
    pub(super) fn may_have_left(&self) -> bool {
        self.decided.0 > 0 || self.rows.iter().any(|entry| entry.row.leaving)
    }

    /// The store could not mark them: they have not left.
    pub(super) fn not_marked(&mut self) {
        self.marking = false;
        for entry in self.rows.iter_mut().filter(|entry| entry.stage == Stage::Marking) {
            entry.stage = Stage::Idle;
        }
    }

    /// The next row to be sent, if all before it were, and at most `window` have no answer.
    pub(super) fn next_to_send(&self, window: usize) -> Option<&Row> {
        let window = window.saturating_sub(self.erase.len()).min(self.rows.len());
        let from = self.rows.partition_point(|entry| entry.row.number < self.unsent);
        let mut unsent = self.rows.range(from.min(window)..window);
        let next = unsent.find(|entry| !matches!(entry.stage, Stage::Lost { .. }))?;
        let ready = next.stage == Stage::Idle && next.row.leaving && next.row.number < self.next;
        ready.then_some(&next.row)
    }

    /// The frame of the [next row](Self::next_to_send) has left.
    pub(super) fn sent(&mut self, number: u64) {
        self.unsent = number + 1;
        if let Some(entry) = self.get(number) {
            entry.sent = true;
        }
    }

    /// Whether a row has left on this connection and has no answer.
    pub(super) fn has_unanswered(&self) -> bool {
        self.rows.front().is_some_and(|entry| entry.row.number < self.unsent)
    }

    /// The numbers of rows that must be marked before they may be sent; not of those that have expired.
    pub(super) fn mark(&mut self, window: usize, wall: Millis) -> Vec<u64> {
        let mut numbers = Vec::new();
        if self.marking {
            return numbers;
        }
        let window = window.min(self.rows.len());
        let from = self.rows.partition_point(|entry| entry.row.number < self.unsent).min(window);
        for entry in self.rows.range_mut(from..window) {
            let expired = entry.expires().is_some_and(|at| at <= wall);
            if entry.stage != Stage::Idle || entry.row.leaving || expired {
                continue;
            }
            if entry.in_memory {
                entry.row.leaving = true;
            } else {
                entry.stage = Stage::Marking;
                numbers.push(entry.row.number);
            }
        }
        self.marking = !numbers.is_empty();
        numbers
    }

    /// When the next row expires, on a clock that the wall clock is `ahead` of, or is given up.
    pub(super) fn next_expiry(&self, expires: bool, ahead: i64) -> Option<Millis> {
        if !self.timed {
            return None;
        }
        let times = self.rows.iter().filter_map(|entry| match entry.stage {
            Stage::Idle if expires => entry.expires().map(|at| at.saturating_add_signed(-ahead)),
            Stage::Lost { .. } if entry.seen.is_some() => Some(0),
            Stage::Lost { until, .. } => Some(until),
            _ => None,
        });
        times.min()
    }

    pub(super) fn get(&mut self, number: u64) -> Option<&mut Entry> {
        let at = self.at(number)?;
        self.rows.get_mut(at)
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut Entry> {
        self.rows.iter_mut().find(|entry| entry.row.id == id)
    }

    /// Marks the rows from `number` on as not sent, and answers the ids of those that were.
    pub(super) fn unsend_from(&mut self, number: u64) -> Vec<String> {
        self.unsent = self.unsent.min(number);
        let from = self.rows.partition_point(|entry| entry.row.number < number);
        let sent = self.rows.range_mut(from..).filter(|entry| entry.sent);
        sent.map(|entry| {
            entry.sent = false;
            entry.row.id.clone()
        })
        .collect()
    }

    /// Takes in a row that another tab has kept, unless it is known, or was decided already.
    pub(super) fn insert(&mut self, row: Row) -> bool {
        let Err(at) = self.rows.binary_search_by_key(&row.number, |entry| entry.row.number) else {
            return false;
        };
        if row.number < self.next {
            return false;
        }
        self.timed |= row.expires.is_some();
        self.bytes += row.body.len();
        self.rows.insert(at, Entry::new(row));
        self.advance();
        true
    }

    /// Numbers that follow without a hole are known.
    fn advance(&mut self) {
        let from = self.rows.partition_point(|entry| entry.row.number < self.next);
        for entry in self.rows.range(from..) {
            if entry.row.number == self.next {
                self.next += 1;
            }
        }
    }

    /// Takes over what the store holds, and answers those rows that were not known. `same` says
    /// that it is still the same client's; otherwise all numbers are others, and the ids of those that the
    /// store does not hold any more are answered too.
    pub(super) fn load(
        &mut self,
        mut saved: Saved,
        same: bool,
        now: Millis,
    ) -> (Vec<(u64, String)>, Vec<String>) {
        // A store that failed for a while does not know the numbers of what was held in memory.
        saved.next = saved.next.max(saved.decided.0 + 1);
        if !same {
            self.erase.clear();
            (self.erasing, self.unsent) = (0, 0);
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
                    self.timed |= row.expires.is_some();
                    self.bytes += row.body.len();
                    Entry::new(row)
                }
            });
        }
        self.next = saved.next;
        self.decided = if same && self.decided.0 > saved.decided.0 {
            std::mem::take(&mut self.decided)
        } else {
            saved.decided
        };
        // What the store does not hold: it never did, or another tab has settled it.
        let mut gone = Vec::new();
        for mut entry in std::mem::take(&mut self.rows) {
            if !entry.in_memory && !same {
                // Its number is another row's now.
                self.bytes -= entry.row.body.len();
                gone.push(entry.row.id);
                continue;
            }
            if entry.in_memory && !same {
                entry.row.number = rows
                    .back()
                    .map_or(saved.next, |last: &Entry| saved.next.max(last.row.number + 1));
            }
            let newer = same && entry.row.number >= saved.next;
            if !entry.in_memory && !newer && !matches!(entry.stage, Stage::Lost { .. }) {
                self.timed = true;
                entry.stage = Stage::lost(now);
            }
            if entry.in_memory {
                self.next = self.next.max(entry.row.number + 1);
            }
            let at = rows.partition_point(|other: &Entry| other.row.number < entry.row.number);
            rows.insert(at, entry);
        }
        self.rows = rows;
        self.advance();
        (new, gone)
    }

    fn at(&self, number: u64) -> Option<usize> {
        self.rows.binary_search_by_key(&number, |entry| entry.row.number).ok()
    }
}
