// The npm package as a user has it: packed, installed into an empty project, and imported in Node.
// `cargo xtask npm` copies this file into that project and runs it there.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { brotliCompressSync, constants } from "node:zlib";

import { createSingleton } from "event-driven-kit";

const installed = new URL("./node_modules/event-driven-kit/", import.meta.url);

test("an event reaches the subscribers of its topic, also through destructured functions", () => {
  const { subscribe, publish } = createSingleton("delivery");
  const heard = [];
  subscribe("orders.*.created", (data, event) => heard.push([event.topic, data]));
  assert.equal(publish("orders.eu.created", { id: 1, emoji: "🦀" }), undefined);
  publish("orders.eu.cancelled", { id: 1 });
  assert.deepEqual(heard, [["orders.eu.created", { id: 1, emoji: "🦀" }]]);
});

test("a disposed subscription gets no events", () => {
  const { subscribe, publish } = createSingleton("disposal");
  const heard = [];
  const dispose = subscribe("news", (data) => heard.push(data));
  publish("news", 1);
  dispose();
  publish("news", 2);
  assert.deepEqual(heard, [1]);
});

test("each name has its own bus", () => {
  const heard = [];
  createSingleton("shared").subscribe("news", (data) => heard.push(data));
  createSingleton("shared").publish("news", "here");
  createSingleton("apart").publish("news", "elsewhere");
  assert.deepEqual(heard, ["here"]);
});

test("a handler that throws stops no other, and is reported on $bus.error", () => {
  const { subscribe, publish } = createSingleton("isolation");
  const heard = [];
  const failures = [];
  subscribe("$bus.error", (failure) => failures.push(failure));
  subscribe("news", () => {
    throw new Error("broken on purpose");
  });
  subscribe("news", (data) => heard.push(data));
  publish("news", 1);
  assert.deepEqual(heard, [1]);
  assert.equal(failures.length, 1);
  assert.equal(failures[0].topic, "news");
  assert.match(String(failures[0].message), /broken on purpose/);
});

test("publishing to an invalid topic throws", () => {
  const { publish } = createSingleton("illegal");
  assert.throws(() => publish("news.*", 1), Error);
  assert.throws(() => publish("", 1), Error);
});

test("package.json names the types, and they exist", () => {
  const description = JSON.parse(readFileSync(new URL("package.json", installed), "utf8"));
  const root = description.exports?.["."] ?? {};
  const types = description.types ?? root.types;
  assert.ok(types, "package.json names no types");
  assert.ok(existsSync(new URL(types, installed)), `${types} is missing`);
});

test("a page loads the code of keys only when it uses them", async () => {
  const read = (name) => readFileSync(new URL(name, installed), "utf8");
  const isOfKeys = (name) => read(name).includes("edk-cert");
  assert.ok(isOfKeys("keys.js"));
  assert.ok(!isOfKeys("event_driven_kit.js") && !isOfKeys("browser.js"));
  assert.match(read("event_driven_kit.js"), /import\("\.\/keys\.js"\)/);
  // Bundles have it, so that they need no other file.
  for (const name of ["index.js", "index.cjs", "slim.cjs"]) assert.ok(isOfKeys(name), name);
});

test("the README states the size that a page loads", () => {
  const read = (name) => readFileSync(new URL(name, installed));
  const loaded = ["browser.js", "event_driven_kit.js", "event_driven_kit_bg.wasm"].map((name) => {
    const bytes = read(name);
    return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length;
  });
  const kilobytes = loaded.reduce((one, other) => one + other) / 1000;
  const [, printed] = /A page loads (\d+) kB/.exec(read("README.md"));
  // The two encoders differ slightly, and the README rounds.
  assert.ok(Math.abs(printed - kilobytes) < 2, `the README says ${printed} kB, but it is ${kilobytes}`);
});
