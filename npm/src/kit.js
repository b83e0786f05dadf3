// A room of a chat on a bus.

import { createSingleton } from "./index.js";
import { follow, readEdits, readPage } from "./reader.js";
import { escapeToken, expectMessage, expectVisible, illegal, isEmoji } from "./text.js";
import { dayOf, referenceOf, Timeline } from "./timeline.js";

/** The events of a room. */
export const KINDS = ["TEXT_MESSAGE", "TEXT_SUCCESS", "TEXT_ERROR", "TEXT_CERTIFICATE", "EDITED", "REACTED", "DELETED"];

export function expectKind(kind) {
  if (!KINDS.includes(kind)) throw illegal(`there is no event "${kind}": listen to ${KINDS.join(", ")}`);
}

function person(sender) {
  return typeof sender === "string" ? { id: sender, name: sender } : sender;
}

/** Rejects what only a room with a peer can do. */
async function lacks(what) {
  const error = new Error(`a room without \`url\` has no peer that would ${what}`);
  throw Object.assign(error, { code: "not_available" });
}

/** The stored event of a message, which is given as an event or as a message of a timeline. */
function eventOf(target) {
  const event = target?.event ?? target;
  const { status } = event?.delivery ?? {};
  if (status === "stored" || status === "local") return event;
  throw illegal("the message must be stored: give a message of a timeline, or an event of TEXT_MESSAGE");
}

/**
 * A room of a peer. Without `url` the room is local to the page. Without `bus`, the kits of this realm share one.
 */
export function createTextKit(options = {}) {
  const { url, room, sender, bus = createSingleton("text-kit"), flushEvery = 0, last = 200, signal } = options;
  if (typeof room !== "string" || sender === undefined) {
    throw illegal("createTextKit needs a room and a sender: createTextKit({ url, room, sender })");
  }
  if (!(Number.isFinite(flushEvery) && flushEvery >= 0)) {
    throw illegal("`flushEvery` must be a number of milliseconds, 0 or more");
  }
  const self = person(sender);
  expectVisible(room, "the room's name");
  expectVisible(self.name, "the sender's name");
  const prefix = `chat.${escapeToken(room)}.`;
  const topics = {
    ...Object.fromEntries(KINDS.map((kind) => [kind, prefix + kind])),
    // The link reports the certificates of all rooms.
    TEXT_CERTIFICATE: "$bus.certificate",
    EDITED: `${prefix}on.*.EDITED`,
    REACTED: `${prefix}on.*.REACTED`,
    // Reported on the topic of the deleted event.
    DELETED: `${prefix}TEXT_MESSAGE`,
  };
  const formats = [];
  const through = (step, text) => formats.reduce((all, format) => format[step]?.(all) ?? all, text);
  const parse = (text) => through("parse", text);
  const outbox = coalesce(flushEvery, (texts) => texts.forEach(publish));
  const link =
    url === undefined
      ? undefined
      : bus.connect({
          url,
          signal,
          credentials: options.credentials,
          certify: options.certify,
          trust: options.trust,
          rules: [
            { pattern: topics.TEXT_MESSAGE, durable: true, from: { last } },
            { pattern: `${prefix}on.>`, durable: true },
          ],
        });
  let local = 0;

  /** Whether this client or account has sent an event, and as this person if one is named. */
  function isOwn({ source, account }, id = self.id) {
    const subject = account ?? `~${source.split("/", 3)[2]}`;
    return id === self.id && (source === "" || (link !== undefined && subject === link.subject));
  }

  /** The promise already reports the failure to the sender. Listeners get it too if possible. */
  function tell(topic, data) {
    try {
      bus.publish(topic, data);
    } catch {}
  }

  /** Where the peer has stored what a receipt is about. Undefined in a local room. */
  async function settled(receipt) {
    if (receipt === undefined) return { id: `local-${(local += 1)}`, offset: "0" };
    const position = await receipt.settled();
    return { id: receipt.id, offset: position?.offset ?? "0" };
  }

  function publish({ text, about, resolve, reject }) {
    let receipt;
    const failed = (cause) => {
      const { code = "failed", message } = cause;
      const id = receipt?.id ?? "";
      reject(Object.assign(new Error(message, { cause }), { id, code }));
      tell(topics.TEXT_ERROR, { id, code, message });
    };
    try {
      expectMessage(text);
      receipt = bus.publish(topics.TEXT_MESSAGE, { sender: self, text, ...(about && { reply_to: about }) });
    } catch (error) {
      return failed(error);
    }
    settled(receipt).then((stored) => {
      resolve(stored);
      tell(topics.TEXT_SUCCESS, stored);
    }, failed);
  }

  /** Resolves when the peer has stored the message. Messages of one tick, or of `flushEvery` milliseconds, go together. */
  async function sendText(text, { replyTo } = {}) {
    if (typeof text !== "string") throw illegal("a message must be a string");
    const about = replyTo === undefined ? undefined : referenceOf(eventOf(replyTo));
    return outbox((done) => ({ text: through("format", text), about, ...done }));
  }

  /** Publishes an event about a message, under the day of the message. */
  function relate(kind, target, data) {
    const event = eventOf(target);
    const topic = `${prefix}on.${dayOf(event.time)}.${kind}`;
    return settled(bus.publish(topic, { about: referenceOf(event), ...data }));
  }

  async function edit(target, text) {
    if (typeof text !== "string") throw illegal("a message must be a string");
    const formatted = through("format", text);
    expectMessage(formatted);
    return relate("EDITED", target, { text: formatted });
  }

  async function react(target, emoji, isOn = true) {
    if (!isEmoji(emoji)) throw illegal("a reaction must be a visible emoji of at most 64 bytes");
    if (typeof isOn !== "boolean") throw illegal("a reaction is on (`true`) or off (`false`)");
    return relate("REACTED", target, { emoji, is_on: isOn, person: self.id });
  }

  async function remove(target) {
    const event = eventOf(target);
    if (link === undefined) return lacks("delete messages");
    const deletion = await link.delete(event.delivery.position);
    // The log has later texts of the message, too.
    for (const edit of await readEdits(link, prefix, event)) await link.delete(edit.delivery.position);
    return deletion;
  }

  async function history(given) {
    if (link === undefined) return lacks("keep a history");
    const { events, relations, next } = await readPage(link, prefix, given);
    const timeline = new Timeline(prefix, isOwn, parse, () => {});
    for (const event of [...events, ...relations]) timeline.add(event);
    return { messages: timeline.messages, next };
  }

  function on(kind, handler) {
    expectKind(kind);
    return bus.subscribe(topics[kind], (data, event) => {
      if (kind === "DELETED") return event.deletes && handler(event.deletes, undefined, event);
      // A deleted event has no data, nor has the report of its deletion.
      if (event.deletes || event.deleted) return;
      switch (kind) {
        case "TEXT_MESSAGE":
          return handler(parse(data.text), data.sender, event);
        case "TEXT_ERROR":
          return handler(Object.assign(new Error(data.message), data), self, event);
        case "EDITED":
          return handler({ about: data.about, text: parse(data.text) }, undefined, event);
        case "REACTED":
          return handler({ about: data.about, emoji: data.emoji, isOn: data.is_on, person: data.person }, undefined, event);
        case "TEXT_CERTIFICATE":
          // A certificate names an account, not a person.
          return handler(data, data.subject === link?.subject ? self : undefined, event);
        default:
          return handler(data, self, event);
      }
    });
  }

  /** Adds a formatter, a parser or both, applied in the order of the calls: `use({ format, parse })`. */
  function use(format) {
    formats.push(format);
    return () => {
      const at = formats.indexOf(format);
      if (at >= 0) formats.splice(at, 1);
    };
  }

  return Object.freeze({
    room,
    sender: self,
    on,
    use,
    sendText,
    sendEmoji: sendText,
    reply: (target, text) => sendText(text, { replyTo: target ?? null }),
    edit,
    react,
    delete: remove,
    history,
    timeline: (handler) => follow(bus, link, { prefix, isOwn, parse }, handler),
    /** From then on messages are signed. */
    sendCertificate: () => link?.sendCertificate() ?? lacks("take a certificate"),
    close: () => link?.close(),
  });
}

/** Collects what is sent in one tick, or in a number of milliseconds, and passes it on together. */
function coalesce(flushEvery, flush) {
  let waiting = [];
  return (make) =>
    new Promise((resolve, reject) => {
      waiting.push(make({ resolve, reject }));
      if (waiting.length > 1) return;
      const now = () => flush(waiting.splice(0));
      if (flushEvery > 0) setTimeout(now, flushEvery);
      else queueMicrotask(now);
    });
}
