//! What is measured, and what the cases share.

pub mod churn;
pub mod fan_out;
pub mod fresh;
pub mod instructions;

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Failure, Pattern, Payload, Subscription, Topic};

/// Events of this size are nothing to copy, so that what is measured is the bus.
pub struct Number(#[expect(dead_code, reason = "handlers only count")] pub u64);

impl Payload for Number {
    type Cause = &'static str;
    fn failure(_: Failure<&'static str>) -> Self {
        Self(0)
    }
}

pub fn bus() -> Bus<Number> {
    Bus::new(|_| {})
}

pub fn topic(text: &str) -> Topic {
    Topic::parse(text).expect("a topic")
}

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
