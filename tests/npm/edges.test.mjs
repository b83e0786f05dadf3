// Edge cases of features: signals, verdicts, counters, frozen payloads, recordings, payloads of another realm.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import vm from "node:vm";

import { createBus } from "event-driven-kit";
import { createTextKit } from "event-driven-kit/chat";

import { fit, unfit } from "./payloads.mjs";

test("`off` skips a handler whose signal has aborted", () => {
  const { on, off, publish } = createBus();
  const controller = new AbortController();
  const heard = [];
  const handler = (data) => void heard.push(data);
  on("a", handler, { signal: controller.signal });
  controller.abort();
  on("a", handler, { signal: controller.signal });
  on("a", handler);
  off("a", handler);
  publish("a", 1);
  const dispose = on("a", handler);
  on("a", handler);
  dispose();
  dispose();
  off("a", handler);
  publish("a", 2);
  on("a", handler);
  on("a", () => {});
  off("a");
  publish("a", 3);
  assert.deepEqual(heard, []);
});

test("subscriptions that share a signal share one listener, which is removed with the last of them", async () => {
  const bus = createBus();
  const controller = new AbortController();
  const { signal } = controller;
  const warnings = [];
  process.on("warning", (warning) => warnings.push(warning.name));
  const ends = [];
  const heard = [];
  for (let at = 0; at < 20; at += 1) {
    ends.push(bus.subscribe("a", () => void heard.push(at), { signal }));
    ends.push(bus.on("a", () => {}, { signal }), bus.use("b", () => {}, { signal }), bus.retain("c", { signal }));
  }
  assert.equal(getEventListeners(signal, "abort").length, 1);
  for (const end of ends.splice(0, ends.length - 4)) end();
  bus.publish("a");
  assert.deepEqual(heard, [19]);
  controller.abort();
  bus.publish("a");
  assert.deepEqual(heard, [19]);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  await sleep(1);
  assert.deepEqual(warnings, []);
});

test("an observable completes once when its signal aborts, and not when it is unsubscribed", () => {
  const { topic, publish } = createBus();
  const controller = new AbortController();
  const { signal } = controller;
  const calls = [];
  const observe = (name) => {
    const observable = topic("a", { signal })[Symbol.observable ?? "@@observable"]();
    return observable.subscribe({ next: ({ data }) => calls.push(`${name} ${data}`), complete: () => calls.push(`${name} ends`) });
  };
  const one = observe("one");
  observe("two").unsubscribe();
  topic("a", { signal })[Symbol.observable ?? "@@observable"]().subscribe(() => {}, undefined, () => calls.push("function ends"));
  publish("a", 1);
  controller.abort();
  one.unsubscribe();
  publish("a", 2);
  observe("late");
  assert.deepEqual(calls, ["one 1", "one ends", "function ends", "late ends"]);
});

test("an invalid verdict of an interceptor lets the event pass, and a promise is an error at the first call", () => {
  for (const verdict of [undefined, null, false, true, 0, "no", {}, [], { drop: false }, { deny: undefined }, Symbol("a")]) {
    const { use, subscribe, publish } = createBus();
    const heard = [];
    use("a", () => verdict);
    subscribe("a", (data) => heard.push(data));
    for (let round = 0; round < 3; round += 1) publish("a", round);
    assert.deepEqual(heard, [0, 1, 2], String(verdict));
  }
  for (const interceptor of [async () => undefined, async () => { throw new Error("late"); }, () => ({ then() {} })]) {
    const { use, subscribe, publish } = createBus();
    const heard = [];
    use("a", interceptor);
    subscribe("a", (data) => heard.push(data));
    assert.throws(() => publish("a", 1), { code: "denied", message: /promise/ });
    assert.deepEqual(heard, []);
  }
});

test("several counters count independently, and a rejected promise counts as a failure", async () => {
  const { subscribe, publish, stats } = createBus();
  subscribe("$bus.error", () => {});
  subscribe("a", async () => { throw new Error("no"); }, { label: "rejects" });
  subscribe("a", () => { throw new Error("no"); }, { label: "throws" });
  subscribe("a", async () => { throw new Error("no"); }, { label: "queued", queue: 3 });
  subscribe("a", () => ({ then: (_, reject) => reject(new Error("no")) }), { label: "thenable" });
  const first = stats();
  publish("a");
  const second = stats();
  assert.deepEqual([first.subscriptions, second.subscriptions], [5, 5]);
  publish("a");
  await sleep(5);
  const failures = ({ handlers }) =>
    Object.entries(handlers()).filter(([label]) => label !== "$bus.error").map(([label, { calls, failures }]) => [label, calls, failures]);
  const labels = ["rejects", "throws", "queued", "thenable"];
  assert.deepEqual(failures(first).sort(), labels.map((label) => [label, 2, 2]).sort());
  assert.deepEqual(failures(second).sort(), labels.map((label) => [label, label === "queued" ? 2 : 1, label === "queued" ? 2 : 1]).sort());
  second.stop();
  publish("a");
  assert.equal(second.topics().a.events, 1);
  assert.equal(first.topics().a.events, 3);
  first.stop();
  assert.equal(first.subscriptions, 5);
});

test("freezing is deep and never throws", () => {
  const { publish, subscribe } = createBus({ freeze: true });
  let heard = 0;
  subscribe("a", () => void (heard += 1));
  const secret = Symbol("secret");
  const shared = { inner: {} };
  const cycle = { shared };
  cycle.self = cycle;
  const deep = {};
  let last = deep;
  for (let level = 0; level < 20_000; level += 1) last = last.next = {};
  const payloads = [
    [Object.freeze({ inner: {} }), (it) => it.inner],
    [{ [secret]: {} }, (it) => it[secret]],
    [new Map([["a", { inner: {} }]]), (it) => it.get("a").inner],
    [new Map([[{ key: {} }, 1]]), (it) => [...it.keys()][0].key],
    [new Set([{ inner: {} }]), (it) => [...it][0].inner],
    [Object.defineProperty({}, "hidden", { value: {} }), (it) => it.hidden],
    [[[[{}]]], (it) => it[0][0][0]],
    [cycle, (it) => it.shared.inner],
    [deep, () => last],
    [{ get broken() { throw new Error("no"); }, inner: {} }, (it) => it.inner],
    [{ bytes: new Uint8Array(3), view: new DataView(new ArrayBuffer(1)), inner: {} }, (it) => it.inner],
    [new Proxy({}, { ownKeys() { throw new Error("no"); } }), () => null],
    [vm.runInNewContext("new Map([[1, {}]])"), (it) => it.get(1)],
    [null, Object.freeze],
    ["text", Object.freeze],
  ];
  for (const [payload, inner] of payloads) {
    publish("a", payload);
    assert.ok(Object.isFrozen(inner(payload)));
  }
  assert.equal(heard, payloads.length);
});

test("bytes of any view are recorded and played as bytes, and an absent payload stays absent", async () => {
  const { record, publish } = createBus();
  const recording = record();
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const payloads = [
    [new Uint8Array(), []],
    [bytes, [1, 2, 3, 4]],
    [bytes.buffer, [1, 2, 3, 4]],
    [bytes.subarray(1, 3), [2, 3]],
    [new DataView(bytes.buffer, 1, 2), [2, 3]],
    [new Uint16Array(bytes.buffer), [1, 2, 3, 4]],
    [vm.runInNewContext("new Uint8Array([7])"), [7]],
    [vm.runInNewContext("new Uint8Array([7]).buffer"), [7]],
  ];
  for (const [payload] of payloads) publish("a", payload);
  publish("a");
  publish("a", null);
  const { subscribe, play } = createBus();
  const heard = [];
  subscribe("a", (data) => heard.push(data));
  await play(recording.lines(), { speed: Infinity });
  const expected = payloads.map(([, bytes]) => new Uint8Array(bytes));
  assert.deepEqual(heard, [...expected, undefined, null]);
});

test("a payload that JSON cannot represent is counted as dropped and not recorded", () => {
  const { record, publish } = createBus();
  const recording = record();
  for (const payload of unfit) publish("a", payload);
  assert.deepEqual([recording.lines(), recording.dropped], [[], unfit.length]);
  for (const payload of fit) publish("a", payload);
  assert.equal(recording.lines().length, fit.length);
});

test("the error of an invalid line in a recording names the line", async () => {
  const { play } = createBus();
  const fine = '{"type":"a","data":1}';
  for (const line of ["nonsense", "{}", "null", "7", '{"type":5}', '{"type":"a","data_base64":"?"}', '{"type":"a\\ud800"}']) {
    await assert.rejects(play([fine, line]), { code: "illegal_recording", message: /^line 2 / });
  }
});

test("a time that RFC 3339 cannot represent is left out", async (t) => {
  for (const [time, expected] of [
    [0, "1970-01-01T00:00:00.000Z"],
    [-1, "1969-12-31T23:59:59.999Z"],
    [Date.UTC(9999, 11, 31, 23, 59, 59, 999), "9999-12-31T23:59:59.999Z"],
    [Date.UTC(10_000, 0), undefined],
    [-62_167_219_200_001, undefined],
    [8.64e15, undefined],
    [8.64e15 + 1, undefined],
    [NaN, undefined],
  ]) {
    t.mock.method(Date, "now", () => time);
    const { subscribe, publish } = createBus();
    const events = [];
    subscribe("a", (data, event) => void events.push(event.toCloudEvent()));
    publish("a", 1);
    assert.equal(events[0].time, expected);
    t.mock.restoreAll();
  }
});

test("batches per frame also work where nothing is drawn", async () => {
  const { subscribe, publish } = createBus();
  const heard = [];
  subscribe("$bus.error", ({ cause }) => heard.push(cause));
  subscribe("a", (all) => heard.push(all), { batch: "frame" });
  publish("a", 1);
  publish("a", 2);
  await sleep(50);
  assert.deepEqual(heard, [[1, 2]]);
});

test("a batch per frame does not wait for the next frame of a hidden page, which never comes", async () => {
  const { requestAnimationFrame, cancelAnimationFrame } = globalThis;
  const frames = new Map();
  globalThis.requestAnimationFrame = (draw) => frames.set(frames.size, draw).size - 1;
  globalThis.cancelAnimationFrame = (frame) => void frames.set(frame, undefined);
  const { subscribe, publish } = createBus();
  const heard = [];
  subscribe("a", (all) => heard.push(all), { batch: "frame" });
  publish("a", 1);
  await sleep(150);
  publish("a", 2);
  // The former batch's frame is cancelled, so that it does not end this one.
  frames.get(0)?.();
  assert.deepEqual(heard, [[1]]);
  frames.get(1)();
  assert.deepEqual(heard, [[1], [2]]);
  Object.assign(globalThis, { requestAnimationFrame, cancelAnimationFrame });
});

test("a batch is delivered at 1024 events, whatever its interval", () => {
  const { subscribe, publish } = createBus();
  const heard = [];
  const stop = subscribe("a", (all) => heard.push(all.length), { batch: 2 ** 40 });
  for (let at = 0; at < 2500; at += 1) publish("a", at);
  stop();
  assert.deepEqual(heard, [1024, 1024]);
});

test("publishing with `wait` returns a promise, even if nothing has to wait", async () => {
  const { subscribe, publish } = createBus();
  subscribe("a", () => {});
  for (let round = 0; round < 4; round += 1) assert.equal(await publish("a", 1, { wait: true }).then(String), "undefined");
});

test("a message that cannot be published rejects, even if its failure cannot be reported", async () => {
  for (const room of ["x".repeat(300), "\u{1f642}".repeat(80)]) {
    const kit = createTextKit({ room, sender: "A", bus: createBus() });
    await assert.rejects(kit.sendText("hi"), { code: "illegal_topic", id: "" });
  }
  const bus = createBus();
  bus.use(">", () => ({ deny: "closed" }));
  await assert.rejects(createTextKit({ room: "a", sender: "A", bus }).sendText("hi"), { code: "denied" });
});

test("a stored message does not fail because its success event is denied", async () => {
  const bus = createBus();
  bus.use("chat.*.TEXT_SUCCESS", () => ({ deny: "quiet" }));
  const kit = createTextKit({ room: "a", sender: "A", bus });
  const failed = [];
  kit.on("TEXT_ERROR", (error) => failed.push(error));
  assert.equal((await kit.sendText("hi")).offset, "0");
  assert.deepEqual(failed, []);
  for (const flushEvery of [-1, NaN, Infinity, "1", null]) {
    assert.throws(() => createTextKit({ room: "a", sender: "A", bus, flushEvery }), { code: "illegal_argument" });
  }
});
