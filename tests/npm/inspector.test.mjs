// The inspector: what developer tools ask of a bus, recordings that keep where events were, sealed buses, and the element in
// a page.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { createBus } from "event-driven-kit";
import { inspection } from "event-driven-kit/inspector";

import { eventually, openBrowser } from "./browser.mjs";
import { serve } from "./site.mjs";

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
  assert.equal(inspection(other).deliver({ topic: "a", stage: "local", data: 1 }), false);
});

test("a recording keeps how its events were delivered", async () => {
  const bus = createBus({ sealed: true });
  const recording = bus.record();
  const line = { specversion: "1.0", type: "a", id: "1", source: "/x", stage: "stored", stream: "s", epoch: "1", sequence: "2", data: 1 };
  await bus.play(JSON.stringify(line));
  const { stage, stream, epoch, sequence } = JSON.parse(recording.lines()[0]);
  assert.deepEqual([stage, stream, epoch, sequence], ["stored", "s", "1", "2"]);
});

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A page</title>
<script type="module" src="./app.mjs"></script>
<p id="page">hello</p>
`;

const APP = `
import { createBus } from "/node_modules/event-driven-kit/browser.js";
const bus = createBus();
bus.subscribe("greeting.*", () => void bus.publish("answer", "hi"), { label: "greeter" });
bus.subscribe("bad", () => { throw new Error("no milk"); });
bus.subscribe("$bus.error", () => {});
globalThis.bus = bus;
globalThis.openInspector = async () => {
  const { inspect } = await import("/node_modules/event-driven-kit/inspector.js");
  globalThis.closeInspector = inspect(bus);
};
`;

test("the element shows flow, topics, subscribers and causes in a page with a strict policy", async (t) => {
  const site = await serve(import.meta.dirname);
  t.after(() => site.close());
  const folder = join(import.meta.dirname, "inspector");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(join(folder, "app.mjs"), APP);
  const browser = await openBrowser();
  t.after(() => browser.close());
  await browser.open(`${site.url}/inspector/index.html`);
  await eventually("the bus", () => browser.run(() => globalThis.bus !== undefined));
  const loaded = () => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("inspector.js"));
  assert.equal(await browser.run(loaded), false, "its file is not loaded before it is opened");
  await browser.run(() => globalThis.openInspector());
  await browser.run(() => void globalThis.bus.publish("greeting.world", { at: 2 }));
  const shown = () => document.querySelector("event-inspector").shadowRoot.querySelector("#panel").innerText;
  const says = (what, ...parts) =>
    eventually(what, async () => {
      const text = await browser.run(shown);
      return parts.every((part) => text.includes(part));
    });
  const choose = (name) =>
    browser.run((name) => document.querySelector("event-inspector").shadowRoot.querySelector(`#tab-${name}`).click(), name);
  await says("the flow", "greeting.world", '{"at":2}', "answer", "greeter");
  await browser.run(() => {
    for (let at = 0; at < 5; at += 1) globalThis.bus.publish("bad");
  });
  await says("the failures", "$bus.error ×5");
  await choose("Topics");
  await says("the topics", "greeting.world", "answer");
  await choose("Subscribers");
  await says("the subscribers", "greeter", "greeting.*");
  await choose("Causes");
  await says("the causes", "greeter", "answer");
  await choose("Link");
  await says("the link", "none");
  await browser.run(() => globalThis.closeInspector());
  assert.equal(await browser.run(() => document.querySelector("event-inspector")), null);
  assert.deepEqual(await browser.complaints(), []);
});
