//! The rows of a timeline in order, in chunks that are compared and drawn as a whole.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use super::{Place, Row};

/// The most rows of a chunk: at a quarter of a CPU a browser draws this many within a frame or two.
pub const CHUNK: usize = 32;

/// Some rows that follow each other, at least one.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The unique key, which stays the same when its rows change.
    pub key: u64,
    /// The rows.
    pub rows: Vec<Rc<Row>>,
    /// The height in CSS pixels when it was last drawn, or zero.
    pub height: Cell<f64>,
}

impl Chunk {
    /// The newest day of its rows.
    pub fn newest_day(&self) -> i32 {
        self.rows.iter().map(|row| row.seen.day).max().unwrap_or_default()
    }

    fn first(&self) -> Option<Place> {
        self.rows.first().map(|row| row.place)
    }
}

/// All rows, sorted by their places. Chunks that do not change are shared with copies.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    all: Vec<Rc<Chunk>>,
    next_key: u64,
    rows: usize,
    bytes: usize,
}

impl Chunks {
    /// No rows yet. Chunks get keys from here on.
    pub fn from_key(next_key: u64) -> Self {
        Self { next_key, ..Self::default() }
    }

    pub fn all(&self) -> &[Rc<Chunk>] {
        &self.all
    }

    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Rc<Row>> {
        self.all.iter().flat_map(|chunk| &chunk.rows)
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// The bytes that they need, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The chunk and the index in it where a row of this place stands or would stand.
    fn search(&self, place: Place) -> (usize, Result<usize, usize>) {
        let after = self.all.partition_point(|chunk| chunk.first().is_some_and(|it| it <= place));
        let at = after.saturating_sub(1);
        let found =
            self.all.get(at).map(|chunk| chunk.rows.binary_search_by_key(&place, |row| row.place));
        (at, found.unwrap_or(Err(0)))
    }

    pub fn get(&self, place: Place) -> Option<&Rc<Row>> {
        let (at, found) = self.search(place);
        self.all.get(at)?.rows.get(found.ok()?)
    }

    /// The index of the chunk in which the row of this place stands.
    pub fn chunk_of(&self, place: Place) -> Option<usize> {
        let (at, found) = self.search(place);
        found.ok().map(|_| at)
    }

    /// Adds a row, or replaces the one of the same place.
    pub fn insert(&mut self, row: Rc<Row>) {
        let (mut at, found) = self.search(row.place);
        self.bytes += row.bytes();
        let mut index = match found {
            Ok(index) => {
                let rows = &mut Rc::make_mut(&mut self.all[at]).rows;
                self.bytes -= rows[index].bytes();
                rows[index] = row;
                return;
            }
            Err(index) => index,
        };
        self.rows += 1;
        let length = self.all.get(at).map_or(CHUNK, |chunk| chunk.rows.len());
        if length >= CHUNK {
            if index == length || self.all.is_empty() {
                at = (at + 1).min(self.all.len());
                self.add_chunk(at, Vec::new());
                index = 0;
            } else if index == 0 {
                self.add_chunk(at, Vec::new());
            } else {
                let cut = index.max(CHUNK / 2);
                let rest = Rc::make_mut(&mut self.all[at]).rows.split_off(cut);
                self.add_chunk(at + 1, rest);
            }
        }
        Rc::make_mut(&mut self.all[at]).rows.insert(index, row);
    }

    fn add_chunk(&mut self, at: usize, rows: Vec<Rc<Row>>) {
        let key = self.next_key;
        self.next_key += 1;
        self.all.insert(at, Rc::new(Chunk { key, rows, height: Cell::new(0.0) }));
    }

    pub fn remove(&mut self, place: Place) -> Option<Rc<Row>> {
        let (at, found) = self.search(place);
        let index = found.ok()?;
        let rows = &mut Rc::make_mut(&mut self.all[at]).rows;
        let row = rows.remove(index);
        if rows.is_empty() {
            self.all.remove(at);
        }
        self.rows -= 1;
        self.bytes -= row.bytes();
        Some(row)
    }

    /// Removes some chunks.
    pub fn drain(&mut self, range: Range<usize>) -> Vec<Rc<Chunk>> {
        let gone: Vec<_> = self.all.drain(range).collect();
        for row in gone.iter().flat_map(|chunk| &chunk.rows) {
            self.rows -= 1;
            self.bytes -= row.bytes();
        }
        gone
    }

    /// Takes chunks of another timeline, in order, into one without rows.
    pub fn adopt(&mut self, chunks: Vec<Rc<Chunk>>) {
        for row in chunks.iter().flat_map(|chunk| &chunk.rows) {
            self.rows += 1;
            self.bytes += row.bytes();
        }
        self.all = chunks;
    }

    /// Adds rows that all stand before these.
    pub fn prepend(&mut self, before: Self) {
        self.next_key = self.next_key.max(before.next_key);
        self.rows += before.rows;
        self.bytes += before.bytes;
        self.all.splice(0..0, before.all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timeline::tests::{seen, stored_row};

    fn offsets(chunks: &Chunks) -> Vec<u64> {
        chunks.rows().filter_map(|row| row.offset()).collect()
    }

    fn sizes(chunks: &Chunks) -> Vec<usize> {
        chunks.all().iter().map(|chunk| chunk.rows.len()).collect()
    }

    fn filled(offsets: impl IntoIterator<Item = u64>) -> Chunks {
        let mut chunks = Chunks::default();
        for offset in offsets {
            chunks.insert(Rc::new(stored_row(seen(&offset.to_string()), offset)));
        }
        chunks
    }

    #[test]
    fn rows_that_are_appended_or_prepended_fill_chunks_and_leave_the_others_alone() {
        let last = 2 * CHUNK as u64 + 2;
        let appended = filled(1..=last);
        assert_eq!(sizes(&appended), [CHUNK, CHUNK, 2]);
        let prepended = filled((1..=last).rev());
        assert_eq!(sizes(&prepended), [2, CHUNK, CHUNK]);
        assert_eq!(offsets(&appended), offsets(&prepended));
        let mut more = appended.clone();
        more.insert(Rc::new(stored_row(seen("new"), last + 1)));
        assert!(Rc::ptr_eq(&more.all()[0], &appended.all()[0]));
        assert!(Rc::ptr_eq(&more.all()[1], &appended.all()[1]));
        assert!(!Rc::ptr_eq(&more.all()[2], &appended.all()[2]));
    }

    #[test]
    fn rows_in_any_order_are_sorted_and_chunks_are_never_too_long_or_empty() {
        let mut chunks = filled((0..1_000).map(|number| number * 37 % 1_000));
        assert_eq!(offsets(&chunks), (0..1_000).collect::<Vec<_>>());
        assert_eq!(chunks.len(), 1_000);
        assert!(sizes(&chunks).iter().all(|size| (1..=CHUNK).contains(size)));
        for offset in (0..1_000).filter(|offset| offset % 3 > 0) {
            assert!(chunks.remove(Place::in_log(0, offset)).is_some());
        }
        assert_eq!(offsets(&chunks), (0..1_000).step_by(3).collect::<Vec<_>>());
        assert!(sizes(&chunks).iter().all(|size| (1..=CHUNK).contains(size)));
        assert!(chunks.remove(Place::in_log(0, 1)).is_none());
        let keys: std::collections::BTreeSet<u64> = chunks.all().iter().map(|it| it.key).collect();
        assert_eq!(keys.len(), chunks.all().len());
        let gone = chunks.drain(0..chunks.all().len());
        assert_eq!((chunks.len(), chunks.bytes()), (0, 0));
        assert!(!gone.is_empty());
    }
}
