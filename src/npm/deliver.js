// Delivery: calls the handlers of a route, and reports what fails. The flag says meanwhile that an event is in flight,
// so that events published by a handler wait in wasm's queue.

import { bytes, IN_FLIGHT, refreshViews } from "./memory.js";
import { countFailure } from "./watch.js";

function nothing() {}

/** Adds `turn`, `failed` and `answered` to `bus`. `inFlight` finds the route of a topic that `runOne` was not given. */
export function delivery(core, flag, bus, inFlight) {
  /** The route whose handlers are being called. */
  let running;

  /** Without its route, which most handlers do not need and which takes time to find. */
  function runOne(call, data, event, route) {
    bytes[flag] = IN_FLIGHT;
    try {
      const answer = call(data, event);
      if (answer !== undefined) answered(only(event.topic, route), event, answer);
    } catch (error) {
      failed(only(event.topic, route), event, error);
    }
    if (bytes[flag] === IN_FLIGHT) bytes[flag] = 0;
    else finish();
  }

  /** The one handler of the topic in flight, even if it has ended by now. */
  function only(topic, route = inFlight(topic)) {
    return route.slots[0];
  }

  /** Calls all handlers, whatever one of them does. The loop is around `try`: the other way round is slower in Chromium. */
  function runAll(route, data, event) {
    bytes[flag] = IN_FLIGHT;
    running = route;
    const { calls, slots } = route;
    const last = calls.length;
    for (let at = 0; at < last; at += 1) {
      // Not `calls[at](…)`, which would pass `calls` as `this`.
      const call = calls[at];
      try {
        const answer = call(data, event);
        if (answer !== undefined) answered(slots[at], event, answer);
      } catch (error) {
        failed(slots[at], event, error);
      }
    }
    running = undefined;
    // Also true if the memory has grown meanwhile.
    if (bytes[flag] === IN_FLIGHT) bytes[flag] = 0;
    else finish();
  }

  /** Delivers the events that handlers have published meanwhile. */
  function finish() {
    refreshViews();
    bytes[flag] &= ~IN_FLIGHT;
    core.proceed();
  }

  /** Calls one handler outside a route, with events that were delivered already. Returns its result. */
  bus.turn = (slot, call, data, event, about = event) => {
    refreshViews();
    bytes[flag] |= IN_FLIGHT;
    let settled;
    try {
      settled = answered(slot, about, call(data, event));
    } catch (error) {
      failed(slot, about, error);
    }
    finish();
    return settled;
  };

  function failed(slot, event, error) {
    core.failed(event.topic, slot.label, error);
  }

  /** A promise that rejects is a failure too. The returned promise settles with it. */
  function answered(slot, event, answer, counts) {
    if (typeof answer !== "object" || typeof answer?.then !== "function") return;
    return Promise.resolve(answer).catch((error) => {
      countFailure(counts);
      failed(slot, event, error);
    });
  }

  /** Keeps the event in flight from a handler that has ended. */
  function skip(slot) {
    const turn = running === undefined ? -1 : running.slots.indexOf(slot);
    if (turn >= 0) running.calls[turn] = nothing;
  }

  bus.failed = failed;
  bus.answered = answered;
  return { runOne, runAll, skip };
}
