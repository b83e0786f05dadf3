// Runs routes in JavaScript. wasm says which subscriptions a topic has; while all of them are plain
// handlers, they are called from here, because a call from wasm costs several times one from JavaScript.
//
// There is one flag that says whether an event is in flight, and one queue, both in wasm. The flag is read
// and written here through a view of wasm's memory. Whatever is not simple is left to wasm: an event inside
// a handler, an interceptor, a group, a subscriber in Rust, a rule of a bridge.
//
// Handlers of one topic that stand one after the other in the order are a cohort: wasm knows them as one
// subscription, so that one more or less of them is no call into wasm.

import { Event } from "./event.js";
import { countFailure } from "./hear.js";
import { receipt } from "./link.js";
import { expectTopic, take } from "./options.js";

const IN_FLIGHT = 1;
/** Events wait for their turns. */
const WAITING = 2;
/** The bus delivers as if somebody counted, and in wasm nobody does. */
const WATCHED = 8;
/** What wasm says of a route. */
const SIMPLE = 1;
const OF_FAMILY = 2;
const SERVES = 4;
/** Of a topic in UTF-8, as many characters are never too long. */
const LONGEST = 85;
const MOST_FAMILIES = 4096;
const ONE_OF = 64;
/** A token of a topic, without those that only wasm can judge. */
const TOKEN = /^[!-)+\-/-=?-~]+$/;
/** In a pattern, what is no topic. */
const WILDCARD = /[*>]/;
/** The buses by number, as wasm knows them. Whoever holds a bus keeps it, and not this. */
const buses = new Map();

/** The bus of that number, as long as anybody holds it. */
export const busOf = (number) => buses.get(number)?.deref();

let memory;
let bytes = new Uint8Array(0);
let words = new Uint32Array(0);

/** Memory that has grown has another buffer, and the views of the old one are empty. */
function look() {
  if (bytes.length === 0) {
    bytes = new Uint8Array(memory.buffer);
    words = new Uint32Array(memory.buffer);
  }
}

/** The number of the route that wasm keeps of the topic that was asked for last. */
let keptAs;

const NONE = {};
const PUBLISH = ["wait", "expiresInMs"];

function nothing() {}

export function isThere(member) {
  return member !== undefined;
}

/** What publishes to the bus of `core`, and what subscribes plain handlers to it. */
export function executor(core, itsMemory) {
  memory = itsMemory;
  const flag = core.flag();
  const version = core.version() >>> 2;
  const told = core.watchers() >>> 2;
  /** What JavaScript runs of hot topics: the only handler, or the route. */
  const hot = Object.create(null);
  /** Of hot topics, whoever runs them. */
  const routes = Object.create(null);
  /** Routes by all but their last token; of topics that were seen once. */
  const families = new Map();
  let ofVersion;
  let sample = 0;
  const numbered = [];
  const free = [];
  /** The subscriptions by number. */
  const cohorts = [];
  /** By topic, the cohort behind which no other subscription of the topic stands. */
  const last = new Map();
  /** The version of which that is known. */
  let known;
  /** How many subscriptions there are that wasm does not count. */
  let uncounted = 0;
  let running;
  /** Who counts the calls of handlers. */
  const watchers = new Set();

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

  /** Publishes a request, which stays on this bus. False if an interceptor has dropped it. */
  function ask(topic, data, asked) {
    return runs(topic, data, { asked }) || core.ask(topic, data, new Event(topic, data, { time: Date.now(), asked }));
  }

  /** Runs the route of a topic here, if that is possible. */
  function runs(topic, data, more) {
    // Topics with a route have been checked.
    if (typeof topic !== "string" || routes[topic] === undefined) expectTopic(topic, "the topic");
    look();
    if (bytes[flag] !== 0) return false;
    self.former.length = 0;
    const route = routes[topic] ?? related(topic) ?? resolve(topic);
    if (route.simple) run(route, data, new Event(topic, data, more));
    return route.simple;
  }

  /** The route of another topic, if that differs in the last token only and nobody looks at that. */
  function related(topic) {
    if (words[version] !== ofVersion) {
      families.clear();
      ofVersion = words[version];
    }
    const cut = topic.lastIndexOf(".");
    if (cut < 0 || topic.length > LONGEST) return;
    const route = families.get(topic.slice(0, cut));
    if (route === undefined || !TOKEN.test(topic.slice(cut + 1))) return;
    // A topic that comes again and again is worth a route of its own: wasm sees a sample.
    sample = (sample + 1) % ONE_OF;
    return sample === 0 ? undefined : route;
  }

  /** Asks wasm. Only a topic that comes again is kept. */
  function resolve(topic) {
    keptAs = undefined;
    const found = core.route(topic) >>> 2;
    look();
    const its = [];
    for (let at = found + 2, end = at + words[found + 1]; at < end; at += 1) its.push(cohorts[words[at]]);
    const route = {
      topic,
      cohorts: its,
      simple: (words[found] & SIMPLE) !== 0,
      serves: (words[found] & SERVES) !== 0,
      // Of the cohorts; not fresh when one of them has changed.
      slots: undefined,
      calls: undefined,
      fresh: false,
    };
    const cut = topic.lastIndexOf(".");
    if ((words[found] & OF_FAMILY) !== 0 && cut > 0) {
      if (families.size >= MOST_FAMILIES) families.clear();
      families.set(topic.slice(0, cut), route);
    }
    if (keptAs !== undefined) {
      numbered[keptAs] = route;
      routes[topic] = route;
    }
    return route;
  }

  function run(route, data, event) {
    if (!route.fresh) flatten(route);
    if (route.calls.length === 1) runOne(route.calls[0], data, event, route);
    else runAll(route, data, event);
  }

  function flatten(route) {
    const { topic, cohorts } = route;
    route.slots = cohorts.flatMap(({ members }) => members.filter(isThere));
    route.calls = route.slots.map(({ call }) => call);
    route.fresh = true;
    if (routes[topic] === route) hot[topic] = route.calls.length === 1 ? route.calls[0] : route;
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

  /** Calls one handler as if it were a route of its own, with events that have had their turns; answers as it does. */
  function turn(slot, call, data, event, about = event) {
    look();
    bytes[flag] |= IN_FLIGHT;
    let settled;
    try {
      settled = answered(slot, about, call(data, event));
    } catch (error) {
      failed(slot, about, error);
    }
    finish();
    return settled;
  }

  function failed(slot, event, error) {
    core.failed(event.topic, slot.label, error);
  }

  /** A promise that is rejected is a failure too. The answer is settled with it. */
  function answered(slot, event, answer, counts) {
    if (typeof answer !== "object" || answer === null || typeof answer.then !== "function") return;
    return Promise.resolve(answer).catch((error) => {
      countFailure(counts);
      failed(slot, event, error);
    });
  }

  function add(pattern, call, options) {
    const { priority = 0, label, echo = false, group, balance, queue, key, replay, serves = false } = options;
    const slot = { call, label: label ?? pattern, queued: queue !== undefined, cohort: undefined, at: 0 };
    const plain = priority === 0 && !echo && group === undefined && queue === undefined && !replay && !serves;
    look();
    forgetWhatIsOld();
    if (!plain || !join(pattern, slot)) {
      const before = words[version];
      const number = core.subscribe(
        pattern,
        priority,
        label,
        echo,
        group,
        typeof balance === "object" ? "by" : balance,
        queue?.capacity ?? 0,
        queue?.policy ?? 0,
        key ?? balance?.by,
        Boolean(replay),
        serves,
      );
      slot.cohort = { number, pattern, label: slot.label, members: [slot], size: 1 };
      cohorts[number] = slot.cohort;
      const wasAlone = follow(before);
      if (WILDCARD.test(pattern)) last.clear();
      else if (plain && wasAlone) last.set(pattern, slot.cohort);
      else last.delete(pattern);
    }
    return { slot, end: () => end(slot) };
  }

  /** Lets it stand behind the last of its topic; false where wasm has to know. */
  function join(pattern, slot) {
    const cohort = last.get(pattern);
    if (cohort?.label !== slot.label) return false;
    // The event in flight would reach it; or somebody is told of each that comes.
    if ((bytes[flag] & (IN_FLIGHT | WAITING)) !== 0 || words[told] !== 0) return false;
    if (cohort.members.length > 2 * cohort.size + 8) {
      cohort.members = cohort.members.filter(isThere);
      cohort.members.forEach((member, at) => (member.at = at));
    }
    slot.cohort = cohort;
    slot.at = cohort.members.push(slot) - 1;
    cohort.size += 1;
    uncounted += 1;
    refresh(pattern);
    return true;
  }

  function end(slot) {
    const { cohort, at } = slot;
    if (cohort.members[at] !== slot) return;
    cohort.members[at] = undefined;
    cohort.size -= 1;
    // The event in flight does not reach it any more.
    const turn = running === undefined ? -1 : running.slots.indexOf(slot);
    if (turn >= 0) running.calls[turn] = nothing;
    if (cohort.size === 0) return release(cohort);
    uncounted -= 1;
    refresh(cohort.pattern);
    look();
    if (words[told] !== 0) core.ended(cohort.pattern, cohort.label);
  }

  function release(cohort) {
    const { number, pattern } = cohort;
    cohorts[number] = undefined;
    if (last.get(pattern) === cohort) last.delete(pattern);
    look();
    forgetWhatIsOld();
    const before = words[version];
    core.release(number);
    follow(before);
  }

  /** The handlers of a topic are others now. */
  function refresh(topic) {
    const route = routes[topic];
    if (route === undefined) return;
    route.fresh = false;
    if (hot[topic] !== undefined) hot[topic] = undefined;
  }

  /** Somebody else has subscribed, perhaps behind a cohort. */
  function forgetWhatIsOld() {
    if (words[version] === known) return;
    last.clear();
    known = words[version];
  }

  /** After one subscription has come or gone; false if others have too. */
  function follow(before) {
    look();
    const wasAlone = words[version] === (before + 1) >>> 0;
    if (!wasAlone) last.clear();
    known = words[version];
    return wasAlone;
  }

  /** Lets `watcher` count each call of a handler, until the returned function is called: meanwhile wasm runs all routes. */
  function watch(watcher) {
    look();
    watchers.add(watcher);
    bytes[flag] |= WATCHED;
    return () => {
      look();
      watchers.delete(watcher);
      if (watchers.size === 0) bytes[flag] &= ~WATCHED;
    };
  }

  const serves = (topic) => (routes[topic] ?? resolve(topic)).serves;

  /** Whether an event of now has its turn at once. */
  function isIdle() {
    look();
    return (bytes[flag] & IN_FLIGHT) === 0;
  }

  /** Without those that only count. */
  const subscriptions = () => core.subscriptions() + uncounted - watchers.size;

  const interceptors = [];
  const self = {
    flag, hot, routes, numbered, free, cohorts, answered, failed, interceptors, watchers,
    /** What was hot when the event in flight began, and is not any more. */
    former: [],
  };
  buses.set(core.id(), new WeakRef(self));
  return { publish, ask, add, turn, watch, serves, isIdle, subscriptions, interceptors, self };
}

/** wasm keeps a route until it says that it is stale, by this number. */
export function keep(bus) {
  const self = busOf(bus);
  keptAs = self.free.pop() ?? self.numbered.length;
  return keptAs;
}

export function stale(bus, number) {
  const self = busOf(bus);
  const route = self?.numbered[number];
  if (route === undefined) return;
  delete self.routes[route.topic];
  delete self.hot[route.topic];
  look();
  if ((bytes[self.flag] & IN_FLIGHT) !== 0) self.former.push(route);
  self.numbered[number] = undefined;
  self.free.push(number);
}

/** The bus itself is gone. */
export function gone(bus) {
  buses.delete(bus);
}
