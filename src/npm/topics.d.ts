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
  /** A certificate is in use: this device's, or that of an event's author. */
  "$bus.certificate": Certificate;
  /** An event was withheld: its signature is wrong or missing, or its author is not trusted. */
  "$bus.untrusted": Untrusted;
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
