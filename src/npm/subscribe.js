// `subscribe`, and its options.

import { batched } from "./batch.js";
import { disposer, ending } from "./ends.js";
import { expect, expectTopic, FUNCTION, take } from "./options.js";

const NONE = {};
export const RESPOND = ["signal", "priority", "label", "group", "balance", "queue", "overflow"];
const SUBSCRIBE = [...RESPOND, "echo", "replay", "batch"];

export function subscriptions(run) {
  /** With checked options. */
  function begin(pattern, handler, options) {
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
  }

  function subscribe(pattern, handler, options) {
    expectTopic(pattern, "the pattern");
    expect(handler, FUNCTION, "the handler");
    if (options === undefined) return disposer(run.add(pattern, handler, NONE).end);
    return begin(pattern, handler, take(options, SUBSCRIBE));
  }

  return { begin, subscribe };
}

const policies = ["drop-oldest", "drop-newest", "wait"];

/** A queue's arguments for wasm: the capacity, the policy's number, and the key for conflating. */
function queued(capacity, overflow = "drop-oldest") {
  const key = overflow.conflate;
  return { queue: { capacity, policy: key ? policies.length : policies.indexOf(overflow) }, key };
}
