// The bus that users of the npm package hold, made over a `Core` of npm.rs, from its features. Nothing here uses `this`,
// so every function works when it is destructured.

import { ending } from "./ends.js";
import { executor } from "./executor.js";
import { freeze } from "./freeze.js";
import { connector } from "./link.js";
import { expect, expectTopic, FUNCTION, take, TEXT } from "./options.js";
import { play, recorder } from "./record.js";
import { requests } from "./request.js";
import { stats } from "./stats.js";
import { subscriptions } from "./subscribe.js";
import { topic } from "./topic.js";

const RETAIN = ["events", "topics", "signal"];
const SIGNAL = ["signal"];

// Retained topics: the last events of a topic are kept for subscribers that come late.

function retains(core) {
  /** Keeps the last events of each topic; of so many topics, without the one that is silent for longest. */
  return function retain(pattern, given) {
    expectTopic(pattern, "the pattern");
    const { events = 1, topics = 1024, signal } = take(given, RETAIN);
    const number = core.retain(pattern, events, topics);
    return ending(() => core.release(number), signal);
  };
}

// `use`: code that sees an event before its subscribers do, and may change or stop it.
function interceptors(core, run) {
  return function use(pattern, interceptor, given) {
    expectTopic(pattern, "the pattern");
    expect(interceptor, FUNCTION, "the interceptor");
    const { signal } = take(given, SIGNAL);
    if (signal?.aborted) return ending(() => {}, signal);
    const number = core.intercept(pattern);
    run.interceptors[number] = interceptor;
    return ending(() => {
      run.interceptors[number] = undefined;
      core.release(number);
    }, signal);
  };
}

/** What `createBus` and `createSingleton` return. */
export function face(core, memory, given) {
  const options = take(given, ["freeze"]);
  const run = executor(core, memory);
  const { begin, subscribe } = subscriptions(run);
  const publish = options.freeze
    ? (name, data, given) => run.publish(name, freeze(data), given)
    : run.publish;
  /** What `on` has begun, by pattern, and what ends it. */
  const listening = new Map();

  function once(pattern, handler, given) {
    expect(handler, FUNCTION, "the handler");
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
    const its = listening.get(pattern) ?? new Map();
    const signal = given?.signal;
    let stop;
    stop = ending(() => {
      its.delete(stop);
      if (its.size === 0 && listening.get(pattern) === its) listening.delete(pattern);
      end();
    }, signal);
    if (!signal?.aborted) listening.set(pattern, its.set(stop, handler));
    return stop;
  }

  /** Ends the subscription that `on` has made of the handler, or all that it has made of the pattern. */
  function off(pattern, handler) {
    for (const [end, its] of listening.get(pattern) ?? []) {
      if (handler !== undefined && its !== handler) continue;
      end();
      if (handler !== undefined) return;
    }
  }

  const self = {
    publish,
    subscribe,
    once,
    on,
    off,
    topic: (pattern, given) => topic(begin, core, pattern, given),
    retain: retains(core),
    ...requests(run, begin),
    use: interceptors(core, run),
    connect: connector(core, run),
    record: (pattern, given) => recorder(begin, core, pattern, given),
    play: (lines, given) => play(publish, lines, given),
    stats: (given) => stats(run, given),
  };
  return Object.freeze(self);
}

const REGISTRY = Symbol.for("event-driven-kit.singletons");

const singletons = () => (globalThis[REGISTRY] ??= new Map());

/** The bus of that name in this realm, also if another copy of the package has made it. */
export function known(name) {
  expect(name, TEXT, "the name of a singleton");
  return singletons().get(name);
}

export function register(name, bus) {
  singletons().set(name, bus);
  return bus;
}
