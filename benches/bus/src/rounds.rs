//! Medians of rounds, with their intervals.

use crate::Compared;

/// Compares ours with a peer. Each pair is a round.
pub fn compared(rounds: &[(f64, f64)]) -> Compared {
    let ratios = sorted(rounds.iter().map(|(ours, peer)| ours / peer));
    let (low, high) = interval(&ratios);
    Compared {
        ours: median(&sorted(rounds.iter().map(|round| round.0))),
        peer: median(&sorted(rounds.iter().map(|round| round.1))),
        ratio: median(&ratios),
        low,
        high,
    }
}

/// The 95 % interval of the median, derived only from the order of the values: each value is as likely above the true
/// median as below it. With eight values or fewer, it spans all of them.
fn interval(sorted: &[f64]) -> (f64, f64) {
    const OUTSIDE: f64 = 0.05;
    let rounds = sorted.len();
    let mut leave_out = 0;
    let mut ways = 1.0;
    let mut below = 1.0;
    while leave_out + 1 < rounds.div_ceil(2) {
        ways *= (rounds - leave_out) as f64 / (leave_out + 1) as f64;
        below += ways;
        if 2.0 * below / 2_f64.powi(i32::try_from(rounds).unwrap_or(i32::MAX)) > OUTSIDE {
            break;
        }
        leave_out += 1;
    }
    (sorted[leave_out], sorted[rounds - 1 - leave_out])
}

/// The middle of sorted values, of which there is at least one.
pub fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

/// The values from the lowest to the highest.
pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_leaves_out_as_many_rounds_as_the_sign_test_allows() {
        let values = |count: usize| (0..count).map(|value| value as f64).collect::<Vec<_>>();
        assert_eq!(interval(&values(5)), (0.0, 4.0));
        // Nine is the smallest sample size at which one value on each side is left out.
        assert_eq!(interval(&values(8)), (0.0, 7.0));
        assert_eq!(interval(&values(9)), (1.0, 7.0));
        assert_eq!(interval(&values(15)), (3.0, 11.0));
    }
}
