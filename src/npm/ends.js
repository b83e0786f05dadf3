// What ends things: disposers, signals and timers.

export function disposer(dispose) {
  if (Symbol.dispose) dispose[Symbol.dispose] = dispose;
  return dispose;
}

/** What ends with a signal. Each signal has one listener, however many end with it. */
const waiting = new WeakMap();

/** What throws does not keep others from their end. */
function run(end) {
  try {
    end();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Calls `end` when `signal` aborts, until the returned function is called. */
function onAbort(signal, end) {
  let its = waiting.get(signal);
  if (its === undefined) {
    its = { ends: new Set(), listener: () => its.ends.forEach(run) };
    waiting.set(signal, its);
  }
  const { ends, listener } = its;
  if (ends.size === 0) signal.addEventListener("abort", listener, { once: true });
  ends.add(end);
  return () => {
    if (ends.delete(end) && ends.size === 0) signal.removeEventListener("abort", listener);
  };
}

/** Ends by `end`, once, also when `signal` aborts; the signal holds nothing of it later. */
export function ending(end, signal) {
  let live = true;
  let forget;
  const dispose = disposer(() => {
    if (!live) return;
    live = false;
    forget?.();
    end();
  });
  if (signal?.aborted) dispose();
  else if (signal) forget = onAbort(signal, dispose);
  return dispose;
}

/** The longest that one timer waits. A longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Calls `then` after so many milliseconds, never after `Infinity`; until the returned function is called. */
export function after(ms, then) {
  let timer;
  const wait = () => {
    timer = ms > LONGEST ? setTimeout(wait, LONGEST) : setTimeout(then, ms);
    ms -= LONGEST;
  };
  if (ms < Infinity) wait();
  return () => clearTimeout(timer);
}
