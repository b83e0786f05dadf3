// Watchers see the calls of handlers. While there is one, wasm runs all routes.

import { bytes, refreshViews, WATCHED } from "./memory.js";

export const UNWATCHED = [];

/** Adds `watch` to `bus`. */
export function watching(flag, bus) {
  const { watchers } = bus;

  /** Shows each call of a handler to `watcher` until the returned function is called. */
  bus.watch = (watcher) => {
    refreshViews();
    watchers.add(watcher);
    bytes[flag] |= WATCHED;
    return () => {
      refreshViews();
      watchers.delete(watcher);
      if (watchers.size === 0) bytes[flag] &= ~WATCHED;
    };
  };
}

export function countFailure(counts = UNWATCHED) {
  for (const count of counts) count.failures += 1;
}

/** Four buckets for each doubling of the time, from a microsecond on. */
export function countTime(counts, ms) {
  const bucket = Math.max(0, Math.floor(4 * Math.log2(ms * 1000)));
  counts.ms += ms;
  counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
}

/** The milliseconds that this share of the calls did not exceed, at most a fifth too many. */
export function percentile(buckets, calls, share) {
  let rest = Math.max(1, Math.ceil(calls * share));
  const found = buckets.findIndex((count = 0) => (rest -= count) <= 0);
  return found < 0 ? 0 : 2 ** ((found + 1) / 4) / 1000;
}
