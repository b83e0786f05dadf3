// Routes: which handlers an event of a topic reaches, and whether JavaScript may call them itself. wasm resolves a
// topic once; the route is kept here until wasm calls it stale.

import { isThere } from "./cohorts.js";
import { bytes, IN_FLIGHT, refreshViews, words } from "./memory.js";

/** Bits of a route: JavaScript can run it; topics that differ in the last token share it; it has responders. */
const SIMPLE = 1;
const OF_FAMILY = 2;
const SERVES = 4;
/** A length at which a topic is short enough in UTF-8. */
const LONGEST = 85;
const MAX_FAMILIES = 4096;
const ONE_OF = 64;
/** By code: whether a character is valid in a token, and wasm need not check it. */
const PLAIN = Uint8Array.from({ length: 128 }, (_, code) => /[!-)+\-/-=?-~]/.test(String.fromCharCode(code)));
const DOT = 0x2e;

/** Adds `serves` to `bus`, and the functions for routes that wasm calls. */
export function routing(core, flag, version, bus) {
  /** What JavaScript runs for hot topics: the only handler, or the route. */
  const hot = Object.create(null);
  /** The routes of hot topics. */
  const routes = Object.create(null);
  /** Routes by all tokens of a topic but the last, for topics that were seen once. */
  const families = new Map();
  let ofVersion;
  let sample = 0;
  /** Routes by wasm's numbers, and the free numbers. */
  const numbered = [];
  const free = [];
  /** wasm's number of the topic that was resolved last. */
  let keptAs;
  /** Routes that became stale while the event in flight used them. */
  const former = [];

  /** The route of a topic that is known to be valid, if it is kept. */
  function known(topic) {
    return typeof topic === "string" ? (routes[topic] ?? related(topic)) : undefined;
  }

  /** The route of a topic that differs only in the last token, if no subscription depends on that token. */
  function related(topic) {
    if (words[version] !== ofVersion) {
      families.clear();
      ofVersion = words[version];
    }
    const cut = lastTokenOf(topic) - 1;
    if (cut < 1) return;
    const route = families.get(topic.slice(0, cut));
    if (route === undefined) return;
    // A hot topic gets a route of its own. wasm sees a sample.
    sample = (sample + 1) % ONE_OF;
    return sample === 0 ? undefined : route;
  }

  /** Asks wasm, which keeps only recurring topics. */
  function resolve(topic) {
    keptAs = undefined;
    const found = core.route(topic) >>> 2;
    refreshViews();
    const bits = words[found];
    const its = [];
    for (let at = found + 2, end = at + words[found + 1]; at < end; at += 1) its.push(bus.cohorts[words[at]]);
    const route = {
      topic,
      cohorts: its,
      simple: bits & SIMPLE,
      serves: bits & SERVES,
      // The members of the cohorts. Stale once one of them has changed.
      slots: undefined,
      calls: undefined,
      fresh: false,
    };
    const cut = topic.lastIndexOf(".");
    if (bits & OF_FAMILY && cut > 0) {
      if (families.size >= MAX_FAMILIES) families.clear();
      families.set(topic.slice(0, cut), route);
    }
    if (keptAs !== undefined) {
      numbered[keptAs] = route;
      routes[topic] = route;
    }
    return route;
  }

  /** Between events: the route of a topic, which may be known. If it is simple, its handlers are listed. */
  function find(topic, route = resolve(topic)) {
    // Setting a length takes time, even if it stays the same.
    if (former.length > 0) former.length = 0;
    if (route.simple && !route.fresh) flatten(route);
    return route;
  }

  function flatten(route) {
    const { topic, cohorts } = route;
    route.slots = cohorts.flatMap(({ members }) => members.filter(isThere));
    route.calls = route.slots.map(({ call }) => call);
    route.fresh = true;
    if (routes[topic] === route) hot[topic] = route.calls.length === 1 ? route.calls[0] : route;
  }

  /** The handlers of a topic have changed. */
  function refresh(topic) {
    const route = routes[topic];
    if (route === undefined) return;
    route.fresh = false;
    if (hot[topic] !== undefined) hot[topic] = undefined;
  }

  /** The route of the hot topic in flight, even if it is stale by now. */
  const inFlight = (topic) => former.find((route) => route.topic === topic) ?? routes[topic];

  bus.serves = (topic) => (routes[topic] ?? resolve(topic)).serves;

  bus.keep = () => (keptAs = free.pop() ?? numbered.length);

  bus.stale = (number) => {
    const route = numbered[number];
    if (route === undefined) return;
    delete routes[route.topic];
    delete hot[route.topic];
    refreshViews();
    if ((bytes[flag] & IN_FLIGHT) !== 0) former.push(route);
    numbered[number] = undefined;
    free.push(number);
  };

  return { hot, known, find, refresh, inFlight };
}

/**
 * Where the last token of a topic begins. Returns 0 for a topic that is long or has one token, and for a last token that
 * is invalid or that only wasm can check. A loop is faster than a regular expression.
 */
function lastTokenOf(topic) {
  const end = topic.length;
  if (end > LONGEST) return 0;
  for (let at = end - 1; at > 0; at -= 1) {
    const code = topic.charCodeAt(at);
    if (code === DOT) return at + 1 < end ? at + 1 : 0;
    if (PLAIN[code] !== 1) return 0;
  }
  return 0;
}
