// Called by wasm to run interceptors.

import { busOf } from "./buses.js";
import { fail } from "./options.js";

let verdict;

/** An interceptor's verdict: 0 lets pass, 1 replaces the data with `verdictWith`, 2 drops, 3 denies. */
export function judge(bus, number, topic, data, inbound) {
  const ask = busOf(bus)?.interceptors[number];
  const answer = ask?.(data, { topic, inbound });
  if (typeof answer !== "object" || answer === null) return 0;
  if (typeof answer.then === "function") {
    // Its rejection is not the error to report here.
    Promise.resolve(answer).catch(() => {});
    throw fail("illegal_argument", "an interceptor has returned a promise: it must decide at once");
  }
  if ("replace" in answer) {
    verdict = answer.replace;
    return 1;
  }
  if (answer.drop) return 2;
  if (answer.deny === undefined) return 0;
  verdict = String(answer.deny);
  return 3;
}

export function verdictWith() {
  const it = verdict;
  verdict = undefined;
  return it;
}
