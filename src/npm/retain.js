// Retained topics: the last events of a topic are kept for subscribers that come late.

import { matches } from "./pattern.js";
import { ending } from "./subscribe.js";

export function retained(run) {
  const stores = new Set();
  let next = 0;

  /** Keeps the last events of each topic; of so many topics, without the one that is silent for longest. */
  function retain(pattern, { events = 1, topics = 1024, signal } = {}) {
    const store = new Map();
    const keep = (data, event) => {
      const kept = store.get(event.topic) ?? [];
      store.delete(event.topic);
      store.set(event.topic, kept);
      kept.push({ data, event, number: (next += 1) });
      if (kept.length > events) kept.shift();
      if (store.size > topics) store.delete(store.keys().next().value);
    };
    const { end } = run.add(pattern, keep, { priority: 2 ** 31 - 1, label: "$bus.retain" });
    stores.add(store);
    return ending(() => {
      stores.delete(store);
      end();
    }, signal);
  }

  /** What is retained now, oldest first; of a topic that is retained twice, where more of it is. */
  function retainedOf(pattern) {
    const longest = new Map();
    for (const store of stores) {
      for (const [topic, kept] of store) {
        if (matches(pattern, topic) && !(longest.get(topic)?.length >= kept.length)) {
          longest.set(topic, kept);
        }
      }
    }
    return [...longest.values()].flat().sort((one, other) => one.number - other.number);
  }

  /** First what is retained, soon or just before the first event that comes; never inside `subscribe`. */
  function replayed(pattern, handler) {
    let slot;
    let waiting;
    const one = ({ data, event }) => run.turn(slot, handler, data, event);
    return {
      begin(its) {
        slot = its;
        waiting = retainedOf(pattern);
        if (waiting.length > 0) queueMicrotask(() => waiting.splice(0).forEach((kept) => slot && one(kept)));
      },
      call(data, event) {
        for (const kept of waiting.splice(0)) {
          try {
            run.answered(slot, kept.event, handler(kept.data, kept.event));
          } catch (error) {
            run.failed(slot, kept.event, error);
          }
        }
        return handler(data, event);
      },
      stop() {
        slot = undefined;
        waiting.length = 0;
      },
    };
  }

  return { retain, replayed };
}
