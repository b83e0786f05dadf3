// The bus that users of the npm package hold, made over a `Core` of npm.rs. Nothing here uses `this`, so
// every function works when it is destructured.

import { connect } from "./connect.js";
import { disposer, ending } from "./disposer.js";
import { expect } from "./errors.js";
import { executor } from "./executor.js";
import { interceptors } from "./intercept.js";
import { play, recorder } from "./recorder.js";
import { requests } from "./request.js";
import { stats } from "./stats.js";
import { subscriptions } from "./subscribe.js";
import { topic } from "./topic.js";

/** What `createBus` and `createSingleton` return. */
export function face(core, memory, options = {}) {
  expect(options, "object", "the options of the bus");
  const run = executor(core, memory);
  const subscribe = subscriptions(run);
  const publish = options.freeze
    ? (name, data, given) => run.publish(name, freeze(data), given)
    : run.publish;
  const listening = new Map();

  function once(pattern, handler, given) {
    expect(handler, "function", "the handler");
    const end = subscribe(
      pattern,
      (data, event) => {
        end();
        return handler(data, event);
      },
      given,
    );
    return end;
  }

  function on(pattern, handler, given) {
    const end = subscribe(pattern, handler, given);
    const ends = listening.get(pattern) ?? [];
    listening.set(pattern, ends);
    const one = { handler, end };
    ends.push(one);
    return disposer(() => {
      const at = ends.indexOf(one);
      if (at >= 0) ends.splice(at, 1);
      if (ends.length === 0 && listening.get(pattern) === ends) listening.delete(pattern);
      end();
    });
  }

  /** Ends the subscription that `on` has made of the handler, or all that it has made of the pattern. */
  function off(pattern, handler) {
    const ends = listening.get(pattern) ?? [];
    const at = ends.findIndex((one) => one.handler === handler);
    const ended = handler === undefined ? ends.splice(0) : at < 0 ? [] : ends.splice(at, 1);
    if (ends.length === 0) listening.delete(pattern);
    for (const one of ended) one.end();
  }

  const self = {
    publish,
    subscribe,
    once,
    on,
    off,
    topic: (pattern, given) => topic(subscribe, core, pattern, given),
    retain: retains(core),
    ...requests(run, subscribe),
    use: interceptors(core, run),
    connect: (given) => connect(core, given, run),
    record: (pattern, given) => recorder(subscribe, pattern, given),
    play: (lines, given) => play(publish, lines, given),
    stats: (given) => stats(core, run, subscribe, given),
  };
  return Object.freeze(self);
}

/** Retained topics: the last events of a topic are kept for subscribers that come late. */
function retains(core) {
  /** Keeps the last events of each topic; of so many topics, without the one that is silent for longest. */
  return function retain(pattern, { events = 1, topics = 1024, signal } = {}) {
    expect(pattern, "string", "the pattern");
    const number = core.retain(pattern, events, topics);
    return ending(() => core.release(number), signal);
  };
}

/** So that who changes a payload that others read too is told at once. */
function freeze(value) {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) {
    return value;
  }
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}
