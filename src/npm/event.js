// What a handler gets beside the data: one object per event, for all JS handlers.

import { local } from "./receipt.js";

/** Its fields are made when they are read, for most handlers read none. */
export class Event {
  #topic;
  #data;
  /** What is known of it beside: of an event that wasm has made, or that somebody has asked about. */
  #more;

  constructor(topic, data, more) {
    this.#topic = topic;
    this.#data = data;
    this.#more = more;
  }

  #known() {
    return (this.#more ??= {});
  }

  get topic() {
    return this.#topic;
  }

  get data() {
    return this.#data;
  }

  get id() {
    return (this.#known().id ??= randomId());
  }

  get time() {
    return (this.#known().time ??= Date.now());
  }

  get source() {
    return this.#more?.source ?? "";
  }

  get delivery() {
    return this.#more?.delivery ?? local;
  }

  /** As the CloudEvents 1.0 JSON format has it. An event of this page has the source "/". */
  toCloudEvent() {
    const event = {
      specversion: "1.0",
      id: this.id,
      source: this.source || "/",
      type: this.#topic,
      time: new Date(this.time).toISOString(),
    };
    const data = this.#data;
    if (data instanceof Uint8Array) {
      event.datacontenttype = "application/octet-stream";
      event.data_base64 = btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
    } else {
      event.datacontenttype = "application/json";
      event.data = data ?? null;
    }
    return event;
  }

  /** The request that it is, if it is one. */
  static asked(event) {
    return event.#more?.asked;
  }

  /** The same event with the data that an interceptor has put in the place of its own. */
  static with(event, data) {
    return new Event(event.#topic, data, event.#known());
  }
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function makeEvent(topic, data, source, time, delivery, id) {
  return new Event(topic, data, { source, time, delivery, id });
}

export function replaced(event, data) {
  return Event.with(event, data);
}

export function idOf(event) {
  return event.id;
}
