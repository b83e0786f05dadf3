//! Shared parts of the bus benchmarks, native and in wasm. Run them with `cargo xtask bench bus`.

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

pub mod fan_out;
mod rounds;
mod row;
#[cfg(target_family = "wasm")]
pub mod wasm;

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Failure, Pattern, Payload, Subscription, Topic};
use web_time::Instant;

pub use rounds::{compared, median, sorted};
pub use row::{Compared, Row};

/// A small payload, so that copying it does not affect the figures.
#[derive(Debug)]
pub struct Number(pub u64);

impl Payload for Number {
    type Cause = &'static str;
    fn failure(_: Failure<&'static str>) -> Self {
        Self(0)
    }
}

/// A bus without subscriptions.
pub fn bus() -> Bus<Number> {
    Bus::new(|_| {})
}

/// Parses a topic.
pub fn topic(text: &str) -> Topic {
    Topic::parse(text).expect("a topic")
}

/// Parses a pattern.
pub fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a pattern")
}

/// Subscribes a handler that adds one to `counter`.
pub fn count(bus: &Bus<Number>, at: &str, counter: &Rc<Cell<u64>>) -> Subscription {
    let counter = counter.clone();
    bus.subscribe(pattern(at), move |_| {
        counter.set(counter.get() + 1);
        Ok(())
    })
}

/// Subscribes to many patterns of typical shapes, none of which matches `sensor.<n>.heat`.
pub fn standing(bus: &Bus<Number>, patterns: usize, counter: &Rc<Cell<u64>>) -> Vec<Subscription> {
    let mut standing = Vec::with_capacity(patterns);
    standing.extend((0..patterns).map(|number| match number % 4 {
        0 => count(bus, &format!("device.{number}.heat"), counter),
        1 => count(bus, &format!("device.{number}.*"), counter),
        2 => count(bus, &format!("room.{number}.>"), counter),
        _ => count(bus, &format!("sensor.{number}.*.low"), counter),
    }));
    standing
}

/// The nanoseconds per repetition of `work`, measured over `count` repetitions.
pub fn time(count: u64, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        work();
    }
    start.elapsed().as_nanos() as f64 / count as f64
}
