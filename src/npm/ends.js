// Disposers, signals and timers.

export function disposer(dispose) {
  if (Symbol.dispose) dispose[Symbol.dispose] = dispose;
  return dispose;
}

/** The disposers of a signal. Each signal has a single listener for all of them. */
const waiting = new WeakMap();

/** An error in one does not keep the others from running. */
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

/** Returns a disposer that calls `end` once, as does an abort of `signal`. Afterwards the signal holds no reference. */
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

/** The maximum delay of one timer. A longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Calls `then` after a number of milliseconds, or never for `Infinity`. The returned function cancels it. */
export function after(ms, then) {
  let timer;
  const wait = () => {
    timer = ms > LONGEST ? setTimeout(wait, LONGEST) : setTimeout(then, ms);
    ms -= LONGEST;
  };
  if (ms < Infinity) wait();
  return () => clearTimeout(timer);
}
