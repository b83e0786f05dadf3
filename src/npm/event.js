// The second argument of handlers: one object per event, for all JavaScript handlers.

/** Its fields are computed when they are read, because most handlers read none. */
export class Event {
  #topic;
  #data;
  /** More about an event that wasm has created, or whose fields were read. */
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
    const more = this.#known();
    // An event that a peer has sent without a time has none.
    if (!("time" in more)) more.time = Date.now();
    return more.time;
  }

  get source() {
    return this.#more?.source ?? "";
  }

  get account() {
    return this.#more?.account;
  }

  get trust() {
    const { verified, account, source } = this.#more ?? {};
    if (verified) return verified;
    return account ? { status: "attested", subject: account } : { status: source ? "anonymous" : "unknown" };
  }

  get delivery() {
    return this.#more?.delivery ?? local;
  }

  get deletes() {
    const offset = this.#more?.deletion;
    return offset ? { ...this.delivery.position, offset } : undefined;
  }

  get deleted() {
    return this.#more?.deletion === "";
  }

  get error() {
    return this.#more?.error;
  }

  /** In the CloudEvents 1.0 JSON format. An event of this page has the source "/". */
  toCloudEvent() {
    const event = { specversion: "1.0", id: this.id, source: this.source || "/", type: this.#topic };
    const time = new Date(this.time ?? NaN);
    // RFC 3339 cannot express other years.
    if (time >= FIRST_TIME && time < END_OF_TIME) event.time = time.toISOString();
    const data = this.#data;
    const bytes = bytesOf(data);
    if (bytes !== undefined) {
      event.datacontenttype = "application/octet-stream";
      event.data_base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    } else if (data !== undefined) {
      event.datacontenttype = "application/json";
      event.data = data;
    }
    return event;
  }

  /** The request, if the event is one. */
  static asked(event) {
    return event.#more?.asked;
  }

  /** The same event with an interceptor's replacement of its data. */
  static with(event, data) {
    return new Event(event.#topic, data, event.#known());
  }
}

/** The years 0 to 9999. */
const FIRST_TIME = -62_167_219_200_000;
const END_OF_TIME = 253_402_300_800_000;

/** The bytes of a buffer or a view, of any realm. */
function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (/ArrayBuffer]$/.test(Object.prototype.toString.call(value))) return new Uint8Array(value);
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function makeEvent(topic, data, source, time, delivery, id, account, verified, error, deletion) {
  return new Event(topic, data, { source, time, delivery, id, account, verified, error, deletion });
}

export function replaced(event, data) {
  return Event.with(event, data);
}

export function idOf(event) {
  return event.id;
}

export const local = Object.freeze({ status: "local" });
const ephemeral = Object.freeze({ status: "ephemeral" });

/** The status of an event. The other values are offset, epoch and stream, or code and message. */
export function makeStatus(status, first, second, stream) {
  switch (status) {
    case "local":
      return local;
    case "ephemeral":
      return ephemeral;
    case "stored":
      return { status, position: { offset: first, epoch: second, stream } };
    case "rejected":
      return { status, code: first, message: second };
    default:
      return { status };
  }
}
