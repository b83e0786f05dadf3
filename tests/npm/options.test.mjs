// Checks of options: a table of valid and invalid values for each.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus, createSingleton } from "event-driven-kit";
import { createTextKit } from "event-driven-kit/chat";

const NO_COUNTS = [0, -1, 1.5, NaN, Infinity, 2 ** 32, 2 ** 32 + 2, "1", null, true, {}, 1n];
const NO_TIMES = [-1, NaN, -Infinity, "1", null, true, {}, 1n];
const NO_WORDS = [5, null, true, {}, [], Symbol("a"), "a\ud800"];
const NO_BOOLEANS = [0, 1, "yes", null, {}];
const NO_SIGNALS = [5, true, "abort", {}];
const position = { offset: "1", epoch: "18446744073709551615" };

const subscribe = (name, base) => (bus, value) => bus.subscribe("a", () => {}, { ...base, [name]: value });
const record = (name) => (bus, value) => bus.record(">", { [name]: value });

/** The option's name in errors, a use of it, its invalid values, and its valid ones. */
const OPTIONS = [
  ["priority", subscribe("priority"), [2 ** 31, -(2 ** 31) - 1, 1.5, NaN, Infinity, "1", null, 1n], [2 ** 31 - 1, -(2 ** 31)]],
  ["label", subscribe("label"), NO_WORDS, ["", "🙂"]],
  ["group", subscribe("group"), NO_WORDS, ["workers"]],
  ["balance", subscribe("balance", { group: "a" }), ["random", 5, null, { by: "key" }], ["least-pending", { by: String }]],
  ["queue", subscribe("queue"), NO_COUNTS, [1, 2 ** 32 - 1]],
  ["overflow", subscribe("overflow", { queue: 1 }), ["drop", 5, null, {}, { conflate: "key" }], ["wait", { conflate: String }]],
  ["batch", subscribe("batch"), [-1, NaN, Infinity, "second", null, true, {}, []], [0, 2 ** 40, "frame", "microtask", { count: 2 }]],
  ["ms", (bus, ms) => bus.subscribe("a", () => {}, { batch: { ms } }), [-1, NaN, Infinity, "1", null], [0, "frame"]],
  ["count", (bus, count) => bus.subscribe("a", () => {}, { batch: { count } }), NO_COUNTS, [1]],
  ["echo", subscribe("echo"), NO_BOOLEANS, [true, false]],
  ["replay", subscribe("replay"), NO_BOOLEANS, [true, false]],
  ["signal", subscribe("signal"), NO_SIGNALS, [null, undefined, new AbortController().signal]],
  ["signal", (bus, signal) => bus.use("a", () => {}, { signal }), NO_SIGNALS, [null]],
  ["signal", (bus, signal) => bus.retain("a", { signal }), NO_SIGNALS, [null]],
  ["capacity", (bus, capacity) => bus.topic("a", { capacity }), NO_COUNTS, [1]],
  ["capacity", record("capacity"), NO_COUNTS, [1]],
  ["events", (bus, events) => bus.retain("a", { events }), NO_COUNTS, [1, 2 ** 32 - 1]],
  ["topics", (bus, topics) => bus.retain("a", { topics }), NO_COUNTS, [1]],
  ["atMost", (bus, atMost) => bus.stats({ atMost }).stop(), NO_COUNTS, [1]],
  ["expiresInMs", (bus, expiresInMs) => bus.publish("a", 1, { expiresInMs }), NO_TIMES, [0, 2 ** 60, Infinity]],
  ["wait", (bus, wait) => bus.publish("a", 1, { wait }), NO_BOOLEANS, [true, false]],
  ["freeze", (_, freeze) => createBus({ freeze }), NO_BOOLEANS, [true, false]],
  ["url", (bus, url) => bus.connect({ url }), [undefined, 5, null, {}], []],
  ["identity", (bus, identity) => bus.connect({ url: "x", identity }), NO_WORDS, []],
  ["storage", (bus, storage) => bus.connect({ url: "x", storage }), ["disk", 5, null], []],
  ["credentials", (bus, credentials) => bus.connect({ url: "x", credentials }), ["token", null, {}], []],
  ["certify", (bus, certify) => bus.connect({ url: "x", certify }), ["token", null, {}], []],
  ["trust", (bus, trust) => bus.connect({ url: "x", trust }), ["issuer", null, {}, { issuers: "a" }], []],
  ["rules", (bus, rules) => bus.connect({ url: "x", rules }), ["a", 5, null, {}], []],
  ...["pattern", "direction", "durable", "signed", "from", "window"].map((name) => [
    name,
    (bus, value) => bus.connect({ url: "x", rules: [{ pattern: "a", [name]: value }] }),
    { direction: ["up", 5, null], durable: NO_BOOLEANS, signed: NO_BOOLEANS, window: [5, "a", null] }[name] ??
      (name === "from" ? ["now", 5, null, {}, { last: -1 }, { last: 1.5 }, { last: Infinity }, { last: 2 ** 53 }] : [5, null, {}]),
    [],
  ]),
  ...["events", "bytes"].map((name) => [
    name,
    (bus, value) => bus.connect({ url: "x", rules: [{ pattern: "a", window: { [name]: value } }] }),
    NO_COUNTS,
    [],
  ]),
];

/** The same for functions that return promises. */
const PROMISED = [
  ["timeout", (bus, timeout) => bus.request("a", 1, { timeout }), NO_TIMES, [0, 2 ** 31, Infinity]],
  ["signal", (bus, signal) => bus.request("a", 1, { signal }), NO_SIGNALS, [null]],
  ["speed", (bus, speed) => bus.play("", { speed }), [0, -1, NaN, "1", null, {}], [0.5, Infinity]],
  ["signal", (bus, signal) => bus.play("", { signal }), NO_SIGNALS, [null]],
];

const illegal = (name) => ({ code: "illegal_argument", message: new RegExp(name) });

test("an invalid option is refused by its name, before anything happens", async () => {
  for (const [name, use, bad, good] of OPTIONS) {
    for (const value of bad) {
      const bus = createBus();
      assert.throws(() => use(bus, value), illegal(name), `${name}: ${String(value)}`);
      assert.equal(bus.stats().subscriptions, 0, `${name}: ${String(value)}`);
    }
    for (const value of good) use(createBus(), value);
  }
  for (const [name, use, bad, good] of PROMISED) {
    const bus = createBus();
    bus.respond("a", () => {});
    for (const value of bad) await assert.rejects(use(bus, value), illegal(name), `${name}: ${String(value)}`);
    for (const value of good) await use(bus, value);
  }
});

test("options that do not work together are refused, not ignored", () => {
  const bus = createBus();
  for (const [one, other] of [
    [{ replay: true }, { queue: 1 }],
    [{ replay: true }, { group: "workers" }],
    [{ echo: true }, { queue: 1 }],
    [{ echo: true }, { group: "workers" }],
    [{ queue: 1 }, { batch: "microtask" }],
  ]) {
    const name = new RegExp(`${Object.keys(one)}.*${Object.keys(other)}`);
    const use = () => bus.subscribe("a", () => {}, { ...one, ...other });
    assert.throws(use, { code: "illegal_argument", message: name });
  }
  assert.equal(bus.stats().subscriptions, 0);
  bus.subscribe("a", () => {}, { replay: false, echo: false, queue: 1, group: "workers" });
});

test("options must be an object, and each is read once", () => {
  const bus = createBus();
  for (const options of [null, 5, "a", true]) {
    for (const use of [
      () => createBus(options),
      () => bus.subscribe("a", () => {}, options),
      () => bus.topic("a", options),
      () => bus.retain("a", options),
      () => bus.record("a", options),
      () => bus.stats(options),
      () => bus.connect(options),
    ]) {
      assert.throws(use, { code: "illegal_argument" });
    }
  }
  let reads = 0;
  bus.subscribe("a", () => {}, {
    get queue() {
      reads += 1;
      return reads === 1 ? 1 : -1;
    },
  });
  assert.equal(reads, 1);
});

test("only strings are topics, even if the text of another value is known", async () => {
  const bus = createBus();
  const heard = [];
  bus.subscribe("5", (data, { topic }) => heard.push(typeof topic));
  for (let round = 0; round < 8; round += 1) bus.publish("5", 1);
  for (const topic of [5, new String("5"), ["5"], { toString: () => "5" }, Symbol("5"), null, undefined, 5n]) {
    for (const use of [bus.publish, (topic) => bus.subscribe(topic, () => {}), (topic) => bus.publish(topic, 1, { wait: true })]) {
      assert.throws(() => use(topic, 1), { code: "illegal_argument" });
    }
    await assert.rejects(bus.request(topic, 1), { code: "illegal_argument" });
  }
  assert.deepEqual(heard, Array(8).fill("string"));
});

test("topics with a lone surrogate are refused, also inside a handler", async () => {
  const bus = createBus();
  const heard = [];
  bus.subscribe("a.\ufffd", (data) => heard.push(data));
  const codes = [];
  bus.subscribe("outer", () => {
    try {
      bus.publish("a.\ud800", "inner");
    } catch ({ code }) {
      codes.push(code);
    }
  });
  bus.publish("outer");
  assert.deepEqual(codes, ["illegal_topic"]);
  for (const topic of ["a.\ud800", "a.\udc00", "\ud801.b", "\udc00\ud800"]) {
    for (let round = 0; round < 4; round += 1) {
      assert.throws(() => bus.publish(topic, 1), { code: "illegal_topic" });
    }
    for (const use of [bus.subscribe, bus.once, bus.on, bus.respond, bus.use]) {
      assert.throws(() => use(topic, () => {}), { code: "illegal_topic" });
    }
    for (const use of [bus.retain, bus.topic, bus.record]) assert.throws(() => use(topic), { code: "illegal_topic" });
    await assert.rejects(bus.request(topic), { code: "illegal_topic" });
  }
  for (let round = 0; round < 4; round += 1) bus.publish("a.\ufffd", "meant");
  bus.publish("🙂", 1);
  assert.deepEqual(heard, Array(4).fill("meant"));
  assert.throws(() => createSingleton("\ud800"), { code: "illegal_argument" });
  await assert.rejects(createTextKit({ room: "\ud800", sender: "A", bus }).sendText("hi"), { code: "illegal_topic" });
});

test("times beyond the range of timers work, and Infinity never ends", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const DAY = 86_400_000;
  const { request, respond, subscribe, publish, play } = createBus();
  respond("never", () => new Promise(() => {}));
  const ended = [];
  request("never", 1, { timeout: Infinity }).catch(({ code }) => ended.push(`never ${code}`));
  request("never", 1, { timeout: 2 ** 31 }).catch(({ code }) => ended.push(`25 days ${code}`));
  request("never", 1, { timeout: 100 * DAY }).catch(({ code }) => ended.push(`100 days ${code}`));
  subscribe("a", (all) => ended.push(`batch ${all}`), { batch: { ms: 2 ** 31 } });
  publish("a", 1);
  const lines = [0, 40 * DAY].map((elapsed) => JSON.stringify({ type: "b", data: elapsed, elapsed })).join("\n");
  subscribe("b", (data) => ended.push(`played ${data}`));
  play(lines);
  /** Advances the time, and runs what it causes. */
  async function pass(days) {
    for (let day = 0; day < days; day += 1) {
      t.mock.timers.tick(DAY);
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
    return ended.splice(0).sort();
  }
  assert.deepEqual(await pass(24), ["played 0"]);
  assert.deepEqual(await pass(2), ["25 days timeout", "batch 1"]);
  assert.deepEqual(await pass(15), [`played ${40 * DAY}`]);
  assert.deepEqual(await pass(60), ["100 days timeout"]);
});
