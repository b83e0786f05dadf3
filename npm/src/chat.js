// A chat on a bus: `event-driven-kit/chat`.
import { createSingleton } from "./index.js";
import { expectKind, KINDS } from "./kit.js";
import { escapeToken, illegal } from "./text.js";

export { createTextKit } from "./kit.js";
export { isVisible, MAX_CHARACTERS } from "./text.js";

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

  sendText(text, options) {
    return this.#chat.textKit.sendText(text, options);
  }

  sendEmoji(emoji) {
    return this.#chat.textKit.sendEmoji(emoji);
  }

  reply(message, text) {
    return this.#chat.textKit.reply(message, text);
  }

  edit(message, text) {
    return this.#chat.textKit.edit(message, text);
  }

  react(message, emoji, isOn) {
    return this.#chat.textKit.react(message, emoji, isOn);
  }

  delete(message) {
    return this.#chat.textKit.delete(message);
  }

  history(options) {
    return this.#chat.textKit.history(options);
  }

  sendCertificate() {
    return this.#chat.textKit.sendCertificate();
  }
}
