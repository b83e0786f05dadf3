// Compares the bus with a model of a few lines that keeps its promises. In random scripts, handlers included, both must
// call the same handlers in the same order.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus } from "event-driven-kit";

const TOPICS = ["a.b", "a.c", "d"];
const PATTERNS = [...TOPICS, ...TOPICS, ...TOPICS, "a.*", ">"];

/** The promises of the bus, implemented as simply as possible. */
function modelBus() {
  const standing = [];
  const waiting = [];
  let inFlight = false;
  const matches = (pattern, topic) => {
    const tokens = topic.split(".");
    return pattern === ">" || (pattern === "a.*" && tokens.length === 2 && tokens[0] === "a") || pattern === topic;
  };
  return {
    subscribe(pattern, handler, { priority = 0 } = {}) {
      const one = { pattern, handler, priority, live: true };
      standing.push(one);
      return () => (one.live = false);
    },
    publish(topic, data) {
      waiting.push([topic, data]);
      if (inFlight) return;
      inFlight = true;
      while (waiting.length > 0) {
        const [topic, data] = waiting.shift();
        const route = standing.filter(({ pattern, live }) => live && matches(pattern, topic));
        route.sort((one, other) => other.priority - one.priority);
        for (const one of route) {
          if (one.live) one.handler(data, { topic });
        }
      }
      inFlight = false;
    },
    use: () => () => {},
    stats: () => ({ stop() {} }),
  };
}

/** Pseudo-random numbers from a seed. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

/** Runs a random script and returns the calls of its handlers. */
function perform(bus, seed) {
  const below = random(seed);
  const heard = [];
  const ends = [];
  const overseers = [];
  let published = 0;

  function subscribe() {
    const number = ends.length;
    const others = [{ label: "other" }, { echo: true }, { priority: below(3) - 1 }];
    const options = others[below(6)];
    const handler = (data, { topic }) => {
      heard.push(`${number} ${topic} ${data}`);
      if (below(8) === 0) act();
    };
    ends.push(bus.subscribe(PATTERNS[below(PATTERNS.length)], handler, options));
  }

  function act() {
    const what = below(12);
    if (what < 4) subscribe();
    else if (what < 7) ends[below(ends.length + 1)]?.();
    else if (what < 11) {
      // Handlers publish too, but not forever.
      if (published < 60) bus.publish(TOPICS[below(TOPICS.length)], (published += 1));
    } else if (overseers.length > 0) overseers.pop()();
    else if (below(2) === 0) overseers.push(bus.use(">", () => undefined));
    else overseers.push(bus.stats().stop);
  }

  for (let step = 0; step < 150; step += 1) act();
  return heard;
}

test("random scripts call the same handlers as the model, in the same order", () => {
  let events = 0;
  for (let seed = 1; seed <= 100; seed += 1) {
    const expected = perform(modelBus(), seed);
    assert.deepEqual(perform(createBus(), seed), expected, `seed ${seed}`);
    events += expected.length;
  }
  assert.ok(events > 20_000, `${events} calls are too few to show anything`);
});
