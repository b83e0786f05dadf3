// `subscribe`, and its options.

import { batched } from "./batch.js";
import { disposer, ending } from "./disposer.js";
import { expect, expectCount, fail } from "./errors.js";

const NONE = {};

/** The priority of who sees an event before all others. */
export const FIRST = 2 ** 31 - 1;

export function subscriptions(run) {
  return function subscribe(pattern, handler, options) {
    expect(pattern, "string", "the pattern");
    expect(handler, "function", "the handler");
    if (options === undefined) return disposer(run.add(pattern, handler, NONE).end);
    expect(options, "object", "the options of subscribe");
    const { signal, batch, queue, overflow } = options;
    if (signal?.aborted) return disposer(() => {});
    let way = { call: handler };
    let wanted = options;
    if (batch !== undefined) way = batched(run, handler, batch);
    else if (queue !== undefined) wanted = { ...options, ...queued(queue, overflow) };
    const { slot, end } = run.add(pattern, way.call, wanted);
    way.begin?.(slot);
    return ending(() => {
      way.stop?.();
      end();
    }, signal);
  };
}

const policies = ["drop-oldest", "drop-newest", "wait"];

/** A queue as wasm takes it: capacity, the policy by number, and the key by which events conflate. */
function queued(capacity, overflow = "drop-oldest") {
  expectCount(capacity, "a queue's capacity");
  const key = overflow?.conflate;
  const policy = typeof key === "function" ? policies.length : policies.indexOf(overflow);
  if (policy < 0) {
    throw fail(
      "illegal_argument",
      'overflow must be "drop-oldest", "drop-newest", "wait" or { conflate: key }: pass one',
    );
  }
  return { queue: { capacity, policy }, key };
}
