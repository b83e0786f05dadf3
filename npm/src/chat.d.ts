import type { Bus, Certificate, ConnectOptions, Disposer, Event, Position, SentCertificate } from "./index.js";

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

/** Refers to a message: the id of its event, and its position in the log as decimal numbers. */
export interface Reference {
  readonly id: string;
  readonly epoch: string;
  /** "0" in a room without a peer, which has no log. */
  readonly offset: string;
}

/** A message has a new text. It counts if its author says so: `event.account` or `event.source` is that of the message. */
export interface Edited {
  readonly about: Reference;
  readonly text: string;
}

/** A person has reacted to a message, or has taken a reaction back. */
export interface Reacted {
  readonly about: Reference;
  readonly emoji: string;
  /** False for a reaction that is taken back. */
  readonly isOn: boolean;
  /** The id that the person claims to have. */
  readonly person: string;
}

/** The events, by name. */
export interface TextEvents {
  TEXT_MESSAGE: string;
  TEXT_SUCCESS: TextSuccess;
  TEXT_ERROR: TextError;
  /** A certificate is in use: yours, or that of a message's author. */
  TEXT_CERTIFICATE: Certificate;
  EDITED: Edited;
  REACTED: Reacted;
  /** The message at this position was deleted. */
  DELETED: Position;
}

/**
 * The sender of an event. It is you for `TEXT_SUCCESS` and `TEXT_ERROR`, and for the `TEXT_CERTIFICATE` of a device of your
 * account. The certificate of another account names no person, and has none here: its `subject` is the account. Edits,
 * reactions and deletions don't name one either: `event.source` and `event.account` do.
 */
export type SenderOf<K extends keyof TextEvents> = K extends "EDITED" | "REACTED" | "DELETED"
  ? undefined
  : K extends "TEXT_CERTIFICATE"
    ? Person | undefined
    : Person;

/** The people who react to a message with one emoji. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** Whether you are one of them. */
  readonly isOwn: boolean;
}

/** A message with what later events say about it. It never changes: a new one takes its place. */
export interface Message {
  /** The id of its event. Two clients may choose the same: use `key` to tell messages apart. */
  readonly id: string;
  /** Names the message in its timeline, also when it moves into the log: `rows.get(message.key)`. */
  readonly key: string;
  /** Its event: `message.event.time`, `message.event.trust`, `message.event.delivery.status`. */
  readonly event: Event;
  /** The sender that it claims. Empty for a message that was deleted before it was read. */
  readonly sender: Person;
  /** As its author has last written it. Empty if it was deleted. */
  readonly text: string;
  /** The message that it replies to: `timeline.find(message.replyTo)`. */
  readonly replyTo: Reference | undefined;
  /** In the order of the first ones. */
  readonly reactions: readonly Reaction[];
  /** Whether this client or account has sent it as this person, so that it may be edited. */
  readonly isOwn: boolean;
  readonly isEdited: boolean;
  readonly isDeleted: boolean;
  /** The timeline has dropped it: `timeline.older` brings it again. */
  readonly isDropped: boolean;
}

/** Some messages of the past. */
export interface MessagePage {
  /** In the order of the log, the oldest first. */
  readonly messages: readonly Message[];
  /** Where the page before begins: `history({ before: next })`. Absent at the end. */
  readonly next?: Position;
}

/** The messages of a room, which keeps itself up to date. */
export interface Timeline {
  /** In order: those in the log, and then yours that are not stored yet. A message that did not change is the same object. */
  readonly messages: readonly Message[];
  /** The message that a reference names, if it is among these. */
  find(reference: Reference): Message | undefined;
  /**
   * Reads the page before, and resolves with whether there are more: `await timeline.older()`. While a page is being
   * read, waits for that one.
   */
  older(limit?: number): Promise<boolean>;
  /** Ends the calls of its handler. */
  stop(): void;
}

/**
 * The maximum number of code points in a message: `field.maxLength = MAX_CHARACTERS`. `sendText` rejects a longer one
 * with the code `too_large`, and an invisible one with `illegal_argument`.
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
   * Calls `handler` for each event of this kind: `on("TEXT_MESSAGE", (text, sender) => show(sender.name, text))`. Anyone
   * can write any sender; `event.trust` names the real one: `on("TEXT_MESSAGE", (text, sender, { trust }) => ...)`.
   */
  on<K extends keyof TextEvents>(
    kind: K,
    handler: (message: TextEvents[K], sender: SenderOf<K>, event: Event) => unknown,
  ): Disposer;
  /** Resolves when the peer has stored the message: `await sendText("hello")`. */
  sendText(text: string, options?: { readonly replyTo?: Message | Event }): Promise<TextSuccess>;
  /** The same as a reply to a stored message, given as a {@link Message} or its event: `await reply(message, "yes")`. */
  reply(message: Message | Event, text: string): Promise<TextSuccess>;
  /** Gives a message a new text. It counts for messages of yours: `await edit(message, "hello")`. */
  edit(message: Message | Event, text: string): Promise<TextSuccess>;
  /**
   * Reacts to a message, or takes the reaction back: `await react(message, "🎉")`, `await react(message, "🎉", false)`. A
   * reaction has at most 64 bytes in UTF-8.
   */
  react(message: Message | Event, emoji: string, isOn?: boolean): Promise<TextSuccess>;
  /**
   * Deletes a message and its edits from the peer's log: `await delete(message)`. Rejects with `not_allowed` unless it
   * is yours or you moderate the room, and with `not_available` in a room without a peer.
   */
  delete(message: Message | Event): Promise<Position>;
  /** Past messages with what was said about them later: the newest ones, or those before a position. */
  history(options?: { readonly before?: Position; readonly limit?: number }): Promise<MessagePage>;
  /** Sends an emoji as a message: `sendEmoji("🦀")`. */
  sendEmoji(emoji: string): Promise<TextSuccess>;
  /**
   * Fetches a certificate of this device with `certify`, and sends it. From then on messages are signed. Call it again
   * before it `expires`. Rejects with `not_available`, `no_key`, `not_this_key`, `expired`, `unknown_issuer`, `not_allowed`
   * or `failed`: `await sendCertificate()`.
   */
  sendCertificate(): Promise<SentCertificate>;
}

export interface TextKit extends TextSender {
  readonly room: string;
  readonly sender: Person;
  /** Adds a formatter, a parser or both, applied in the order of the calls: `const end = kit.use({ parse: linkify })`. */
  use(format: Format): () => void;
  /**
   * A timeline: past messages, and each that comes or changes. Calls `handler` with each new or changed message:
   * `const timeline = kit.timeline((message) => draw(message))`.
   */
  timeline(handler: (message: Message) => void): Timeline;
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
  /** How many past messages `TEXT_MESSAGE` begins with. Default: 200. A timeline reads its own: `last: 0`. */
  readonly last?: number;
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
export class TextChatClient {
  constructor(options: { readonly subscriber: TextChat });
}
export interface TextChatClient extends TextSender {}
