//! Alternating rounds of the bus and a peer as criterion's samples, so that criterion measures their ratio.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus_benches::Compared;
use criterion::measurement::{Measurement, ValueFormatter};
use criterion::{Criterion, SamplingMode, Throughput};
use serde::Deserialize;

const ROUNDS: usize = 15;

/// Measures rows.
pub struct SideBySide {
    criterion: Criterion<Ratio>,
    results: PathBuf,
}

/// Our time as a multiple of the peer's.
struct Ratio;

/// A file that criterion writes with its report.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

impl SideBySide {
    pub fn new() -> Self {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("criterion");
        let criterion = Criterion::default()
            .with_measurement(Ratio)
            .output_directory(&results)
            .without_plots()
            .sample_size(ROUNDS)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        Self { criterion, results }
    }

    /// Measures both in turn. Each repeats its work the given number of times and returns the nanoseconds per
    /// repetition.
    pub fn compare(
        &mut self,
        work: &str,
        mut ours: impl FnMut(u64) -> f64,
        mut peer: impl FnMut(u64) -> f64,
    ) -> Compared {
        let rounds = RefCell::new(Vec::new());
        let mut group = self.criterion.benchmark_group("bus");
        group.sampling_mode(SamplingMode::Flat);
        let name = file_name(work);
        group.bench_function(&name, |bencher| {
            bencher.iter_custom(|times| {
                let round = (ours(times), peer(times));
                rounds.borrow_mut().push(round);
                // Criterion divides by the number of iterations.
                round.0 / round.1 * times as f64
            });
        });
        group.finish();
        let Estimate { point_estimate, confidence_interval } = self.estimates(&name).median;
        // The rounds of the warm-up come first.
        let rounds = rounds.into_inner();
        let measured = &rounds[rounds.len() - ROUNDS..];
        Compared {
            ours: median(measured.iter().map(|round| round.0)),
            peer: median(measured.iter().map(|round| round.1)),
            ratio: point_estimate,
            low: confidence_interval.lower_bound,
            high: confidence_interval.upper_bound,
        }
    }

    fn estimates(&self, name: &str) -> Estimates {
        let file = self.results.join("bus").join(name).join("new/estimates.json");
        let text = std::fs::read_to_string(file).expect("criterion's estimates");
        serde_json::from_str(&text).expect("criterion's estimates have a median")
    }
}

/// A text that criterion accepts as a name and as a folder.
fn file_name(work: &str) -> String {
    const LONGEST: usize = 60;
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    work.chars().map(safe).take(LONGEST).collect()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Measurement for Ratio {
    type Intermediate = ();
    type Value = f64;

    // `iter_custom` needs neither.
    fn start(&self) {}

    fn end(&self, (): ()) -> f64 {
        f64::NAN
    }

    fn add(&self, one: &f64, other: &f64) -> f64 {
        one + other
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self
    }
}

impl ValueFormatter for Ratio {
    fn scale_values(&self, _: f64, _: &mut [f64]) -> &'static str {
        "x"
    }

    fn scale_throughputs(&self, _: f64, _: &Throughput, _: &mut [f64]) -> &'static str {
        "x"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "x"
    }
}
