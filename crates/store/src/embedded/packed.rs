//! Whole numbers in few bytes (LEB128), and ascending offsets by their differences.

use super::error::{Result, corrupt};

/// Appends `value`: seven bits a byte, the lowest first.
pub(super) fn push(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes what [`push`] has appended from the front.
pub(super) fn take(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(corrupt("number"))?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(corrupt("number"))
}

/// Appends an offset to a row whose last one is `last`.
pub(super) fn push_offset(row: &mut Vec<u8>, last: u64, offset: u64) {
    push(row, offset - last);
}

/// The row of these ascending offsets. It lacks the first one, which is in its key.
pub(super) fn row(offsets: &[u64]) -> Vec<u8> {
    let mut row = Vec::new();
    for pair in offsets.windows(2) {
        push_offset(&mut row, pair[0], pair[1]);
    }
    row
}

/// The offsets of a row: `first` is in its key, the others are in `row`.
pub(super) fn offsets(first: u64, mut row: &[u8]) -> Result<Vec<u64>> {
    let mut offsets = vec![first];
    let mut last = first;
    while !row.is_empty() {
        last = last.checked_add(take(&mut row)?).ok_or(corrupt("offsets"))?;
        offsets.push(last);
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_written_and_a_cut_one_is_an_error() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            push(&mut bytes, value);
            assert_eq!(take(&mut &*bytes).unwrap(), value);
            assert!(take(&mut &bytes[..bytes.len() - 1]).is_err());
        }
        assert!(take(&mut &[0xff; 11][..]).is_err());
    }

    #[test]
    fn offsets_are_read_as_they_were_written() {
        let written = [7, 8, 9, 200, 1 << 40];
        assert_eq!(offsets(7, &row(&written)).unwrap(), written);
    }
}
