// The bridge as users of the npm package see it: `connect`, its rules, and the receipts of durable events.

import { expect, fail } from "./errors.js";

/** What is open must stay: handlers are called for as long as the link is, whoever holds the bus. */
const open = new Set();

/** Starts to connect the bus of `core` to a peer. `held` lives for as long as the link is open. */
export function connect(core, options, held) {
  expect(options, "object", "the options of connect");
  const { url, rules = [], signal, identity = "", storage = "indexeddb" } = options;
  expect(url, "string", "the url");
  expect(identity, "string", "the identity");
  expect(storage, "string", "the storage");
  const wanted = Array.from(rules, readRule);
  const link = core.connect(url, identity, storage);
  const keeps = { held };
  open.add(keeps);
  const close = () => {
    signal?.removeEventListener("abort", close);
    open.delete(keeps);
    link.close();
  };
  try {
    for (const rule of wanted) link.rule(...rule);
  } catch (error) {
    close();
    throw error;
  }
  signal?.addEventListener("abort", close, { once: true });
  if (signal?.aborted) close();
  const face = {
    close,
    get state() {
      return link.state();
    },
  };
  if (Symbol.dispose) face[Symbol.dispose] = close;
  return Object.freeze(face);
}

function readRule(rule) {
  expect(rule, "object", "a rule");
  const { pattern, direction = "both", durable = false, from = "latest" } = rule;
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
  return [pattern, direction !== "out", direction !== "in", Boolean(durable), last];
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
