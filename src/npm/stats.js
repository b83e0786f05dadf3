// Counters and handler times. They cost nothing unless used.

import { ending } from "./ends.js";
import { take } from "./options.js";
import { FIRST } from "./record.js";
import { percentile } from "./watch.js";

const STATS = ["atMost", "signal"];
const OTHERS = "$bus.others";
const COUNTING = "$bus.stats";

export function stats(run, given) {
  const { atMost = 1000, signal } = take(given, STATS);
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
    label: COUNTING,
  });
  const unwatch = run.watch((slot, event) => {
    // Without this one and other counters.
    if (slot.label === COUNTING) return;
    const handler = count(handlers, slot.label, { calls: 0, failures: 0, ms: 0, buckets: [] });
    ofTopic(event.topic).deliveries += 1;
    handler.calls += 1;
    return handler;
  });
  const stop = ending(() => {
    counting.end();
    unwatch();
  }, signal);
  const copy = (all, shown) => Object.fromEntries([...all].map(([key, counts]) => [key, shown(counts)]));
  const ofHandler = ({ calls, failures, ms, buckets }) => {
    const [p50, p95] = [0.5, 0.95].map((share) => percentile(buckets, calls, share));
    return { calls, failures, ms, p50, p95 };
  };
  return {
    stop,
    topics: () => copy(topics, (counts) => ({ ...counts })),
    handlers: () => copy(handlers, ofHandler),
    get subscriptions() {
      return run.subscriptions();
    },
  };
}
