// A pattern as other libraries take one: an async iterable, an observable, and a store as Svelte has it.

import { ending } from "./disposer.js";
import { expectCount } from "./errors.js";

const OBSERVABLE = Symbol.observable ?? "@@observable";

export function topic(subscribe, core, pattern, { capacity = 1024, ...options } = {}) {
  expectCount(capacity, "the capacity of a topic");

  /** Lets so many events wait; of more the oldest is dropped, counted, and told on `$bus.dropped`. */
  function iterate() {
    const waiting = [];
    const readers = [];
    let done = false;
    let dropped = 0;
    const take = () => {
      if (waiting.length > 0) return { value: waiting.shift(), done: false };
      if (done) return { value: undefined, done: true };
    };
    const dispose = subscribe(
      pattern,
      (_, event) => {
        if (readers.length > 0) return void readers.shift()({ value: event, done: false });
        waiting.push(event);
        if (waiting.length <= capacity) return;
        waiting.shift();
        dropped += 1;
        core.lost(event.topic, options.label ?? pattern);
      },
      options,
    );
    const end = ending(() => {
      done = true;
      dispose();
      for (const read of readers.splice(0)) read({ value: undefined, done: true });
    }, options.signal);
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
      subscribe(observer) {
        const next = typeof observer === "function" ? observer : (event) => observer?.next?.(event);
        return { unsubscribe: subscribe(pattern, (_, event) => void next(event), options) };
      },
      [OBSERVABLE]() {
        return this;
      },
    };
  }

  /** Svelte's contract: calls at once with the value there is, which is none before the first event. */
  function store(run) {
    run(undefined);
    return subscribe(pattern, (data) => void run(data), options);
  }

  return { [Symbol.asyncIterator]: iterate, [OBSERVABLE]: observable, subscribe: store };
}
