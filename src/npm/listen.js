// `once`, `on` and `off`: subscriptions in the style of other emitters.

import { ending } from "./ends.js";
import { expect, FUNCTION } from "./options.js";

export function listeners(subscribe) {
  /** By pattern, the handlers that `on` has subscribed, with their disposers. */
  const listening = new Map();

  function once(pattern, handler, given) {
    expect(handler, FUNCTION, "the handler");
    const end = subscribe(
      pattern,
      (data, event) => {
        end();
        return handler(data, event);
      },
      given,
    );
    return end;
  }

  function on(pattern, handler, given) {
    const end = subscribe(pattern, handler, given);
    const its = listening.get(pattern) ?? new Map();
    const signal = given?.signal;
    let stop;
    stop = ending(() => {
      its.delete(stop);
      if (its.size === 0 && listening.get(pattern) === its) listening.delete(pattern);
      end();
    }, signal);
    if (!signal?.aborted) listening.set(pattern, its.set(stop, handler));
    return stop;
  }

  /** Ends the subscription of the handler; without a handler, all of the pattern. */
  function off(pattern, handler) {
    for (const [end, its] of listening.get(pattern) ?? []) {
      if (handler !== undefined && its !== handler) continue;
      end();
      if (handler !== undefined) return;
    }
  }

  return { once, on, off };
}
