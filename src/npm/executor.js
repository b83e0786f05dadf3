// Runs routes in JavaScript. wasm says which subscriptions a topic has; while all of them are plain
// handlers, they are called from here, because a call from wasm costs several times one from JavaScript.
//
// There is one flag that says whether an event is in flight, and one queue, both in wasm. The flag is read
// and written here through a view of wasm's memory. Whatever is not simple is left to wasm: an event inside
// a handler, an interceptor, a group, a subscriber in Rust, a rule of a bridge.

import { busOf, enter } from "./buses.js";
import { isThere, subscribing } from "./cohorts.js";
import { expect } from "./errors.js";
import { Event } from "./event.js";
import { bytes, IN_FLIGHT, look, view, WATCHED } from "./memory.js";
import { receipt } from "./receipt.js";
import { routing } from "./routes.js";

/** What publishes to the bus of `core`, and what subscribes plain handlers to it. */
export function executor(core, memory) {
  view(memory);
  const flag = core.flag();
  /** What JavaScript runs of hot topics: the only handler, or the route. */
  const hot = Object.create(null);
  /** Of hot topics, whoever runs them. */
  const routes = Object.create(null);
  const interceptors = [];
  const self = {
    flag,
    version: core.version() >>> 2,
    hot,
    routes,
    /** The routes that wasm knows, and numbers that are free again. */
    numbered: [],
    free: [],
    /** The subscriptions by number. */
    cohorts: [],
    answered,
    failed,
    interceptors,
    watcher: undefined,
    /** What was hot when the event in flight began, and is not any more. */
    former: [],
  };
  const { related, resolve, flatten, refresh } = routing(core, self);
  const { add, subscriptions } = subscribing(core, self, refresh, withdraw);
  let running;
  enter(core.id(), self);

  function publish(topic, data, options) {
    const found = hot[topic];
    if (found === undefined || options !== undefined || bytes[flag] !== 0) {
      return publishOtherwise(topic, data, options);
    }
    const event = new Event(topic, data, undefined);
    if (typeof found === "function") runOne(found, data, event);
    else runAll(found, data, event);
  }

  function publishOtherwise(topic, data, options, more) {
    expect(topic, "string", "the topic");
    if (options !== undefined) expect(options, "object", "the options of publish");
    look();
    if (bytes[flag] === 0) {
      self.former.length = 0;
      const route = routes[topic] ?? related(topic) ?? resolve(topic);
      if (route.simple) return run(route, data, new Event(topic, data, more));
    }
    const event = new Event(topic, data, { time: Date.now(), ...more });
    if (options?.wait) return core.publishWhenRoom(topic, data).then(receipt);
    return receipt(core.publish(topic, data, event, options?.expiresInMs));
  }

  function run(route, data, event) {
    if (!route.fresh) flatten(route);
    if (route.calls.length === 1) runOne(route.calls[0], data, event, route);
    else runAll(route, data, event);
  }

  /** Without its route, for most need none and to find it takes time. */
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

  /** The one handler of the topic in flight, also if it has ended meanwhile. */
  function only(topic, route = self.former.find((former) => former.topic === topic) ?? routes[topic]) {
    return route.slots[0];
  }

  /** Calls all handlers, whatever one of them does. Four at a time: so the processor foresees more of them. */
  function runAll(route, data, event) {
    bytes[flag] = IN_FLIGHT;
    running = route;
    const { calls, slots } = route;
    const last = calls.length;
    let at = 0;
    for (;;) {
      try {
        let call;
        let answer;
        for (; at + 4 <= last; at += 1) {
          call = calls[at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
          call = calls[++at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
          call = calls[++at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
          call = calls[++at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
        }
        for (; at < last; at += 1) {
          call = calls[at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
        }
        break;
      } catch (error) {
        failed(slots[at], event, error);
        at += 1;
      }
    }
    running = undefined;
    // Also where memory has grown meanwhile.
    if (bytes[flag] === IN_FLIGHT) bytes[flag] = 0;
    else finish();
  }

  /** What handlers have published meanwhile has its turn now. */
  function finish() {
    look();
    bytes[flag] &= ~IN_FLIGHT;
    core.proceed();
  }

  /** Calls one handler as if it were a route of its own, with events that have had their turns. */
  function turn(slot, call, data, event, about = event) {
    look();
    bytes[flag] |= IN_FLIGHT;
    try {
      answered(slot, about, call(data, event));
    } catch (error) {
      failed(slot, about, error);
    }
    finish();
  }

  function failed(slot, event, error) {
    core.failed(event.topic, slot.label, error);
  }

  /** A promise that is rejected is a failure too. The answer is settled with it. */
  function answered(slot, event, answer) {
    if (typeof answer !== "object" || answer === null || typeof answer.then !== "function") return;
    return Promise.resolve(answer).catch((error) => failed(slot, event, error));
  }

  /** The event in flight does not reach it any more. */
  function withdraw(slot) {
    const turn = running === undefined ? -1 : running.slots.indexOf(slot);
    if (turn >= 0) running.calls[turn] = () => {};
  }

  /** Whether somebody looks at each event: then wasm runs all routes, and `hear` is what it calls. */
  function watch(watcher) {
    look();
    self.watcher = watcher;
    bytes[flag] = watcher === undefined ? bytes[flag] & ~WATCHED : bytes[flag] | WATCHED;
  }

  function serves(topic) {
    const { cohorts } = routes[topic] ?? resolve(topic);
    return cohorts.some(({ members }) => members.some((slot) => slot?.serves));
  }

  /** Whether an event of now has its turn at once. */
  function isIdle() {
    look();
    return (bytes[flag] & IN_FLIGHT) === 0;
  }

  return { publish, publishOtherwise, add, turn, watch, serves, isIdle, subscriptions, interceptors };
}

/** wasm hands an event to a subscription; if it has one handler, its failure is wasm's to tell. */
export function hear(bus, number, data, event) {
  const self = busOf(bus);
  const members = self?.cohorts[number]?.members;
  if (members?.length === 1) return hearOne(self, members[0], data, event);
  const unsettled = members?.map((slot) => {
    try {
      return slot && hearOne(self, slot, data, event);
    } catch (error) {
      self.failed(slot, event, error);
    }
  });
  if (unsettled?.some(isThere)) return Promise.all(unsettled);
}

function hearOne(self, slot, data, event) {
  try {
    const answer = self.watcher ? self.watcher(slot, data, event) : slot.call(data, event);
    if (answer !== undefined) return self.answered(slot, event, answer);
  } catch (error) {
    // What has left the bus for a queue is told here.
    if (!slot.queued) throw error;
    self.failed(slot, event, error);
  }
}
