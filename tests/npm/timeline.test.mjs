// Edits, reactions, replies, deletions and history of `event-driven-kit/chat`: alone in a page, and with a peer's log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus } from "event-driven-kit";
import { createTextKit } from "event-driven-kit/chat";

import { createLog, kitOf, seen, timelineOf } from "./log.mjs";

const DAY = 86_400_000;

test("a room of one page has edits, reactions and replies", async () => {
  const bus = createBus();
  const [ann, bob] = ["Ann", "Bob"].map((sender) => createTextKit({ room: "tea", sender, bus }));
  const changes = [];
  const timeline = bob.timeline((message) => changes.push(...seen([message])));
  await ann.sendText("helo");
  const [first] = timeline.messages;
  assert.deepEqual([first.isOwn, first.replyTo, first.event.delivery.status], [false, undefined, "local"]);
  await ann.edit(first, "hello");
  await ann.react(first, "👋");
  await bob.react(first, "👋");
  await bob.reply(first, "hi");
  await bob.react(first.event, "👋", false);
  assert.deepEqual(changes, [
    "Ann: helo", "Ann: hello edited", "Ann: hello edited 👋1", "Ann: hello edited 👋2", "Bob: hi", "Ann: hello edited 👋1",
  ]);
  const [message, reply] = timeline.messages;
  assert.deepEqual(timeline.find(reply.replyTo), message);
  assert.equal(timeline.messages[1], reply, "what has not changed is the same object");
  assert.deepEqual([message.reactions[0].isOwn, reply.isOwn], [false, true]);
  for (const rejected of [ann.delete(message), ann.history()]) {
    await assert.rejects(rejected, { code: "not_available", message: /no peer/ });
  }
  assert.equal(await timeline.older(), false);
  timeline.stop();
  await ann.sendText("unheard");
  assert.equal(changes.length, 6);
});

test("edits and reactions are events of the message's day, with a reference to it", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  const { timeline } = await timelineOf(log, "ann");
  await kit.sendText("one");
  log.pass(DAY);
  const [message] = timeline.messages;
  await kit.edit(message, "two");
  await kit.react(message, "🎉");
  await kit.reply(message, "three");
  const about = { id: "ann 1", epoch: "7", offset: "1" };
  assert.deepEqual(log.stored.slice(1).map(({ topic, data }) => [topic, data]), [
    ["chat.tea.on.20261129.EDITED", { about, text: "two" }],
    ["chat.tea.on.20261129.REACTED", { about, emoji: "🎉", is_on: true, person: "ann" }],
    ["chat.tea.TEXT_MESSAGE", { sender: { id: "ann", name: "ann" }, text: "three", reply_to: about }],
  ]);
});

test("only the author's last edit counts, a deletion beats all, and a person has each reaction once", async () => {
  const log = createLog();
  const [ann, bob] = ["ann", "bob"].map((client) => kitOf(log, client).kit);
  const { timeline } = await timelineOf(log, "bob");
  await ann.sendText("one");
  await ann.sendText("two");
  const [one, two] = timeline.messages;
  await bob.edit(one, "not mine");
  await ann.edit(one, "mine");
  await ann.edit(one, "mine again");
  for (const isOn of [true, false, true, true]) await bob.react(one, "🎉", isOn);
  await ann.react(one, "🎉");
  await ann.react(one, "👍");
  await bob.react(two, "👍");
  assert.deepEqual(seen(timeline.messages), ["ann: mine again edited 🎉2 👍1", "ann: two 👍1"]);
  assert.deepEqual(timeline.messages[0].reactions.map(({ isOwn }) => isOwn), [true, false]);
  await assert.rejects(bob.delete(two), { code: "not_allowed" });
  await ann.delete(two);
  await ann.edit(two, "after its end");
  assert.deepEqual(seen(timeline.messages), ["ann: mine again edited 🎉2 👍1", "ann:  deleted"]);
});

test("a deletion leaves no text of the message in the log, and spares the edits of others", async () => {
  const log = createLog();
  const [ann, bob] = ["ann", "bob"].map((client) => kitOf(log, client).kit);
  await ann.sendText("one");
  await ann.sendText("two");
  const [one, two] = log.stored;
  await ann.edit(one, "first");
  await bob.edit(one, "forged");
  await ann.edit(one, "second");
  await ann.edit(two, "of two");
  const { offset } = await ann.delete(one);
  assert.equal(log.stored[Number(offset) - 1].deletes.offset, "1");
  assert.deepEqual(log.stored.flatMap(({ data }) => data?.text ?? []), ["two", "forged", "of two"]);
});

test("relations of another day, of another id and with invalid content are ignored", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  const { timeline } = await timelineOf(log, "bob");
  await kit.sendText("one");
  const about = { id: "ann 1", epoch: "7", offset: "1" };
  const relate = (topic, data) => log.store({ topic: `chat.tea.on.${topic}`, data, id: "x", source: "/clients/ann" });
  const day = "20261129";
  relate("20261130.EDITED", { about, text: "another day" });
  relate(`${day}.EDITED`, { about: { ...about, id: "ann 2" }, text: "another id" });
  relate(`${day}.EDITED`, { about: { ...about, epoch: "8" }, text: "another epoch" });
  for (const text of [5, null, "", "\u200b", undefined]) relate(`${day}.EDITED`, { about, text });
  for (const emoji of [5, "", "\u200b", "x".repeat(65)]) relate(`${day}.REACTED`, { about, emoji, is_on: true, person: "x" });
  for (const data of [undefined, null, 5, "a", {}, { about: 5 }, { about: { ...about, offset: 1 } }]) relate(`${day}.EDITED`, data);
  relate(`${day}.OTHER`, { about, text: "another kind" });
  for (const data of [null, 5, {}, { text: "no sender" }, { sender: { name: 5 }, text: "a" }, { sender: { id: "a", name: "a" }, text: "\u200b" }]) {
    log.store({ topic: "chat.tea.TEXT_MESSAGE", data, id: "y", source: "/clients/ann" });
  }
  assert.deepEqual(seen(timeline.messages), ["ann: one"]);
});

test("texts and names that others send are shown within the bounds of what may be sent", async () => {
  const log = createLog();
  const { timeline } = await timelineOf(log, "bob");
  const message = { sender: { id: "x".repeat(99), name: `Eve\u202e\n${"y".repeat(99)}` }, text: "z".repeat(6001) };
  log.store({ topic: "chat.tea.TEXT_MESSAGE", data: message, id: "1", source: "/clients/eve" });
  const [{ sender, text }] = timeline.messages;
  assert.deepEqual([sender.id.length, sender.name, text.length], [64, `Eve${"y".repeat(61)}`, 6001]);
  assert.ok(text.endsWith("z…"));
});

test("what can't be sent is refused before anything is published", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  const { timeline } = await timelineOf(log, "ann");
  await kit.sendText("one");
  const [message] = timeline.messages;
  const waiting = { ...message, event: { ...message.event, delivery: { status: "sent" } } };
  const illegal = { code: "illegal_argument" };
  for (const target of [undefined, null, 5, {}, waiting]) {
    for (const refused of [kit.edit(target, "a"), kit.react(target, "a"), kit.reply(target, "a"), kit.delete(target)]) {
      await assert.rejects(refused, illegal);
    }
  }
  for (const text of [5, undefined, "", "\u200b"]) await assert.rejects(kit.edit(message, text), illegal);
  await assert.rejects(kit.edit(message, "x".repeat(6001)), { code: "too_large" });
  for (const emoji of [5, undefined, "", "\u200b", "x".repeat(65)]) await assert.rejects(kit.react(message, emoji), illegal);
  await assert.rejects(kit.react(message, "🎉", 1), illegal);
  assert.equal(log.stored.length, 1);
});

test("formats apply to edits, and parsers to the messages of a timeline", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  kit.use({ format: (text) => text.trim(), parse: (text) => `<${text}>` });
  const timeline = kit.timeline(() => {});
  await timeline.older();
  const edits = [];
  kit.on("EDITED", ({ text }) => edits.push(text));
  await kit.sendText(" one ");
  await kit.edit(timeline.messages[0], " two ");
  assert.deepEqual([log.stored[1].data.text, edits, seen(timeline.messages)], ["two", ["<two>"], ["ann: <two> edited"]]);
});

test("handlers get edits, reactions and deletions, and no text of a deleted message", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  const heard = [];
  for (const kind of ["TEXT_MESSAGE", "EDITED", "REACTED", "DELETED"]) {
    kit.on(kind, (data, sender, event) => heard.push([kind, data, sender?.name, event.source]));
  }
  await kit.sendText("one");
  const event = log.stored[0];
  await kit.edit(event, "two");
  await kit.react(event, "🎉");
  await kit.delete(event);
  log.deliver(log.stored[0]);
  const about = { id: "ann 1", epoch: "7", offset: "1" };
  assert.deepEqual(heard, [
    ["TEXT_MESSAGE", "one", "ann", "/clients/ann"],
    ["EDITED", { about, text: "two" }, undefined, "/clients/ann"],
    ["REACTED", { about, emoji: "🎉", isOn: true, person: "ann" }, undefined, "/clients/ann"],
    ["DELETED", { epoch: "7", offset: "1" }, undefined, "/clients/ann"],
  ]);
});

test("a page of history has the messages with what was said about them, whatever their number of days", async () => {
  for (const days of [1, 3, 12]) {
    const log = createLog();
    const { kit, pages } = kitOf(log, "ann");
    for (let at = 0; at < 12; at += 1) {
      await kit.sendText(`message ${at}`);
      await kit.edit(log.stored.at(-1), `text ${at}`);
      log.pass((DAY * days) / 12);
    }
    await kit.delete(log.stored[2]);
    await kit.react(log.stored[0], "🎉");
    const { messages, next } = await kit.history({ limit: 10 });
    // The deletion is an event of the topic, too.
    const texts = Array.from({ length: 9 }, (_, at) => `ann: text ${at + 3} edited`);
    assert.deepEqual(seen(messages), texts);
    const { messages: before, next: end } = await kit.history({ before: next, limit: 10 });
    assert.deepEqual(seen(before), ["ann: text 0 edited 🎉1", ":  deleted", "ann: text 2 edited"]);
    assert.equal(end, undefined);
    const all = pages.includes("chat.tea.on.>");
    assert.equal(all, days === 12, `${days} days: ${pages}`);
  }
});

test("a timeline begins with the newest page, and pages back to the first message", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  for (let at = 0; at < 200; at += 1) await kit.sendText(`${at}`);
  await kit.edit(log.stored[100], "edited");
  const { timeline, changes } = await timelineOf(log, "bob");
  assert.deepEqual(changes.map(({ text }) => text), Array.from({ length: 64 }, (_, at) => `${at + 136}`));
  await kit.sendText("200");
  assert.equal(changes.length, 65);
  // The log brings a message again that is already there, and one that is before the first page.
  log.deliver(log.stored[199]);
  log.deliver(log.stored[0]);
  assert.equal(changes.length, 65);
  assert.deepEqual([await timeline.older(), await timeline.older(100), await timeline.older()], [true, false, false]);
  assert.deepEqual(timeline.messages.map(({ text }) => text), Array.from({ length: 201 }, (_, at) => (at === 100 ? "edited" : `${at}`)));
});

test("pages of the log with few events or none are read on until there are enough", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  for (let at = 0; at < 20; at += 1) await kit.sendText(`${at}`);
  const { bus } = log.busOf("bob");
  let empty = false;
  const connect = (options) => {
    const link = bus.connect(options);
    const history = async (pattern, { before, limit }) => {
      // Every other page is empty, and the end is known only after it.
      empty = !empty;
      if (empty) return { events: [], next: before ?? { epoch: "7", offset: "21" } };
      const page = await link.history(pattern, { before, limit: Math.min(limit, 5) });
      return { ...page, next: page.next ?? (page.events.length > 0 ? { epoch: "7", offset: "1" } : undefined) };
    };
    return { ...link, history };
  };
  const reader = createTextKit({ url: "ws://log", room: "tea", sender: "bob", bus: { ...bus, connect } });
  const { messages, next } = await reader.history({ limit: 12 });
  assert.deepEqual(messages.map(({ text }) => text), Array.from({ length: 12 }, (_, at) => `${at + 8}`));
  const { messages: rest, next: end } = await reader.history({ before: next, limit: 12 });
  assert.deepEqual([rest.length, end], [8, undefined]);
});

test("messages that come while the first page is read are shown once, after it", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  await kit.sendText("one");
  const changes = [];
  const timeline = kitOf(log, "bob").kit.timeline(({ text }) => changes.push(text));
  await kit.sendText("two");
  await kit.edit(log.stored[0], "edited");
  assert.deepEqual([changes, timeline.messages], [[], []]);
  await timeline.older();
  assert.deepEqual(changes, ["edited", "two"]);
});

test("a flood while the first page is read leaves no gap", async () => {
  const log = createLog();
  const { bus } = log.busOf("bob");
  const { bus: ann } = log.busOf("ann");
  const { kit } = kitOf(log, "ann");
  await kit.sendText("0");
  const connect = (options) => {
    const link = bus.connect(options);
    let isFlooded = false;
    const history = async (...request) => {
      const page = await link.history(...request);
      if (!isFlooded) {
        isFlooded = true;
        for (let at = 1; at <= 1500; at += 1) {
          ann.publish("chat.tea.TEXT_MESSAGE", { sender: { id: "ann", name: "ann" }, text: `${at}` });
        }
      }
      return page;
    };
    return { ...link, history };
  };
  const timeline = createTextKit({ url: "ws://log", room: "tea", sender: "bob", bus: { ...bus, connect } }).timeline(() => {});
  await timeline.older();
  const numbers = timeline.messages.map(({ text }) => Number(text));
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, at) => 1501 - numbers.length + at));
  assert.ok(numbers.length >= 64);
});

test("where the peer refuses its history, live messages are shown, and the next call reports it", async () => {
  const log = createLog();
  const { bus } = log.busOf("bob");
  const refusal = Object.assign(new Error("no"), { code: "not_allowed" });
  const connect = (options) => ({ ...bus.connect(options), history: () => Promise.reject(refusal) });
  const kit = createTextKit({ url: "ws://log", room: "tea", sender: "bob", bus: { ...bus, connect } });
  const timeline = kit.timeline(() => {});
  await kit.sendText("one");
  await assert.rejects(timeline.older(), { code: "not_allowed" });
  await kit.sendText("two");
  assert.deepEqual(seen(timeline.messages), ["bob: one", "bob: two"]);
  await assert.rejects(timeline.older(), { code: "not_allowed" });
});

test("one's own messages are shown before they are stored, stay in place then, and keep their key", async () => {
  const log = createLog();
  const { timeline, changes } = await timelineOf(log, "ann");
  const waits = (id, status, text = id) =>
    log.deliver({
      topic: "chat.tea.TEXT_MESSAGE", id, source: "", time: 0, deleted: false, delivery: { status },
      data: { sender: { id: "ann", name: "ann" }, text },
    });
  const store = (id) =>
    log.store({
      topic: "chat.tea.TEXT_MESSAGE", id, source: "/clients/ann", data: { sender: { id: "ann", name: "ann" }, text: id },
    });
  waits("one", "queued");
  waits("two", "queued");
  waits("three", "queued");
  waits("one", "sent");
  waits("two", "rejected");
  await kitOf(log, "bob").kit.sendText("from bob");
  store("one");
  store("three");
  assert.deepEqual(seen(timeline.messages), ["bob: from bob", "ann: one", "ann: three", "ann: two"]);
  const states = timeline.messages.map(({ event, isOwn }) => [event.delivery.status, isOwn]);
  assert.deepEqual(states, [["stored", false], ["stored", true], ["stored", true], ["rejected", true]]);
  const keys = new Set(changes.filter(({ text }) => text === "one").map(({ key }) => key));
  assert.equal(keys.size, 1);
});

test("edits and reactions are shown before they are stored, until they are refused or the log says more", async () => {
  const log = createLog();
  const { timeline } = await timelineOf(log, "ann");
  await kitOf(log, "ann").kit.sendText("frist");
  await kitOf(log, "bob").kit.sendText("from bob");
  const [first, second] = timeline.messages.map(({ event: { id, delivery } }) => ({ id, ...delivery.position }));
  const about = ({ id, epoch, offset }) => ({ id, epoch, offset });
  const say = (id, status, what, data) =>
    log.deliver({ topic: `chat.tea.on.20261129.${what}`, id, source: "", time: 0, deleted: false, delivery: { status }, data });
  const edit = (id, status, text, of = first) => say(id, status, "EDITED", { about: about(of), text });
  const react = (id, status, isOn) =>
    say(id, status, "REACTED", { about: about(first), emoji: "👋", is_on: isOn, person: "ann" });
  edit("1", "queued", "first");
  edit("2", "queued", "not mine", second);
  react("3", "queued", true);
  assert.deepEqual(seen(timeline.messages), ["ann: first edited 👋1", "bob: from bob"]);
  react("4", "kept", false);
  react("3", "sent", true);
  assert.deepEqual(seen(timeline.messages), ["ann: first edited", "bob: from bob"]);
  react("4", "rejected", false);
  edit("1", "rejected", "first");
  assert.deepEqual(seen(timeline.messages), ["ann: frist 👋1", "bob: from bob"]);
  edit("5", "queued", "first");
  const data = { about: about(first), text: "first" };
  log.store({ topic: "chat.tea.on.20261129.EDITED", id: "5", source: "/clients/ann", data });
  const later = { about: about(first), text: "by another page" };
  log.store({ topic: "chat.tea.on.20261129.EDITED", id: "6", source: "/clients/ann", data: later });
  assert.deepEqual(seen(timeline.messages), ["ann: by another page edited 👋1", "bob: from bob"]);
});

test("an ack that comes late, for a message before the first page, leaves that to paging back", async () => {
  const log = createLog();
  const { kit } = kitOf(log, "ann");
  for (let at = 0; at < 100; at += 1) await kit.sendText(`${at}`);
  const { timeline, changes } = await timelineOf(log, "ann");
  const [first] = log.stored;
  log.deliver({ ...first, source: "", delivery: { status: "kept" } });
  assert.equal(timeline.messages.at(-1).text, "0");
  log.deliver(first);
  assert.deepEqual([timeline.messages.at(-1).text, changes.at(-1).isDropped], ["99", true]);
  assert.equal(await timeline.older(), false);
  assert.deepEqual(timeline.messages.map(({ text }) => text), Array.from({ length: 100 }, (_, at) => `${at}`));
});

test("a message that a new log has again stands there", async () => {
  const log = createLog();
  const { timeline, changes } = await timelineOf(log, "bob");
  const { kit } = kitOf(log, "ann");
  await kit.sendText("one");
  await kit.sendText("two");
  const again = { ...log.stored[0], delivery: { status: "stored", position: { epoch: "8", offset: "1" } } };
  log.deliver(again);
  log.deliver(log.stored[0]);
  assert.deepEqual(seen(timeline.messages), ["ann: two", "ann: one"]);
  assert.equal(new Set(changes.filter(({ text }) => text === "one").map(({ key }) => key)).size, 1);
});
