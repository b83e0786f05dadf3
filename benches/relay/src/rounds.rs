//! Interleaves rounds of ours and of a peer, and computes their ratio with its interval.

use anyhow::Result;
use bus_benches::{Compared, compared};

/// Runs both in turn. Each round returns several figures; the result has one comparison for each.
pub fn compare<const N: usize>(
    rounds: usize,
    mut ours: impl FnMut() -> Result<[f64; N]>,
    mut peer: impl FnMut() -> Result<[f64; N]>,
) -> Result<[Compared; N]> {
    let mut all = Vec::with_capacity(rounds);
    for round in 0..rounds {
        // The order alternates too.
        all.push(if round % 2 == 0 {
            let ours = ours()?;
            (ours, peer()?)
        } else {
            let peer = peer()?;
            (ours()?, peer)
        });
    }
    Ok(std::array::from_fn(|figure| {
        let pairs: Vec<_> = all.iter().map(|(ours, peer)| (ours[figure], peer[figure])).collect();
        compared(&pairs)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_take_turns_and_the_ratio_is_of_pairs() {
        let (mut one, mut two) = (0.0, 0.0);
        let [compared] = compare(
            9,
            || {
                one += 1.0;
                Ok([one])
            },
            || {
                two += 1.0;
                Ok([two * 2.0])
            },
        )
        .unwrap();
        assert_eq!((compared.ratio, compared.low, compared.high), (0.5, 0.5, 0.5));
        assert_eq!((compared.ours, compared.peer), (5.0, 10.0));
    }
}
