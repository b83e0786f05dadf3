// `subscribe`: its options, and the disposer that it returns.

import { batched } from "./batch.js";
import { expect, fail } from "./errors.js";

export function disposer(dispose) {
  if (Symbol.dispose) dispose[Symbol.dispose] = dispose;
  return dispose;
}

/** Ends by `end`, once, also when `signal` aborts; the signal holds nothing of it later. */
export function ending(end, signal) {
  let live = true;
  const dispose = disposer(() => {
    if (!live) return;
    live = false;
    signal?.removeEventListener("abort", dispose);
    end();
  });
  if (signal?.aborted) dispose();
  else signal?.addEventListener("abort", dispose, { once: true });
  return dispose;
}

export function subscriptions(run, retains) {
  return function subscribe(pattern, handler, options) {
    expect(pattern, "string", "the pattern");
    expect(handler, "function", "the handler");
    if (options === undefined) return disposer(run.add(pattern, handler, {}).end);
    expect(options, "object", "the options of subscribe");
    const { signal, batch, queue, overflow, replay } = options;
    if (signal?.aborted) return disposer(() => {});
    let way = { call: handler };
    let wanted = options;
    if (batch !== undefined) way = batched(run, handler, batch);
    else if (queue !== undefined) wanted = { ...options, ...queued(queue, overflow) };
    else if (replay) way = retains.replayed(pattern, handler);
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
  if (!(Number.isSafeInteger(capacity) && capacity > 0)) {
    throw fail("illegal_argument", "a queue's capacity must be a whole number above 0: pass one");
  }
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
