// The folding of a chat's timeline: a property.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createLog, kitOf, seen, timelineOf } from "./log.mjs";

const DAY = 86_400_000;

/** Numbers that look random, from a seed. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

test("the events of a log give the same timeline in any order", async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const below = random(seed);
    const log = createLog();
    const clients = ["ann", "bob", "cid"];
    const kits = clients.map((client) => kitOf(log, client).kit);
    // More than a message needs.
    const guests = Array.from({ length: 12 }, (_, at) => kitOf(log, `guest-${at}`).kit);
    const messages = [];
    for (let step = 0; step < 40; step += 1) {
      const kit = kits[below(3)];
      const target = messages[below(messages.length || 1)];
      const what = target ? below(9) : 0;
      if (what < 2) {
        await kit.sendText(`text ${step}`);
        messages.push(log.stored.at(-1));
      } else if (what < 4) await kit.edit(target, `edit ${step}`);
      else if (what < 7) await kit.react(target, ["🎉", "👍"][below(2)], below(3) > 0);
      else if (what < 8) await kit.delete(target).catch(() => {});
      else for (const guest of guests) await guest.edit(target, `flood ${step}`);
      log.pass(below(DAY));
    }
    // What subscribers heard: each event as it was when it was stored, and the reports of deletions.
    const heard = log.stored.map((event) => messages.find(({ delivery }) => delivery === event.delivery) ?? event);
    const orders = [0, 1, 2].map((order) => {
      const events = [...heard];
      if (order > 0) for (let at = events.length - 1; at > 0; at -= 1) {
        const other = below(at + 1);
        [events[at], events[other]] = [events[other], events[at]];
      }
      return events;
    });
    const shown = [];
    for (const events of orders) {
      const reader = createLog();
      const { timeline } = await timelineOf(reader, "reader");
      for (const event of events) reader.deliver(event);
      shown.push(seen(timeline.messages));
    }
    assert.deepEqual(shown[1], shown[0], `seed ${seed}`);
    assert.deepEqual(shown[2], shown[0], `seed ${seed}`);
    const { messages: past } = await kits[0].history({ limit: 1000 });
    const unnamed = (one) => one.replace(/^\w*:  deleted$/, "deleted");
    assert.deepEqual(past.length ? seen(past).map(unnamed) : [], shown[0].map(unnamed), `seed ${seed}: history`);
  }
});
