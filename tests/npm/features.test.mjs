// Features of subscriptions and buses beyond delivery.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createBus, createSingleton } from "event-driven-kit";

test("once delivers one event, and off ends a subscription of on", () => {
  const { once, on, off, publish } = createBus();
  const heard = [];
  const handler = (data) => void heard.push(`on ${data}`);
  once("a", (data) => heard.push(`once ${data}`));
  on("a", handler);
  publish("a", 1);
  publish("a", 2);
  off("a", handler);
  publish("a", 3);
  assert.deepEqual(heard, ["once 1", "on 1", "on 2"]);
});

test("each event reaches one member of a group, in turn or by key", () => {
  for (const [balance, expected] of [
    ["round-robin", [2, 2]],
    [{ by: (data) => String(data % 1) }, [0, 4]],
  ]) {
    const { subscribe, publish } = createBus();
    const counts = [0, 0];
    for (const member of [0, 1]) {
      subscribe("job.*", () => void (counts[member] += 1), { group: "workers", balance });
    }
    for (let at = 0; at < 4; at += 1) publish("job.resize", at);
    assert.deepEqual(counts.sort(), expected);
  }
});

test("a group by key keeps its key if its members' queues have another one", async () => {
  const { subscribe, publish } = createBus();
  const members = [new Set(), new Set()];
  for (const its of members) {
    subscribe("job", ({ user }) => void its.add(user), {
      group: "workers",
      balance: { by: ({ user }) => user },
      queue: 100,
      overflow: { conflate: ({ job }) => job },
    });
  }
  for (let job = 0; job < 40; job += 1) publish("job", { user: `user ${job % 4}`, job: `job ${job}` });
  await sleep(0);
  assert.equal(members[0].size + members[1].size, 4);
});

test("least-pending prefers the member with the fewest unfinished events", async () => {
  const { subscribe, publish } = createBus();
  const heard = [];
  let finish;
  const options = { group: "workers", balance: "least-pending" };
  subscribe("job", (data) => { heard.push(`slow ${data}`); return new Promise((resolve) => (finish = resolve)); }, options);
  subscribe("job", (data) => { heard.push(`quick ${data}`); }, options);
  for (let at = 0; at < 4; at += 1) publish("job", at);
  assert.equal(heard.filter((one) => one.startsWith("slow")).length, 1);
  finish();
  await sleep(0);
  for (let at = 4; at < 6; at += 1) publish("job", at);
  assert.equal(heard.filter((one) => one.startsWith("slow")).length, 2);
});

test("a queue delivers one event at a time, drops events by its policy, and reports the drops", async () => {
  for (const [overflow, expected] of [
    ["drop-oldest", [3, 4]],
    ["drop-newest", [1, 2]],
    [{ conflate: () => "one key" }, [4]],
  ]) {
    const { subscribe, publish } = createBus();
    const heard = [];
    let dropped = 0;
    subscribe("$bus.dropped", () => void (dropped += 1));
    subscribe("price", async (data) => { heard.push(data); await sleep(1); }, { queue: 2, overflow });
    for (let at = 1; at <= 4; at += 1) publish("price", at);
    await sleep(20);
    assert.deepEqual(heard, expected);
    assert.equal(dropped, 4 - expected.length);
  }
});

test("a key that throws is reported, as a handler that throws", async () => {
  const { subscribe, publish } = createBus();
  const failures = [];
  const heard = [];
  subscribe("$bus.error", ({ label, message }) => void failures.push(`${label}: ${message}`));
  const key = () => { throw new Error("no key"); };
  subscribe("price", (data) => void heard.push(data), { queue: 2, overflow: { conflate: key }, label: "chart" });
  subscribe("job", (data) => void heard.push(data), { group: "workers", balance: { by: key } });
  publish("price", 1);
  publish("job", 2);
  await sleep(5);
  assert.deepEqual(failures, ["chart: Error: no key", "job: Error: no key"]);
  assert.deepEqual(heard.sort(), [1, 2]);
});

test("a full queue that waits refuses an event before any handler sees it, and publishing with `wait` waits", async () => {
  const { subscribe, publish } = createBus();
  const heard = [];
  const seen = [];
  subscribe("a", (data) => void seen.push(data));
  subscribe("a", async (data) => { heard.push(data); await sleep(1); }, { queue: 1, overflow: "wait" });
  publish("a", 1);
  assert.throws(() => publish("a", 2), { code: "queue_full" });
  assert.deepEqual(seen, [1]);
  await publish("a", 3, { wait: true });
  await sleep(20);
  assert.deepEqual(heard, [1, 3]);
});

test("batches come at the end of the microtask, at a count, or after an interval", async () => {
  const { subscribe, publish } = createBus();
  const heard = [];
  subscribe("a", (all, events) => heard.push(["microtask", all, events.length]), { batch: "microtask" });
  subscribe("a", (all) => heard.push(["count", all]), { batch: { count: 2 } });
  subscribe("a", (all) => heard.push(["ms", all]), { batch: 5 });
  for (let at = 1; at <= 3; at += 1) publish("a", at);
  assert.deepEqual(heard, [["count", [1, 2]]]);
  await sleep(20);
  assert.deepEqual(heard.slice(1), [["microtask", [1, 2, 3], 3], ["ms", [1, 2, 3]]]);
});

test("a late subscriber gets the retained events and then new ones, without a gap or a duplicate", async () => {
  const { subscribe, publish, retain } = createBus();
  retain("price.*", { events: 2 });
  for (let at = 1; at <= 3; at += 1) publish("price.tea", at);
  const soon = [];
  const late = [];
  subscribe("price.>", (data) => soon.push(data), { replay: true });
  publish("price.tea", 4);
  subscribe("price.tea", (data) => late.push(data), { replay: true });
  assert.deepEqual([soon, late], [[2, 3, 4], []]);
  await sleep(0);
  publish("price.tea", 5);
  assert.deepEqual([soon, late], [[2, 3, 4, 5], [3, 4, 5]]);
});

test("a subscriber with replay and echo sees what is retained, and then its page's durable events at once", async () => {
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class extends EventTarget {
    close() {}
  };
  const { subscribe, publish, retain, connect } = createBus();
  retain("a");
  publish("a", "retained");
  const link = connect({ url: "ws://peer.test/ws", storage: "memory", rules: [{ pattern: "a", durable: true }] });
  const heard = [];
  subscribe("a", (data, { delivery }) => heard.push(`${data} ${delivery.status}`), { echo: true, replay: true });
  publish("a", "mine").settled().catch(() => {});
  await sleep(10);
  assert.deepEqual(heard.slice(0, 2), ["retained local", "mine queued"]);
  link.close();
  globalThis.WebSocket = WebSocket;
});

test("a topic is a bounded async iterable", async () => {
  const { topic, publish } = createBus();
  const events = topic("a.*", { capacity: 2 })[Symbol.asyncIterator]();
  for (let at = 1; at <= 4; at += 1) publish("a.b", at);
  assert.equal(events.dropped, 2);
  const heard = [];
  for await (const event of events) {
    heard.push(event.data);
    if (heard.length === 2) break;
  }
  assert.deepEqual(heard, [3, 4]);
  assert.deepEqual(await events.next(), { value: undefined, done: true });
});

test("a topic is an observable and a Svelte store", () => {
  const { topic, publish } = createBus();
  const heard = [];
  const observable = topic("a")[Symbol.observable ?? "@@observable"]();
  const observing = observable.subscribe({ next: (event) => heard.push(`next ${event.data}`) });
  const end = topic("a").subscribe((value) => heard.push(`store ${value}`));
  publish("a", 1);
  observing.unsubscribe();
  end();
  publish("a", 2);
  assert.deepEqual(heard, ["store undefined", "next 1", "store 1"]);
});

test("a request gets one reply, times out, fails, or is refused at once if nothing serves it", async () => {
  const { request, respond, subscribe } = createBus();
  subscribe(">", () => {});
  await assert.rejects(request("sum", [1, 2]), { code: "no_responder" });
  respond("sum", async (numbers) => numbers.reduce((one, other) => one + other));
  respond("sum", () => "not asked");
  respond("never", () => new Promise(() => {}));
  respond("broken", () => { throw new Error("no"); });
  assert.equal(await request("sum", [1, 2]), 3);
  await assert.rejects(request("never", 0, { timeout: 1 }), { code: "timeout" });
  await assert.rejects(request("broken"), { code: "no_reply" });
});

test("a request inside a handler is answered in its turn", async () => {
  const { request, respond, subscribe, publish } = createBus();
  respond("double", (data) => data * 2);
  const replies = [];
  subscribe("a", (data) => void request("double", data).then((reply) => replies.push(reply)));
  publish("a", 4);
  await sleep(0);
  assert.deepEqual(replies, [8]);
});

test("a recording consists of CloudEvents and can be played", async () => {
  const first = createBus();
  const recording = first.record("a.>");
  first.publish("a.b", { one: 1 });
  first.publish("a.c", new Uint8Array([1, 255]));
  recording.stop();
  first.publish("a.d", 3);
  const lines = recording.lines();
  assert.equal(lines.length, 2);
  const event = JSON.parse(lines[0]);
  assert.deepEqual([event.specversion, event.type, event.data], ["1.0", "a.b", { one: 1 }]);
  const second = createBus();
  const heard = [];
  second.subscribe(">", (data, event) => heard.push([event.topic, data]));
  await second.play(lines.join("\n"), { speed: Infinity });
  assert.deepEqual(heard, [["a.b", { one: 1 }], ["a.c", new Uint8Array([1, 255])]]);
  await assert.rejects(second.play("nonsense"), { code: "illegal_recording" });
});

test("stats count until they are stopped", () => {
  const { subscribe, publish, stats } = createBus();
  subscribe("a", () => {}, { label: "fine" });
  subscribe("a", () => { throw new Error("no"); }, { label: "bad" });
  subscribe("$bus.error", () => {});
  for (let at = 0; at < 8; at += 1) publish("a");
  const counted = stats();
  publish("a");
  publish("b");
  counted.stop();
  publish("a");
  assert.deepEqual(counted.topics().a, { events: 1, deliveries: 2 });
  assert.deepEqual(counted.topics().b, { events: 1, deliveries: 0 });
  assert.equal(counted.handlers().bad.failures, 1);
  assert.equal(counted.handlers().fine.calls, 1);
});

test("a signal ends subscriptions, and an aborted one starts none", () => {
  const { subscribe, publish } = createBus();
  const controller = new AbortController();
  const heard = [];
  subscribe("a", (data) => heard.push(data), { signal: controller.signal });
  publish("a", 1);
  controller.abort();
  subscribe("a", (data) => heard.push(data), { signal: controller.signal });
  publish("a", 2);
  assert.deepEqual(heard, [1]);
});

test("on a bus that freezes payloads, a handler that changes one fails", () => {
  const { subscribe, publish } = createBus({ freeze: true });
  const errors = [];
  subscribe("$bus.error", ({ cause }) => errors.push(cause.constructor.name));
  subscribe("a", (data) => { data.list.push(1); });
  publish("a", { list: [] });
  assert.deepEqual(errors, ["TypeError"]);
});

test("copies of the package share the bus of a name", async () => {
  const copy = await import("event-driven-kit/slim");
  const { readFileSync } = await import("node:fs");
  copy.loadSync(readFileSync(new URL(import.meta.resolve("event-driven-kit/event_driven_kit.wasm"))));
  const heard = [];
  createSingleton("shared by copies").subscribe("a", (data) => heard.push(data));
  copy.createSingleton("shared by copies").publish("a", 1);
  assert.deepEqual(heard, [1]);
});
