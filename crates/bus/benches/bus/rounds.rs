//! Interleaved rounds of ours and a peer.

use std::time::Instant;

const ROUNDS: usize = 15;
/// Student's t for a 95 % interval of 15 rounds.
const T: f64 = 2.145;

/// What the rounds of a row say: nanoseconds per piece of work, and their ratio.
pub struct Row {
    pub ours: f64,
    pub peer: f64,
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
}

/// Nanoseconds that one of `count` repetitions of `work` takes.
pub fn time(count: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        work();
    }
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Measures both in turn; each answers the nanoseconds of one piece of its work.
pub fn compare(mut ours: impl FnMut() -> f64, mut peer: impl FnMut() -> f64) -> Row {
    // Warms up.
    ours();
    peer();
    let rounds: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|round| {
            if round % 2 == 0 {
                let ours = ours();
                (ours, peer())
            } else {
                let peer = peer();
                (ours(), peer)
            }
        })
        .collect();
    let logs: Vec<f64> = rounds.iter().map(|(ours, peer)| (ours / peer).ln()).collect();
    let mean = logs.iter().sum::<f64>() / ROUNDS as f64;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (ROUNDS - 1) as f64;
    let half = T * (variance / ROUNDS as f64).sqrt();
    Row {
        ours: median(rounds.iter().map(|round| round.0)),
        peer: median(rounds.iter().map(|round| round.1)),
        ratio: median(logs.iter().map(|log| log.exp())),
        low: (mean - half).exp(),
        high: (mean + half).exp(),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
