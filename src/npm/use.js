// `use`: an interceptor sees an event before its subscribers, and may change or stop it.

import { ending } from "./ends.js";
import { expect, expectTopic, FUNCTION, take } from "./options.js";

const SIGNAL = ["signal"];

export function interceptors(core, run) {
  return function use(pattern, interceptor, given) {
    expectTopic(pattern, "the pattern");
    expect(interceptor, FUNCTION, "the interceptor");
    const { signal } = take(given, SIGNAL);
    if (signal?.aborted) return ending(() => {}, signal);
    const number = core.intercept(pattern);
    run.interceptors[number] = interceptor;
    return ending(() => {
      run.interceptors[number] = undefined;
      core.release(number);
    }, signal);
  };
}
