
/** What is handed to a handler beside the data. */
export interface Event {
  /** The topic that it was published to. */
  readonly topic: string;
  /** Names the event among all events. */
  readonly id: string;
  /** Who published it, as the peer says; empty for an event of this page. */
  readonly source: string;
  /** When it was published, in milliseconds since 1970 by the publisher's clock. */
  readonly time: number;
  /** How it has come here. */
  readonly delivery: Delivery;
}

/** A place in the peer's log. Both are decimal numbers, which may be above what a `number` holds. */
export interface Position {
  readonly offset: string;
  readonly epoch: string;
}

/** The peer has stored the event, there. */
export interface Stored {
  readonly status: "stored";
  readonly position: Position;
}

/** The peer did not take the event. */
export interface Rejected {
  readonly status: "rejected";
  /** For programs: `illegal_topic`, `illegal_event`, `too_large`, `uncertain`, ... */
  readonly code: string;
  readonly message: string;
}

/** How an event has come to its handlers; `queued`, `sent` and `rejected` come with `echo` only. */
export type Delivery = { readonly status: "local" | "ephemeral" | "queued" | "sent" } | Stored | Rejected;

/** How far a durable event of this page has come. */
export type Status = { readonly status: "queued" | "sent" } | Stored | Rejected;

/** Follows a durable event. */
export interface Receipt {
  readonly id: string;
  /** How far it has come by now. */
  readonly status: Status;
  /** Resolves when the peer has stored the event; rejects with an `Error` whose `code` says why it did not. */
  settled(): Promise<Position>;
}

/** The data of events on `$bus.error`. */
export interface Failure {
  /** The topic of the event that the handler was called with. */
  readonly topic: string;
  /** The subscription's label; its pattern, if it was given none. */
  readonly label: string;
  readonly message: string;
  /** What was thrown or rejected with. */
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

/** Ends what it was returned for; may be called again. */
export interface Disposer {
  (): void;
  /** There where the browser has `Symbol.dispose`. */
  readonly [Symbol.dispose]?: () => void;
}

export interface SubscribeOptions {
  /** Higher comes first; 0 if not given. */
  readonly priority?: number;
  /** What failures call the subscription; its pattern, if not given. */
  readonly label?: string;
  /** Also see this page's durable events before the peer has stored them, and those that it rejects. */
  readonly echo?: boolean;
  /** Ends the subscription when it aborts. */
  readonly signal?: AbortSignal;
}

/** What `subscribe` calls. A thrown error or a rejected promise becomes an event on `$bus.error`. */
export type Handler<T = unknown> = (data: T, event: Event) => unknown;

/** The state of a link: the data of events on `$bus.link`. */
export type LinkState =
  | { readonly state: "connecting" | "online" }
  | { readonly state: "offline"; /** When the next try comes, in milliseconds. */ readonly retryInMs: number }
  | { readonly state: "stopped"; /** The close code. */ readonly code: number; readonly reason: string };

/** Says which topics cross a link. What no rule names is neither sent nor accepted. */
export interface Rule {
  /** The topics, with `*` and `>`. */
  readonly pattern: string;
  /** `both` if not given. */
  readonly direction?: "both" | "in" | "out";
  /** Kept until the peer has stored it, and delivered then; if not, sent while the link is up. */
  readonly durable?: boolean;
  /** Where reading starts when the link is up for the first time; `latest` if not given. */
  readonly from?: "latest" | "earliest" | { readonly last: number };
}

export interface ConnectOptions {
  /** The peer's address: `ws:` or `wss:`. */
  readonly url: string;
  readonly rules?: Iterable<Rule>;
  /** Closes the link when it aborts. */
  readonly signal?: AbortSignal;
}

/** A link to a peer. It reconnects by itself, until it is closed. */
export interface Link {
  readonly close: () => void;
  readonly state: LinkState;
  /** There where the browser has `Symbol.dispose`. */
  readonly [Symbol.dispose]?: () => void;
}

/** Carries events from publishers to subscribers. Its functions work when destructured. */
export interface Bus {
  /**
   * Calls `handler` for each event whose topic `pattern` matches, until the returned disposer is
   * called. In a pattern `*` stands for exactly one token and a final `>` for one or more.
   */
  readonly subscribe: <T = unknown>(pattern: string, handler: Handler<T>, options?: SubscribeOptions) => Disposer;
  /**
   * Publishes `data` on `topic`. A local or ephemeral event has been delivered when this returns
   * `undefined` (inside a handler: follows the current event). A durable one returns a receipt.
   */
  readonly publish: (topic: string, data?: unknown) => Receipt | undefined;
  /** Starts to connect to a peer and returns at once; events on `$bus.link` tell how it goes. */
  readonly connect: (options: ConnectOptions) => Link;
}

/** The one bus of that name in this window, worker or process. */
export function createSingleton(name: string): Bus;
/** A bus of its own. */
export function createBus(): Bus;
