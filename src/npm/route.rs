//! The routes that JavaScript runs itself, kept by `routes.js`.

use bus::Topic;
use wasm_bindgen::prelude::*;

use crate::Bus;

#[wasm_bindgen(module = "/src/npm/buses.js")]
extern "C" {
    fn keep(bus: u32) -> u32;
    fn stale(bus: u32, number: u32);
}

/// JavaScript's copy of a route. Dropping it makes the route stale.
struct Kept {
    bus: u32,
    number: u32,
}

/// JavaScript can run it.
const SIMPLE: u32 = 1;
/// Topics that differ only in their last token share it.
const OF_FAMILY: u32 = 2;
/// It has responders.
const SERVES: u32 = 4;

/// Writes what JavaScript needs to know about the route of `topic`: the bits above, the number of its own
/// subscriptions, and their numbers.
pub(super) fn write(bus: &Bus, id: u32, topic: &Topic, route: &mut Vec<u32>) {
    route.clear();
    route.extend([0, 0]);
    let keep = || -> Box<dyn std::any::Any> { Box::new(Kept { bus: id, number: keep(id) }) };
    let all = bus.pure().host_route(topic, route, keep);
    let simple = !all.has_others && !topic.is_system() && !bus.is_overseen(topic);
    let family = simple && !bus.has_overseers() && bus.pure().ignores_last_token(topic);
    let count = route.len().saturating_sub(2);
    if let [bits, len, ..] = &mut route[..] {
        *bits = [(simple, SIMPLE), (family, OF_FAMILY), (all.serves, SERVES)]
            .iter()
            .map(|(is_so, bit)| u32::from(*is_so) * bit)
            .sum();
        *len = count as u32;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        stale(self.bus, self.number);
    }
}
