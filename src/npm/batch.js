// Batched subscriptions: the events of a microtask, a frame or an interval, or a number of events, at once.

import { after } from "./ends.js";
import { local } from "./event.js";
import { take } from "./options.js";

/** The maximum number of events in a batch, as in Rust. */
const FULL = 1024;
/** The milliseconds after which a batch stops waiting for a frame. */
const FRAME_TIMEOUT = 100;

function nothing() {}

/** Calls `then` when the time of a batch is over. Returns a function that cancels it. */
function plan(ms, then) {
  if (ms === "microtask") queueMicrotask(then);
  else if (ms !== "frame") return after(ms, then);
  else if (globalThis.requestAnimationFrame) {
    // A hidden page draws nothing. A batch that waited for it would keep its link's window from other subscribers.
    const cancel = after(FRAME_TIMEOUT, then);
    const frame = requestAnimationFrame(then);
    return () => {
      cancel();
      cancelAnimationFrame(frame);
    };
  }
  // Where nothing is drawn: as often as a screen would be.
  else return after(16, then);
  return nothing;
}

export function batched(run, handler, batch) {
  const { ms, count = FULL } = typeof batch === "object" ? take(batch, ["ms", "count"]) : { ms: batch };
  const empty = () => ({ all: [], events: [], held: undefined, release: undefined });
  let slot;
  let waiting = empty();
  let cancel;

  function complete() {
    const batch = waiting;
    waiting = empty();
    cancel?.();
    cancel = undefined;
    return batch;
  }

  /** Runs in a turn of its own, after everything that the batch's events have caused. */
  function flush() {
    if (slot === undefined || waiting.all.length === 0) return;
    const { all, events, release } = complete();
    const settled = run.turn(slot, handler, all, events, events.at(-1));
    release?.(settled);
  }

  function call(data, event) {
    waiting.all.push(data);
    waiting.events.push(event);
    if (waiting.all.length >= count) {
      const { all, events, release } = complete();
      let answer;
      try {
        return (answer = handler(all, events));
      } finally {
        release?.(Promise.resolve(answer).catch(nothing));
      }
    }
    if (ms === undefined) return;
    cancel ??= plan(ms, flush);
    if (event.delivery === local) return;
    // It came over a link, and uses the window until this settles.
    return (waiting.held ??= new Promise((resolve) => (waiting.release = resolve)));
  }

  return {
    call,
    begin(its) {
      slot = its;
    },
    stop() {
      slot = undefined;
      complete().release?.();
    },
  };
}
