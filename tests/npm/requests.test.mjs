// Requests with any other subscriptions to their topics, and with any kind of responder.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus } from "event-driven-kit";

const OTHERS = {
  "a queue": ({ subscribe }) => subscribe("q", () => {}, { queue: 3 }),
  "a queue of all topics": ({ subscribe }) => subscribe(">", () => {}, { queue: 3 }),
  "a group": ({ subscribe }) => subscribe("q", () => {}, { group: "workers" }),
  "a replay": ({ subscribe }) => subscribe("q", () => {}, { replay: true }),
  "an iterator": ({ topic }) => topic("q")[Symbol.asyncIterator](),
  "what is retained": ({ retain }) => retain(">"),
  "an interceptor": ({ use }) => use(">", (data) => ({ replace: data })),
  "a recorder": ({ record }) => record(),
  counters: ({ stats }) => stats(),
  "a plain handler": ({ subscribe }) => subscribe("q", () => {}),
  "a handler of all topics": ({ subscribe }) => subscribe(">", () => {}, { priority: 1 }),
};

for (const [name, subscribe] of Object.entries(OTHERS)) {
  test(`a request is answered next to ${name}, before or after its responder`, async () => {
    for (const comesFirst of [true, false]) {
      const bus = createBus();
      if (comesFirst) subscribe(bus);
      await assert.rejects(bus.request("q", 1), { code: "no_responder" });
      const end = bus.respond("q", (data) => data + 1);
      if (!comesFirst) subscribe(bus);
      for (let round = 0; round < 4; round += 1) assert.equal(await bus.request("q", 1), 2);
      end();
      await assert.rejects(bus.request("q", 1), { code: "no_responder" });
    }
  });
}

test("a responder with a queue, in a group, or with a pattern answers", async () => {
  for (const [pattern, options] of [
    ["q", { queue: 1 }],
    ["q", { group: "workers" }],
    ["q", { group: "workers", queue: 2 }],
    ["q", { priority: 2, label: "one" }],
    [">", {}],
    ["*", { queue: 1, overflow: "wait" }],
  ]) {
    const { respond, request } = createBus();
    respond(pattern, (data) => data + 1, options);
    for (let round = 0; round < 4; round += 1) assert.equal(await request("q", round), round + 1);
  }
});

test("a request that an interceptor drops or denies fails at once", async () => {
  const { respond, request, use } = createBus();
  respond("q", () => 1);
  const end = use("q", () => ({ drop: true }));
  await assert.rejects(request("q", 1, { timeout: Infinity }), { code: "no_reply" });
  end();
  use("q", () => ({ deny: "no" }));
  await assert.rejects(request("q", 1), { code: "denied" });
});

test("a request whose signal aborts rejects with the reason", async () => {
  const { respond, request } = createBus();
  respond("never", () => new Promise(() => {}));
  const controller = new AbortController();
  const asked = request("never", 1, { signal: controller.signal, timeout: Infinity });
  controller.abort(new Error("enough"));
  await assert.rejects(asked, /enough/);
  await assert.rejects(request("never", 1, { signal: controller.signal }), /enough/);
});
