//! Publishing to new topics, against many patterns of which 3 match.

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Subscription, Topic};
use bus_benches::{Number, Row, bus, count, standing, time, topic};

use crate::side_by_side::SideBySide;

pub fn rows(bench: &mut SideBySide) {
    let small = Stage::new(1_000);
    for patterns in [100_000, 1_000_000] {
        let large = Stage::new(patterns);
        let work = format!("a fresh topic against {patterns} patterns, beside 1,000");
        let compared =
            bench.compare(&work, |events| large.publish(events), |events| small.publish(events));
        Row::at_most_and(&work, &compared, 4.0, 2_000.0).print();
    }
}

struct Stage {
    bus: Bus<Number>,
    patterns: u64,
    delivered: Rc<Cell<u64>>,
    _standing: Vec<Subscription>,
    published: Cell<u64>,
}

impl Stage {
    fn new(patterns: usize) -> Self {
        let (bus, delivered) = (bus(), Rc::new(Cell::new(0)));
        let mut standing = standing(&bus, patterns - 2, &delivered);
        standing.push(count(&bus, "device.*.*", &delivered));
        standing.push(count(&bus, "device.>", &delivered));
        let (patterns, published) = (patterns as u64, Cell::new(0));
        Self { bus, patterns, delivered, _standing: standing, published }
    }

    /// Publishes to `device.<n>.<fresh>`, which matches `device.<n>.*` and the two patterns for all devices.
    fn publish(&self, events: u64) -> f64 {
        let first = self.published.replace(self.published.get() + events);
        // Spread over all patterns.
        let topics: Vec<Topic> = (first..first + events)
            .map(|number| {
                let place = number * 2_654_435_761 % (self.patterns / 4 - 1);
                topic(&format!("device.{}.x{number}", place * 4 + 1))
            })
            .collect();
        let before = self.delivered.get();
        let mut topics = topics.into_iter();
        let took = time(events, || {
            if let Some(topic) = topics.next() {
                self.bus.publish(topic, Number(1)).ok();
            }
        });
        assert_eq!(self.delivered.get() - before, 3 * events);
        took
    }
}
