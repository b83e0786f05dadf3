// The promises of the bus in JavaScript, for routes that run for the first time and for hot ones.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus } from "event-driven-kit";

/** Runs `act` often enough that its routes run in JavaScript, and returns what handlers received in the last run. */
function heardBy(prepare, act) {
  const bus = createBus();
  const heard = [];
  prepare(bus, heard);
  for (let round = 0; round < 8; round += 1) {
    heard.length = 0;
    act(bus);
  }
  return heard;
}

test("an event published inside a handler follows the current one, for all subscribers", () => {
  const heard = heardBy(
    ({ subscribe, publish }, heard) => {
      subscribe("a", (data) => {
        heard.push(`one ${data}`);
        if (data === 1) publish("a", 2);
      });
      subscribe("a", (data) => heard.push(`two ${data}`));
    },
    ({ publish }) => publish("a", 1),
  );
  assert.deepEqual(heard, ["one 1", "two 1", "one 2", "two 2"]);
});

test("higher priorities come first, then older subscriptions, whatever the pattern", () => {
  const heard = heardBy(
    ({ subscribe }, heard) => {
      subscribe("a.b", () => heard.push("exact"));
      subscribe("a.*", () => heard.push("wildcard"));
      subscribe(">", () => heard.push("first"), { priority: 1 });
      subscribe("a.b", () => heard.push("last"), { priority: -1 });
    },
    ({ publish }) => publish("a.b"),
  );
  assert.deepEqual(heard, ["first", "exact", "wildcard", "last"]);
});

test("a subscription made inside a handler sees the next event", () => {
  const bus = createBus();
  const heard = [];
  const seen = new Set();
  bus.subscribe("a", (data) => {
    if (seen.has(data)) return;
    seen.add(data);
    bus.subscribe("a", (later) => heard.push(`made at ${data} hears ${later}`));
  });
  bus.publish("a", 1);
  bus.publish("a", 2);
  assert.deepEqual(heard, ["made at 1 hears 2"]);
});

test("a subscription that ends inside a handler misses the event in flight, at any position", () => {
  for (const place of [1, 2, 5, 9]) {
    const bus = createBus();
    const heard = [];
    let end = () => {};
    bus.subscribe("a", (data) => {
      if (data === "end") end();
    });
    for (let at = 1; at < 10; at += 1) {
      const dispose = bus.subscribe("a", () => heard.push(at));
      if (at === place) end = dispose;
    }
    for (let round = 0; round < 8; round += 1) bus.publish("a");
    heard.length = 0;
    bus.publish("a", "end");
    const others = [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((at) => at !== place);
    assert.deepEqual(heard, others, `at ${place}`);
  }
});

test("handlers that throw stop no others, at any position, and each is reported", () => {
  for (const count of [1, 3, 4, 7, 8]) {
    const reported = [];
    const heard = heardBy(
      ({ subscribe }, heard) => {
        subscribe("$bus.error", ({ label, cause }) => reported.push(`${label} ${cause.message}`));
        for (let at = 0; at < count; at += 1) {
          const options = { label: `bad ${at}` };
          subscribe("a", () => { throw new Error("broken"); }, options);
          subscribe("a", () => heard.push(at));
        }
      },
      ({ publish }) => {
        reported.length = 0;
        publish("a");
      },
    );
    const all = Array.from({ length: count }, (_, at) => at);
    assert.deepEqual(heard, all);
    assert.deepEqual(reported, all.map((at) => `bad ${at} broken`));
  }
});

test("a rejected promise is reported on $bus.error, also on a hot route", async () => {
  const { subscribe, publish } = createBus();
  const reported = [];
  subscribe("$bus.error", ({ topic, label }) => reported.push([topic, label]));
  subscribe("a", async () => { throw new Error("late"); }, { label: "async" });
  for (let round = 0; round < 8; round += 1) publish("a");
  await new Promise(setImmediate);
  assert.deepEqual(reported, Array(8).fill(["a", "async"]));
});

test("the same function subscribed twice is called twice, and each end ends one", () => {
  const { subscribe, publish } = createBus();
  let calls = 0;
  const handler = () => void (calls += 1);
  const end = subscribe("a", handler);
  subscribe("a", handler);
  publish("a");
  end();
  end();
  publish("a");
  assert.equal(calls, 3);
});

test("payloads keep their identity, and all handlers of an event get one event object", () => {
  const { subscribe, publish } = createBus();
  const data = { deep: { er: 1 } };
  const got = [];
  for (let at = 0; at < 3; at += 1) subscribe("a", (data, event) => got.push([data, event]));
  publish("a", data);
  assert.ok(got.every(([its, event]) => its === data && event === got[0][1] && event.data === data));
});

test("fresh topics of one family reach the subscribers as they change, and invalid topics are refused", () => {
  const { subscribe, publish } = createBus();
  const heard = [];
  subscribe("room.7.*", (data) => heard.push(`family ${data}`));
  for (let at = 0; at < 100; at += 1) publish(`room.7.m${at}`, at);
  assert.equal(heard.length, 100);
  heard.length = 0;
  const end = subscribe("room.7.special", () => heard.push("special"));
  publish("room.7.special", 1);
  publish("room.7.other", 2);
  end();
  publish("room.7.special", 3);
  for (const token of ["*", ">", "", "a b", "\u0007", "x".repeat(300)]) {
    assert.throws(() => publish(`room.7.${token}`), { code: "illegal_topic" }, JSON.stringify(token));
  }
  publish("room.7.日本", 4);
  assert.deepEqual(heard, ["family 1", "special", "family 2", "family 3", "family 4"]);
});

test("a new interceptor sees events on hot and on fresh topics, until it ends", () => {
  const { subscribe, publish, use } = createBus();
  const heard = [];
  subscribe("a.*", (data) => heard.push(data));
  for (let at = 0; at < 8; at += 1) publish("a.b", at);
  heard.length = 0;
  const end = use("a.>", (data) => (data === "bad" ? { deny: "language!" } : { replace: `${data}!` }));
  publish("a.b", "one");
  publish("a.fresh", "two");
  assert.throws(() => publish("a.b", "bad"), { code: "denied" });
  end();
  publish("a.b", "three");
  assert.deepEqual(heard, ["one!", "two!", "three"]);
});

test("each subscription that starts or ends is reported, even the end of one that was there before the listener", () => {
  const { subscribe } = createBus();
  const ends = [0, 1, 2].map(() => subscribe("a", () => {}));
  const reported = [];
  subscribe("$bus.*", ({ pattern, label }, { topic }) => reported.push(`${topic} ${pattern} ${label}`), { label: "log" });
  ends[1]();
  const last = subscribe("a", () => {});
  for (const end of [...ends, last]) end();
  const gone = "$bus.unsubscribed a a";
  assert.deepEqual(reported, [gone, "$bus.subscribed a a", gone, gone, gone]);
});

test("active subscriptions are counted, and ended ones are not", () => {
  const { subscribe, stats } = createBus();
  const ends = Array.from({ length: 100 }, () => subscribe("a", () => {}));
  const counted = stats();
  assert.equal(counted.subscriptions, 100);
  for (const end of ends.slice(0, 60)) end();
  assert.equal(counted.subscriptions, 40);
});

test("the failure of a hot topic's only handler has its label, even if the handler ended itself", async () => {
  const { subscribe, publish } = createBus();
  const reported = [];
  subscribe("$bus.error", ({ topic, label }) => reported.push(`${topic} ${label}`));
  for (const fail of [() => Promise.reject(new Error("late")), () => { throw new Error("broken"); }]) {
    const handler = (last) => {
      if (!last) return;
      end();
      return fail();
    };
    const end = subscribe("a", handler, { label: "its label" });
    for (let round = 0; round < 8; round += 1) publish("a", false);
    publish("a", true);
  }
  await new Promise(setImmediate);
  assert.deepEqual(reported.sort(), ["a its label", "a its label"]);
});

test("handlers on a route that runs in wasm are also called in order, and each failure is reported", async () => {
  const { subscribe, publish, use } = createBus();
  const heard = [];
  const reported = [];
  use("a", () => undefined);
  subscribe("$bus.error", ({ cause }) => reported.push(cause.message));
  const ends = [];
  subscribe("a", (data) => { heard.push(`one ${data}`); throw new Error("thrown"); });
  subscribe("a", async (data) => { heard.push(`two ${data}`); ends[0](); throw new Error("rejected"); });
  ends.push(subscribe("a", () => heard.push("ended")));
  subscribe("a", (data) => {
    heard.push(`three ${data}`);
    if (data === 1) subscribe("a", (later) => heard.push(`four ${later}`));
  });
  publish("a", 1);
  publish("a", 2);
  await new Promise(setImmediate);
  assert.deepEqual(heard, ["one 1", "two 1", "three 1", "one 2", "two 2", "three 2", "four 2"]);
  assert.deepEqual(reported, ["thrown", "thrown", "rejected", "rejected"]);
});
