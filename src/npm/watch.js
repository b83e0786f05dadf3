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
