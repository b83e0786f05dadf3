/** The payloads of a bus by topic. A key may be a pattern: `"chat.*.message"` stands for all such topics. */
export interface EventMap {
  readonly [topic: string]: unknown;
}

/** What the runtime tells of itself, on topics that only it publishes to. */
export interface SystemEvents {
  /** A handler has failed. */
  "$bus.error": Failure;
  /** A subscription has come; nothing is told while nobody listens. */
  "$bus.subscribed": Subscribed;
  /** A subscription has ended. */
  "$bus.unsubscribed": Subscribed;
  /** A full queue has lost an event. */
  "$bus.dropped": Dropped;
  /** How a link and its outbox are. */
  "$bus.link": LinkState;
  /** A rule has brought everything that was there when its reading began. */
  "$bus.caught_up": CaughtUp;
  /** Events that a rule asked for are gone from the peer's log. */
  "$bus.gap": Gap;
  /** Nobody knows whether the peer has stored an event. */
  "$bus.uncertain": Uncertain;
}

/** Whether a token of a pattern and one of a topic, or of another pattern, can be the same. */
type SameToken<A extends string, B extends string> = A extends "*"
  ? true
  : B extends "*"
    ? true
    : A extends B
      ? true
      : B extends A
        ? true
        : false;

/** Whether some topic is matched by both patterns. */
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

/** The keys of a map whose topics a pattern can match. A leading wildcard matches no topic of the runtime. */
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

/** Whether a map says nothing: then every topic carries `unknown`. */
type IsOpen<Events> = string extends keyof Events ? true : false;

/** What a topic, or all that a pattern matches, can carry. */
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

/** The rest of `publish`'s arguments: data may be left out where `undefined` will do. */
type Published<Data> = undefined extends Data
  ? [data?: Data, options?: PublishOptions]
  : [data: Data, options?: PublishOptions];

/** What JSON has a form for: objects are plain, numbers finite, and no part is a function, a `Map` or bytes. */
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
  /** Who published it, as the peer says; empty for an event of this page: `if (event.source === "") mine()`. */
  readonly source: string;
  /**
   * When it was published, in milliseconds since 1970 by the publisher's clock; `undefined` if that does not say. Of an
   * event of this page it is taken when it is first read, so read it in the handler: `show(event.time ?? Date.now())`.
   */
  readonly time: number | undefined;
  /** How it has come here: `if (event.delivery.status === "stored") shown(event.delivery.position)`. */
  readonly delivery: Delivery;
  /** In a page of history, why `data` could not be read: `if (event.error) skip(event.id)`. */
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
  /** The subscription's label; its pattern, if it was given none. */
  readonly label: string;
  /** Why, in words. */
  readonly message: string;
  /** Why: what was thrown, or an `Error` with the message. */
  readonly cause: unknown;
}

/** The data of events on `$bus.subscribed` and `$bus.unsubscribed`. */
export interface Subscribed {
  readonly pattern: string;
  /** The subscription's label; its pattern, if it was given none. */
  readonly label: string;
}

/** The data of events on `$bus.dropped`: a full queue has lost an event. */
export interface Dropped {
  /** Of the event that found the queue full. */
  readonly topic: string;
  /** The subscription's label; its pattern, if it was given none. */
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

/** Ends what it was returned for; may be called again: `using stop = subscribe("a", handler)`. */
export interface Disposer extends Disposing {
  (): void;
}

/** What `subscribe` calls. A thrown error or a rejected promise becomes an event on `$bus.error`. */
export type Handler<Data = unknown> = (data: Data, event: Event<Data>) => unknown;

/** What `subscribe` calls with `batch`: all data of a batch, and its events. */
export type BatchHandler<Data = unknown> = (data: Data[], events: Event<Data>[]) => unknown;

/** Options that most subscriptions have. */
export interface ListenOptions {
  /** Ends the subscription when it aborts: `{ signal: AbortSignal.timeout(1000) }`. */
  readonly signal?: AbortSignal;
  /** Higher comes first; 0 if not given: `{ priority: 10 }`. */
  readonly priority?: number;
  /** What failures and counters call it; its pattern, if not given: `{ label: "basket" }`. */
  readonly label?: string;
}

/** How a group shares its work: in turns, by who has the least to finish, or by key. */
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
 * When a batch is complete: at the end of the microtask or frame, after milliseconds, or at a count, which is 1,024 if
 * not given. Where nothing is drawn, a frame is 16 milliseconds.
 */
export type Batch = "microtask" | "frame" | number | { readonly ms?: number; readonly count?: number };

export interface SubscribeOptions<Data = unknown> extends ListenOptions {
  /** Shares the events with the others in this group; one of them gets each: `{ group: "workers" }`. */
  readonly group?: string;
  /** How the group shares; that of its first member counts: `{ group: "workers", balance: "least-pending" }`. */
  readonly balance?: Balance<Data>;
  /**
   * Lets so many events wait while the handler's promise is not settled, and hands over one after the
   * other: `{ queue: 100, overflow: "drop-oldest" }`.
   */
  readonly queue?: number;
  /**
   * `drop-oldest` if not given. With `wait` none is dropped: `publish` throws `queue_full` before anybody has seen
   * the event, and `publish(topic, data, { wait: true })` waits for room.
   */
  readonly overflow?: Overflow<Data>;
  /** First calls the handler with what is retained: `{ replay: true }`. */
  readonly replay?: boolean;
  /** Also see this page's durable events before the peer has stored them, and those it rejects: `{ echo: true }`. */
  readonly echo?: boolean;
}

export interface BatchOptions extends ListenOptions {
  /** Hands over many events at once: `subscribe("pen.*", draw, { batch: "frame" })`. */
  readonly batch: Batch;
}

export interface TopicOptions extends ListenOptions {
  /** How many events wait for an iterator that does not keep up; 1,024 if not given. The oldest is dropped. */
  readonly capacity?: number;
  /** First brings what is retained: `topic("price.tea", { replay: true })`. */
  readonly replay?: boolean;
}

/** The events of a pattern, for other libraries to take. */
export interface Topic<Data = unknown> extends AsyncIterable<Event<Data>> {
  /** Iterates over what comes from now on: `for await (const event of bus.topic("a.*")) show(event.data)`. */
  readonly [Symbol.asyncIterator]: () => TopicIterator<Data>;
  /** A Svelte store: calls at once, with `undefined`, and then with the data of each event: `$: latest = $topic`. */
  readonly subscribe: (run: (data: Data | undefined) => void) => Disposer;
}

/** Ends with `return`, which `break` calls. */
export interface TopicIterator<Data = unknown> extends AsyncIterableIterator<Event<Data>> {
  /** How many events were dropped: `if (iterator.dropped > 0) reload()`. */
  readonly dropped: number;
}

export interface PublishOptions {
  /** A durable event that has not left within so many milliseconds is rejected; never after `Infinity`: `{ expiresInMs: 5000 }`. */
  readonly expiresInMs?: number;
}

export interface RequestOptions {
  /** Milliseconds; 5,000 if not given, and `Infinity` waits for ever: `request("sum", [1, 2], { timeout: 100 })`. */
  readonly timeout?: number;
  /** Gives the request up when it aborts. */
  readonly signal?: AbortSignal;
}

export interface RetainOptions {
  /** How many of each topic; 1 if not given. */
  readonly events?: number;
  /** How many topics, without the one that was silent for longest; 1,024 if not given. */
  readonly topics?: number;
  readonly signal?: AbortSignal;
}

/** What an interceptor says, at once and not by a promise. Anything else lets the event pass. */
export type Verdict<Data = unknown> =
  | undefined
  | void
  | { readonly replace: Data }
  | { readonly drop: true }
  | { readonly deny: string };

/** What an interceptor is told beside the data. */
export interface Intercepted {
  readonly topic: string;
  /** It has come over a link. */
  readonly inbound: boolean;
}

/** What was recorded. */
export interface Recording {
  /** CloudEvents 1.0 in JSON, each a line, with the milliseconds since the beginning in `elapsed`. */
  readonly lines: () => string[];
  /** How many events there was no room for, or JSON has no form for. */
  readonly dropped: number;
  /** Ends the recording; what was recorded stays. */
  readonly stop: Disposer;
}

export interface Stats {
  /** Events by topic, and the calls that they were for: `stats.topics()["a.b"]?.events`. */
  readonly topics: () => Record<string, { events: number; deliveries: number }>;
  /** Calls by label, and the milliseconds that they took. */
  readonly handlers: () => Record<string, { calls: number; failures: number; ms: number }>;
  /** How many subscriptions stand, without those that count. */
  readonly subscriptions: number;
  /** Ends the counting; what was counted stays. */
  readonly stop: Disposer;
}

export interface BusOptions {
  /** Freezes what is published, deeply: for development, to find who changes what others read. */
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
   * Publishes `data` on `topic`. A local or ephemeral event has been delivered when this returns `undefined`
   * (inside a handler: follows the current event). A durable one returns a receipt. Subscribers of this bus get the very
   * object; where a rule of a link names the topic, `data` must be {@link Portable}.
   *
   * ```js
   * publish("basket.added", { sku: "a-1" });
   * ```
   */
  readonly publish: {
    <T extends TopicOf<Events>>(topic: T, ...rest: Published<DataOf<Events, T>>): Receipt | undefined;
    /** Waits until the queues that `wait` have room. */
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
  /** Like `subscribe`, for hands that are used to emitters: `on("a", handler); off("a", handler)`. */
  readonly on: <P extends string>(
    pattern: P & PatternOf<Events, P>,
    handler: Handler<DataOf<Events, P>>,
    options?: SubscribeOptions<DataOf<Events, P>>,
  ) => Disposer;
  /** Ends what `on` has begun with this handler, or all of this pattern: `off("a")`. */
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
  /** Keeps the last events of each topic for subscribers with `replay`: `retain("price.*", { events: 10 })`. */
  readonly retain: <P extends string>(pattern: P & PatternOf<Events, P>, options?: RetainOptions) => Disposer;
  /**
   * Asks on this bus, and gets one reply; rejected with `nobody_serves` at once, with `timeout`, or with `no_reply`.
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
   * Shows each event to `interceptor` before anybody else sees it: at the publish call, or when it comes in.
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
  /** Starts to connect to a peer and returns at once: `connect({ url, rules: [{ pattern: "chat.>", durable: true }] })`. */
  readonly connect: (options: ConnectOptions) => Link;
  /** Records what passes: `const recording = record("chat.>"); save(recording.lines())`. */
  readonly record: (
    pattern?: string,
    options?: { readonly capacity?: number; readonly signal?: AbortSignal },
  ) => Recording;
  /** Publishes a recording anew, with its pauses divided by `speed`: `await play(lines, { speed: Infinity })`. */
  readonly play: (
    lines: string | Iterable<string>,
    options?: { readonly speed?: number; readonly signal?: AbortSignal },
  ) => Promise<void>;
  /** Counts events and handlers' times until it is stopped: `console.table(stats().handlers())`. */
  readonly stats: (options?: { readonly atMost?: number; readonly signal?: AbortSignal }) => Stats;
}

/** The one bus of that name in this realm, also where two copies of the package are loaded: `createSingleton("app")`. */
export function createSingleton<Events extends object = EventMap, Requests extends object = Record<string, (data: unknown) => unknown>>(
  name: string,
  options?: BusOptions,
): Bus<Events, Requests>;
/** A bus of its own: `const bus = createBus<{ "basket.added": Item }>()`. */
export function createBus<Events extends object = EventMap, Requests extends object = Record<string, (data: unknown) => unknown>>(
  options?: BusOptions,
): Bus<Events, Requests>;
