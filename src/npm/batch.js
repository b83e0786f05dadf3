// Batched subscriptions: the events of a microtask, a frame or an interval at once, or so many.

import { fail } from "./errors.js";

export function batched(run, handler, batch) {
  const { ms, count = Infinity } = typeof batch === "object" && batch !== null ? batch : { ms: batch };
  const timed = ms === "microtask" || ms === "frame" || ms >= 0;
  if (!(count >= 1) || !(timed || (ms === undefined && count < Infinity))) {
    throw fail(
      "illegal_argument",
      'batch must be "microtask", "frame", milliseconds, or { ms, count }: pass one',
    );
  }
  let slot;
  let all = [];
  let events = [];
  let timer;
  let waits = false;

  function take() {
    clearTimeout(timer);
    waits = false;
    const batch = [all, events];
    all = [];
    events = [];
    return batch;
  }

  /** A turn of its own: what its events have caused has been delivered. */
  function flush() {
    if (slot === undefined || events.length === 0) return;
    const last = events.at(-1);
    run.turn(slot, handler, ...take(), last);
  }

  function call(data, event) {
    all.push(data);
    events.push(event);
    if (events.length >= count) return handler(...take());
    if (waits || !timed) return;
    waits = true;
    if (ms === "microtask") queueMicrotask(flush);
    else if (ms === "frame") requestAnimationFrame(flush);
    else timer = setTimeout(flush, ms);
  }

  return {
    call,
    begin(its) {
      slot = its;
    },
    stop() {
      clearTimeout(timer);
      slot = undefined;
    },
  };
}
