//! Which chunks of a long list are in the page. The others are replaced by two spacers of their height.

use std::ops::Range;
use std::rc::Rc;

use super::timeline::Chunk;

/// The most rows in the page.
const MAX_ROWS: usize = 1_280;
/// How many chunks are in the page before and after those that are seen. When one fewer is left, others are drawn: one
/// at a time while the reader scrolls.
const BESIDE: usize = 3;
/// The height of a row, in CSS pixels, before any was measured.
const USUAL_ROW: f64 = 52.0;

/// The chunks to draw: those around the seen ones. What is drawn now stays as it is while it is enough.
pub fn drawn(chunks: &[Rc<Chunk>], seen: Range<usize>, now: Range<usize>) -> Range<usize> {
    let seen = seen.start.min(chunks.len())..seen.end.min(chunks.len());
    let rows = |range: &Range<usize>| -> usize {
        chunks[range.clone()].iter().map(|chunk| chunk.rows.len()).sum()
    };
    let around = |by: usize| seen.start.saturating_sub(by)..(seen.end + by).min(chunks.len());
    let now = now.start.min(chunks.len())..now.end.min(chunks.len());
    let needed = around(BESIDE - 1);
    if now.start <= needed.start && needed.end <= now.end && rows(&now) <= MAX_ROWS {
        return now;
    }
    let mut range = around(BESIDE);
    // Only a very tall screen with very small rows reaches this.
    while rows(&range) > MAX_ROWS && range.len() > 1 {
        if range.start < seen.start { range.start += 1 } else { range.end -= 1 }
    }
    range
}

/// The height of some chunks. Those that were never drawn have about the height of the others.
pub fn height(chunks: &[Rc<Chunk>], range: Range<usize>) -> f64 {
    let row = usual_row(chunks);
    chunks[range].iter().map(|chunk| height_of(chunk, row)).sum()
}

/// The chunks between two distances from the top of the list, at least one.
pub fn between(chunks: &[Rc<Chunk>], top: f64, bottom: f64) -> Range<usize> {
    let row = usual_row(chunks);
    let (mut y, mut start, mut end) = (0.0, None, 0);
    for (at, chunk) in chunks.iter().enumerate() {
        if y < bottom || at == 0 {
            end = at + 1;
        }
        y += height_of(chunk, row);
        if y > top && start.is_none() {
            start = Some(at);
        }
    }
    let start = start.unwrap_or(chunks.len().saturating_sub(1));
    start..end.max(start + 1).min(chunks.len())
}

fn height_of(chunk: &Chunk, row: f64) -> f64 {
    let height = chunk.height.get();
    if height > 0.0 { height } else { row * chunk.rows.len() as f64 }
}

fn usual_row(chunks: &[Rc<Chunk>]) -> f64 {
    let measured = || chunks.iter().filter(|chunk| chunk.height.get() > 0.0);
    let height: f64 = measured().map(|chunk| chunk.height.get()).sum();
    let rows: usize = measured().map(|chunk| chunk.rows.len()).sum();
    if rows > 0 { height / rows as f64 } else { USUAL_ROW }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::model::timeline::tests::{seen, stored_row};

    fn chunks(count: usize, rows: u64) -> Vec<Rc<Chunk>> {
        let chunk = |key| {
            let rows = (0..rows).map(|offset| Rc::new(stored_row(seen("a"), offset))).collect();
            Rc::new(Chunk { key, rows, height: Cell::new(0.0) })
        };
        (0..count as u64).map(chunk).collect()
    }

    #[test]
    fn the_chunks_around_the_seen_ones_are_drawn_and_stay_while_they_are_enough() {
        let all = chunks(30, 64);
        assert_eq!(drawn(&all, 10..11, 0..0), 7..14);
        assert_eq!(drawn(&all, 11..12, 7..14), 7..14);
        assert_eq!(drawn(&all, 12..13, 7..14), 9..16);
        assert_eq!(drawn(&all, 13..14, 7..14), 10..17);
        assert_eq!(drawn(&all, 0..1, 7..14), 0..4);
        assert_eq!(drawn(&all, 29..30, 7..14), 26..30);
        assert_eq!(drawn(&all[..2], 1..2, 0..1), 0..2);
        assert_eq!(drawn(&[], 0..1, 0..3), 0..0);
    }

    #[test]
    fn never_too_many_rows_are_drawn_and_the_first_seen_one_always_is() {
        let all = chunks(100, 64);
        for start in 0..100 {
            for length in [1, 2, 15, 40] {
                let range = drawn(&all, start..(start + length).min(100), 0..100);
                assert!(range.len() * 64 <= MAX_ROWS && range.contains(&start), "{range:?}");
            }
        }
    }

    #[test]
    fn what_was_not_measured_has_the_height_of_the_others() {
        let all = chunks(4, 10);
        assert!((height(&all, 0..4) - 40.0 * USUAL_ROW).abs() < 0.01);
        all[1].height.set(300.0);
        assert!((height(&all, 0..4) - 1_200.0).abs() < 0.01);
        assert_eq!(between(&all, 0.0, 100.0), 0..1);
        assert_eq!(between(&all, 299.0, 301.0), 0..2);
        assert_eq!(between(&all, 650.0, 2_000.0), 2..4);
        assert_eq!(between(&all, 5_000.0, 6_000.0), 3..4);
        assert_eq!(between(&[], 0.0, 10.0), 0..0);
    }
}
