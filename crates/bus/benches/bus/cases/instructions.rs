//! One case at a time, to be counted by callgrind: the difference between two counts of events is what
//! the events cost. See `BENCHMARKS.md` for the command.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use super::{Number, bus, count, topic};

pub fn run(case: &str) {
    let (name, events) = case.split_once('=').expect("case=events");
    let events: usize = events.parse().expect("a number of events");
    let (bus, counter) = (bus(), Rc::new(Cell::new(0)));
    let at = match name {
        "exact" => "hot.topic.7",
        "wildcard" => "hot.*.7",
        other => panic!("no case `{other}`: `exact` or `wildcard`"),
    };
    let _one = count(&bus, at, &counter);
    let _others: Vec<_> = (0..1_000)
        .filter(|_| name == "wildcard")
        .map(|number| count(&bus, &format!("cold.{number}.*"), &counter))
        .collect();
    let handle = bus.topic(&topic("hot.topic.7")).expect("not of the runtime");
    for _ in 0..events {
        handle.publish(black_box(Number(1))).ok();
    }
    assert_eq!(counter.get() as usize, events);
}
