//! The positions of events by source and id, so that a repeat is recognised.
//!
//! Ids are random, so each new one changes another page of the table, and pages are what a commit costs. So new ids
//! stay in memory first, and go to the table slice by slice, many to a page. Nothing is lost with the memory: what the
//! table lacks is read again from the end of the log. The ids of trimmed and superseded events leave the table in the
//! same way.
//!
//! A new id costs no read of the table once the sweep has passed its slice and built the slice's [`Filter`]: after the
//! file is opened, one sweep takes at most [`LONGEST`] events.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};

use foldhash::fast::RandomState;
use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};
use session::server::ledger::LogPosition;

use super::blocks::Blocks;
use super::error::Result;
use super::filter::Filter;
use super::format::{EXTENTS, IDS};
use super::log::{Extent, Log};
use crate::digest::{Digest, digest_of};

/// A sweep through the table goes by the first byte of the digests.
const SLICES: usize = 256;
/// A sweep takes as many new events as the log has, but at least this many.
const SHORTEST: u64 = 4_096;
/// The most new events of a sweep: about what is kept in memory.
const LONGEST: u64 = 65_536;
/// A slice with at most this many rows for each new one is rewritten.
const REWRITE: u64 = 8;

/// The slice of the table in which a digest is.
fn slice(digest: &Digest) -> usize {
    usize::from(digest[0])
}

/// What the table does not have yet. It belongs to the open file.
#[derive(Debug)]
pub(super) struct Recent {
    /// Positions, or `None` for an event that is gone, by the slice of the table.
    waiting: Vec<HashMap<Digest, Option<LogPosition>, RandomState>>,
    /// What each slice of the table has; `None` until the sweep has passed it.
    filters: Vec<Option<Filter>>,
    /// The newest offset of each stream that is here or in the table.
    heads: BTreeMap<u32, u64>,
    /// The same when the sweep began. At its end the table has all events up to there.
    began: BTreeMap<u32, u64>,
    /// The next slice of the sweep.
    slice: usize,
    /// How many changes have not moved the sweep yet.
    credit: u64,
    /// The table may hold rows of events that are gone and that `waiting` does not know.
    has_litter: bool,
}

/// The changes of a transaction, which count once it is committed.
#[derive(Debug, Default)]
pub(super) struct Changes {
    new: HashMap<Digest, LogPosition, RandomState>,
    gone: Vec<(Digest, LogPosition)>,
    /// The filter of each swept slice, if it was rebuilt.
    swept: Vec<Option<Filter>>,
    credit: u64,
}

impl Recent {
    /// Reads what the table lacks from the end of the log.
    pub(super) fn read(transaction: &ReadTransaction) -> Result<Self> {
        let mut waiting = vec![HashMap::default(); SLICES];
        let mut heads = BTreeMap::new();
        let mut has_litter = false;
        for row in transaction.open_table(EXTENTS)?.iter()? {
            let (stream, extent) = row?;
            let (stream, extent) = (stream.value(), Extent::of(extent.value()));
            heads.insert(stream, extent.head);
            has_litter |= extent.first > 1 || extent.has_holes();
            let from = extent.first.max(extent.indexed + 1);
            Blocks::new(transaction, stream)?.each_from(from, |entry| {
                if let Some(digest) = digest_of(entry.body) {
                    waiting[slice(&digest)].insert(digest, Some((stream, entry.offset)));
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let began = heads.clone();
        let filters = std::iter::repeat_with(|| None).take(SLICES).collect();
        Ok(Self { waiting, filters, heads, began, slice: 0, credit: 0, has_litter })
    }

    /// Takes over committed changes.
    pub(super) fn settle(&mut self, changes: Changes) {
        self.credit = changes.credit;
        for made in changes.swept {
            let slice = self.slice % SLICES;
            let (moved, filter) = (&mut self.waiting[slice], &mut self.filters[slice]);
            if made.is_some() {
                *filter = made;
            } else if let Some(filter) = filter {
                moved
                    .iter()
                    .filter(|(_, place)| place.is_some())
                    .for_each(|(id, _)| filter.add(id));
            }
            // As many come again, unless they were chosen to be in one slice.
            moved.clear();
            moved.shrink_to(2 * LONGEST as usize / SLICES);
            self.slice += 1;
        }
        if self.slice >= SLICES {
            self.slice -= SLICES;
            self.began.clone_from(&self.heads);
            self.has_litter = false;
        }
        for (digest, place) in changes.new {
            self.waiting[slice(&digest)].insert(digest, Some(place));
            let head = self.heads.entry(place.0).or_default();
            *head = place.1.max(*head);
        }
        for (digest, place) in changes.gone {
            let waits = self.waiting[slice(&digest)].entry(digest).or_insert(None);
            // The same id may stand in the log again.
            if *waits == Some(place) {
                *waits = None;
            }
        }
    }

    /// `false` only if the table does not have the digest.
    fn table_may_have(&self, digest: &Digest) -> bool {
        self.filters[slice(digest)].as_ref().is_none_or(|filter| filter.may_have(digest))
    }
}

impl Changes {
    /// Whether there is anything to commit.
    pub(super) fn any(&self) -> bool {
        !(self.new.is_empty() && self.gone.is_empty() && self.swept.is_empty())
    }
}

/// The ids, in a transaction.
pub(super) struct Ids<'t> {
    table: Table<'t, &'static Digest, LogPosition>,
    recent: &'t Recent,
    changes: Changes,
}

impl<'t> Ids<'t> {
    /// With room for `new` ids.
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        recent: &'t Recent,
        new: usize,
    ) -> Result<Self> {
        let mut changes = Changes { credit: recent.credit, ..Changes::default() };
        changes.new.reserve(new);
        Ok(Self { table: transaction.open_table(IDS)?, recent, changes })
    }

    /// The position of the event, if the log holds it.
    pub(super) fn find(&self, digest: &Digest, log: &Log<'_>) -> Result<Option<LogPosition>> {
        let waits = self.changes.new.get(digest).copied().map(Some);
        let recent = || self.recent.waiting[slice(digest)].get(digest).copied();
        let place = match waits.or_else(recent) {
            Some(place) => place,
            None if !self.recent.table_may_have(digest) => None,
            None => self.table.get(digest)?.map(|place| place.value()),
        };
        Ok(match place {
            Some(place) if log.holds(place)? => Some(place),
            _ => None,
        })
    }

    /// Adds the position of an event that was [not found](Ids::find).
    pub(super) fn add(&mut self, digest: Digest, place: LogPosition) {
        self.changes.new.insert(digest, place);
    }

    /// Ends the transaction's changes: takes the events that are gone from `log`, and moves the sweep on.
    pub(super) fn close(mut self, log: &mut Log<'_>) -> Result<Changes> {
        self.changes.gone = log.take_gone();
        let moved = self.changes.new.len() + self.changes.gone.len();
        let length = log.count().clamp(SHORTEST, LONGEST);
        let credit = (self.changes.credit + moved as u64) * SLICES as u64;
        let slices = (credit / length).min(SLICES as u64) as usize;
        self.changes.credit = (credit - slices as u64 * length) / SLICES as u64;
        for slice in self.recent.slice..self.recent.slice + slices {
            if slice == SLICES {
                log.indexed(&self.recent.began);
            }
            let made = self.sweep(slice % SLICES, log)?;
            self.changes.swept.push(made);
        }
        if self.recent.slice + slices == SLICES {
            log.indexed(&self.recent.began);
        }
        Ok(self.changes)
    }

    /// Updates a slice of the table. Returns its filter if that is due.
    fn sweep(&mut self, slice: usize, log: &Log<'_>) -> Result<Option<Filter>> {
        let is_due = self.recent.filters[slice].as_ref().is_none_or(Filter::is_due);
        let new = self.recent.waiting[slice].len() as u64;
        if log.count() / SLICES as u64 <= REWRITE * new {
            let digests = self.rewrite(slice, log)?;
            return Ok(is_due.then(|| Filter::of(&digests)));
        }
        let (first, last) = ends(slice);
        if self.recent.has_litter {
            let mut failed = Ok(());
            self.table.retain_in::<&Digest, _>(&first..=&last, |_, place| {
                stays(log.holds(place), &mut failed)
            })?;
            failed?;
        }
        let mut waiting: Vec<_> = self.recent.waiting[slice].iter().collect();
        waiting.sort_unstable();
        for (digest, place) in waiting {
            match place {
                Some(place) => self.table.insert(digest, place)?,
                None => self.table.remove(digest)?,
            };
        }
        if !is_due {
            return Ok(None);
        }
        let mut digests = Vec::new();
        for row in self.table.range::<&Digest>(&first..=&last)? {
            digests.push(*row?.0.value());
        }
        Ok(Some(Filter::of(&digests)))
    }

    /// Writes all rows of a slice in one run, which costs a fraction of single insertions. Returns their digests.
    fn rewrite(&mut self, slice: usize, log: &Log<'_>) -> Result<Vec<Digest>> {
        let (first, last) = ends(slice);
        let waiting = &self.recent.waiting[slice];
        let (mut rows, mut failed) = (Vec::new(), Ok(()));
        self.table.retain_in::<&Digest, _>(&first..=&last, |digest, place| {
            let may_be_litter = self.recent.has_litter;
            if !waiting.contains_key(digest)
                && (!may_be_litter || stays(log.holds(place), &mut failed))
            {
                rows.push((*digest, place));
            }
            false
        })?;
        failed?;
        rows.extend(waiting.iter().filter_map(|(digest, place)| Some((*digest, (*place)?))));
        rows.sort_unstable();
        let mut cursor = self.table.lower_bound_mut(Bound::Included(&first))?;
        for (digest, place) in &rows {
            cursor.insert_before(digest, place)?;
        }
        cursor.close()?;
        Ok(rows.into_iter().map(|(digest, _)| digest).collect())
    }
}

/// Whether a row stays. The first error is kept, and all rows stay after it.
fn stays(holds: Result<bool>, failed: &mut Result<()>) -> bool {
    holds.unwrap_or_else(|error| {
        if failed.is_ok() {
            *failed = Err(error);
        }
        true
    })
}

/// The first and the last digest that a slice could have.
fn ends(slice: usize) -> (Digest, Digest) {
    let (mut first, mut last) = ([0; 16], [0xff; 16]);
    (first[0], last[0]) = (slice as u8, slice as u8);
    (first, last)
}
