// Counters and handler times, for who asks for them; nobody else pays.

import { ending } from "./disposer.js";
import { FIRST } from "./subscribe.js";

const OTHERS = "$bus.others";

export function stats(core, run, subscribe, { atMost = 1000, signal } = {}) {
  const topics = new Map();
  const handlers = new Map();
  const count = (all, key, none) => {
    const its = all.has(key) || all.size < atMost ? key : OTHERS;
    if (!all.has(its)) all.set(its, none);
    return all.get(its);
  };
  const ofTopic = (topic) => count(topics, topic, { events: 0, deliveries: 0 });
  const counting = run.add(">", (_, event) => void (ofTopic(event.topic).events += 1), {
    priority: FIRST,
    label: "$bus.stats",
  });
  run.watch((slot, data, event) => {
    if (slot === counting.slot) return slot.call(data, event);
    const handler = count(handlers, slot.label, { calls: 0, failures: 0, ms: 0 });
    ofTopic(event.topic).deliveries += 1;
    handler.calls += 1;
    const start = performance.now();
    try {
      return slot.call(data, event);
    } catch (error) {
      handler.failures += 1;
      throw error;
    } finally {
      handler.ms += performance.now() - start;
    }
  });
  const stop = ending(() => {
    counting.end();
    run.watch(undefined);
  }, signal);
  const copy = (all) => Object.fromEntries([...all].map(([key, counts]) => [key, { ...counts }]));
  return {
    stop,
    topics: () => copy(topics),
    handlers: () => copy(handlers),
    get subscriptions() {
      return run.subscriptions() - 1;
    },
  };
}
