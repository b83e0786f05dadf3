// The element `<event-inspector>` in a page with a strict policy.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { eventually, openBrowser } from "./browser.mjs";
import { serve } from "./site.mjs";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>A page</title>
<script type="module" src="./app.mjs"></script>
<input id="page" aria-label="hello">
`;

const APP = `
import { createBus } from "/node_modules/event-driven-kit/browser.js";
const bus = createBus();
bus.subscribe("greeting.*", () => void bus.publish("answer", "hi"), { label: "greeter" });
bus.subscribe("bad", () => { throw new Error("no milk"); });
bus.subscribe("$bus.error", () => {});
globalThis.bus = bus;
globalThis.openInspector = async (asked = bus) => {
  const { inspect } = await import("/node_modules/event-driven-kit/inspector.js");
  globalThis.closeInspector = inspect(asked);
};
// In the inspector:
globalThis.find = (css) => document.querySelector("event-inspector").shadowRoot.querySelector(css);
globalThis.press = (css, key) =>
  find(css).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
globalThis.write = (text) => {
  find("input").value = text;
  find("input").dispatchEvent(new InputEvent("input"));
};
`;

let browser;
let site;

before(async () => {
  site = await serve(import.meta.dirname);
  const folder = join(import.meta.dirname, "inspector");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(join(folder, "app.mjs"), APP);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  site?.close();
});

beforeEach(async () => {
  await browser.open(`${site.url}/inspector/index.html`);
  await eventually("the bus", () => run(() => globalThis.bus !== undefined));
});

const run = (script, ...args) => browser.run(script, ...args);
const open = () => run(() => globalThis.openInspector());
const click = (css) => run((css) => globalThis.find(css).click(), css);
const choose = (name) => click(`#tab-${name}`);
const write = (text) => run((text) => globalThis.write(text), text);
const publish = (...topics) => run((topics) => topics.forEach((topic) => globalThis.bus.publish(topic, topic)), topics);
/** The text of the view that is shown. */
const view = () => run(() => globalThis.find("#panel").innerText);

const says = (what, ...parts) =>
  eventually(what, async () => {
    const text = await view();
    return parts.every((part) => text.includes(part));
  });

test("it shows flow, topics, subscribers and causes, and its file is loaded when it is opened", async () => {
  const loaded = () => performance.getEntriesByType("resource").some(({ name }) => name.endsWith("inspector.js"));
  assert.equal(await run(loaded), false);
  await open();
  await run(() => void globalThis.bus.publish("greeting.world", { at: 2 }));
  await says("the flow", "greeting.world", '{"at":2}', "answer", "greeter");
  await publish(...Array(5).fill("bad"));
  await says("the failures", "$bus.error ×5");
  await choose("Topics");
  await says("the topics", "greeting.world", "answer");
  await choose("Subscribers");
  await says("the subscribers", "greeter", "greeting.*");
  await choose("Causes");
  await says("the causes", "greeter", "answer");
  await choose("Link");
  await says("the link", "none");
  await run(() => globalThis.closeInspector());
  assert.equal(await run(() => document.querySelector("event-inspector")), null);
  assert.deepEqual(await browser.complaints(), []);
});

test("an event whose time no date can represent is shown with its details, and so are later ones", async () => {
  await run(() =>
    // A bus of another program, as a peer's event with a false time would reach it.
    globalThis.openInspector((question, given) => {
      if (question === 0 && given) globalThis.turn = (topic, time) => given([topic, "stored", 1, time, "1", "/keys/7", "ann"]);
    }));
  await run(() => globalThis.turn("far", 9e15));
  await says("the event", "far");
  await click(".rows .row");
  assert.match(await run(() => globalThis.find(".details").innerText), /published at\s+9000000000000000 ms/);
  await run(() => globalThis.turn("later", 0));
  await says("the next event", "later");
  assert.deepEqual(await browser.complaints(), []);
});

/** The row that the keyboard has selected, if it is drawn and in view, and whether the last row is in view. */
const place = () =>
  run(() => {
    const grid = globalThis.find(".flow");
    const active = globalThis.find(`#${grid.getAttribute("aria-activedescendant")}`);
    const [frame, row] = [grid.getBoundingClientRect(), active?.getBoundingClientRect()];
    const inView = row !== undefined && row.top >= frame.top + row.height - 1 && row.bottom <= frame.bottom + 1;
    const isAtEnd = grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 2;
    return { rows: Number(grid.getAttribute("aria-rowcount")) - 1, row: inView ? Number(active.id.slice(4)) : undefined, isAtEnd };
  });

/** Publishes another event, and waits until it is drawn. */
async function drawOneMore() {
  const { rows } = await place();
  await publish("more");
  await eventually("the row", async () => (await place()).rows === rows + 1);
  return place();
}

test("the keyboard leaves the end of the flow, and End comes back to it", async () => {
  await open();
  await publish(...Array(100).fill("many"));
  await eventually("the rows", async () => (await place()).rows === 100);
  const press = (key, times = 1) =>
    run((key, times) => { for (let at = 0; at < times; at += 1) globalThis.press(".flow", key); }, key, times);
  await press("Home");
  assert.deepEqual(await drawOneMore(), { rows: 101, row: 0, isAtEnd: false });
  await press("PageDown");
  assert.equal((await drawOneMore()).isAtEnd, false);
  await press("End");
  assert.equal((await drawOneMore()).isAtEnd, true);
  // Also by the smallest step.
  await press("End");
  const last = (await place()).row;
  for (let at = 1; at < 40; at += 1) {
    await press("ArrowUp");
    assert.equal((await place()).row, last - at);
  }
  const { row, isAtEnd } = await drawOneMore();
  assert.deepEqual([row, isAtEnd], [last - 39, false]);
  // Without a selection, a page up begins at the end.
  await press("End");
  await press("Escape");
  await press("PageUp");
  assert.ok((await place()).row > 60);
});

test("while the reader has paused, all views stay as they are and can be filtered", async () => {
  await open();
  await publish("one", "two", "bad");
  await says("the flow", "one", "two", "$bus.error");
  await click("[aria-pressed]");
  await publish("three", "greeting.world", "bad");
  await write("one");
  assert.deepEqual([(await view()).includes("one"), (await view()).includes("two")], [true, false]);
  await write("");
  const flow = await view();
  assert.deepEqual(["one", "two", "three", "$bus.error ×2"].filter((text) => flow.includes(text)), ["one", "two"]);
  await choose("Topics");
  assert.equal((await view()).includes("three"), false);
  await write("two");
  assert.match(await view(), /two/);
  assert.doesNotMatch(await view(), /one/);
  await write("");
  await choose("Causes");
  assert.doesNotMatch(await view(), /greeter/);
  await choose("Recording");
  assert.equal(await run(() => globalThis.find(".bar > [aria-pressed]").hidden), true);
  await choose("Topics");
  await click(".bar > [aria-pressed]");
  await says("the topics", "three", "greeting.world");
  await choose("Flow");
  await says("the flow", "three", "$bus.error ×2");
});

test("what was cleared is no longer selected, and the flow follows the newest event again", async () => {
  await open();
  await publish(...Array(100).fill("many"));
  await eventually("the rows", async () => (await place()).rows === 100);
  await run(() => globalThis.press(".flow", "Home"));
  assert.equal(await run(() => globalThis.find(".details").hidden), false);
  await click(".bar > button:nth-last-child(2)");
  const cleared = await run(() => [globalThis.find(".details").hidden, globalThis.find(".flow").hasAttribute("aria-activedescendant")]);
  assert.deepEqual(cleared, [true, false]);
  await publish(...Array(100).fill("new"));
  await eventually("the rows", async () => (await place()).rows === 100);
  assert.deepEqual(await place(), { rows: 100, row: null, isAtEnd: true });
});

test("its end gives the focus back to where it was", async () => {
  const ends = {
    escape: () => globalThis.press("#tab-Flow", "Escape"),
    button: () => globalThis.find(".close").click(),
    disposer: () => globalThis.closeInspector(),
    removal: () => document.querySelector("event-inspector").remove(),
  };
  for (const [name, end] of Object.entries(ends)) {
    await open();
    await run(() => {
      document.getElementById("page").focus();
      globalThis.find("#tab-Flow").focus();
      globalThis.find(".close").focus();
    });
    assert.equal(await run(() => document.activeElement.localName), "event-inspector");
    await run(end);
    assert.deepEqual(await run(() => [document.querySelector("event-inspector"), document.activeElement.id]), [null, "page"], name);
  }
  // It takes no focus that has left it.
  await open();
  await run(() => {
    document.getElementById("page").focus();
    globalThis.find("#tab-Flow").focus();
    globalThis.find("#tab-Flow").blur();
  });
  await run(() => globalThis.closeInspector());
  assert.equal(await run(() => document.activeElement.localName), "body");
});
