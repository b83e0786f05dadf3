// The bridge as users of the npm package see it: `connect`, its rules, and the receipts of durable events.

import { ending } from "./ends.js";
import { expect, expectTopic, fail, FUNCTION, STRING, take, TEXT } from "./options.js";

/** What is open must stay: handlers are called for as long as the link is, whoever holds the bus. */
const open = new Set();

const addressOf = (url) => {
  try {
    return new URL(url).href;
  } catch {
    return url;
  }
};

/**
 * Makes the `connect` of the bus of `core`; `held` lives for as long as a link is open. All that connect to one peer
 * share a link, for with two of them the bus would get each event twice.
 */
export function connector(core, held) {
  /** By address, the link and how many use it. */
  const links = new Map();

  /** A handle of the link to `url`, and what closes that. What is not given is as it is for the others. */
  function handle(url, identity, storage, credentials) {
    const address = addressOf(url);
    let shared = links.get(address);
    if (shared === undefined) {
      const how = [identity ?? "", storage ?? "indexeddb", credentials];
      shared = { link: core.connect(url, ...how), how, users: 0, held };
      links.set(address, shared);
      open.add(shared);
    } else if ([identity, storage, credentials].some((one, at) => one !== undefined && one !== shared.how[at])) {
      throw fail(
        "already_connected",
        `the bus is connected to ${url} with another identity, storage or credentials: close that link first`,
      );
    }
    shared.users += 1;
    const link = shared.link.share();
    const close = () => {
      link.close();
      shared.users -= 1;
      if (shared.users > 0) return;
      links.delete(address);
      open.delete(shared);
      shared.link.close();
    };
    return { link, close };
  }

  return function connect(given) {
    const { url, rules = [], signal, identity, storage, credentials } = take(given, CONNECT);
    expect(url, STRING, "`url`");
    const wanted = Array.from(rules, readRule);
    const { link, close } = handle(url, identity, storage, credentials);
    /** What ends with the link: its rules, what was joined and what is watched. */
    const places = new Set();
    const end = ending(() => {
      for (const end of places) end();
      close();
    }, signal);
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
    try {
      for (const rule of wanted) place(link.rule(...rule), signal);
    } catch (error) {
      end();
      throw error;
    }
    const face = {
      close: end,
      reconnect: () => link.reconnect(),
      async history(pattern, given) {
        expectTopic(pattern, "the pattern");
        const { before, limit = 50 } = take(given, HISTORY);
        return link.history(pattern, before, limit);
      },
      join(topic, key, data, given) {
        const { signal } = take(given, SIGNAL);
        expectTopic(topic, "the topic");
        expect(key, TEXT, "the key");
        return place(link.join(topic, key, data), signal);
      },
      watch(topic, handler, given) {
        const { signal } = take(given, SIGNAL);
        expectTopic(topic, "the topic");
        expect(handler, FUNCTION, "the handler");
        return place(link.watch(topic, handler), signal);
      },
      get state() {
        return link.state();
      },
    };
    if (Symbol.dispose) face[Symbol.dispose] = end;
    return Object.freeze(face);
  };
}

const CONNECT = ["url", "rules", "signal", "identity", "storage", "credentials"];
const RULE = ["pattern", "direction", "durable", "from", "window"];
const WINDOW = ["events", "bytes"];
const HISTORY = ["before", "limit"];
const SIGNAL = ["signal"];

function readRule(rule) {
  const { pattern, direction = "both", durable = false, from = "latest", window } = take(rule, RULE);
  expectTopic(pattern, "`pattern`");
  const last = { latest: 0, earliest: Infinity }[from] ?? from.last;
  const { events, bytes } = take(window, WINDOW);
  return [pattern, direction !== "out", direction !== "in", durable, last, events, bytes];
}

/** What `publish` returns of a durable event; nothing of another. */
export function receipt(core) {
  return (
    core && {
      get id() {
        return core.id();
      },
      get status() {
        return core.status();
      },
      kept: () => new Promise((resolve, reject) => core.when(false, () => resolve(), reject)),
      settled: () =>
        new Promise((resolve, reject) => {
          core.when(true, (status) => resolve(status?.position), reject);
        }),
      cancel: () => core.cancel(),
    }
  );
}
