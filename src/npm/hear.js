// Called by wasm with the events of the routes that it runs.

import { busOf } from "./buses.js";
import { isThere } from "./cohorts.js";
import { countFailure, countTime, UNWATCHED } from "./watch.js";

/** Called by wasm with an event for a subscription. If it has one handler, wasm reports its failure. */
export function hear(bus, number, data, event) {
  const its = busOf(bus);
  const members = its?.cohorts[number]?.members;
  if (members?.length === 1) return hearOne(its, members[0], data, event);
  const unsettled = members?.map((slot) => {
    try {
      return slot && hearOne(its, slot, data, event);
    } catch (error) {
      its.failed(slot, event, error);
    }
  });
  if (unsettled?.some(isThere)) return Promise.all(unsettled);
}

function hearOne(its, slot, data, event) {
  const counts =
    its.watchers.size === 0 ? UNWATCHED : Array.from(its.watchers, (watcher) => watcher(slot, event)).filter(isThere);
  const start = counts === UNWATCHED ? 0 : performance.now();
  try {
    const answer = slot.call(data, event);
    if (answer !== undefined) return its.answered(slot, event, answer, counts);
  } catch (error) {
    countFailure(counts);
    // wasm does not report failures of events that went into a queue.
    if (!slot.queued) throw error;
    its.failed(slot, event, error);
  } finally {
    for (const count of counts) countTime(count, performance.now() - start);
  }
}
