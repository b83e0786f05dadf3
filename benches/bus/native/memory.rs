//! The memory of a pattern with its handler and subscription, counted by the allocator.

use std::rc::Rc;

use allocation_counter::measure;
use bus_benches::{Row, bus, standing};

fn main() {
    for patterns in [1_000, 100_000, 1_000_000] {
        let (bus, counter) = (bus(), Rc::default());
        let mut kept = Vec::new();
        let taken = measure(|| kept = standing(&bus, patterns, &counter)).bytes_current;
        let work = format!("memory of each of {patterns} patterns, handlers included");
        Row::counted(&work, "bytes", taken as f64 / patterns as f64, 200.0).print();
    }
}
