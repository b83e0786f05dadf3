
/** A place in the peer's log. Offset and epoch are decimal numbers, which may be above what a `number` holds. */
export interface Position {
  readonly offset: string;
  readonly epoch: string;
  /** The peer's stream. What the library tells has it; what it is given may leave out the main one, `main`. */
  readonly stream?: string;
}

/** The peer has stored the event, there. */
export interface Stored {
  readonly status: "stored";
  readonly position: Position;
}

/** The peer did not take the event. */
export interface Rejected {
  readonly status: "rejected";
  /** For programs: `illegal_topic`, `too_large`, `expired`, `cancelled`, `uncertain` (it may be stored or not), ... */
  readonly code: string;
  readonly message: string;
}

/** How an event has come to its handlers; `queued`, `kept`, `sent` and `rejected` come with `echo` only. */
export type Delivery =
  | { readonly status: "local" | "ephemeral" | "queued" | "kept" | "sent" }
  | Stored
  | Rejected;

/**
 * How far a durable event of this page has come: `queued` is on its way into the outbox, `kept` is in it and
 * survives a reload, `sent` has left and is not answered.
 */
export type Status = { readonly status: "queued" | "kept" | "sent" } | Stored | Rejected;

/** Follows a durable event. */
export interface Receipt {
  readonly id: string;
  /** How far it has come by now. */
  readonly status: Status;
  /** Resolves when the event is in the outbox, where a reload does not lose it; rejects like `settled`. */
  kept(): Promise<void>;
  /** Takes the event back. False: it may have left. It ends as `rejected` with the code `cancelled`. */
  cancel(): boolean;
  /** Resolves when the peer has stored the event; rejects with an `Error` whose `code` says why it did not. */
  settled(): Promise<Position>;
}

/** How a link and its outbox are: the data of events on `$bus.link`. */
export type LinkState = (
  | { readonly state: "connecting" | "online" }
  | { readonly state: "offline"; /** When the next try comes, in milliseconds. */ readonly retryInMs: number }
  | { readonly state: "stopped"; /** The close code. */ readonly code: number; readonly reason: string }
) & {
  /** How many durable events wait for the peer's answer, of all tabs that share the outbox. */
  readonly outbox: number;
  /** The last event of this client that the peer has stored, since the page was loaded. */
  readonly lastAcked?: { readonly id: string } & Position;
  /**
   * Where the outbox is. `memory`: gone with the page. `failing`: in IndexedDB, but new events cannot be written and go
   * out from memory.
   */
  readonly storage: "indexeddb" | "memory" | "failing";
  /** Whether the browser has promised not to clear the outbox when it runs out of space, if it was asked. */
  readonly persisted?: boolean;
  /** Who holds the connection: this tab for itself, this tab for all, or another one. */
  readonly role: "alone" | "leader" | "follower";
  /** Whether everything that the inbound rules ask for has come: `if (link.state.caughtUp) hideSpinner()`. */
  readonly caughtUp: boolean;
  /** How many gaps were told on `$bus.gap`. */
  readonly gaps: number;
  /** How many events were told on `$bus.uncertain`. */
  readonly uncertain: number;
};

/** The data of events on `$bus.caught_up`: a rule has brought everything that was there. */
export interface CaughtUp {
  /** The pattern of the rule. */
  readonly pattern: string;
}

/** One who is present at a topic. Somebody with several browsers there is several, under one key. */
export interface Occupant<T = unknown> {
  /** Names it at this topic, and no other after it. */
  readonly id: string;
  /** Who it is. */
  readonly key: string;
  /** What it says of itself. */
  readonly data: T;
}

/** Who is present at a topic: what `watch` tells, and the data of events on `$bus.presence.<topic>`. */
export interface Occupants<T = unknown> {
  readonly topic: string;
  /** All who are there. */
  readonly present: readonly Occupant<T>[];
  /** Those of them who came, or have other data than before. */
  readonly joined: readonly Occupant<T>[];
  /** Those who have left. */
  readonly left: readonly Occupant<T>[];
}

/** Some events of the peer's log. */
export interface HistoryPage {
  /** The newest first. There may be none although there is a next page. One that can't be read has an `error`. */
  readonly events: readonly Event[];
  /** Where the next page begins; nothing if there is no more. */
  readonly next?: Position;
}

/** The data of events on `$bus.gap`: events that a rule asked for are gone from a stream of the peer. */
export interface Gap {
  /** The pattern of the rule. */
  readonly pattern: string;
  /** The stream that held them. */
  readonly stream: string;
  /** The first and the last offset that are gone, as decimal numbers. */
  readonly from: string;
  readonly to: string;
}

/** The data of events on `$bus.uncertain`: nobody knows whether the peer has stored this event. */
export interface Uncertain {
  readonly id: string;
  readonly topic: string;
  readonly message: string;
}

/** Says which topics cross a link. What no rule names is neither sent nor accepted. */
export interface Rule {
  /** The topics, with `*` and `>`. Payloads of theirs that cross the link must be {@link Portable}. */
  readonly pattern: string;
  /** `both` if not given. */
  readonly direction?: "both" | "in" | "out";
  /** Kept until the peer has stored it, and delivered then; if not, sent while the link is up. */
  readonly durable?: boolean;
  /** Where reading starts when the link is up for the first time; `latest` if not given. */
  readonly from?: "latest" | "earliest" | { readonly last: number };
  /**
   * So much the peer sends ahead of the handlers, of queues that wait and of batches: 1,024 events and 1 MiB of
   * payloads if not given. The rest comes from its log when they have taken what came.
   */
  readonly window?: { readonly events?: number; readonly bytes?: number };
}

export interface ConnectOptions {
  /** The peer's address: `ws:` or `wss:`. */
  readonly url: string;
  readonly rules?: Iterable<Rule>;
  /** Who uses the link; each identity has an outbox of its own. */
  readonly identity?: string;
  /** Where durable events wait. `indexeddb` if not given; `memory` where the browser refuses that. */
  readonly storage?: "indexeddb" | "memory";
  /**
   * Returns a credential (a token) for the peer: asked before each connection, and when it is about to end. One that
   * the peer refuses stops the link, until `reconnect`.
   */
  readonly credentials?: () => string | Promise<string>;
  /** Closes the link when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * A link to a peer. It reconnects by itself, until it is closed. Connects of a bus to one peer share a link, each with its
 * own rules; one that asks for another identity, storage or credentials is refused with `already_connected`.
 */
export interface Link extends Disposing {
  readonly close: () => void;
  readonly state: LinkState;
  /** Connects again after a stop, when something was done about it: a user has signed in again. */
  readonly reconnect: () => void;
  /**
   * The newest events of the peer's log whose topic matches, at most `limit` (50 if not given); or those before a
   * place, which a page names as its `next`. Waits for the link.
   */
  readonly history: (
    pattern: string,
    options?: { readonly before?: Position; readonly limit?: number },
  ) => Promise<HistoryPage>;
  /**
   * Is present at a topic until the returned disposer is called; a reload is no leave. `key` says who it is, and the
   * others see `data`, which must be JSON.
   */
  readonly join: (
    topic: string,
    key: string,
    data?: unknown,
    options?: { readonly signal?: AbortSignal },
  ) => Disposer;
  /** Calls `handler` with who is present at a topic, at once when that is known and at each change. */
  readonly watch: <T = unknown>(
    topic: string,
    handler: (occupants: Occupants<T>) => void,
    options?: { readonly signal?: AbortSignal },
  ) => Disposer;
}

