//! The number of compiled routes that a subscription invalidates.

use std::rc::Rc;

use bus_benches::{Number, Row, bus, count, topic};

const HOT: usize = 100_000;

/// Subscribes to one topic while many others are hot.
pub fn row() {
    let (bus, counter) = (bus(), Rc::default());
    let _all = count(&bus, "device.>", &counter);
    let handles: Vec<_> = (0..=HOT)
        .map(|number| bus.topic(&topic(&format!("device.{number}"))).expect("not of the runtime"))
        .collect();
    handles.iter().for_each(|handle| drop(handle.publish(Number(1))));
    let before = bus.routes_invalidated();
    let _one = count(&bus, "device.7", &counter);
    let invalidated = bus.routes_invalidated() - before;
    let work = "subscribe to one topic while 100,000 others are hot";
    Row::counted(work, "routes invalidated", invalidated as f64, 1.0).print();
}
