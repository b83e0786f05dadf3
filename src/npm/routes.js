// Which handlers a topic has: wasm is asked, and its answer is kept for topics that come again.

import { busOf } from "./buses.js";
import { isThere } from "./cohorts.js";
import { bytes, IN_FLIGHT, look, words } from "./memory.js";

/** What wasm says of a route. */
const SIMPLE = 1;
const OF_FAMILY = 2;
/** Of a topic in UTF-8, as many characters are never too long. */
const LONGEST = 85;
const MOST_FAMILIES = 4096;
const ONE_OF = 64;
/** A token of a topic, without those that only wasm can judge. */
const TOKEN = /^[!-)+\-/-=?-~]+$/;

/** The number of the route that wasm keeps of the topic that was asked for last. */
let keptAs;

/** The routes of the bus `self`, whose `cohorts` they are made of. */
export function routing(core, self) {
  const { version, hot, routes, numbered, cohorts } = self;
  /** Routes by all but their last token; of topics that were seen once. */
  const families = new Map();
  let ofVersion;
  let sample = 0;

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

  /** Lists the handlers of a route one after the other, for a walk over them. */
  function flatten(route) {
    const { topic, cohorts } = route;
    route.slots = cohorts.flatMap(({ members }) => members.filter(isThere));
    route.calls = route.slots.map(({ call }) => call);
    route.fresh = true;
    if (routes[topic] === route) hot[topic] = route.calls.length === 1 ? route.calls[0] : route;
  }

  /** The handlers of a topic are others now. */
  function refresh(topic) {
    const route = routes[topic];
    if (route === undefined) return;
    route.fresh = false;
    if (hot[topic] !== undefined) hot[topic] = undefined;
  }

  return { related, resolve, flatten, refresh };
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
