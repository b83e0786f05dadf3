// A pattern for other libraries: an async iterable, an observable, and a Svelte store.

import { ending } from "./ends.js";
import { expect, expectTopic, FUNCTION, take } from "./options.js";

const TOPIC = ["capacity", "signal", "priority", "label", "replay"];
const OBSERVABLE = Symbol.observable ?? "@@observable";

export function topic(begin, core, pattern, given) {
  expectTopic(pattern, "the pattern");
  const { capacity = 1024, ...options } = take(given, TOPIC);
  const { signal } = options;
  const subscribe = (handler) => begin(pattern, handler, options);

  /** Queues up to `capacity` events. Beyond that the oldest is dropped, counted, and reported on `$bus.dropped`. */
  function iterate() {
    const waiting = [];
    const readers = [];
    let done = false;
    let dropped = 0;
    const take = () => {
      if (waiting.length > 0) return { value: waiting.shift(), done: false };
      if (done) return { value: undefined, done: true };
    };
    const dispose = subscribe((_, event) => {
      if (readers.length > 0) return void readers.shift()({ value: event, done: false });
      waiting.push(event);
      if (waiting.length <= capacity) return;
      waiting.shift();
      dropped += 1;
      core.lost(event.topic, options.label ?? pattern);
    });
    const end = ending(() => {
      done = true;
      dispose();
      for (const read of readers.splice(0)) read({ value: undefined, done: true });
    }, signal);
    return {
      get dropped() {
        return dropped;
      },
      next: () => Promise.resolve(take() ?? new Promise((resolve) => readers.push(resolve))),
      return: (value) => {
        waiting.length = 0;
        end();
        return Promise.resolve({ value, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  function observable() {
    return {
      subscribe(observer, _error, complete) {
        const its = typeof observer === "function" ? { next: observer, complete } : observer;
        const dispose = subscribe((_, event) => void its?.next?.(event));
        const unsubscribe = ending(() => {
          dispose();
          if (signal?.aborted) its?.complete?.();
        }, signal);
        return { unsubscribe };
      },
      [OBSERVABLE]() {
        return this;
      },
    };
  }

  /** Svelte's contract: calls at once with the current value, `undefined` before the first event. */
  function store(run) {
    expect(run, FUNCTION, "the subscriber");
    run(undefined);
    return subscribe((data) => void run(data));
  }

  return { [Symbol.asyncIterator]: iterate, [OBSERVABLE]: observable, subscribe: store };
}
