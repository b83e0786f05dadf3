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
  /**
   * Each event as a line of CloudEvents 1.0 JSON, with the milliseconds since the start in `elapsed`, how it was
   * delivered in `stage`, its position in `stream`, `epoch` and `sequence`, and its account in `authid`.
   */
  readonly lines: () => string[];
  /** The number of events that did not fit, or that have no JSON form. */
  readonly dropped: number;
  /** Stops recording. The recorded events stay. */
  readonly stop: Disposer;
}

export interface Stats {
  /** Events and deliveries by topic: `stats.topics()["a.b"]?.events`. */
  readonly topics: () => Record<string, { events: number; deliveries: number }>;
  /**
   * By label: calls, failures, milliseconds in total, and the milliseconds that half (`p50`) and 95 % (`p95`) of the
   * calls did not exceed, which may be up to a fifth too high.
   */
  readonly handlers: () => Record<string, { calls: number; failures: number; ms: number; p50: number; p95: number }>;
  /** The number of subscriptions, without those of the counters. */
  readonly subscriptions: number;
  /** Stops counting. The counts stay. */
  readonly stop: Disposer;
}

export interface BusOptions {
  /** Deeply freezes published data. Use it in development to find code that changes shared payloads. */
  readonly freeze?: boolean;
  /**
   * No link connects to this bus, and `play` delivers recorded events as they were: with their ids, sources, times and
   * positions. So a replay never leaves the page: `createBus({ sealed: true })`.
   */
  readonly sealed?: boolean;
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
   * Sends a request on this bus, and resolves with one reply. Rejects with `no_responder` at once, with `timeout`, or
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
  /**
   * Publishes a recording again, with its pauses divided by `speed`: `await play(lines, { speed: Infinity })`. On a
   * `sealed` bus its events are delivered as they were.
   */
  readonly play: (
    lines: string | Iterable<string>,
    options?: { readonly speed?: number; readonly signal?: AbortSignal },
  ) => Promise<void>;
  /** Counts events and measures handlers until it is stopped: `console.table(stats().handlers())`. */
  readonly stats: (options?: { readonly atMost?: number; readonly signal?: AbortSignal }) => Stats;
  /** Returns the function that `event-driven-kit/inspector` asks. Its own `inspect(bus)` shows a bus. */
  readonly inspect: () => (question: number, given?: unknown) => unknown;
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
