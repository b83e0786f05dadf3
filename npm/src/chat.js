// A chat on a bus: `event-driven-kit/chat`.
import { createSingleton } from "./index.js";

const KINDS = ["TEXT_MESSAGE", "TEXT_SUCCESS", "TEXT_ERROR", "TEXT_CERTIFICATE"];

/** The maximum number of code points in a message, as in the chat app: at most 24,000 bytes of UTF-8. */
export const MAX_CHARACTERS = 6000;

/** An invisible text: white space, control characters, and characters without a glyph or with an empty one. */
const INVISIBLE = /^[\s\u0085\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{16fe4}\u{1d159}]*$/u;

/** Whether a text is visible. */
export function isVisible(text) {
  return !INVISIBLE.test(text);
}

function expectVisible(text, what) {
  if (isVisible(text)) return;
  throw Object.assign(new Error(`${what} has no visible characters`), { code: "illegal_argument" });
}

function expectMessage(text) {
  // A code point has at most two units.
  if (text.length > 2 * MAX_CHARACTERS || [...text].length > MAX_CHARACTERS) {
    const error = new Error(`a message must have at most ${MAX_CHARACTERS} characters`);
    throw Object.assign(error, { code: "too_large" });
  }
  expectVisible(text, "the message");
}

/** Any text as a token of a topic; the same escape as in Rust. */
function escapeToken(text) {
  if (text === "") return "%";
  const hex = (byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  return text.replace(/[\s\u0085\p{Cc}.*>%$]/gu, (char) =>
    char === "\uFEFF" ? char : Array.from(new TextEncoder().encode(char), hex).join(""),
  );
}

const illegal = (message) => Object.assign(new Error(message), { code: "illegal_argument" });

function expectKind(kind) {
  if (KINDS.includes(kind)) return;
  throw illegal(`there is no event "${kind}": listen to ${KINDS.join(", ")}`);
}

function person(sender) {
  return typeof sender === "string" ? { id: sender, name: sender } : sender;
}

/**
 * A room of a peer. Without `url` the room is local to the page. Without `bus`, the kits of this realm share one.
 */
export function createTextKit(options = {}) {
  const { url, room, sender, bus = createSingleton("text-kit"), flushEvery = 0, signal } = options;
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
  const [message, success, failure] = KINDS.map((kind) => prefix + kind);
  const formats = [];
  const through = (step, text) => formats.reduce((all, format) => format[step]?.(all) ?? all, text);
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
          rules: [{ pattern: message, durable: true, from: { last: 200 } }],
        });
  let next = 0;

  /** The promise already reports the failure to the sender. Listeners get it too if possible. */
  function tell(topic, data) {
    try {
      bus.publish(topic, data);
    } catch {}
  }

  function publish({ text, resolve, reject }) {
    let receipt;
    const failed = (cause) => {
      const { code = "failed", message } = cause;
      const id = receipt?.id ?? "";
      reject(Object.assign(new Error(message, { cause }), { id, code }));
      tell(failure, { id, code, message });
    };
    const stored = (id, offset) => {
      resolve({ id, offset });
      tell(success, { id, offset });
    };
    try {
      expectMessage(text);
      receipt = bus.publish(message, { sender: self, text });
    } catch (error) {
      return failed(error);
    }
    if (receipt === undefined) stored(`local-${(next += 1)}`, "0");
    else receipt.settled().then((position) => stored(receipt.id, position?.offset ?? "0"), failed);
  }

  /** Resolves when the peer has stored the message. Messages of one tick, or of `flushEvery` milliseconds, go together. */
  function sendText(text) {
    if (typeof text !== "string") {
      return Promise.reject(illegal("a message must be a string"));
    }
    return outbox((done) => ({ text: through("format", text), ...done }));
  }

  /** From then on messages are signed. */
  function sendCertificate() {
    if (link !== undefined) return link.sendCertificate();
    const error = new Error("a room without `url` has no peer that would take a certificate");
    return Promise.reject(Object.assign(error, { code: "not_available" }));
  }

  function on(kind, handler) {
    expectKind(kind);
    // The link reports the certificates of all rooms.
    const topic = kind === "TEXT_CERTIFICATE" ? "$bus.certificate" : prefix + kind;
    return bus.subscribe(topic, (data, event) => {
      if (kind === "TEXT_MESSAGE") return handler(through("parse", data.text), data.sender, event);
      return handler(kind === "TEXT_ERROR" ? Object.assign(new Error(data.message), data) : data, self, event);
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
    sendCertificate,
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

/** Publishes a kit's events on the bus `text-chat` of this realm, and sends what clients publish there. */
export class TextChat {
  #kit;
  #bus = createSingleton("text-chat");
  #ends = [];

  constructor(textKit) {
    this.#kit = textKit;
  }

  get bus() {
    return this.#bus;
  }

  get textKit() {
    return this.#kit;
  }

  /** Calling it again does nothing. */
  start() {
    if (this.#ends.length > 0) return;
    const topic = `${escapeToken(this.#kit.room)}.`;
    this.#ends = KINDS.map((kind) =>
      this.#kit.on(kind, (message, sender, event) => {
        this.#bus.publish(topic + kind, { message, sender, event });
      }),
    );
  }

  stop() {
    for (const end of this.#ends.splice(0)) end();
  }
}

/** Sends and receives through its chat. */
export class TextChatClient {
  #chat;

  constructor({ subscriber }) {
    if (!(subscriber instanceof TextChat)) {
      throw illegal("`subscriber` must be a TextChat: new TextChatClient({ subscriber: chat })");
    }
    this.#chat = subscriber;
  }

  on(kind, handler) {
    expectKind(kind);
    const topic = `${escapeToken(this.#chat.textKit.room)}.${kind}`;
    return this.#chat.bus.subscribe(topic, ({ message, sender, event }) => handler(message, sender, event));
  }

  sendText(text) {
    return this.#chat.textKit.sendText(text);
  }

  sendEmoji(emoji) {
    return this.#chat.textKit.sendEmoji(emoji);
  }

  sendCertificate() {
    return this.#chat.textKit.sendCertificate();
  }
}
