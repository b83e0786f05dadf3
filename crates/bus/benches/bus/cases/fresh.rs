//! Publishing to topics that were never seen before, against many patterns of which 3 match.

use std::cell::Cell;
use std::rc::Rc;

use bus::{Bus, Topic};

use super::{Number, bus, count, standing, topic};
use crate::rounds::{compare, time};
use crate::table::Table;

const TOPICS: usize = 2_000;

pub fn rows(table: &mut Table) {
    let small = stage(1_000);
    for patterns in [100_000, 1_000_000] {
        let large = stage(patterns);
        let row = compare(|| publish(&large, patterns), || publish(&small, 1_000));
        let work = format!("a fresh topic against {patterns} patterns, beside 1,000");
        table.at_most_and(&work, &row, 4.0, 2_000.0);
    }
}

struct Stage {
    bus: Bus<Number>,
    delivered: Rc<Cell<u64>>,
    _standing: Vec<bus::Subscription>,
    round: Cell<usize>,
}

fn stage(patterns: usize) -> Stage {
    let (bus, delivered) = (bus(), Rc::new(Cell::new(0)));
    let mut subscriptions = standing(&bus, patterns - 2, &delivered);
    subscriptions.push(count(&bus, "device.*.*", &delivered));
    subscriptions.push(count(&bus, "device.>", &delivered));
    Stage { bus, delivered, _standing: subscriptions, round: Cell::new(0) }
}

/// `device.<n>.<fresh>` where `device.<n>.*` stands: with the two of all devices, 3 match.
fn publish(stage: &Stage, patterns: usize) -> f64 {
    let round = stage.round.replace(stage.round.get() + 1);
    // Spread over all patterns, and another place in each round as far as there are places.
    let topics: Vec<Topic> = (0..TOPICS)
        .map(|number| {
            let place = (number * TOPICS + round * 7_919) * 2_654_435_761 % (patterns / 4 - 1);
            topic(&format!("device.{}.x{round}y{number}", place * 4 + 1))
        })
        .collect();
    let before = stage.delivered.get();
    let mut topics = topics.into_iter();
    let took = time(TOPICS, || {
        if let Some(topic) = topics.next() {
            stage.bus.publish(topic, Number(1)).ok();
        }
    });
    assert_eq!(stage.delivered.get() - before, 3 * TOPICS as u64);
    took
}
