/** A position in the peer's log. Offset and epoch are decimal numbers, which a `number` may be too small for. */
export interface Position {
  readonly offset: string;
  readonly epoch: string;
  /** The peer's stream. Positions from the library have it; in yours you may leave out the main one, `main`. */
  readonly stream?: string;
}

/** The peer has stored the event at this position. */
export interface Stored {
  readonly status: "stored";
  readonly position: Position;
}

/** The event was rejected. */
export interface Rejected {
  readonly status: "rejected";
  /**
   * For programs: `illegal_topic`, `not_allowed`, `too_large`, `expired`, `cancelled`, `uncertain` (it may or may not be
   * stored), ...
   */
  readonly code: string;
  readonly message: string;
}

/** How an event reached its handlers. `queued`, `kept`, `sent` and `rejected` occur with `echo` only. */
export type Delivery =
  | { readonly status: "local" | "ephemeral" | "queued" | "kept" | "sent" }
  | Stored
  | Rejected;

/**
 * The status of a durable event of this page: `queued` is on its way into the outbox, `kept` is in it and survives a
 * reload, `sent` was sent and is not answered yet.
 */
export type Status = { readonly status: "queued" | "kept" | "sent" } | Stored | Rejected;

/** Tracks a durable event. */
export interface Receipt {
  readonly id: string;
  /** The current status. */
  readonly status: Status;
  /** Resolves when the event is in the outbox and survives a reload; rejects like `settled`. */
  kept(): Promise<void>;
  /** Cancels the event, which then is `rejected` with the code `cancelled`. Returns false if it may have been sent. */
  cancel(): boolean;
  /** Resolves when the peer has stored the event; otherwise rejects with an `Error` whose `code` is the reason. */
  settled(): Promise<Position>;
}

/** The state of a link and its outbox: the data of events on `$bus.link`. */
export type LinkState = (
  | { readonly state: "connecting" | "online" }
  | { readonly state: "offline"; /** When the next attempt starts, in milliseconds. */ readonly retryInMs: number }
  | { readonly state: "stopped"; /** The close code. */ readonly code: number; readonly reason: string }
) & {
  /** The number of durable events without an answer, in all tabs that share the outbox. */
  readonly outbox: number;
  /** The last event of this client that the peer has stored since the page was loaded. */
  readonly lastAcked?: { readonly id: string } & Position;
  /**
   * Where the outbox is. `memory`: lost with the page. `failing`: in IndexedDB, but new events cannot be written and are
   * sent from memory.
   */
  readonly storage: "indexeddb" | "memory" | "failing";
  /** Whether the browser has promised to keep the outbox when it runs out of space. Absent if it was not asked. */
  readonly persisted?: boolean;
  /**
   * `alone`: this tab has its own connection. `leader`: it has the one that all tabs share. `follower`: another tab has
   * it.
   */
  readonly role: "alone" | "leader" | "follower";
  /** Whether all inbound rules have caught up: `if (link.state.caughtUp) hideSpinner()`. */
  readonly caughtUp: boolean;
  /** The number of gaps reported on `$bus.gap`. */
  readonly gaps: number;
  /** The number of events reported on `$bus.uncertain`. */
  readonly uncertain: number;
  /** Whose link it is: see `Link.subject`. */
  readonly subject?: string;
};

/** The data of events on `$bus.caught_up`: a rule has delivered all past events. */
export interface CaughtUp {
  /** The pattern of the rule. */
  readonly pattern: string;
}

/** A member of a topic. A user with several browsers is several members with one key. */
export interface Occupant<T = unknown> {
  /** Unique at this topic, and never reused there. */
  readonly id: string;
  /** The member's key. */
  readonly key: string;
  /** The member's data. */
  readonly data: T;
}

/** The members of a topic: the argument of `watch`'s handler, and the data of events on `$bus.presence.<topic>`. */
export interface Occupants<T = unknown> {
  readonly topic: string;
  /** All members. */
  readonly present: readonly Occupant<T>[];
  /** Members that joined or changed. */
  readonly joined: readonly Occupant<T>[];
  /** Members that left. */
  readonly left: readonly Occupant<T>[];
}

/** Some events of the peer's log. */
export interface HistoryPage {
  /** Newest first. May be empty even if there is a next page. An unreadable event has an `error`. */
  readonly events: readonly Event[];
  /** Where the next page begins. Absent at the end. */
  readonly next?: Position;
}

/** What the peer's log holds of a topic. */
export interface Tally {
  readonly topic: string;
  /** How many events follow the position, at most 1,000. Without one, or with one of another log, all events count. */
  readonly count: number;
  /** The position of the newest event. Absent if the topic has no events. */
  readonly head?: Position;
  /**
   * The newest event that was not deleted. Absent if it has 4,096 bytes or more, if it is not among the newest 16, or if an
   * interceptor or its signature withholds it.
   */
  readonly newest?: Event;
  /** Why the topic was not counted: `not_allowed`, or `illegal_topic`. */
  readonly code?: string;
}

/** The data of events on `$bus.gap`: events that a rule asks for are no longer in the peer's stream. */
export interface Gap {
  /** The pattern of the rule. */
  readonly pattern: string;
  /** The stream that held them. */
  readonly stream: string;
  /** The first and the last missing offset, as decimal numbers. */
  readonly from: string;
  readonly to: string;
}

/** The data of events on `$bus.uncertain`: the peer may or may not have stored this event. */
export interface Uncertain {
  readonly id: string;
  readonly topic: string;
  readonly message: string;
}

/** A public key as a JSON Web Key (RFC 7517). */
export interface PublicKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
}

/** A certificate of a device: the data of events on `$bus.certificate`. */
export interface Certificate {
  /** The account. */
  readonly subject: string;
  /** The name to show, if it has one. */
  readonly name?: string;
  /** The thumbprint of the device's key (RFC 7638). */
  readonly key: string;
  /** When it ends, in milliseconds since 1970. */
  readonly expires: number;
}

/** A certificate that the peer has stored, at this offset of its stream of certificates. */
export interface SentCertificate extends Omit<Certificate, "name"> {
  readonly id: string;
  readonly offset: string;
}

/** The data of events on `$bus.untrusted`: an event was withheld. */
export interface Untrusted {
  readonly id: string;
  readonly topic: string;
  /** May be false. */
  readonly source: string;
  /**
   * For programs: `not_signed`, `bad_signature`, `unknown_certificate`, `other_account`, `not_valid_then` or `revoked`.
   */
  readonly code: string;
  readonly message: string;
}

/** Selects topics that cross a link. Topics without a rule are neither sent nor accepted. */
export interface Rule {
  /** The topics, with `*` and `>`. Payloads that cross the link must be {@link Portable}. */
  readonly pattern: string;
  /** Default: `both`. */
  readonly direction?: "both" | "in" | "out";
  /**
   * Keeps events until the peer has stored them, and delivers them then. Otherwise they are sent only while the link is
   * up.
   */
  readonly durable?: boolean;
  /**
   * Takes only events with a signature by a device of a trusted issuer, and signs those of this page. Others are withheld
   * and reported on `$bus.untrusted`. Events that are published before `sendCertificate` wait for it, at most a day.
   */
  readonly signed?: boolean;
  /** Where reading starts when the link is up for the first time. Default: `latest`. */
  readonly from?: "latest" | "earliest" | { readonly last: number };
  /**
   * How far the peer may send ahead of handlers, waiting queues and batches. Default: 1,024 events and 1 MiB of
   * payloads. The rest comes from the peer's log as they catch up.
   */
  readonly window?: { readonly events?: number; readonly bytes?: number };
}

export interface ConnectOptions {
  /** The peer's address: `ws:` or `wss:`. */
  readonly url: string;
  readonly rules?: Iterable<Rule>;
  /** The user of the link. Each identity has its own outbox. */
  readonly identity?: string;
  /** Where durable events wait. Default: `indexeddb`, or `memory` if the browser refuses it. */
  readonly storage?: "indexeddb" | "memory";
  /**
   * Returns a credential (a token) for the peer. Called before each connection, and before the credential ends. If the
   * peer refuses it, the link stops until `reconnect`.
   */
  readonly credentials?: () => string | Promise<string>;
  /**
   * Gives this device a key that no script can read, and that proves its identity to the peer. Returns a certificate of the
   * public key: called by `sendCertificate`.
   */
  readonly certify?: (key: PublicKey) => string | Promise<string>;
  /**
   * Verifies signed events by the certificates of these issuers: their `iss`, and their keys as a JSON Web Key Set. Events
   * with a wrong signature are withheld, and reported on `$bus.untrusted`.
   */
  readonly trust?: { readonly issuers: { readonly [iss: string]: { readonly keys: readonly object[] } } };
  /** Closes the link when it aborts. */
  readonly signal?: AbortSignal;
}

/** The patterns of topics for each right. */
export interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** To join topics, and to watch who is there. */
  readonly presence: readonly string[];
  /** To read past events. */
  readonly history: readonly string[];
  /** To delete the events of others. */
  readonly moderate: readonly string[];
}

/**
 * A link to a peer, which reconnects by itself until it is closed. All `connect` calls of a bus to one peer share a
 * link, each with its own rules. A call with another identity, storage, credentials, certify or trust throws
 * `already_connected`.
 */
export interface Link extends Disposing {
  readonly close: () => void;
  readonly state: LinkState;
  /** Whose link the peer says this is: an account's name, or `~` and the id of a guest. Absent while it is down. */
  readonly subject: string | undefined;
  /**
   * What the peer lets this page do, as patterns: `if (link.rights?.publish.length === 0) hideForm()`. Absent while it is
   * down. When they change, `$bus.link` is published again.
   */
  readonly rights: Rights | undefined;
  /**
   * Connects now: after a stop, once its cause is fixed (the user has signed in again, for example), or instead of
   * waiting for the next attempt of a link that is offline.
   */
  readonly reconnect: () => void;
  /**
   * Fetches a certificate of this device with `certify`, and sends it to the peer. From then on durable events are signed.
   * A certificate lasts a day at most: call this again before it ends. Rejects with `not_available` (the page is not
   * secure, or `certify` is missing), `no_key` (the browser's database does not answer), `not_this_key`, `expired`,
   * `unknown_issuer`, `not_allowed` or `failed`.
   */
  readonly sendCertificate: () => Promise<SentCertificate>;
  /**
   * The newest matching events of the peer's log, at most `limit` (default: 50); or those before a position, such as a
   * page's `next`. Waits for the link.
   */
  readonly history: (
    pattern: string,
    options?: { readonly before?: Position; readonly limit?: number },
  ) => Promise<HistoryPage>;
  /**
   * Deletes a stored event, and resolves with the position of the deletion event:
   * `await link.delete(event.delivery.position)`. Its author may do so, and accounts that may moderate its topic. Only
   * the event's id, source, account and time stay in the peer's log, and all subscribers get an event with
   * {@link Event.deletes}. Rejects with `not_allowed`, with `not_found`, or with `not_available` if the peer cannot delete.
   * Waits for the link; deleting an event again does no harm.
   */
  readonly delete: (position: Position) => Promise<Position>;
  /**
   * Counts the stored events of topics, each after a position, and brings the newest: one {@link Tally} for each topic, in
   * their order. `await link.tally(rooms.map(({ topic, read }) => ({ topic, after: read })))`. Waits for the link; rejects
   * with `not_available` if the peer cannot count.
   */
  readonly tally: (
    topics: Iterable<string | { readonly topic: string; readonly after?: Position }>,
  ) => Promise<readonly Tally[]>;
  /**
   * Joins a topic, until the returned disposer is called. A reload does not leave it. Other members see `key` and
   * `data`, which must be JSON.
   */
  readonly join: (
    topic: string,
    key: string,
    data?: unknown,
    options?: { readonly signal?: AbortSignal },
  ) => Disposer;
  /** Calls `handler` with the members of a topic: as soon as they are known, and after each change. */
  readonly watch: <T = unknown>(
    topic: string,
    handler: (occupants: Occupants<T>) => void,
    options?: { readonly signal?: AbortSignal },
  ) => Disposer;
}

