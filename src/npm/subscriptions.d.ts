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
  /** First calls the handler with the retained events: `{ replay: true }`. Not with `queue` or `group`. */
  readonly replay?: boolean;
  /**
   * Also see this page's durable events before the peer has stored them, and those it rejects: `{ echo: true }`. Not with
   * `queue` or `group`.
   */
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
