// Tests of the types: `tsc` compiles this file, and each `@ts-expect-error` is an error.

import {
  createBus, createSingleton, type Bus, type DataOf, type Event, type Portable, type PublicKey, type Receipt,
} from "event-driven-kit";
import { createTextKit, TextChat, TextChatClient, type Message as ChatMessage, type Person, type Reaction, type Reference } from "event-driven-kit/chat";
import { load, loadSync } from "event-driven-kit/slim";

interface Item {
  readonly sku: string;
}
interface Message {
  readonly text: string;
}
interface Events {
  "basket.added": Item;
  "basket.emptied": undefined;
  "basket.total": number;
  "chat.*.message": Message;
  "log.>": string;
}
interface Requests {
  sum: (numbers: number[]) => number;
  user: (id: string) => Promise<Item>;
}

/** Compiles only if both are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_ extends true>() => {};

same<Same<DataOf<Events, "basket.added">, Item>>();
same<Same<DataOf<Events, "basket.*">, Item | undefined | number>>();
same<Same<DataOf<Events, "*.added">, Item | string>>();
same<Same<DataOf<Events, "chat.lobby.message">, Message>>();
same<Same<DataOf<Events, "chat.>">, Message>>();
same<Same<DataOf<Events, "log.a.b.c">, string>>();
same<Same<DataOf<Events, ">">, Item | undefined | number | Message | string>>();
same<Same<DataOf<Events, "$bus.error">["label"], string>>();

const bus = createBus<Events, Requests>({ freeze: true });
const { publish, subscribe, once, on, off, topic, request, respond, use, retain, record, play, stats } = bus;

const receipt: Receipt | undefined = publish("basket.added", { sku: "a" });
publish("basket.emptied");
publish("chat.lobby.message", { text: "hi" });
publish("log.a.b", "line", { expiresInMs: 5 });
const waiting: Promise<Receipt | undefined> = publish("basket.total", 1, { wait: true });
// @ts-expect-error there is no such topic
publish("basket.aded", { sku: "a" });
// @ts-expect-error the payload has another type
publish("basket.added", { text: "hi" });
// @ts-expect-error the payload is missing
publish("basket.added");
// @ts-expect-error the payload of the family has another type
publish("chat.lobby.message", "hi");

const end = subscribe("basket.added", (item, event) => {
  const sku: string = item.sku;
  const about: Event<Item> = event;
  const type: string = event.toCloudEvent().type;
  return [sku, about, type];
});
end();
subscribe("basket.*", (data) => {
  same<Same<typeof data, Item | undefined | number>>();
});
subscribe("basket.total", (all, events) => all.reduce((one, other) => one + other) + events.length, { batch: "frame" });
subscribe("basket.added", (item) => item.sku, {
  signal: AbortSignal.timeout(1),
  priority: 1,
  label: "one",
  group: "workers",
  balance: { by: (item) => item.sku },
  queue: 10,
  overflow: { conflate: (item, event) => item.sku + event.topic },
});
subscribe("basket.added", (item) => item.sku, { replay: true, echo: true });
subscribe("$bus.error", ({ cause, label }) => [cause, label]);
// @ts-expect-error no topic matches
subscribe("baskets.*", () => {});
// @ts-expect-error the handler takes another payload
subscribe("basket.added", (text: string) => text);
// @ts-expect-error there is no such policy
subscribe("basket.added", () => {}, { queue: 1, overflow: "drop-all" });
// @ts-expect-error a leading wildcard matches no topic of the runtime
subscribe("*.error", ({ label }) => label);

once("basket.added", (item) => item.sku);
on("basket.added", (item) => item.sku, { priority: 1 });
off("basket.added");
retain("basket.*", { events: 2 });

async function read() {
  for await (const event of topic("chat.>", { capacity: 5 })) {
    const text: string = event.data.text;
    if (text === "") break;
  }
  const sum: number = await request("sum", [1, 2], { timeout: 5 });
  const user: Item = await request("user", "7");
  await play(record(">").lines(), { speed: 2 });
  return [sum, user, stats().handlers()["one"]?.calls, await waiting];
}
// @ts-expect-error there is no such request
void request("product", [1]);
// @ts-expect-error the request takes numbers
void request("sum", ["1"]);
respond("sum", (numbers) => numbers.length);
// @ts-expect-error the reply is a number
respond("sum", (numbers) => String(numbers));

topic("basket.total").subscribe((total) => {
  same<Same<typeof total, number | undefined>>();
});
use("chat.>", (message) => (message.text === "" ? { drop: true } : { replace: { text: message.text.trim() } }));
// @ts-expect-error the replacement has another type
use("chat.>", () => ({ replace: 7 }));

const link = bus.connect({ url: "ws://x", rules: [{ pattern: "chat.>", durable: true, from: { last: 5 } }] });
if (link.state.state === "offline") link.state.retryInMs satisfies number;
// @ts-expect-error there is no such direction
bus.connect({ url: "ws://x", rules: [{ pattern: "chat.>", direction: "up" }] });

for (const event of (await link.history("chat.>")).events) {
  if (event.error) event.error.code satisfies string;
  new Date(event.time ?? 0);
  // @ts-expect-error the time may be missing
  new Date(event.time);
}
const portable = { text: "a", at: [1, null, true], nothing: undefined } satisfies Portable;
const bytes = new Uint16Array(2) satisfies Portable;
// @ts-expect-error a link cannot carry a Map
new Map() satisfies Portable;
// @ts-expect-error nor a Set inside an object
({ inner: new Set<number>() }) satisfies Portable;
// @ts-expect-error nor a function
(() => {}) satisfies Portable;

const open: Bus = createSingleton("app");
open.publish("anything", { at: "all" });
open.subscribe("any.*", (data) => {
  same<Same<typeof data, unknown>>();
});

const kit = createTextKit({ url: "ws://x", room: "lobby", sender: { id: "7", name: "Ann" }, flushEvery: 50 });
const chat = new TextChat(kit);
const client = new TextChatClient({ subscriber: chat });
client.on("TEXT_ERROR", (error, sender) => [error.code, sender.name]);
client.on("TEXT_MESSAGE", (text) => text.trim());
// @ts-expect-error there is no such event
client.on("TEXT", () => {});
void client.sendText("hello").then(({ offset }) => offset);

const timeline = kit.timeline((message) => {
  same<Same<typeof message, ChatMessage>>();
  const reactions: readonly Reaction[] = message.reactions;
  message.event.time satisfies number | undefined;
  return [message.sender.name, message.text, message.isOwn, message.isEdited, message.isDeleted, reactions[0]?.count];
});
const [message] = timeline.messages;
if (message) {
  const target: Reference | undefined = message.replyTo;
  if (target) timeline.find(target)?.text.trim();
  // @ts-expect-error a message never changes
  message.text = "other";
  // @ts-expect-error it replies to something only if it says so
  timeline.find(message.replyTo);
  void kit.edit(message, "hello").then(({ id }) => id);
  void kit.react(message.event, "🎉", false);
  void client.reply(message, "yes");
  void client.delete(message).then(({ epoch }) => epoch);
  void kit.sendText("yes", { replyTo: message });
  // @ts-expect-error a text is not a message
  void kit.react("hello", "🎉");
}
void timeline.older(10).then((hasMore) => hasMore satisfies boolean);
void kit.history({ limit: 5 }).then(({ messages, next }) => kit.history({ before: next ?? messages[0]?.event.deletes }));
client.on("EDITED", ({ about, text }, sender, event) => {
  same<Same<typeof sender, undefined>>();
  return [about.offset, text, event.source];
});
kit.on("REACTED", ({ emoji, isOn, person }) => [emoji, isOn satisfies boolean, person]);
kit.on("DELETED", ({ offset }) => offset satisfies string);

const issuers = { "https://id.example": { keys: [{ kty: "EC", crv: "P-256", x: "", y: "" }] } };
const certify = async ({ kty, crv, x, y }: PublicKey) => `a certificate of ${kty} ${crv} ${x} ${y}`;
const verifying = createTextKit({ url: "ws://x", room: "lobby", sender: "Ann", certify, trust: { issuers } });
verifying.on("TEXT_CERTIFICATE", ({ subject, name, key, expires }, sender) => {
  same<Same<typeof sender, Person | undefined>>();
  return [subject, name?.trim(), key, new Date(expires)];
});
verifying.on("TEXT_MESSAGE", (text, sender, { trust }) => {
  if (trust.status === "verified") [trust.subject, trust.name ?? trust.subject, trust.key] satisfies string[];
  if (trust.status === "attested") trust.subject satisfies string;
  // @ts-expect-error a guest has no subject
  if (trust.status === "anonymous") trust.subject satisfies string;
});
const sent = await verifying.sendCertificate();
[sent.id, sent.offset, sent.subject, sent.key] satisfies string[];
open.connect({ url: "ws://x", certify, trust: { issuers }, rules: [{ pattern: "a", durable: true, signed: true }] });
bus.subscribe("$bus.untrusted", ({ code, topic, id }) => [code, topic, id] satisfies string[]);
// @ts-expect-error a certificate is a text
open.connect({ url: "ws://x", certify: () => 7 });
// @ts-expect-error issuers have keys
open.connect({ url: "ws://x", trust: { issuers: { "https://id.example": "keys" } } });

void load(new URL("https://example.org/x.wasm"));
loadSync(new Uint8Array());
void [receipt, read, portable, bytes];
