// The bus that users of the npm package hold, and its features one after the other.

import { after, disposer, ending } from "./ends.js";
import { Event, local } from "./event.js";
import { executor } from "./executor.js";
import { connector } from "./link.js";
import { expect, expectTopic, fail, FUNCTION, take, TEXT } from "./options.js";

const NONE = {};
const SIGNAL = ["signal"];
const RESPOND = ["signal", "priority", "label", "group", "balance", "queue", "overflow"];
const SUBSCRIBE = [...RESPOND, "echo", "replay", "batch"];
const RETAIN = ["events", "topics", "signal"];
const REQUEST = ["timeout", "signal"];
const TOPIC = ["capacity", "signal", "priority", "label", "replay"];
const RECORD = ["capacity", "signal"];
const PLAY = ["speed", "signal"];
const STATS = ["atMost", "signal"];

// `subscribe`, and its options.
function subscriptions(run) {
  /** With options that are checked. */
  function begin(pattern, handler, options) {
    const { signal, batch, queue, overflow } = options;
    if (signal?.aborted) return disposer(() => {});
    let way = { call: handler };
    let wanted = options;
    if (batch !== undefined) way = batched(run, handler, batch);
    else if (queue !== undefined) wanted = { ...options, ...queued(queue, overflow) };
    const { slot, end } = run.add(pattern, way.call, wanted);
    way.begin?.(slot);
    return ending(() => {
      way.stop?.();
      end();
    }, signal);
  }

  function subscribe(pattern, handler, options) {
    expectTopic(pattern, "the pattern");
    expect(handler, FUNCTION, "the handler");
    if (options === undefined) return disposer(run.add(pattern, handler, NONE).end);
    return begin(pattern, handler, take(options, SUBSCRIBE));
  }

  return { begin, subscribe };
}

const policies = ["drop-oldest", "drop-newest", "wait"];

/** A queue as wasm takes it: capacity, the policy by number, and the key by which events conflate. */
function queued(capacity, overflow = "drop-oldest") {
  const key = overflow.conflate;
  return { queue: { capacity, policy: key ? policies.length : policies.indexOf(overflow) }, key };
}

// Batched subscriptions: the events of a microtask, a frame or an interval at once, or so many.

/** So many events are a batch, whatever its time; as in Rust. */
const FULL = 1024;

function nothing() {}

/** Calls `then` when the time of a batch is over, and answers what cancels that. */
function plan(ms, then) {
  if (ms === "microtask") queueMicrotask(then);
  else if (ms !== "frame") return after(ms, then);
  else if (globalThis.requestAnimationFrame) requestAnimationFrame(then);
  // Where nothing is drawn: as often as a screen would be.
  else return after(16, then);
  return nothing;
}

function batched(run, handler, batch) {
  const { ms, count = FULL } = typeof batch === "object" ? take(batch, ["ms", "count"]) : { ms: batch };
  const empty = () => ({ all: [], events: [], held: undefined, release: undefined });
  let slot;
  let waiting = empty();
  let cancel;

  function complete() {
    const batch = waiting;
    waiting = empty();
    cancel?.();
    cancel = undefined;
    return batch;
  }

  /** A turn of its own: what its events have caused has been delivered. */
  function flush() {
    if (slot === undefined || waiting.all.length === 0) return;
    const { all, events, release } = complete();
    const settled = run.turn(slot, handler, all, events, events.at(-1));
    release?.(settled);
  }

  function call(data, event) {
    waiting.all.push(data);
    waiting.events.push(event);
    if (waiting.all.length >= count) {
      const { all, events, release } = complete();
      let answer;
      try {
        return (answer = handler(all, events));
      } finally {
        release?.(Promise.resolve(answer).catch(nothing));
      }
    }
    if (ms === undefined) return;
    cancel ??= plan(ms, flush);
    if (event.delivery === local) return;
    // It came over a link: as long as this is pending, it takes its part of the window.
    return (waiting.held ??= new Promise((resolve) => (waiting.release = resolve)));
  }

  return {
    call,
    begin(its) {
      slot = its;
    },
    stop() {
      slot = undefined;
      complete().release?.();
    },
  };
}

// Retained topics: the last events of a topic are kept for subscribers that come late.

function retains(core) {
  /** Keeps the last events of each topic; of so many topics, without the one that is silent for longest. */
  return function retain(pattern, given) {
    expectTopic(pattern, "the pattern");
    const { events = 1, topics = 1024, signal } = take(given, RETAIN);
    const number = core.retain(pattern, events, topics);
    return ending(() => core.release(number), signal);
  };
}

// Requests and replies: an event that asks gets one answer, or is told at once that nobody serves it.
function requests(run, begin) {
  /** Some responder has a queue: that a request is not taken at once says nothing. */
  let takesLater = false;

  /** Answers the requests that another responder has not taken, with what the handler returns. */
  function respond(pattern, handler, given) {
    expectTopic(pattern, "the pattern");
    expect(handler, FUNCTION, "the handler");
    const options = take(given, RESPOND);
    if (options.queue !== undefined) takesLater = true;
    return begin(
      pattern,
      (data, event) => {
        const asked = Event.asked(event);
        if (asked === undefined || asked.taken) return;
        asked.taken = true;
        try {
          const reply = handler(data, event);
          asked.resolve(reply);
          return reply;
        } catch (error) {
          asked.resolve(Promise.reject(error));
          throw error;
        }
      },
      { ...options, serves: true },
    );
  }

  function request(topic, data, given) {
    return new Promise((resolve, reject) => {
      expectTopic(topic, "the topic");
      const { timeout = 5000, signal } = take(given, REQUEST);
      signal?.throwIfAborted();
      if (!run.serves(topic)) {
        throw fail("nobody_serves", `nobody serves \`${topic}\`: call \`respond\`, or ask later`);
      }
      let outcome = () => reject(signal.reason);
      // By its first outcome, or when the signal aborts.
      const end = ending(() => {
        cancel();
        outcome();
      }, signal);
      const settle = (how) => {
        outcome = how;
        end();
      };
      const cancel = after(timeout, () => {
        settle(() => reject(fail("timeout", `no reply to \`${topic}\` came in time: ask again, or allow more`)));
      });
      const failed = (cause) => {
        const error = fail("no_reply", `the responder of \`${topic}\` has failed: see its \`cause\``);
        settle(() => reject(Object.assign(error, { cause })));
      };
      const asked = {
        taken: false,
        resolve: (reply) => Promise.resolve(reply).then((value) => settle(() => resolve(value)), failed),
      };
      const atOnce = run.isIdle();
      let published = false;
      try {
        published = run.ask(topic, data, asked);
      } catch (error) {
        settle(() => reject(error));
      }
      if (!published || (atOnce && !takesLater && !asked.taken)) {
        failed(new Error("an interceptor has dropped the request, or its responder has ended"));
      }
    });
  }

  return { request, respond };
}

// `use`: code that sees an event before its subscribers do, and may change or stop it.
function interceptors(core, run) {
  return function use(pattern, interceptor, given) {
    expectTopic(pattern, "the pattern");
    expect(interceptor, FUNCTION, "the interceptor");
    const { signal } = take(given, SIGNAL);
    if (signal?.aborted) return ending(() => {}, signal);
    const number = core.intercept(pattern);
    run.interceptors[number] = interceptor;
    return ending(() => {
      run.interceptors[number] = undefined;
      core.release(number);
    }, signal);
  };
}

// A pattern as other libraries take one: an async iterable, an observable, and a store as Svelte has it.
const OBSERVABLE = Symbol.observable ?? "@@observable";

function topic(begin, core, pattern, given) {
  expectTopic(pattern, "the pattern");
  const { capacity = 1024, ...options } = take(given, TOPIC);
  const { signal } = options;
  const subscribe = (handler) => begin(pattern, handler, options);

  /** Lets so many events wait; of more the oldest is dropped, counted, and told on `$bus.dropped`. */
  function iterate() {
    const waiting = [];
    const readers = [];
    let done = false;
    let dropped = 0;
    const take = () => {
      if (waiting.length > 0) return { value: waiting.shift(), done: false };
      if (done) return { value: undefined, done: true };
    };
    const dispose = subscribe((_, event) => {
      if (readers.length > 0) return void readers.shift()({ value: event, done: false });
      waiting.push(event);
      if (waiting.length <= capacity) return;
      waiting.shift();
      dropped += 1;
      core.lost(event.topic, options.label ?? pattern);
    });
    const end = ending(() => {
      done = true;
      dispose();
      for (const read of readers.splice(0)) read({ value: undefined, done: true });
    }, signal);
    return {
      get dropped() {
        return dropped;
      },
      next: () => Promise.resolve(take() ?? new Promise((resolve) => readers.push(resolve))),
      return: (value) => {
        waiting.length = 0;
        end();
        return Promise.resolve({ value, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  function observable() {
    return {
      subscribe(observer, _error, complete) {
        const its = typeof observer === "function" ? { next: observer, complete } : observer;
        const dispose = subscribe((_, event) => void its?.next?.(event));
        const unsubscribe = ending(() => {
          dispose();
          if (signal?.aborted) its?.complete?.();
        }, signal);
        return { unsubscribe };
      },
      [OBSERVABLE]() {
        return this;
      },
    };
  }

  /** Svelte's contract: calls at once with the value there is, which is none before the first event. */
  function store(run) {
    expect(run, FUNCTION, "the subscriber");
    run(undefined);
    return subscribe((data) => void run(data));
  }

  return { [Symbol.asyncIterator]: iterate, [OBSERVABLE]: observable, subscribe: store };
}

// The recorder: what passes on a bus as CloudEvents in JSON, one a line, and playing that again.
const FIRST = 2 ** 31 - 1;

/** Records the newest events, each before another subscriber sees it. */
function recorder(begin, core, pattern = ">", given) {
  expectTopic(pattern, "the pattern");
  const { capacity = 10_000, signal } = take(given, RECORD);
  const start = performance.now();
  const lines = [];
  let dropped = 0;
  const stop = begin(
    pattern,
    (data, event) => {
      const elapsed = Math.round(performance.now() - start);
      // What JSON has no form for is not recorded as something else.
      if (core.travels(data)) lines.push(JSON.stringify({ ...event.toCloudEvent(), elapsed }));
      else dropped += 1;
      if (lines.length <= capacity) return;
      lines.shift();
      dropped += 1;
    },
    { priority: FIRST, label: "$bus.record", signal },
  );
  return {
    stop,
    lines: () => [...lines],
    get dropped() {
      return dropped;
    },
  };
}

/** Publishes a recording anew, with its pauses divided by `speed`. */
async function play(publish, lines, given) {
  const { speed = 1, signal } = take(given, PLAY);
  const events = Array.from(typeof lines === "string" ? lines.split("\n") : lines)
    .filter((line) => line.trim() !== "")
    .map(read);
  let before;
  for (const { topic, data, at } of events) {
    const pause = Math.max(0, at - (before ?? at)) / speed;
    before = at;
    if (pause > 0) await sleep(pause, signal);
    signal?.throwIfAborted();
    publish(topic, data);
  }
}

function read(line, index) {
  try {
    const { type: topic, data, data_base64: base64, elapsed, time } = JSON.parse(line);
    expectTopic(topic, "`type`");
    const bytes = base64 === undefined ? undefined : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return { topic, data: bytes ?? data, at: elapsed ?? (Date.parse(time) || 0) };
  } catch (cause) {
    const error = fail("illegal_recording", `line ${index + 1} is no CloudEvent in JSON: see its \`cause\``);
    throw Object.assign(error, { cause });
  }
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    let cancel;
    const end = ending(() => {
      cancel?.();
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }, signal);
    if (!signal?.aborted) cancel = after(ms, end);
  });
}

// Counters and handler times, for who asks for them; nobody else pays.
const OTHERS = "$bus.others";
const COUNTING = "$bus.stats";

function stats(run, given) {
  const { atMost = 1000, signal } = take(given, STATS);
  const topics = new Map();
  const handlers = new Map();
  const count = (all, key, none) => {
    const its = all.has(key) || all.size < atMost ? key : OTHERS;
    if (!all.has(its)) all.set(its, none);
    return all.get(its);
  };
  const ofTopic = (topic) => count(topics, topic, { events: 0, deliveries: 0 });
  const counting = run.add(">", (_, event) => void (ofTopic(event.topic).events += 1), {
    priority: FIRST,
    label: COUNTING,
  });
  const unwatch = run.watch((slot, event) => {
    // Neither this nor another that only counts.
    if (slot.label === COUNTING) return;
    const handler = count(handlers, slot.label, { calls: 0, failures: 0, ms: 0 });
    ofTopic(event.topic).deliveries += 1;
    handler.calls += 1;
    return handler;
  });
  const stop = ending(() => {
    counting.end();
    unwatch();
  }, signal);
  const copy = (all) => Object.fromEntries([...all].map(([key, counts]) => [key, { ...counts }]));
  return {
    stop,
    topics: () => copy(topics),
    handlers: () => copy(handlers),
    get subscriptions() {
      return run.subscriptions();
    },
  };
}

// The bus that users of the npm package hold, made over a `Core` of npm.rs. Nothing here uses `this`, so
// every function works when it is destructured.
/** What `createBus` and `createSingleton` return. */
export function face(core, memory, given) {
  const options = take(given, ["freeze"]);
  const run = executor(core, memory);
  const { begin, subscribe } = subscriptions(run);
  const publish = options.freeze
    ? (name, data, given) => run.publish(name, freeze(data), given)
    : run.publish;
  /** What `on` has begun, by pattern, and what ends it. */
  const listening = new Map();

  function once(pattern, handler, given) {
    expect(handler, FUNCTION, "the handler");
    const end = subscribe(
      pattern,
      (data, event) => {
        end();
        return handler(data, event);
      },
      given,
    );
    return end;
  }

  function on(pattern, handler, given) {
    const end = subscribe(pattern, handler, given);
    const its = listening.get(pattern) ?? new Map();
    const signal = given?.signal;
    let stop;
    stop = ending(() => {
      its.delete(stop);
      if (its.size === 0 && listening.get(pattern) === its) listening.delete(pattern);
      end();
    }, signal);
    if (!signal?.aborted) listening.set(pattern, its.set(stop, handler));
    return stop;
  }

  /** Ends the subscription that `on` has made of the handler, or all that it has made of the pattern. */
  function off(pattern, handler) {
    for (const [end, its] of listening.get(pattern) ?? []) {
      if (handler !== undefined && its !== handler) continue;
      end();
      if (handler !== undefined) return;
    }
  }

  const self = {
    publish,
    subscribe,
    once,
    on,
    off,
    topic: (pattern, given) => topic(begin, core, pattern, given),
    retain: retains(core),
    ...requests(run, begin),
    use: interceptors(core, run),
    connect: connector(core, run),
    record: (pattern, given) => recorder(begin, core, pattern, given),
    play: (lines, given) => play(publish, lines, given),
    stats: (given) => stats(run, given),
  };
  return Object.freeze(self);
}

/** So that who changes a payload that others read too is told at once. Deep, and it never throws. */
function freeze(value) {
  const all = new Set([value]);
  for (const one of all) {
    // Views of bytes can't be frozen.
    if (typeof one !== "object" || one === null || ArrayBuffer.isView(one)) continue;
    try {
      Object.freeze(one);
      // A getter is not called: what it would answer is not part of the payload.
      for (const key of Reflect.ownKeys(one)) all.add(Object.getOwnPropertyDescriptor(one, key).value);
      const kind = Object.prototype.toString.call(one);
      if (/ (Map|Set)]$/.test(kind)) for (const entry of one) all.add(entry);
    } catch {
      // A proxy may refuse.
    }
  }
  return value;
}

const REGISTRY = Symbol.for("event-driven-kit.singletons");

const singletons = () => (globalThis[REGISTRY] ??= new Map());

/** The bus of that name in this realm, also if another copy of the package has made it. */
export function known(name) {
  expect(name, TEXT, "the name of a singleton");
  return singletons().get(name);
}

export function register(name, bus) {
  singletons().set(name, bus);
  return bus;
}
