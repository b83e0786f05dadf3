// `use`: code that sees an event before its subscribers do, and may change or stop it.

import { expect } from "./errors.js";
import { ending } from "./subscribe.js";

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
