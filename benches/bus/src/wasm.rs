//! The rows that are measured inside wasm, with the same code in Node and in browsers.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::{Compared, Row, fan_out};

const ROUNDS: usize = 15;
/// Of 15 values, this number lies below the 95 % interval of their median, and the same number above it.
const OUTSIDE: usize = 3;
/// A round must be long compared with the resolution of the browser's clock, which may be 0.1 ms.
const CALLS: u64 = 2_000_000;

/// Measures all rows, and returns them as lines of JSON.
#[wasm_bindgen]
pub fn rows() -> String {
    let mut rows = Vec::new();
    for listeners in [1, 10, 100] {
        let events = CALLS / listeners;
        let ours = || fan_out::ours(listeners, events);
        let compared = compare(ours, || fan_out::bare(listeners, events));
        if listeners == 1 {
            let work = "publish by handle to 1, beside the bare call";
            rows.push(Row::at_most_over(work, &compared, 20.0).to_json());
            continue;
        }
        let work = format!("publish by handle to {listeners}, beside a bare loop");
        rows.push(Row::at_most(&work, &compared, 2.0).to_json());
        let compared = compare(ours, || fan_out::bare_function(listeners, events));
        let work = format!("to {listeners}, beside a function with that loop");
        rows.push(Row::shown(&work, &compared).to_json());
    }
    rows.join("\n")
}

/// Measures both in turn. Each returns its nanoseconds per piece of work.
fn compare(ours: impl Fn() -> f64, peer: impl Fn() -> f64) -> Compared {
    // The first round warms up the compiler.
    ours();
    peer();
    let rounds: [(f64, f64); ROUNDS] = std::array::from_fn(|_| (ours(), peer()));
    let ratios = sorted(rounds.map(|(ours, peer)| ours / peer));
    Compared {
        ours: sorted(rounds.map(|round| round.0))[ROUNDS / 2],
        peer: sorted(rounds.map(|round| round.1))[ROUNDS / 2],
        ratio: ratios[ROUNDS / 2],
        low: ratios[OUTSIDE],
        high: ratios[ROUNDS - 1 - OUTSIDE],
    }
}

fn sorted(mut values: [f64; ROUNDS]) -> [f64; ROUNDS] {
    values.sort_by(f64::total_cmp);
    values
}
