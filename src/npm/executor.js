// Publishes events. wasm says which subscriptions a topic has; while all of them are plain handlers, they are called
// from here, because a call from wasm costs several times one from JavaScript.
//
// One flag says whether an event is in flight, and one queue holds the events that wait; both are in wasm. Whatever is
// not simple is left to wasm: an event inside a handler, an interceptor, a group, a subscriber in Rust, a rule of a
// bridge.

import { register } from "./buses.js";
import { subscribing } from "./cohorts.js";
import { delivery } from "./deliver.js";
import { Event } from "./event.js";
import { receipt } from "./link.js";
import { bytes, IN_FLIGHT, refreshViews } from "./memory.js";
import { expectTopic, take } from "./options.js";
import { routing } from "./routes.js";
import { watching } from "./watch.js";

const NONE = {};
const PUBLISH = ["wait", "expiresInMs"];

/** The functions that publish to the bus of `core`, and that subscribe plain handlers to it. */
export function executor(core, memory) {
  refreshViews(memory);
  const flag = core.flag();
  const version = core.version() >>> 2;
  /** What wasm finds by the bus's number. Every function of the bus refers to it, so it lives as long as they do. */
  const bus = { cohorts: [], watchers: new Set(), interceptors: [] };
  const { hot, known, find, refresh, inFlight } = routing(core, flag, version, bus);
  const { runOne, runAll, skip } = delivery(core, flag, bus, inFlight);
  subscribing(core, flag, version, bus, refresh, skip);
  watching(flag, bus);
  register(core.id(), bus);

  function publish(topic, data, options) {
    const found = hot[topic];
    if (found === undefined || options !== undefined || bytes[flag] !== 0 || typeof topic !== "string") {
      return publishOtherwise(topic, data, options);
    }
    const event = new Event(topic, data, undefined);
    if (typeof found === "function") runOne(found, data, event);
    else runAll(found, data, event);
  }

  function publishOtherwise(topic, data, options) {
    const { wait, expiresInMs } = options === undefined ? NONE : take(options, PUBLISH);
    if (runs(topic, data)) return wait ? Promise.resolve() : undefined;
    if (wait) return core.publishWhenRoom(topic, data).then(receipt);
    const event = new Event(topic, data, { time: Date.now() });
    return receipt(core.publish(topic, data, event, expiresInMs === Infinity ? undefined : expiresInMs));
  }

  /** Publishes a request, which stays on this bus. Returns false if an interceptor has dropped it. */
  function ask(topic, data, asked) {
    return runs(topic, data, { asked }) || core.ask(topic, data, new Event(topic, data, { time: Date.now(), asked }));
  }

  /** Runs the route of a topic here. Returns false if wasm must run it. */
  function runs(topic, data, more) {
    refreshViews();
    const itsOwn = known(topic);
    // Topics with a route have been checked.
    if (itsOwn === undefined) expectTopic(topic, "the topic");
    if (bytes[flag] !== 0) return false;
    const route = find(topic, itsOwn);
    if (!route.simple) return false;
    const event = new Event(topic, data, more);
    if (route.calls.length === 1) runOne(route.calls[0], data, event, route);
    else runAll(route, data, event);
    return true;
  }

  /** Whether an event published now is delivered at once. */
  function isIdle() {
    refreshViews();
    return (bytes[flag] & IN_FLIGHT) === 0;
  }

  return Object.assign(bus, { publish, ask, isIdle });
}
