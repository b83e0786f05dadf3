//! Subscribing and unsubscribing next to many other subscriptions.

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Pattern, Subscription};
use bus_benches::{Number, Row, bus, count, pattern, standing, time};

use crate::side_by_side::SideBySide;

pub fn rows(bench: &mut SideBySide) {
    let (few, many) = (Stage::new(10_000), Stage::new(1_000_000));
    for (name, shape) in [("an exact pattern", "device.5.cold"), ("a wildcard", "device.5.*.x.>")] {
        let work = format!("subscribe and end {name}, 1,000,000 standing, beside 10,000");
        let compared = bench.compare(
            &work,
            |pairs| many.pairs_at(shape, pairs),
            |pairs| few.pairs_at(shape, pairs),
        );
        Row::at_most_and(&work, &compared, 2.0, 1_000.0).print();
    }
    let work = "the same all over, each pair at another place";
    let compared =
        bench.compare(work, |pairs| many.pairs_all_over(pairs), |pairs| few.pairs_all_over(pairs));
    Row::shown(work, &compared).print();
}

struct Stage {
    bus: Bus<Number>,
    standing: Vec<Subscription>,
}

impl Stage {
    fn new(patterns: usize) -> Self {
        let bus = bus();
        let standing = standing(&bus, patterns, &Rc::default());
        Self { bus, standing }
    }

    fn pairs_at(&self, at: &str, pairs: u64) -> f64 {
        let counter = Rc::new(Cell::new(0));
        time(pairs, || drop(count(&self.bus, at, &counter)))
    }

    /// Each pair uses another of the existing patterns.
    fn pairs_all_over(&self, pairs: u64) -> f64 {
        let counter = Rc::new(Cell::new(0_u64));
        let standing = self.standing.len() as u64;
        let patterns: Vec<Pattern> = (0..pairs)
            .map(|number| pattern(&format!("device.{}.x", number * 2_654_435_761 % standing)))
            .collect();
        let mut patterns = patterns.into_iter();
        time(pairs, || {
            if let Some(pattern) = patterns.next() {
                let counter = counter.clone();
                drop(self.bus.subscribe(pattern, move |_| {
                    counter.set(counter.get() + 1);
                    Ok(())
                }));
            }
        })
    }
}
