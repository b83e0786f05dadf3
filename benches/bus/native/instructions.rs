//! Runs one case for callgrind. The difference between two runs with different numbers of events is the cost
//! of the events.

mod plain;

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use bus_benches::{Number, bus, count, topic};
use plain::{Plain, RouteEntry};

/// Runs `<case>=<events>`.
pub fn run(case: &str) {
    let (name, events) = case.split_once('=').expect("case=events");
    let events: u64 = events.parse().expect("a number of events");
    let counter = Rc::new(Cell::new(0));
    match name {
        "plain" => plain(events, &counter),
        "exact" => by_handle("hot.topic.7", 0, events, &counter),
        "wildcard" => by_handle("hot.*.7", 1_000, events, &counter),
        other => panic!("no case `{other}`: `plain`, `exact` or `wildcard`"),
    }
    assert_eq!(counter.get(), events);
}

fn by_handle(at: &str, others: usize, events: u64, counter: &Rc<Cell<u64>>) {
    let bus = bus();
    let _one = count(&bus, at, counter);
    let others = (0..others).map(|number| count(&bus, &format!("cold.{number}.*"), counter));
    let _others: Vec<_> = others.collect();
    let handle = bus.topic(&topic("hot.topic.7")).expect("not of the runtime");
    for _ in 0..events {
        handle.publish(black_box(Number(1))).ok();
    }
}

fn plain(events: u64, counter: &Rc<Cell<u64>>) {
    let (bus, counter) = (Plain::new(), counter.clone());
    let entry = RouteEntry::new(topic("hot.topic.7"), move |_| {
        counter.set(counter.get() + 1);
        Ok(())
    });
    for _ in 0..events {
        bus.publish_to(&entry, black_box(Number(1))).ok();
    }
}
