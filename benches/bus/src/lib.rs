//! What the benchmarks of the bus share, natively and in wasm. `cargo xtask bench bus` runs them.

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

pub mod fan_out;
mod row;
#[cfg(target_family = "wasm")]
pub mod wasm;

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Failure, Pattern, Payload, Subscription, Topic};
use web_time::Instant;

pub use row::{Compared, Row};

/// Events of this size are nothing to copy, so that what is measured is the bus.
#[derive(Debug)]
pub struct Number(pub u64);

impl Payload for Number {
    type Cause = &'static str;
    fn failure(_: Failure<&'static str>) -> Self {
        Self(0)
    }
}

/// A bus that nobody listens to yet.
pub fn bus() -> Bus<Number> {
    Bus::new(|_| {})
}

/// The topic of that text.
pub fn topic(text: &str) -> Topic {
    Topic::parse(text).expect("a topic")
}

/// The pattern of that text.
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

/// Many patterns of the shapes that applications have, none of which matches `sensor.<n>.heat`.
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

/// Nanoseconds that one of `count` repetitions of `work` takes.
pub fn time(count: u64, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..count {
        work();
    }
    start.elapsed().as_nanos() as f64 / count as f64
}
