/** Data with a JSON form: plain objects and finite numbers, without functions, `Map`s or bytes inside. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/**
 * The payloads that travel over a link: bytes alone, or JSON, to which a `Date` or another object with `toJSON` turns.
 * Bytes arrive as a `Uint8Array`, and `undefined` as `null`. Anything else (a `Map`, a `Set`, a `Blob`, an `Error`, a
 * function, `NaN`, bytes inside an object) is refused with `illegal_data`, before anybody has seen the event. On a bus
 * alone every value is a payload: `message satisfies Portable`.
 */
export type Portable = Json | undefined | ArrayBuffer | ArrayBufferView;

/** What is handed to a handler beside the data. Its fields are made when they are first read. */
export interface Event<Data = unknown> {
  /** The topic that it was published to: `event.topic.split(".")`. */
  readonly topic: string;
  /** What was published, the very object: `event.data === published`. */
  readonly data: Data;
  /** Names the event among all events: `seen.add(event.id)`. */
  readonly id: string;
  /** The publisher, as attested by the peer; empty for an event of this page: `if (event.source === "") mine()`. */
  readonly source: string;
  /**
   * The account that has published it, as attested by a peer that knows accounts; absent for an event of this page and of
   * a guest: `if (event.account && event.account === link.subject) mine()`.
   */
  readonly account?: string;
  /**
   * When it was published, in milliseconds since 1970 by the publisher's clock; `undefined` if that does not say. Of an
   * event of this page it is taken when it is first read, so read it in the handler: `show(event.time ?? Date.now())`.
   * The clock of a peer may say anything: no `Date` can represent a time beyond 8.64e15.
   */
  readonly time: number | undefined;
  /** The author, and how the author is known: `if (event.trust.status === "verified") mark(event.trust.name)`. */
  readonly trust: Trust;
  /** How it arrived: `if (event.delivery.status === "stored") shown(event.delivery.position)`. */
  readonly delivery: Delivery;
  /**
   * Set if the peer reports with this event that it has deleted another one of this topic: the position of that one.
   * Such a report has no `data`: `if (event.deletes) hide(event.deletes.offset)`.
   */
  readonly deletes?: Position;
  /** Whether this event was deleted, so that it has no `data`: `if (event.deleted) showTombstone(event.id)`. */
  readonly deleted: boolean;
  /** In a page of history: why `data` could not be read, for `if (event.error) skip(event.id)`. */
  readonly error?: BusError;
  /** The event in the JSON format of CloudEvents 1.0: `JSON.stringify(event.toCloudEvent())`. */
  readonly toCloudEvent: () => CloudEvent<Data>;
}

/**
 * The author of an event. `verified`: its device has signed it, and a trusted issuer has certified the device.
 * `attested`: an account, as the peer says. `anonymous`: a guest, as the peer says. `unknown`: this page or another tab.
 */
export type Trust =
  | {
      readonly status: "verified";
      /** The account. */
      readonly subject: string;
      /** The name to show, if the certificate has one. */
      readonly name?: string;
      /** The thumbprint of the device's key (RFC 7638). */
      readonly key: string;
    }
  | { readonly status: "attested"; readonly subject: string; readonly name?: undefined; readonly key?: undefined }
  | {
      readonly status: "anonymous" | "unknown";
      readonly subject?: undefined;
      readonly name?: undefined;
      readonly key?: undefined;
    };

/** An event in the JSON format of CloudEvents 1.0. Bytes (buffers and their views) stand in `data_base64`. */
export interface CloudEvent<Data = unknown> {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  /** The topic. */
  readonly type: string;
  /** RFC 3339. */
  readonly time?: string;
  /** Of `data` or `data_base64`. */
  readonly datacontenttype?: string;
  readonly data?: Data;
  readonly data_base64?: string;
}

/** The data of events on `$bus.error`: `subscribe("$bus.error", ({ label, cause }) => report(label, cause))`. */
export interface Failure {
  /** The topic of the event that the handler was called with. */
  readonly topic: string;
  /** The subscription's label. Default: its pattern. */
  readonly label: string;
  /** The reason in words. */
  readonly message: string;
  /** The thrown value, or an `Error` with the message. */
  readonly cause: unknown;
}

/** The data of events on `$bus.subscribed` and `$bus.unsubscribed`. */
export interface Subscribed {
  readonly pattern: string;
  /** The subscription's label. Default: its pattern. */
  readonly label: string;
}

/** The data of events on `$bus.dropped`: a full queue has lost an event. */
export interface Dropped {
  /** The topic of the event that found the queue full. */
  readonly topic: string;
  /** The subscription's label. Default: its pattern. */
  readonly label: string;
}

/** Every `Error` that the library throws or rejects with. */
export interface BusError extends Error {
  /** For programs: `illegal_argument`, `illegal_topic`, `system_topic`, `denied`, `queue_full`, `timeout`, ... */
  readonly code: string;
}
