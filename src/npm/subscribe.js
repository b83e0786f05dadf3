// `subscribe`, and its options.

import { batched } from "./batch.js";
import { disposer, ending } from "./ends.js";
import { expect, expectTopic, fail, FUNCTION, take } from "./options.js";

const NONE = {};
export const RESPOND = ["signal", "priority", "label", "group", "balance", "queue", "overflow"];
const SUBSCRIBE = [...RESPOND, "echo", "replay", "batch"];
/** Pairs of options of which wasm would ignore the first: a queue and a group get only what is delivered to all. */
const APART = [
  ["replay", "queue"],
  ["replay", "group"],
  ["echo", "queue"],
  ["echo", "group"],
  ["queue", "batch"],
];

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
    const taken = take(options, SUBSCRIBE);
    for (const [one, other] of APART) {
      if (taken[one] && taken[other] !== undefined) {
        throw fail("illegal_argument", `\`${one}\` does not work with \`${other}\`: subscribe twice, or leave one out`);
      }
    }
    return begin(pattern, handler, taken);
  }

  return { begin, subscribe };
}

const policies = ["drop-oldest", "drop-newest", "wait"];

/** A queue's arguments for wasm: the capacity, the policy's number, and the key for conflating. */
function queued(capacity, overflow = "drop-oldest") {
  const key = overflow.conflate;
  return { queue: { capacity, policy: key ? policies.length : policies.indexOf(overflow) }, key };
}
