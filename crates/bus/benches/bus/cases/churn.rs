//! Subscribing and ending while many subscriptions stand.

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Pattern, Subscription};

use super::{Number, bus, count, pattern, standing};
use crate::rounds::{compare, time};
use crate::table::Table;

const PAIRS: usize = 20_000;

pub fn rows(table: &mut Table) {
    let counter = Rc::new(Cell::new(0));
    let (few, many) = (stage(10_000, &counter), stage(1_000_000, &counter));
    for (name, shape) in [("an exact pattern", "device.5.cold"), ("a wildcard", "device.5.*.x.>")] {
        let row = compare(|| pairs(&many.0, shape), || pairs(&few.0, shape));
        let work = format!("subscribe and end {name}, 1,000,000 standing, beside 10,000");
        table.at_most_and(&work, &row, 2.0, 1_000.0);
    }
    let row = compare(|| spread(&many.0, 1_000_000), || spread(&few.0, 10_000));
    table.shown("the same all over, each pair at another place", &row);
}

fn stage(patterns: usize, counter: &Rc<Cell<u64>>) -> (Bus<Number>, Vec<Subscription>) {
    let bus = bus();
    let standing = standing(&bus, patterns, counter);
    (bus, standing)
}

fn pairs(bus: &Bus<Number>, at: &str) -> f64 {
    let counter = Rc::new(Cell::new(0));
    time(PAIRS, || drop(count(bus, at, &counter)))
}

/// Each pair at another of the patterns that stand.
fn spread(bus: &Bus<Number>, standing: usize) -> f64 {
    let counter = Rc::new(Cell::new(0));
    let patterns: Vec<Pattern> = (0..PAIRS)
        .map(|number| pattern(&format!("device.{}.x", number * 2_654_435_761 % standing)))
        .collect();
    let mut patterns = patterns.into_iter();
    time(PAIRS, || {
        if let Some(pattern) = patterns.next() {
            let counter = counter.clone();
            drop(bus.subscribe(pattern, move |_| {
                counter.set(counter.get() + 1);
                Ok(())
            }));
        }
    })
}
