// What wasm calls with the events of the routes that it runs.

import { busOf, isThere } from "./executor.js";

const NOBODY = [];

/** wasm hands an event to a subscription; if it has one handler, its failure is wasm's to tell. */
export function hear(bus, number, data, event) {
  const self = busOf(bus);
  const members = self?.cohorts[number]?.members;
  if (members?.length === 1) return hearOne(self, members[0], data, event);
  const unsettled = members?.map((slot) => {
    try {
      return slot && hearOne(self, slot, data, event);
    } catch (error) {
      self.failed(slot, event, error);
    }
  });
  if (unsettled?.some(isThere)) return Promise.all(unsettled);
}

function hearOne(self, slot, data, event) {
  const counts =
    self.watchers.size === 0 ? NOBODY : Array.from(self.watchers, (watcher) => watcher(slot, event)).filter(isThere);
  const start = counts === NOBODY ? 0 : performance.now();
  try {
    const answer = slot.call(data, event);
    if (answer !== undefined) return self.answered(slot, event, answer, counts);
  } catch (error) {
    countFailure(counts);
    // What has left the bus for a queue is told here.
    if (!slot.queued) throw error;
    self.failed(slot, event, error);
  } finally {
    for (const count of counts) count.ms += performance.now() - start;
  }
}

export function countFailure(counts = NOBODY) {
  for (const count of counts) count.failures += 1;
}
