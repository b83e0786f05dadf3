// The bridge as users of the npm package see it: `connect`, and its rules.

import { disposer, ending } from "./disposer.js";
import { expect, fail } from "./errors.js";

/** What is open must stay: handlers are called for as long as the link is, whoever holds the bus. */
const open = new Set();

/** Starts to connect the bus of `core` to a peer. `held` lives for as long as the link is open. */
export function connect(core, options, held) {
  expect(options, "object", "the options of connect");
  const { url, rules = [], signal, identity = "", storage = "indexeddb", credentials } = options;
  expect(url, "string", "the url");
  expect(identity, "string", "the identity");
  expect(storage, "string", "the storage");
  if (credentials !== undefined) expect(credentials, "function", "the credentials");
  const wanted = Array.from(rules, readRule);
  const link = core.connect(url, identity, storage, credentials);
  /** What was joined and is watched. */
  const places = new Set();
  const keeps = { held };
  open.add(keeps);
  const shut = () => {
    open.delete(keeps);
    for (const end of places) end();
    link.close();
  };
  try {
    for (const rule of wanted) link.rule(...rule);
  } catch (error) {
    shut();
    throw error;
  }
  const close = ending(shut, signal);
  /** Ends what `number` names when its caller says so, or with the link. */
  const place = (number, signal) => {
    let end;
    end = ending(() => {
      places.delete(end);
      link.leave(number);
    }, signal);
    if (!signal?.aborted) places.add(end);
    return end;
  };
  const face = {
    close,
    reconnect: () => link.reconnect(),
    async history(pattern, { before, limit = 50 } = {}) {
      expect(pattern, "string", "the pattern");
      expect(limit, "number", "the limit");
      return link.history(pattern, before, limit);
    },
    join(topic, key, data, { signal } = {}) {
      expect(topic, "string", "the topic");
      expect(key, "string", "the key");
      return place(link.join(topic, key, data), signal);
    },
    watch(topic, handler, { signal } = {}) {
      expect(topic, "string", "the topic");
      expect(handler, "function", "the handler");
      return place(link.watch(topic, handler), signal);
    },
    get state() {
      return link.state();
    },
  };
  return Object.freeze(disposer(face, close));
}

function readRule(rule) {
  expect(rule, "object", "a rule");
  const { pattern, direction = "both", durable = false, from = "latest", window = {} } = rule;
  expect(pattern, "string", "the pattern of a rule");
  if (!["both", "in", "out"].includes(direction)) {
    throw fail("illegal_argument", 'the direction of a rule must be "both", "in" or "out": pass one');
  }
  const last = { latest: 0, earliest: Infinity }[from] ?? from?.last;
  if (!(Number.isSafeInteger(last) && last >= 0) && last !== Infinity) {
    throw fail(
      "illegal_argument",
      'a rule\'s `from` must be "latest", "earliest" or { last: n }: pass one',
    );
  }
  expect(window, "object", "the window of a rule");
  const { events, bytes } = window;
  return [pattern, direction !== "out", direction !== "in", Boolean(durable), last, events, bytes];
}
