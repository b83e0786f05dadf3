/** The payloads of a bus by topic. A key may be a pattern: `"chat.*.message"` stands for all such topics. */
export interface EventMap {
  readonly [topic: string]: unknown;
}

/** Events of the runtime, on topics that only it publishes to. */
export interface SystemEvents {
  /** A handler has failed. */
  "$bus.error": Failure;
  /** A subscription has begun. Published only if there is a subscriber. */
  "$bus.subscribed": Subscribed;
  /** A subscription has ended. */
  "$bus.unsubscribed": Subscribed;
  /** A full queue has lost an event. */
  "$bus.dropped": Dropped;
  /** The state of a link and its outbox. */
  "$bus.link": LinkState;
  /** A rule has delivered all events that existed when it began to read. */
  "$bus.caught_up": CaughtUp;
  /** Events that a rule asks for are no longer in the peer's log. */
  "$bus.gap": Gap;
  /** The peer may or may not have stored an event. */
  "$bus.uncertain": Uncertain;
}

/** Whether a token of a pattern can equal a token of a topic, or of another pattern. */
type SameToken<A extends string, B extends string> = A extends "*"
  ? true
  : B extends "*"
    ? true
    : A extends B
      ? true
      : B extends A
        ? true
        : false;

/** Whether a topic exists that both patterns match. */
type Overlap<A extends string, B extends string> = A extends `${infer First}.${infer Rest}`
  ? B extends ">"
    ? true
    : B extends `${infer OtherFirst}.${infer OtherRest}`
      ? SameToken<First, OtherFirst> extends true
        ? Overlap<Rest, OtherRest>
        : false
      : false
  : A extends ">"
    ? true
    : B extends ">"
      ? true
      : B extends `${string}.${string}`
        ? false
        : SameToken<A, B>;

/** The keys of a map whose topics a pattern can match. A leading wildcard does not match the runtime's topics. */
type Matched<Events, P extends string> = {
  [K in keyof Events & string]: K extends `$${string}`
    ? P extends `*${string}` | ">"
      ? never
      : Overlap<P, K> extends true
        ? K
        : never
    : Overlap<P, K> extends true
      ? K
      : never;
}[keyof Events & string];

/** Whether a map is open, so that every topic carries `unknown`. */
type IsOpen<Events> = string extends keyof Events ? true : false;

/** The data of a topic, or of all topics that a pattern matches. */
export type DataOf<Events, P extends string> =
  | (IsOpen<Events> extends true ? (P extends `$${string}` ? never : Events[keyof Events]) : Events[Matched<Events, P> & keyof Events])
  | SystemEvents[Matched<SystemEvents, P> & keyof SystemEvents];

/** `P`, if it can match a topic of the map. */
export type PatternOf<Events, P extends string> =
  IsOpen<Events> extends true ? P : [Matched<Events, P> | Matched<SystemEvents, P>] extends [never] ? never : P;

type Concrete<K extends string> = K extends `${infer First}.${infer Rest}`
  ? `${First extends "*" ? string : First}.${Concrete<Rest>}`
  : K extends "*" | ">"
    ? string
    : K;

/** The topics of a map that can be published to. */
export type TopicOf<Events> = IsOpen<Events> extends true ? string : Concrete<keyof Events & string>;

/** The other arguments of `publish`. Data may be omitted if it can be `undefined`. */
type Published<Data> = undefined extends Data
  ? [data?: Data, options?: PublishOptions]
  : [data: Data, options?: PublishOptions];

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
   * When it was published, in milliseconds since 1970 by the publisher's clock; `undefined` if that does not say. Of an
   * event of this page it is taken when it is first read, so read it in the handler: `show(event.time ?? Date.now())`.
   */
  readonly time: number | undefined;
  /** How it arrived: `if (event.delivery.status === "stored") shown(event.delivery.position)`. */
  readonly delivery: Delivery;
  /** In a page of history: why `data` could not be read, for `if (event.error) skip(event.id)`. */
  readonly error?: BusError;
  /** The event in the JSON format of CloudEvents 1.0: `JSON.stringify(event.toCloudEvent())`. */
  readonly toCloudEvent: () => CloudEvent<Data>;
}

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

/** `Symbol.dispose`, where the compiler's `lib` has it. */
type Dispose = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? Key : never;

/** `using` ends it, where the platform has `Symbol.dispose`. */
type Disposing = { readonly [Key in Dispose]: () => void };

/** Ends what it was returned for. Calling it again does nothing: `using stop = subscribe("a", handler)`. */
export interface Disposer extends Disposing {
  (): void;
}

/** A subscription's handler. A thrown error or a rejected promise becomes an event on `$bus.error`. */
export type Handler<Data = unknown> = (data: Data, event: Event<Data>) => unknown;

/** The handler of a subscription with `batch`: gets all data of a batch, and its events. */
export type BatchHandler<Data = unknown> = (data: Data[], events: Event<Data>[]) => unknown;

/** Options of most subscriptions. */
export interface ListenOptions {
  /** Ends the subscription when it aborts: `{ signal: AbortSignal.timeout(1000) }`. */
  readonly signal?: AbortSignal;
  /** Higher priorities come first. Default: 0: `{ priority: 10 }`. */
  readonly priority?: number;
  /** Its name in failures and counters. Default: its pattern: `{ label: "basket" }`. */
  readonly label?: string;
}

/** How a group shares its work: in turns, to the member with the least pending work, or by key. */
export type Balance<Data = unknown> =
  | "round-robin"
  | "least-pending"
  | { readonly by: (data: Data, event: Event<Data>) => string };

/** What happens to an event that finds a queue full. */
export type Overflow<Data = unknown> =
  | "drop-oldest"
  | "drop-newest"
  | "wait"
  | { readonly conflate: (data: Data, event: Event<Data>) => string };

/**
 * When a batch is complete: at the end of the microtask or frame, after milliseconds, or at a count (default: 1,024).
 * Where nothing is drawn, a frame is 16 milliseconds.
 */
export type Batch = "microtask" | "frame" | number | { readonly ms?: number; readonly count?: number };

export interface SubscribeOptions<Data = unknown> extends ListenOptions {
  /** Shares events with the other members of this group: one of them gets each event: `{ group: "workers" }`. */
  readonly group?: string;
  /** How the group shares. The first member's choice counts: `{ group: "workers", balance: "least-pending" }`. */
  readonly balance?: Balance<Data>;
  /**
   * Queues up to this many events while the handler's promise is pending, and delivers one at a
   * time: `{ queue: 100, overflow: "drop-oldest" }`.
   */
  readonly queue?: number;
  /**
   * Default: `drop-oldest`. With `wait` no event is dropped: `publish` throws `queue_full` before it delivers the event,
   * and `publish(topic, data, { wait: true })` waits for room.
   */
  readonly overflow?: Overflow<Data>;
  /** First calls the handler with the retained events: `{ replay: true }`. */
  readonly replay?: boolean;
  /** Also see this page's durable events before the peer has stored them, and those it rejects: `{ echo: true }`. */
  readonly echo?: boolean;
}

export interface BatchOptions extends ListenOptions {
  /** Delivers many events at once: `subscribe("pen.*", draw, { batch: "frame" })`. */
  readonly batch: Batch;
}

export interface TopicOptions extends ListenOptions {
  /** The number of events that wait for a slow iterator. Beyond it the oldest is dropped. Default: 1,024. */
  readonly capacity?: number;
  /** First yields the retained events: `topic("price.tea", { replay: true })`. */
  readonly replay?: boolean;
}

/** The events of a pattern, for use with other libraries. */
export interface Topic<Data = unknown> extends AsyncIterable<Event<Data>> {
  /** Iterates over the events from now on: `for await (const event of bus.topic("a.*")) show(event.data)`. */
  readonly [Symbol.asyncIterator]: () => TopicIterator<Data>;
  /**
   * A Svelte store: calls `run` with `undefined` at once, and then with the data of each event: `$: latest = $topic`.
   */
  readonly subscribe: (run: (data: Data | undefined) => void) => Disposer;
}

/** Ends with `return`, which `break` calls. */
export interface TopicIterator<Data = unknown> extends AsyncIterableIterator<Event<Data>> {
  /** How many events were dropped: `if (iterator.dropped > 0) reload()`. */
  readonly dropped: number;
}

export interface PublishOptions {
  /** Rejects a durable event that was not sent within this time. `Infinity` never does: `{ expiresInMs: 5000 }`. */
  readonly expiresInMs?: number;
}

export interface RequestOptions {
  /** In milliseconds. Default: 5,000. `Infinity` waits forever: `request("sum", [1, 2], { timeout: 100 })`. */
  readonly timeout?: number;
  /** Cancels the request when it aborts. */
  readonly signal?: AbortSignal;
}

export interface RetainOptions {
  /** The number of events to retain for each topic. Default: 1. */
  readonly events?: number;
  /** The number of topics. Beyond it the topic that was silent for longest is dropped. Default: 1,024. */
  readonly topics?: number;
  readonly signal?: AbortSignal;
}

/** An interceptor's decision, which cannot be a promise. Anything else lets the event pass. */
export type Verdict<Data = unknown> =
  | undefined
  | void
  | { readonly replace: Data }
  | { readonly drop: true }
  | { readonly deny: string };

/** What an interceptor gets besides the data. */
export interface Intercepted {
  readonly topic: string;
  /** Whether it arrived over a link. */
  readonly inbound: boolean;
}

/** A recording of events. */
export interface Recording {
  /** Each event as a line of CloudEvents 1.0 JSON, with the milliseconds since the start in `elapsed`. */
  readonly lines: () => string[];
  /** The number of events that did not fit, or that have no JSON form. */
  readonly dropped: number;
  /** Stops recording. The recorded events stay. */
  readonly stop: Disposer;
}

export interface Stats {
  /** Events and deliveries by topic: `stats.topics()["a.b"]?.events`. */
  readonly topics: () => Record<string, { events: number; deliveries: number }>;
  /** Calls, failures and milliseconds by label. */
  readonly handlers: () => Record<string, { calls: number; failures: number; ms: number }>;
  /** The number of subscriptions, without those of the counters. */
  readonly subscriptions: number;
  /** Stops counting. The counts stay. */
  readonly stop: Disposer;
}

export interface BusOptions {
  /** Deeply freezes published data. Use it in development to find code that changes shared payloads. */
  readonly freeze?: boolean;
}

/** Handlers of requests by topic: `{ "sum": (numbers: number[]) => number }`. */
export interface RequestMap {
  readonly [topic: string]: (data: never) => unknown;
}

type Asked<Requests, T extends keyof Requests> = Requests[T] extends (data: infer Data) => unknown ? Data : never;
type Answered<Requests, T extends keyof Requests> = Requests[T] extends (data: never) => infer Reply
  ? Awaited<Reply>
  : never;

/** Carries events from publishers to subscribers. Its functions work when destructured. */
export interface Bus<Events extends object = EventMap, Requests extends object = Record<string, (data: unknown) => unknown>> {
  /**
   * Publishes `data` on `topic`. A local or ephemeral event has been delivered when this returns `undefined`; inside a
   * handler it follows the current event. A durable event returns a receipt. Subscribers of this bus get the same
   * object. If the topic crosses a link, `data` must be {@link Portable}.
   *
   * ```js
   * publish("basket.added", { sku: "a-1" });
   * ```
   */
  readonly publish: {
    <T extends TopicOf<Events>>(topic: T, ...rest: Published<DataOf<Events, T>>): Receipt | undefined;
    /** Waits for room in queues with `overflow: "wait"`. */
    <T extends TopicOf<Events>>(
      topic: T,
      data: DataOf<Events, T>,
      options: { readonly wait: true },
    ): Promise<Receipt | undefined>;
  };
  /**
   * Calls `handler` for each event whose topic `pattern` matches, until the returned disposer is called. In a
   * pattern `*` stands for exactly one token and a final `>` for one or more.
   *
   * ```js
   * const stop = subscribe("basket.*", (data, event) => console.log(event.topic, data));
   * ```
   */
  readonly subscribe: {
    <P extends string>(
      pattern: P & PatternOf<Events, P>,
      handler: BatchHandler<DataOf<Events, P>>,
      options: BatchOptions,
    ): Disposer;
    <P extends string>(
      pattern: P & PatternOf<Events, P>,
      handler: Handler<DataOf<Events, P>>,
      options?: SubscribeOptions<DataOf<Events, P>> & { readonly batch?: undefined },
    ): Disposer;
  };
  /** Like `subscribe`, for the next event only: `once("ready", start)`. */
  readonly once: <P extends string>(
    pattern: P & PatternOf<Events, P>,
    handler: Handler<DataOf<Events, P>>,
    options?: SubscribeOptions<DataOf<Events, P>>,
  ) => Disposer;
  /** Like `subscribe`, in the style of event emitters: `on("a", handler); off("a", handler)`. */
  readonly on: <P extends string>(
    pattern: P & PatternOf<Events, P>,
    handler: Handler<DataOf<Events, P>>,
    options?: SubscribeOptions<DataOf<Events, P>>,
  ) => Disposer;
  /** Ends the subscription that `on` has made with this handler, or all of the pattern: `off("a")`. */
  readonly off: <P extends string>(
    pattern: P & PatternOf<Events, P>,
    handler?: Handler<DataOf<Events, P>>,
  ) => void;
  /**
   * The events of a pattern as an async iterable, as an observable (RxJS's `from` takes it) and as a Svelte store.
   *
   * ```js
   * for await (const event of topic("chat.*")) show(event.data);
   * ```
   */
  readonly topic: <P extends string>(
    pattern: P & PatternOf<Events, P>,
    options?: TopicOptions,
  ) => Topic<DataOf<Events, P>>;
  /** Retains the last events of each topic for subscribers with `replay`: `retain("price.*", { events: 10 })`. */
  readonly retain: <P extends string>(pattern: P & PatternOf<Events, P>, options?: RetainOptions) => Disposer;
  /**
   * Sends a request on this bus, and resolves with one reply. Rejects with `nobody_serves` at once, with `timeout`, or
   * with `no_reply`.
   *
   * ```js
   * const sum = await request("sum", [1, 2]);
   * ```
   */
  readonly request: <T extends keyof Requests & string>(
    topic: T,
    data: Asked<Requests, T>,
    options?: RequestOptions,
  ) => Promise<Answered<Requests, T>>;
  /** Answers requests with what `handler` returns: `respond("sum", (numbers) => numbers.reduce(add))`. */
  readonly respond: <T extends keyof Requests & string>(
    topic: T,
    handler: (data: Asked<Requests, T>, event: Event) => Answered<Requests, T> | Promise<Answered<Requests, T>>,
    options?: ListenOptions,
  ) => Disposer;
  /**
   * Passes each event to `interceptor` before any subscriber sees it: when it is published, or when it arrives.
   *
   * ```js
   * use("chat.>", (text) => (text.includes("damn") ? { deny: "language!" } : { replace: text.trim() }));
   * ```
   */
  readonly use: <P extends string>(
    pattern: P & PatternOf<Events, P>,
    interceptor: (data: DataOf<Events, P>, about: Intercepted) => Verdict<DataOf<Events, P>>,
    options?: { readonly signal?: AbortSignal },
  ) => Disposer;
  /**
   * Starts to connect to a peer, and returns at once: `connect({ url, rules: [{ pattern: "chat.>", durable: true }]
   * })`.
   */
  readonly connect: (options: ConnectOptions) => Link;
  /** Records events: `const recording = record("chat.>"); save(recording.lines())`. */
  readonly record: (
    pattern?: string,
    options?: { readonly capacity?: number; readonly signal?: AbortSignal },
  ) => Recording;
  /** Publishes a recording again, with its pauses divided by `speed`: `await play(lines, { speed: Infinity })`. */
  readonly play: (
    lines: string | Iterable<string>,
    options?: { readonly speed?: number; readonly signal?: AbortSignal },
  ) => Promise<void>;
  /** Counts events and measures handlers until it is stopped: `console.table(stats().handlers())`. */
  readonly stats: (options?: { readonly atMost?: number; readonly signal?: AbortSignal }) => Stats;
}

/** The bus with this name in this realm, even if two copies of the package are loaded: `createSingleton("app")`. */
export function createSingleton<Events extends object = EventMap, Requests extends object = Record<string, (data: unknown) => unknown>>(
  name: string,
  options?: BusOptions,
): Bus<Events, Requests>;
/** Creates a new bus: `const bus = createBus<{ "basket.added": Item }>()`. */
export function createBus<Events extends object = EventMap, Requests extends object = Record<string, (data: unknown) => unknown>>(
  options?: BusOptions,
): Bus<Events, Requests>;
