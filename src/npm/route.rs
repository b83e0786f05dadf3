//! The routes that JavaScript runs itself: `executor.js`, seen from wasm.

use bus::Topic;
use wasm_bindgen::prelude::*;

use crate::Bus;

#[wasm_bindgen(module = "/src/npm/executor.js")]
extern "C" {
    fn keep(bus: u32) -> u32;
    fn stale(bus: u32, number: u32);
}

/// What JavaScript keeps of a route; dropped, it is stale.
struct Kept {
    bus: u32,
    number: u32,
}

/// Writes down what JavaScript has to know of the route of `topic`: whether it can run it, how many of its own
/// subscriptions there are, and their numbers.
pub(super) fn write(bus: &Bus, id: u32, topic: &Topic, route: &mut Vec<u32>) {
    route.clear();
    route.extend([0, 0]);
    let keep = || -> Box<dyn std::any::Any> { Box::new(Kept { bus: id, number: keep(id) }) };
    let all = bus.pure().route_outside(topic, route, keep);
    let simple = all && !topic.is_system() && !bus.is_overseen(topic);
    let count = route.len().saturating_sub(2);
    if let [is_simple, len, ..] = &mut route[..] {
        *is_simple = u32::from(simple);
        *len = count as u32;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        stale(self.bus, self.number);
    }
}
