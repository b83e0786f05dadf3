//! Tells most new digests from known ones without a read of the table: most events are new, and looking each up would
//! read a page.
//!
//! Each slice of the table has a Bloom filter in memory, built by the sweep that passes the slice. A Bloom filter
//! forgets nothing: once it is full, the sweep rebuilds it from what the table still has.

use fastbloom::BloomFilter;

use crate::digest::Digest;

/// Bits for a digest: a filter that is due takes one in a hundred absent digests for a present one.
const BITS: usize = 10;
const HASHES: u32 = 7;
/// The fewest digests that a filter is made for.
const FEWEST: usize = 32;
/// The most digests that it has bits for: 160 KiB, or 40 MiB for 256 slices of 33 million ids. With a larger table it
/// takes more absent digests for present ones.
const MAX: usize = 1 << 17;

/// The digests that a slice of the table may have.
#[derive(Debug)]
pub(super) struct Filter {
    bits: BloomFilter,
    /// How many more digests fit before the filter must be rebuilt.
    room: usize,
}

impl Filter {
    /// A filter of all digests of a slice. It has room for as many again, so that building filters costs a row or two
    /// for each new digest.
    pub(super) fn of(digests: &[Digest]) -> Self {
        let room = digests.len().max(FEWEST);
        let made_for = (digests.len() + room).min(MAX);
        let mut filter =
            Self { bits: BloomFilter::with_num_bits(made_for * BITS).hashes(HASHES), room };
        for digest in digests {
            filter.bits.insert_hash(hash(digest));
        }
        filter
    }

    /// Adds a digest to the slice.
    pub(super) fn add(&mut self, digest: &Digest) {
        self.bits.insert_hash(hash(digest));
        self.room = self.room.saturating_sub(1);
    }

    /// `false` only if the slice does not have the digest.
    pub(super) fn may_have(&self, digest: &Digest) -> bool {
        self.bits.contains_hash(hash(digest))
    }

    /// Whether it must be rebuilt.
    pub(super) fn is_due(&self) -> bool {
        self.room == 0
    }
}

/// A digest is a hash already. Its first byte is the same in the whole slice.
fn hash(digest: &Digest) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn digests(from: u64, to: u64) -> Vec<Digest> {
        let of = |number: u64| -> [u8; 32] { Sha256::digest(number.to_le_bytes()).into() };
        (from..to).map(|number| std::array::from_fn(|at| of(number)[at])).collect()
    }

    #[test]
    fn a_filter_has_all_that_it_was_given_and_until_it_is_due_few_others() {
        for count in [0, 1, 31, 5_000] {
            let given = digests(0, count);
            let (mut filter, mut later) = (Filter::of(&given), Vec::new());
            for digest in digests(count, 100_000) {
                if filter.is_due() {
                    break;
                }
                filter.add(&digest);
                later.push(digest);
            }
            assert_eq!(later.len(), given.len().max(FEWEST));
            assert!(given.iter().chain(&later).all(|digest| filter.may_have(digest)));
            let others = digests(1_000_000, 1_010_000);
            let believed = others.iter().filter(|digest| filter.may_have(digest)).count();
            assert!(believed < 200, "{believed} of 10,000 with {count}");
        }
    }

    #[test]
    fn a_filter_of_more_than_it_has_bits_for_is_no_larger_and_still_has_them_all() {
        let given = digests(0, 3 * MAX as u64 / 2);
        let filter = Filter::of(&given);
        assert!(filter.bits.num_bits() <= MAX * BITS);
        assert!(given.iter().all(|digest| filter.may_have(digest)));
    }
}
