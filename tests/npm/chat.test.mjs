// `event-driven-kit/chat`, in a room of this page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBus, createSingleton } from "event-driven-kit";
import { createTextKit, isVisible, MAX_CHARACTERS, TextChat, TextChatClient } from "event-driven-kit/chat";

const kitIn = (room, options) => createTextKit({ room, sender: "Ann", bus: createBus(), ...options });

test("a sent text arrives as a message and as a success", async () => {
  const kit = kitIn("lobby");
  const heard = [];
  kit.on("TEXT_MESSAGE", (text, sender) => heard.push(`${sender.name}: ${text}`));
  kit.on("TEXT_SUCCESS", ({ id }) => heard.push(`stored ${typeof id}`));
  const { offset } = await kit.sendText("hello");
  assert.equal(typeof offset, "string");
  await kit.sendEmoji("🦀");
  assert.deepEqual(heard, ["Ann: hello", "stored string", "Ann: 🦀", "stored string"]);
});

test("a refused message is an error for its sender and for listeners", async () => {
  const bus = createBus();
  const kit = kitIn("lobby", { bus });
  bus.use("chat.>", (data, { topic }) => (topic.endsWith("MESSAGE") ? { deny: "quiet!" } : undefined));
  const errors = [];
  kit.on("TEXT_ERROR", (error) => errors.push([error instanceof Error, error.code]));
  await assert.rejects(kit.sendText("hello"), { code: "denied" });
  assert.deepEqual(errors, [[true, "denied"]]);
  await assert.rejects(kit.sendText(7), { code: "illegal_argument" });
});

test("invisible text is refused, as a message and as a name", async () => {
  const invisible = ["", " ", "\n\t", "\u00ad", "\u200b", "\u202e", "\u2800", "\u3164", "\ufeff", "\u{1d159}", "\u{e0041}"];
  for (const text of [...invisible, invisible.join("")]) {
    assert.equal(isVisible(text), false);
    await assert.rejects(kitIn("lobby").sendText(text), { code: "illegal_argument", message: /no visible/ });
    assert.throws(() => kitIn(text), { code: "illegal_argument" });
    assert.throws(() => kitIn("lobby", { sender: text }), { code: "illegal_argument" });
  }
  const heard = [];
  const kit = kitIn("lobby\u200b", { sender: { id: "1", name: "\u202eAnn" } });
  kit.on("TEXT_MESSAGE", (text) => heard.push(text));
  const visible = ["a\u200b", "\u{1f469}\u200d\u{1f680}", "\u3164\uac00", "\u0301", "\ue000"];
  for (const text of visible) await kit.sendText(text);
  assert.deepEqual(heard, visible);
});

test("the limit of a message counts code points, and a longer one is refused before it is sent", async () => {
  const kit = kitIn("lobby");
  const errors = [];
  kit.on("TEXT_ERROR", ({ id, code }) => errors.push([id, code]));
  for (const character of ["a", "\ufdfa", "\u{1f642}"]) {
    const longest = character.repeat(MAX_CHARACTERS);
    assert.ok(new TextEncoder().encode(longest).length <= 24_000);
    await kit.sendText(longest);
    await assert.rejects(kit.sendText(longest + character), { code: "too_large" });
  }
  assert.deepEqual(errors, Array(3).fill(["", "too_large"]));
});

test("the error of a message that the peer refuses has its id", async () => {
  const bus = createBus();
  const refusal = Object.assign(new Error("too large"), { code: "too_large" });
  const receipt = { id: "m-1", settled: () => Promise.reject(refusal) };
  const publish = (topic, data) => (topic.endsWith("MESSAGE") ? receipt : bus.publish(topic, data));
  const kit = kitIn("lobby", { bus: { ...bus, publish } });
  const errors = [];
  kit.on("TEXT_ERROR", ({ id, code, message }) => errors.push({ id, code, message }));
  const expected = { id: "m-1", code: "too_large", message: "too large" };
  await assert.rejects(kit.sendText("hello"), expected);
  assert.deepEqual(errors, [expected]);
});

test("a room without a peer has no certificates, and its messages have unknown authors", async () => {
  const kit = kitIn("lobby", { certify: () => "unused", trust: { issuers: {} } });
  await assert.rejects(kit.sendCertificate(), { code: "not_available", message: /no peer/ });
  const heard = [];
  kit.on("TEXT_MESSAGE", (text, sender, { trust }) => heard.push([text, trust]));
  await kit.sendText("hello");
  assert.deepEqual(heard, [["hello", { status: "unknown" }]]);
});

test("the certificate of this account's device has its sender, and that of another account has none", () => {
  const report = new Map();
  const subscribe = (topic, handler) => void report.set(topic, handler);
  const heard = [];
  for (const connect of [() => ({ subject: "ann" }), () => ({ subject: undefined })]) {
    const kit = kitIn("lobby", { url: "wss://peer.test/ws", bus: { ...createBus(), subscribe, connect } });
    kit.on("TEXT_CERTIFICATE", ({ subject }, sender) => heard.push([subject, sender?.name]));
    for (const subject of ["ann", "bob"]) report.get("$bus.certificate")({ subject }, {});
  }
  assert.deepEqual(heard, [["ann", "Ann"], ["bob", undefined], ["ann", undefined], ["bob", undefined]]);
});

test("formats apply to sent and received texts, in the order of the calls", async () => {
  const kit = kitIn("lobby");
  const heard = [];
  kit.use({ format: (text) => text.trim(), parse: (text) => `<${text}>` });
  const end = kit.use({ format: (text) => `${text}!` });
  kit.on("TEXT_MESSAGE", (text) => heard.push(text));
  await kit.sendText(" one ");
  end();
  await kit.sendText(" two ");
  assert.deepEqual(heard, ["<one!>", "<two>"]);
});

test("messages are coalesced per tick, or per interval if one is set", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const heard = [];
  const kit = kitIn("lobby", { flushEvery: 50 });
  kit.on("TEXT_MESSAGE", (text) => heard.push(text));
  const sent = [kit.sendText("one"), kit.sendText("two")];
  await Promise.resolve();
  t.mock.timers.tick(49);
  assert.deepEqual(heard, []);
  t.mock.timers.tick(1);
  assert.deepEqual(heard, ["one", "two"]);
  await Promise.all(sent);
});

test("a chat publishes its kit's events on the singleton `text-chat`, from start to stop", async () => {
  const kit = kitIn("a room. with dots");
  const chat = new TextChat(kit);
  const heard = [];
  createSingleton("text-chat").subscribe(">", (data, event) => heard.push(event.topic));
  await kit.sendText("before");
  chat.start();
  chat.start();
  await kit.sendText("meanwhile");
  chat.stop();
  await kit.sendText("after");
  const room = "a%20room%2E%20with%20dots";
  assert.deepEqual(heard, [`${room}.TEXT_MESSAGE`, `${room}.TEXT_SUCCESS`]);
});

test("a client sends and receives only through the chat that it is linked to", async () => {
  const [one, other] = ["one", "other"].map((room) => new TextChat(kitIn(room)));
  one.start();
  other.start();
  const client = new TextChatClient({ subscriber: one });
  const heard = [];
  client.on("TEXT_MESSAGE", (text) => heard.push(text));
  await client.sendText("here");
  await new TextChatClient({ subscriber: other }).sendText("elsewhere");
  assert.deepEqual(heard, ["here"]);
  one.stop();
  other.stop();
  assert.throws(() => new TextChatClient({ subscriber: {} }), { code: "illegal_argument" });
});
