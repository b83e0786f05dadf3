// Edits and reactions displace nothing of the message's author and nothing of each other, and need little memory.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createLog, kitOf, seen, timelineOf } from "./log.mjs";

const DAY = "20261129";
const about = { id: "ann 1", epoch: "7", offset: "1" };

/** Events about Ann's message by as many guests as there are, as they were stored. */
function said(log, kind, count, data) {
  return Array.from({ length: count }, (_, at) =>
    log.store({ topic: `chat.tea.on.${DAY}.${kind}`, id: `x${at}`, ...data(at), data: { about, ...data(at).data } }),
  );
}

/** What a reader sees who receives the events in this order. */
async function shownOf(events) {
  const reader = createLog();
  const { timeline } = await timelineOf(reader, "reader");
  for (const event of events) reader.deliver(event);
  return seen(timeline.messages);
}

test("edits by any number of others leave that of the author, in any order", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  await kit.sendText("one");
  const [message] = log.stored;
  const guest = (at) => ({ source: `/clients/guest-${at}`, data: { text: `by guest ${at}` } });
  const before = said(log, "EDITED", 100, guest);
  await kit.edit(message, "by the author");
  const own = log.stored.at(-1);
  const after = said(log, "EDITED", 100, (at) => guest(100 + at));
  for (const order of [
    [message, ...before, own, ...after],
    [...before, message, own, ...after],
    [...before, own, ...after, message],
    [...after, ...before, own, message],
  ]) {
    assert.deepEqual(await shownOf(order), ["ann: by the author edited"]);
  }
});

test("reactions of one person push out none of others, in any order", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  await kit.sendText("one");
  const [message] = log.stored;
  const honest = said(log, "REACTED", 2, (at) => ({ source: `/clients/honest-${at}`, data: { emoji: "+", is_on: true } }));
  const flood = said(log, "REACTED", 1500, (at) => ({ source: "/clients/eve", data: { emoji: `${at}`, is_on: true } }));
  // The newest of Eve's are there.
  const expected = ["ann: one +2", ...Array.from({ length: 498 }, (_, at) => `${1002 + at}1`)].join(" ");
  for (const order of [
    [message, ...honest, ...flood],
    [message, ...flood, ...honest],
    [...flood, ...honest, message],
    [...flood.toReversed(), message, ...honest],
  ]) {
    assert.deepEqual(await shownOf(order), [expected]);
  }
});

test("reactions of guests push out none of accounts nor of the reader, in any order", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  await kit.sendText("one");
  const [message] = log.stored;
  const on = { data: { emoji: "+", is_on: true } };
  const honest = said(log, "REACTED", 2, (at) => ({ source: `/clients/${at}`, account: `honest ${at}`, ...on }));
  honest.push(...said(log, "REACTED", 1, () => ({ source: "/clients/reader", ...on })));
  const flood = said(log, "REACTED", 1500, (at) => ({ source: `/clients/guest-${at}`, data: { emoji: "x", is_on: true } }));
  for (const order of [
    [message, ...honest, ...flood],
    [message, ...flood, ...honest],
    [...flood.toReversed(), message, ...honest],
  ]) {
    assert.deepEqual(await shownOf(order), ["ann: one +3 x497"]);
  }
});

test("a flood of reactions hides no edit from a reader who comes later", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  await kit.sendText("one");
  await kit.edit(log.stored[0], "edited");
  said(log, "REACTED", 4200, (at) => ({ source: `/clients/guest-${at}`, data: { emoji: "x", is_on: true } }));
  const { timeline } = await timelineOf(log, "reader");
  assert.match(seen(timeline.messages)[0], /^ann: edited /);
});

test("what is dropped because others say too much about a message is read again with it", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  for (let at = 0; at < 100; at += 1) await kit.sendText(`${at}`);
  const { timeline } = await timelineOf(log, "bob");
  const guest = (at) => ({ source: `/clients/guest-${at}`, data: { text: "x".repeat(5000) } });
  said(log, "EDITED", 150, guest);
  await kit.edit(log.stored[0], "edited");
  said(log, "EDITED", 150, (at) => guest(150 + at));
  assert.equal(await timeline.older(), false);
  assert.deepEqual(seen(timeline.messages)[0], "ann: edited edited");
});

test("a reaction has at most 64 bytes, whatever its units, as in the chat", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  const { timeline } = await timelineOf(log, "bob");
  await kit.sendText("one");
  const [message] = timeline.messages;
  const family = "👩🏿‍❤️‍💋‍👩🏿";
  for (const emoji of ["x".repeat(64), "✊".repeat(21), family]) await kit.react(message, emoji);
  for (const emoji of ["x".repeat(65), "✊".repeat(22), "🦀".repeat(17)]) {
    await assert.rejects(kit.react(message, emoji), { code: "illegal_argument" });
    said(log, "REACTED", 1, () => ({ source: "/clients/eve", data: { emoji, is_on: true } }));
  }
  assert.deepEqual(timeline.messages[0].reactions.map(({ emoji }) => emoji), ["x".repeat(64), "✊".repeat(21), family]);
});

test("what is kept of a text that begins with many invisible characters is visible, as in the chat", async () => {
  const log = createLog();
  const { timeline } = await timelineOf(log, "bob");
  const blank = "\u200b".repeat(6000);
  const say = (id, text) =>
    log.store({ topic: "chat.tea.TEXT_MESSAGE", id, source: "/clients/ann", data: { sender: { id: "ann", name: "ann" }, text } });
  say("ann 1", `${blank}hello`);
  say("ann 2", `${blank}${"x".repeat(6001)}`);
  say("ann 3", "three");
  say("ann 4", blank);
  said(log, "EDITED", 1, () => ({ source: "/clients/ann", data: { about: { ...about, id: "ann 3", offset: "3" }, text: `${blank}edited` } }));
  assert.deepEqual(timeline.messages.map(({ text }) => text), ["hello", `${"x".repeat(6000)}…`, "edited"]);
});

test("a reference has an id of at most 200 bytes, as in the chat", async () => {
  for (const [id, text] of [["é".repeat(100), "edited"], ["é".repeat(101), "one"]]) {
    const log = createLog();
    const { timeline } = await timelineOf(log, "bob");
    const source = "/clients/ann";
    log.store({ topic: "chat.tea.TEXT_MESSAGE", id, source, data: { sender: { id: "ann", name: "ann" }, text: "one" } });
    said(log, "EDITED", 1, () => ({ source, data: { about: { ...about, id }, text: "edited" } }));
    assert.equal(timeline.messages[0].text, text);
  }
});
