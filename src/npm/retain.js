// Retained topics: the last events of a topic are kept for later subscribers.

import { ending } from "./ends.js";
import { expectTopic, take } from "./options.js";

const RETAIN = ["events", "topics", "signal"];

export function retains(core) {
  /** Retains the last events of each topic. Beyond `topics`, the topic that was silent for longest is dropped. */
  return function retain(pattern, given) {
    expectTopic(pattern, "the pattern");
    const { events = 1, topics = 1024, signal } = take(given, RETAIN);
    const number = core.retain(pattern, events, topics);
    return ending(() => core.release(number), signal);
  };
}
