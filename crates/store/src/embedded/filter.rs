//! Says of most digests that a slice of the ids' table does not have them, without the table: new events
//! are the rule, and each would cost a walk to a page of its own.
//!
//! A slice has a Bloom filter of its own, in memory, made by the sweep that passes the slice. A Bloom
//! filter forgets nothing: when as many digests came as it was made for, the sweep makes it anew from what
//! the table still has.

use fastbloom::BloomFilter;

use crate::digest::Digest;

/// Bits for a digest: of a hundred that are not there, a filter that is due believes one to be.
const BITS: usize = 10;
const HASHES: u32 = 7;
/// A filter is made for at least so many digests,
const FEWEST: usize = 32;
/// and has bits for at most so many: 160 KiB, which are 40 MiB for 256 slices of 33 million ids. Of a larger
/// table it believes more to be there.
const MOST: usize = 1 << 17;

/// The digests that a slice of the table may have.
#[derive(Debug)]
pub(super) struct Filter {
    bits: BloomFilter,
    /// After so many more it is to be made anew.
    room: usize,
}

impl Filter {
    /// Of all digests that the slice has. There is room for as many again, so that making filters costs
    /// a row or two for each digest that comes.
    pub(super) fn of(digests: &[Digest]) -> Self {
        let room = digests.len().max(FEWEST);
        let made_for = (digests.len() + room).min(MOST);
        let mut filter =
            Self { bits: BloomFilter::with_num_bits(made_for * BITS).hashes(HASHES), room };
        for digest in digests {
            filter.bits.insert_hash(hash(digest));
        }
        filter
    }

    /// Notes a digest that the slice has from now on.
    pub(super) fn add(&mut self, digest: &Digest) {
        self.bits.insert_hash(hash(digest));
        self.room = self.room.saturating_sub(1);
    }

    /// False only if the slice does not have the digest.
    pub(super) fn may_have(&self, digest: &Digest) -> bool {
        self.bits.contains_hash(hash(digest))
    }

    /// Whether it is to be made anew.
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
        let given = digests(0, 3 * MOST as u64 / 2);
        let filter = Filter::of(&given);
        assert!(filter.bits.num_bits() <= MOST * BITS);
        assert!(given.iter().all(|digest| filter.may_have(digest)));
    }
}
