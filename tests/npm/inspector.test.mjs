// The inspector: what developer tools ask of a bus, recordings that keep where events were, and sealed buses.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus } from "event-driven-kit";
import { inspection } from "event-driven-kit/inspector";

test("an inspection shows each turn, what has caused it and its calls, until it is stopped", () => {
  const bus = createBus();
  bus.subscribe("$bus.error", () => {});
  bus.subscribe("a", () => void bus.publish("b", 2), { label: "relay" });
  bus.subscribe("b", () => { throw new Error("no milk"); }, { label: "bad" });
  const seen = [];
  const stop = inspection(bus).observe({
    turn: ({ topic, stage, data, cause }) => seen.push([topic, stage, topic === "$bus.error" ? data.label : data, cause]),
    called: (label, micros, failed) => seen.push([label, micros >= 0, failed]),
  });
  bus.publish("a", 1);
  assert.deepEqual(seen, [
    ["a", "local", 1, undefined],
    ["relay", true, false],
    ["b", "local", 2, "relay"],
    ["bad", true, true],
    ["$bus.error", "local", "bad", "bad"],
    ["$bus.error", true, false],
  ]);
  stop();
  bus.publish("a", 1);
  assert.equal(seen.length, 6);
});

test("an inspection and stats see the same events, and each goes on without the other", () => {
  const bus = createBus();
  let turns = 0;
  bus.subscribe("a", () => {}, { label: "one" });
  const stop = inspection(bus).observe({ turn: () => (turns += 1) });
  const stats = bus.stats();
  bus.publish("a");
  stop();
  bus.publish("a");
  assert.deepEqual([turns, stats.handlers().one.calls], [1, 2]);
  const again = inspection(bus).observe({ turn: () => (turns += 1) });
  stats.stop();
  bus.publish("a");
  assert.deepEqual([turns, stats.handlers().one.calls], [2, 2]);
  again();
});

test("stats report percentiles of the handlers' times", () => {
  const { subscribe, publish, stats } = createBus();
  let slow = false;
  subscribe("a", () => {
    for (const end = performance.now() + (slow ? 8 : 0); performance.now() < end; );
  });
  const counted = stats();
  for (let at = 0; at < 15; at += 1) publish("a");
  slow = true;
  publish("a");
  const { p50, p95, ms } = counted.handlers().a;
  assert.ok(p50 < 4 && p95 >= 8 && ms >= 8, `p50 ${p50}, p95 ${p95}, all ${ms}`);
});

test("all subscriptions are listed with their queues", async () => {
  const bus = createBus();
  let go;
  bus.subscribe("a.*", () => {}, { label: "first", priority: 7 });
  bus.subscribe("a.b", () => new Promise((resolve) => (go = resolve)), { queue: 2, overflow: "drop-newest" });
  for (let at = 0; at < 4; at += 1) bus.publish("a.b", at);
  const [first, queue] = inspection(bus).subscriptions();
  assert.deepEqual([first.pattern, first.label, first.priority, first.pending], ["a.*", "first", 7, undefined]);
  assert.deepEqual([queue.pattern, queue.pending, queue.dropped], ["a.b", 2, 2]);
  const documented = ["pattern", "label", "priority", "inGroup", "serves", "pending", "dropped"];
  assert.deepEqual(Object.keys(queue), documented);
  assert.deepEqual(inspection(bus).links(), []);
  await new Promise((resolve) => setTimeout(resolve, 0));
  go();
});

test("a recording is delivered on a sealed bus as it was, which no link leaves", async () => {
  const place = { stream: "main", epoch: "7", offset: "12" };
  const line = (more) => JSON.stringify({ specversion: "1.0", id: "1", source: "/clients/7", time: "2026-11-30T12:00:00Z", ...more });
  const lines = [
    line({ type: "chat.a", stage: "queued", data: "hi" }),
    line({ type: "chat.a", stage: "stored", stream: "main", epoch: "7", sequence: "12", authid: "ann", data: "hi" }),
    line({ type: "$bus.link", stage: "local", source: "/", data: { state: "online" } }),
    line({ type: "chat.a", stage: "rejected", code: "too_large", reason: "it is too long", data: "long" }),
  ];
  const bus = createBus({ sealed: true });
  assert.throws(() => bus.connect({ url: "ws://127.0.0.1:9/ws" }), { code: "sealed" });
  const heard = [];
  const see = (data, { topic, delivery, id, source, account, time }) => void heard.push({ topic, data, delivery, id, source, account, time });
  bus.subscribe("chat.*", see, { echo: true });
  bus.subscribe("$bus.link", see);
  await bus.play(lines, { speed: Infinity });
  const time = Date.parse("2026-11-30T12:00:00Z");
  const of = { id: "1", source: "/clients/7", account: undefined, time };
  assert.deepEqual(heard, [
    { topic: "chat.a", data: "hi", delivery: { status: "queued" }, ...of },
    { topic: "chat.a", data: "hi", delivery: { status: "stored", position: place }, ...of, account: "ann" },
    { topic: "$bus.link", data: { state: "online" }, delivery: { status: "local" }, ...of, source: "" },
    { topic: "chat.a", data: "long", delivery: { status: "rejected", code: "too_large", message: "it is too long" }, ...of },
  ]);

  // A bus that is not sealed publishes what was published, and nothing else.
  const other = createBus();
  const published = [];
  other.subscribe(">", (data, { topic, source }) => void published.push([topic, data, source]));
  await other.play(lines, { speed: Infinity });
  assert.deepEqual(published, [["chat.a", "hi", ""]]);
  assert.throws(() => inspection(other).deliver({ topic: "a", stage: "local", data: 1 }), /only a sealed bus/);
});

test("a recording keeps how its events were delivered", async () => {
  const bus = createBus({ sealed: true });
  const recording = bus.record();
  const line = { specversion: "1.0", type: "a", id: "1", source: "/x", stage: "stored", stream: "s", epoch: "1", sequence: "2", data: 1 };
  await bus.play(JSON.stringify(line));
  const { stage, stream, epoch, sequence } = JSON.parse(recording.lines()[0]);
  assert.deepEqual([stage, stream, epoch, sequence], ["stored", "s", "1", "2"]);
});

test("an event of a recording that a sealed bus does not deliver says why", async () => {
  const bus = createBus({ sealed: true });
  await assert.rejects(bus.play('{"type":"a..b","data":1}'), { code: "illegal_topic", message: /^invalid topic: / });
  // Inside a handler all events wait.
  let played;
  bus.subscribe("go", () => void (played = bus.play(Array(65_537).fill('{"type":"a","data":1}'), { speed: Infinity })));
  bus.publish("go");
  await assert.rejects(played, { code: "queue_full", message: /events published inside handlers are waiting/ });
});

test("an event that a sealed bus has no room for is not delivered in silence, whatever its stage", () => {
  const bus = createBus({ sealed: true });
  const { deliver } = inspection(bus);
  const reasons = [];
  bus.subscribe("go", () => {
    for (let at = 0; at < 65_536; at += 1) bus.publish("a");
    for (const [topic, stage] of [["a", "local"], ["a", "queued"], ["a", "stored"], ["$bus.link", "local"]]) {
      try {
        deliver({ topic, stage });
      } catch (error) {
        reasons.push(error.message);
      }
    }
  });
  bus.publish("go");
  assert.deepEqual(reasons, Array(4).fill("65,536 events published inside handlers are waiting: does a handler publish to itself?"));
  assert.throws(() => deliver({ topic: "a..b", stage: "local" }), { message: /^invalid topic: / });
  deliver({ topic: "a", stage: "local" });
});
