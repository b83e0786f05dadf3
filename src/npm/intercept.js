// `use`: code that sees an event before its subscribers do, and may change or stop it.

import { busOf } from "./buses.js";
import { ending } from "./disposer.js";
import { expect } from "./errors.js";

export function interceptors(core, run) {
  return function use(pattern, interceptor, { signal } = {}) {
    expect(pattern, "string", "the pattern");
    expect(interceptor, "function", "the interceptor");
    if (signal?.aborted) return ending(() => {}, signal);
    const number = core.intercept(pattern);
    run.interceptors[number] = interceptor;
    return ending(() => {
      run.interceptors[number] = undefined;
      core.release(number);
    }, signal);
  };
}

let verdict;

/** What an interceptor says: 0 lets pass, 1 puts `verdictWith` in the place of the data, 2 drops, 3 denies. */
export function judge(bus, number, topic, data, inbound) {
  const ask = busOf(bus)?.interceptors[number];
  const answer = ask?.(data, { topic, inbound });
  if (answer === undefined) return 0;
  if ("replace" in answer) {
    verdict = answer.replace;
    return 1;
  }
  if (answer.drop) return 2;
  verdict = String(answer.deny);
  return 3;
}

export function verdictWith() {
  const it = verdict;
  verdict = undefined;
  return it;
}
