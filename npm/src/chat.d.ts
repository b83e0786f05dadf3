import type { Bus, Disposer } from "./index.js";

/** Who speaks: `{ id: "7f", name: "Ann" }`. */
export interface Person {
  /** Stays the same when the name changes. */
  readonly id: string;
  readonly name: string;
}

/** One's own message stands in the peer's log, at this offset. */
export interface TextSuccess {
  readonly id: string;
  readonly offset: string;
}

/** One's own message was refused: `error.code` says why, for programs. */
export interface TextError extends Error {
  /** Of the message; empty, if it was refused before it got one. */
  readonly id: string;
  readonly code: string;
}

/** What is told, by name. */
export interface TextEvents {
  TEXT_MESSAGE: string;
  TEXT_SUCCESS: TextSuccess;
  TEXT_ERROR: TextError;
}

/**
 * A message has at most so many code points; `sendText` rejects a longer one with the code `too_large`. One of which
 * nothing is seen is an `illegal_argument`, as is such a name of a room or a sender: `field.maxLength = MAX_CHARACTERS`.
 */
export const MAX_CHARACTERS: number;

/** Whether a reader sees anything of a text, as of a message, a room and a name: `isVisible("\u200b") === false`. */
export function isVisible(text: string): boolean;

/** Formats what is sent, or parses what comes: `kit.use({ format: (text) => text.trim() })`. */
export interface Format {
  readonly format?: (text: string) => string;
  readonly parse?: (text: string) => string;
}

/** What both a kit and a client do. */
export interface TextSender {
  /** Calls `handler` for each such event: `on("TEXT_MESSAGE", (text, sender) => show(sender.name, text))`. */
  on<K extends keyof TextEvents>(kind: K, handler: (message: TextEvents[K], sender: Person) => unknown): Disposer;
  /** Resolves when the peer has stored the message: `await sendText("hello")`. */
  sendText(text: string): Promise<TextSuccess>;
  /** The same for an emoji: `sendEmoji("🦀")`. */
  sendEmoji(emoji: string): Promise<TextSuccess>;
  /** Rejects with the code `not_available`: `sendCertificate(certificate).catch(later)`. */
  sendCertificate(certificate: unknown): Promise<never>;
}

export interface TextKit extends TextSender {
  readonly room: string;
  readonly sender: Person;
  /** Formats and parses, in the order of the calls: `const end = kit.use({ parse: linkify })`. */
  use(format: Format): () => void;
  /** Closes the link to the peer: `kit.close()`. */
  close(): void;
}

export interface TextKitOptions {
  /** The peer's address; without one the room is this page's own: `wss://example.org/ws`. */
  readonly url?: string;
  readonly room: string;
  /** A name, or a person with an id. */
  readonly sender: string | Person;
  /** The bus that carries the room; one of all kits of this realm, if not given. */
  readonly bus?: Bus;
  /** Sends what has come together in so many milliseconds at once; if not given, what one tick has brought. */
  readonly flushEvery?: number;
  /** Closes the link when it aborts. */
  readonly signal?: AbortSignal;
}

/** One room: `const kit = createTextKit({ url, room: "lobby", sender: "Ann" })`. */
export function createTextKit(options: TextKitOptions): TextKit;

/** Publishes what a kit hears on the singleton `text-chat`: `new TextChat(kit).start()`. */
export class TextChat {
  constructor(textKit: TextKit);
  /** The singleton `text-chat`; its topics are `<room>.TEXT_MESSAGE` and so on: `chat.bus.subscribe(">", log)`. */
  readonly bus: Bus;
  readonly textKit: TextKit;
  /** Begins; a second time nothing happens: `chat.start()`. */
  start(): void;
  /** Ends: `chat.stop()`. */
  stop(): void;
}

/** Speaks and listens through a chat: `new TextChatClient({ subscriber: chat }).sendText("hello")`. */
export class TextChatClient implements TextSender {
  constructor(options: { readonly subscriber: TextChat });
  on<K extends keyof TextEvents>(kind: K, handler: (message: TextEvents[K], sender: Person) => unknown): Disposer;
  sendText(text: string): Promise<TextSuccess>;
  sendEmoji(emoji: string): Promise<TextSuccess>;
  sendCertificate(certificate: unknown): Promise<never>;
}
