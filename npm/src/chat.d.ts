import type { Bus, Certificate, ConnectOptions, Disposer, Event, SentCertificate } from "./index.js";

/** The sender of messages: `{ id: "7f", name: "Ann" }`. */
export interface Person {
  /** Stays the same when the name changes. */
  readonly id: string;
  readonly name: string;
}

/** The peer has stored your message at this offset. */
export interface TextSuccess {
  readonly id: string;
  readonly offset: string;
}

/** Your message was rejected; `error.code` is the reason, for programs. */
export interface TextError extends Error {
  /** The message's id. Empty if it was rejected before it got one. */
  readonly id: string;
  readonly code: string;
}

/** The events, by name. */
export interface TextEvents {
  TEXT_MESSAGE: string;
  TEXT_SUCCESS: TextSuccess;
  TEXT_ERROR: TextError;
  /** A certificate is in use: yours, or that of a message's author. */
  TEXT_CERTIFICATE: Certificate;
}

/**
 * The maximum number of code points in a message; `sendText` rejects a longer one with the code `too_large`. An invisible
 * message is an `illegal_argument`, as is such a name of a room or a sender: `field.maxLength = MAX_CHARACTERS`.
 */
export const MAX_CHARACTERS: number;

/** Whether a text is visible, as messages, rooms and names must be: `isVisible("\u200b") === false`. */
export function isVisible(text: string): boolean;

/** Formats outgoing messages, or parses incoming ones: `kit.use({ format: (text) => text.trim() })`. */
export interface Format {
  readonly format?: (text: string) => string;
  readonly parse?: (text: string) => string;
}

/** The functions that kits and clients share. */
export interface TextSender {
  /**
   * Calls `handler` for each event of this kind: `on("TEXT_MESSAGE", (text, sender) => show(sender.name, text))`. Anybody
   * can write any sender; `event.trust` says who it was: `on("TEXT_MESSAGE", (text, sender, { trust }) => ...)`.
   */
  on<K extends keyof TextEvents>(
    kind: K,
    handler: (message: TextEvents[K], sender: Person, event: Event) => unknown,
  ): Disposer;
  /** Resolves when the peer has stored the message: `await sendText("hello")`. */
  sendText(text: string): Promise<TextSuccess>;
  /** The same for an emoji: `sendEmoji("🦀")`. */
  sendEmoji(emoji: string): Promise<TextSuccess>;
  /**
   * Fetches a certificate of this device with `certify`, and sends it. From then on messages are signed. Call it again
   * before it `expires`. Rejects with `not_available`, `not_this_key`, `expired`, `unknown_issuer`, `not_allowed` or
   * `failed`: `await sendCertificate()`.
   */
  sendCertificate(): Promise<SentCertificate>;
}

export interface TextKit extends TextSender {
  readonly room: string;
  readonly sender: Person;
  /** Adds a formatter, a parser or both, applied in the order of the calls: `const end = kit.use({ parse: linkify })`. */
  use(format: Format): () => void;
  /** Closes the link to the peer: `kit.close()`. */
  close(): void;
}

export interface TextKitOptions {
  /** The peer's address. Without one the room is local to the page: `wss://example.org/ws`. */
  readonly url?: string;
  readonly room: string;
  /** A name, or a person with an id. */
  readonly sender: string | Person;
  /** The bus for the room. Default: one that all kits of this realm share. */
  readonly bus?: Bus;
  /** Collects messages for this many milliseconds and sends them together. Default: the messages of one tick. */
  readonly flushEvery?: number;
  /** Returns a credential for the peer. */
  readonly credentials?: ConnectOptions["credentials"];
  /** Returns a certificate of this device's public key, for `sendCertificate`. */
  readonly certify?: ConnectOptions["certify"];
  /** The issuers of certificates that you trust. Messages with a wrong signature are withheld. */
  readonly trust?: ConnectOptions["trust"];
  /** Closes the link when it aborts. */
  readonly signal?: AbortSignal;
}

/** One room: `const kit = createTextKit({ url, room: "lobby", sender: "Ann" })`. */
export function createTextKit(options: TextKitOptions): TextKit;

/** Publishes a kit's events on the singleton `text-chat`: `new TextChat(kit).start()`. */
export class TextChat {
  constructor(textKit: TextKit);
  /** The singleton `text-chat`; its topics are `<room>.TEXT_MESSAGE` and so on: `chat.bus.subscribe(">", log)`. */
  readonly bus: Bus;
  readonly textKit: TextKit;
  /** Starts. Calling it again does nothing: `chat.start()`. */
  start(): void;
  /** Stops: `chat.stop()`. */
  stop(): void;
}

/** Sends and receives through a chat: `new TextChatClient({ subscriber: chat }).sendText("hello")`. */
export class TextChatClient implements TextSender {
  constructor(options: { readonly subscriber: TextChat });
  on<K extends keyof TextEvents>(
    kind: K,
    handler: (message: TextEvents[K], sender: Person, event: Event) => unknown,
  ): Disposer;
  sendText(text: string): Promise<TextSuccess>;
  sendEmoji(emoji: string): Promise<TextSuccess>;
  sendCertificate(): Promise<SentCertificate>;
}
