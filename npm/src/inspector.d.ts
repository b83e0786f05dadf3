import type { Bus, Disposer } from "./index.js";

/** How an event was delivered. `queued`, `kept`, `sent` and `rejected` are stages of a durable event of this page. */
export type TurnStage = "local" | "ephemeral" | "queued" | "kept" | "sent" | "stored" | "rejected";

/** An event whose turn has come: `turn: ({ topic, cause }) => console.log(cause ?? "the page", "published on", topic)`. */
export interface Turn {
  readonly topic: string;
  readonly stage: TurnStage;
  readonly data: unknown;
  /** When it was published, in milliseconds since 1970 by the publisher's clock. */
  readonly time?: number;
  /** Absent for a local event. */
  readonly id?: string;
  /** The publisher, as attested by the peer; absent for an event of this page. */
  readonly source?: string;
  readonly account?: string;
  /** The label of the subscriber whose handler has published it; absent if it was published outside handlers. */
  readonly cause?: string;
  /** The position of a stored event. */
  readonly stream?: string;
  readonly epoch?: string;
  readonly offset?: string;
  /** Why an event was rejected. */
  readonly code?: string;
  readonly message?: string;
}

/** A standing subscription. The handlers of a topic that follow each other under one label are one subscription. */
export interface StandingSubscription {
  readonly pattern: string;
  /** Default: its pattern. */
  readonly label: string;
  readonly priority: number;
  /** Whether it is a member of a queue group. */
  readonly inGroup: boolean;
  /** Whether it answers requests. */
  readonly serves: boolean;
  /** How many events wait in its queue, or are unfinished. */
  readonly pending?: number;
  /** How many events its full queue has dropped. */
  readonly dropped?: number;
}

/** A rule of a link. */
export interface RuleReport {
  readonly pattern: string;
  /** `tabs`: its events go to other tabs only. `none`: the peer has refused it. */
  readonly direction: "both" | "in" | "out" | "tabs" | "none";
  readonly durable: boolean;
  /** Whether it has brought all events that existed when it began to read. */
  readonly caughtUp: boolean;
  /** Stream, epoch and offset of the last event that was read in each stream: `["main 17 204"]`. */
  readonly positions: readonly string[];
  /** What the peer may still send, and the most it may send: events, bytes, most events, most bytes. */
  readonly credit?: readonly [events: number, bytes: number, maxEvents: number, maxBytes: number];
}

/** A durable event that the peer has not answered yet. */
export interface OutboxRow {
  readonly id: string;
  readonly topic: string;
  readonly bytes: number;
  readonly stage: "queued" | "kept" | "sent";
  /** In milliseconds since 1970. */
  readonly expires?: number;
}

/** A link of a bus. Its counters cover what this tab has sent and received over its own sockets. */
export interface LinkReport {
  readonly url: string;
  /** As in events on `$bus.link`. */
  readonly status: Readonly<Record<string, unknown>>;
  /** How often a socket was opened: once more than it reconnected. */
  readonly connections: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
  readonly messagesIn: number;
  readonly bytesIn: number;
  /** In milliseconds, of the last measurement; each report begins another one. */
  readonly roundTrip?: number;
  readonly rules: readonly RuleReport[];
  /** Of all tabs that share the outbox, in the order in which they are sent. */
  readonly outbox: readonly OutboxRow[];
}

/** The callbacks that see the turns of a bus. They must neither publish nor subscribe. */
export interface TurnObserver {
  /** The turn of an event begins. */
  readonly turn?: (turn: Turn) => void;
  /** A handler has returned, in the turn that began last. */
  readonly called?: (label: string, micros: number, failed: boolean) => void;
}

/** What developer tools ask of a bus. */
export interface Inspection {
  /** Shows each turn to an observer, which replaces the previous one: `const stop = inspection(bus).observe({ turn: print })`. */
  readonly observe: (observer: TurnObserver) => () => void;
  /** All subscriptions, the oldest first: `console.table(inspection(bus).subscriptions())`. */
  readonly subscriptions: () => StandingSubscription[];
  /** The links with their rules and outboxes: `inspection(bus).links()[0]?.outbox.length`. */
  readonly links: () => LinkReport[];
  /** Whether the bus was created with `sealed`. */
  readonly sealed: boolean;
  /** Delivers a turn again on a sealed bus, as it was. Throws with the reason if it was not delivered. */
  readonly deliver: (turn: Turn) => void;
}

/** A function that answers an inspection. Programs with a bus of their own in Rust get it from `Bus::inspect`. */
export type Ask = (question: number, given?: unknown) => unknown;

type AnyBus = Pick<Bus, "inspect">;

/** What developer tools ask of a bus, one object for each tool: `inspection(bus).links()`. */
export function inspection(bus: AnyBus | Ask): Inspection;

export interface InspectOptions {
  /** Where the inspector is shown. Default: the page's body. */
  readonly parent?: Element;
  /** The address of a page of this origin whose bus is `sealed`, and which shows its inspector: recordings open there. */
  readonly replay?: string;
}

/**
 * Shows the inspector of a bus at the bottom of the page. Returns a function that closes it.
 *
 * ```js
 * const { inspect } = await import("event-driven-kit/inspector");
 * inspect(bus);
 * ```
 */
export function inspect(bus: AnyBus | Ask, options?: InspectOptions): Disposer;

/** The element: set its `bus`. Its attribute `replay` is the option of {@link inspect}. */
export interface EventInspectorElement extends HTMLElement {
  bus: AnyBus | Ask | undefined;
}

declare global {
  interface HTMLElementTagNameMap {
    "event-inspector": EventInspectorElement;
  }
}
