// The bridge in the npm package: `connect`, its rules, and the receipts of durable events.

import { ending } from "./ends.js";
import { expect, expectTopic, fail, FUNCTION, POSITION, STRING, take, TEXT } from "./options.js";

/** Keeps open links alive: their handlers are called even if the page holds no reference to the bus. */
const open = new Set();

const addressOf = (url) => {
  try {
    return new URL(url).href;
  } catch {
    return url;
  }
};

/**
 * Creates `connect` for the bus of `core`; `held` lives for as long as a link is open. All connects to one peer share a
 * link, because with two links the bus would get each event twice.
 */
export function connector(core, held) {
  /** By address, the link and the number of its users. */
  const links = new Map();

  /**
   * A handle of the link to `url`, and a function that closes it. Options that are not given are those of the other
   * users.
   */
  function handle(url, ...wanted) {
    const address = addressOf(url);
    let shared = links.get(address);
    if (shared === undefined) {
      const [identity = "", storage = "indexeddb", credentials, certify, issuers] = wanted;
      const how = [identity, storage, credentials, certify, issuers];
      const fetch = certify && ((jwk) => certify(JSON.parse(jwk)));
      const link = core.connect(url, identity, storage, credentials, fetch, issuers && JSON.parse(issuers));
      shared = { link, how, users: 0, held };
      links.set(address, shared);
      open.add(shared);
    } else if (wanted.some((one, at) => one !== undefined && one !== shared.how[at])) {
      throw fail(
        "already_connected",
        `the bus is connected to ${url} with another identity, storage, credentials, certify or trust: close that link first`,
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
    const { url, rules = [], signal, identity, storage, credentials, certify, trust } = take(given, CONNECT);
    expect(url, STRING, "`url`");
    const wanted = Array.from(rules, readRule);
    const { link, close } = handle(url, identity, storage, credentials, certify, trust && issuersOf(trust));
    /** Disposers that run when the link closes: for its rules, joins and watches. */
    const places = new Set();
    const end = ending(() => {
      for (const end of places) end();
      close();
    }, signal);
    /** Returns a disposer for `number`, which also runs when the link closes. */
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
      async delete(position) {
        expect(position, POSITION, "the position");
        return link.delete(position);
      },
      async tally(topics) {
        return link.tally(
          Array.from(topics, (given) => {
            const { topic, after } = typeof given === "string" ? { topic: given } : take(given, TALLY);
            expectTopic(topic, "the topic");
            return [topic, after];
          }),
        );
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
      async sendCertificate() {
        const sent = await link.certify();
        if (sent) return sent;
        throw fail(
          "not_available",
          "certificates are not available: they need a secure page (https), `certify`, and an open bridge",
        );
      },
      get state() {
        return link.state();
      },
      get subject() {
        return link.state().subject;
      },
      get rights() {
        return link.rights();
      },
    };
    if (Symbol.dispose) face[Symbol.dispose] = end;
    return Object.freeze(face);
  };
}

const CONNECT = ["url", "rules", "signal", "identity", "storage", "credentials", "certify", "trust"];
const RULE = ["pattern", "direction", "durable", "from", "window", "signed"];
const WINDOW = ["events", "bytes"];
const HISTORY = ["before", "limit"];
const TALLY = ["topic", "after"];
const SIGNAL = ["signal"];

function readRule(rule) {
  const { pattern, direction = "both", durable = false, from = "latest", window, signed = false } = take(rule, RULE);
  expectTopic(pattern, "`pattern`");
  const last = { latest: 0, earliest: Infinity }[from] ?? from.last;
  const { events, bytes } = take(window, WINDOW);
  return [pattern, direction !== "out", direction !== "in", durable, signed, last, events, bytes];
}

/** The name and the keys of each issuer, as a text that can be compared. */
function issuersOf({ issuers }) {
  return JSON.stringify(Object.entries(issuers).map(([name, keys]) => [name, JSON.stringify(keys)]));
}

/** The receipt of a durable event. Other events have none. */
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
