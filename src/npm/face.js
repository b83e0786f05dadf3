// The bus that users of the npm package hold, and its features one after the other.

import { connect, disposer, ending, Event, executor, expect, fail } from "./executor.js";

const NONE = {};

// `subscribe`, and its options.
function subscriptions(run) {
  return function subscribe(pattern, handler, options) {
    expect(pattern, "string", "the pattern");
    expect(handler, "function", "the handler");
    if (options === undefined) return disposer(run.add(pattern, handler, NONE).end);
    expect(options, "object", "the options of subscribe");
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
  };
}

const policies = ["drop-oldest", "drop-newest", "wait"];

/** A queue as wasm takes it: capacity, the policy by number, and the key by which events conflate. */
function queued(capacity, overflow = "drop-oldest") {
  if (!(Number.isSafeInteger(capacity) && capacity > 0)) {
    throw fail("illegal_argument", "a queue's capacity must be a whole number above 0: pass one");
  }
  const key = overflow?.conflate;
  const policy = typeof key === "function" ? policies.length : policies.indexOf(overflow);
  if (policy < 0) {
    throw fail(
      "illegal_argument",
      'overflow must be "drop-oldest", "drop-newest", "wait" or { conflate: key }: pass one',
    );
  }
  return { queue: { capacity, policy }, key };
}

// Batched subscriptions: the events of a microtask, a frame or an interval at once, or so many.
function batched(run, handler, batch) {
  const { ms, count = Infinity } = typeof batch === "object" && batch !== null ? batch : { ms: batch };
  const timed = ms === "microtask" || ms === "frame" || ms >= 0;
  if (!(count >= 1) || !(timed || (ms === undefined && count < Infinity))) {
    throw fail(
      "illegal_argument",
      'batch must be "microtask", "frame", milliseconds, or { ms, count }: pass one',
    );
  }
  let slot;
  let all = [];
  let events = [];
  let timer;
  let waits = false;

  function take() {
    clearTimeout(timer);
    waits = false;
    const batch = [all, events];
    all = [];
    events = [];
    return batch;
  }

  /** A turn of its own: what its events have caused has been delivered. */
  function flush() {
    if (slot === undefined || events.length === 0) return;
    const last = events.at(-1);
    run.turn(slot, handler, ...take(), last);
  }

  function call(data, event) {
    all.push(data);
    events.push(event);
    if (events.length >= count) return handler(...take());
    if (waits || !timed) return;
    waits = true;
    if (ms === "microtask") queueMicrotask(flush);
    else if (ms === "frame") requestAnimationFrame(flush);
    else timer = setTimeout(flush, ms);
  }

  return {
    call,
    begin(its) {
      slot = its;
    },
    stop() {
      clearTimeout(timer);
      slot = undefined;
    },
  };
}

// Retained topics: the last events of a topic are kept for subscribers that come late.

function retains(core) {
  /** Keeps the last events of each topic; of so many topics, without the one that is silent for longest. */
  return function retain(pattern, { events = 1, topics = 1024, signal } = {}) {
    expect(pattern, "string", "the pattern");
    const number = core.retain(pattern, events, topics);
    return ending(() => core.release(number), signal);
  };
}

// Requests and replies: an event that asks gets one answer, or is told at once that nobody serves it.
function requests(run, subscribe) {
  /** Answers the requests that another responder has not taken, with what the handler returns. */
  function respond(pattern, handler, options) {
    expect(handler, "function", "the handler");
    return subscribe(
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

  function request(topic, data, { timeout = 5000, signal } = {}) {
    return new Promise((resolve, reject) => {
      expect(topic, "string", "the topic");
      signal?.throwIfAborted();
      if (!run.serves(topic)) {
        throw fail("nobody_serves", `nobody serves \`${topic}\`: call \`respond\`, or ask later`);
      }
      const settle = (outcome, value) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        outcome(value);
      };
      const aborted = () => settle(reject, signal.reason);
      const timer = setTimeout(() => {
        settle(reject, fail("timeout", `no reply to \`${topic}\` came in time: ask again, or allow more`));
      }, timeout);
      signal?.addEventListener("abort", aborted, { once: true });
      const failed = (cause) => {
        const error = fail("no_reply", `the responder of \`${topic}\` has failed: see its \`cause\``);
        settle(reject, Object.assign(error, { cause }));
      };
      const asked = {
        taken: false,
        resolve: (reply) => Promise.resolve(reply).then((value) => settle(resolve, value), failed),
      };
      const atOnce = run.isIdle();
      try {
        run.publishOtherwise(topic, data, undefined, { asked });
      } catch (error) {
        settle(reject, error);
      }
      if (atOnce && !asked.taken) failed(new Error("an interceptor or a bridge has taken the request"));
    });
  }

  return { request, respond };
}

// `use`: code that sees an event before its subscribers do, and may change or stop it.
function interceptors(core, run) {
  return function use(pattern, interceptor, { signal } = {}) {
    expect(pattern, "string", "the pattern");
    expect(interceptor, "function", "the interceptor");
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

function topic(subscribe, core, pattern, { capacity = 1024, ...options } = {}) {
  if (!(Number.isSafeInteger(capacity) && capacity > 0)) {
    throw fail("illegal_argument", "the capacity of a topic must be a whole number above 0: pass one");
  }

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
    const end = () => {
      done = true;
      options.signal?.removeEventListener("abort", end);
      dispose();
      for (const read of readers.splice(0)) read({ value: undefined, done: true });
    };
    const dispose = subscribe(
      pattern,
      (_, event) => {
        if (readers.length > 0) return void readers.shift()({ value: event, done: false });
        waiting.push(event);
        if (waiting.length <= capacity) return;
        waiting.shift();
        dropped += 1;
        core.lost(event.topic, options.label ?? pattern);
      },
      options,
    );
    if (options.signal?.aborted) end();
    else options.signal?.addEventListener("abort", end, { once: true });
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
      subscribe(observer) {
        const next = typeof observer === "function" ? observer : (event) => observer?.next?.(event);
        return { unsubscribe: subscribe(pattern, (_, event) => void next(event), options) };
      },
      [OBSERVABLE]() {
        return this;
      },
    };
  }

  /** Svelte's contract: calls at once with the value there is, which is none before the first event. */
  function store(run) {
    run(undefined);
    return subscribe(pattern, (data) => void run(data), options);
  }

  return { [Symbol.asyncIterator]: iterate, [OBSERVABLE]: observable, subscribe: store };
}

// The recorder: what passes on a bus as CloudEvents in JSON, one a line, and playing that again.
const FIRST = 2 ** 31 - 1;

/** Records the newest events, each before another subscriber sees it. */
function recorder(subscribe, pattern = ">", { capacity = 10_000, signal } = {}) {
  const start = performance.now();
  const lines = [];
  let dropped = 0;
  const stop = subscribe(
    pattern,
    (_, event) => {
      const elapsed = Math.round(performance.now() - start);
      lines.push(JSON.stringify({ ...event.toCloudEvent(), elapsed }));
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
async function play(publish, lines, { speed = 1, signal } = {}) {
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
  let event;
  try {
    event = JSON.parse(line);
    expect(event.type, "string", "`type`");
  } catch (cause) {
    const error = fail("illegal_recording", `line ${index + 1} is no CloudEvent in JSON: see its \`cause\``);
    throw Object.assign(error, { cause });
  }
  const { type: topic, data, data_base64: base64, elapsed, time } = event;
  const bytes = base64 && Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return { topic, data: bytes ?? data, at: elapsed ?? (Date.parse(time) || 0) };
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

// Counters and handler times, for who asks for them; nobody else pays.
const OTHERS = "$bus.others";

function stats(core, run, subscribe, { atMost = 1000, signal } = {}) {
  const topics = new Map();
  const handlers = new Map();
  const count = (all, key, none) => {
    const its = all.has(key) || all.size < atMost ? key : OTHERS;
    if (!all.has(its)) all.set(its, none);
    return all.get(its);
  };
  const ofTopic = (topic) => count(topics, topic, { events: 0, deliveries: 0 });
  const counting = run.add(">", (_, event) => void (ofTopic(event.topic).events += 1), {
    priority: 2 ** 31 - 1,
    label: "$bus.stats",
  });
  run.watch((slot, data, event) => {
    if (slot === counting.slot) return slot.call(data, event);
    const handler = count(handlers, slot.label, { calls: 0, failures: 0, ms: 0 });
    ofTopic(event.topic).deliveries += 1;
    handler.calls += 1;
    const start = performance.now();
    try {
      return slot.call(data, event);
    } catch (error) {
      handler.failures += 1;
      throw error;
    } finally {
      handler.ms += performance.now() - start;
    }
  });
  const stop = ending(() => {
    counting.end();
    run.watch(undefined);
  }, signal);
  const copy = (all) => Object.fromEntries([...all].map(([key, counts]) => [key, { ...counts }]));
  return {
    stop,
    topics: () => copy(topics),
    handlers: () => copy(handlers),
    get subscriptions() {
      return run.subscriptions() - 1;
    },
  };
}

// The bus that users of the npm package hold, made over a `Core` of npm.rs. Nothing here uses `this`, so
// every function works when it is destructured.
/** What `createBus` and `createSingleton` return. */
export function face(core, memory, options = {}) {
  expect(options, "object", "the options of the bus");
  const run = executor(core, memory);
  const subscribe = subscriptions(run);
  const publish = options.freeze
    ? (name, data, given) => run.publish(name, freeze(data), given)
    : run.publish;
  const listening = new Map();

  function once(pattern, handler, given) {
    expect(handler, "function", "the handler");
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
    const ends = listening.get(pattern) ?? [];
    listening.set(pattern, ends);
    const one = { handler, end };
    ends.push(one);
    return disposer(() => {
      const at = ends.indexOf(one);
      if (at >= 0) ends.splice(at, 1);
      if (ends.length === 0 && listening.get(pattern) === ends) listening.delete(pattern);
      end();
    });
  }

  /** Ends the subscription that `on` has made of the handler, or all that it has made of the pattern. */
  function off(pattern, handler) {
    const ends = listening.get(pattern) ?? [];
    const at = ends.findIndex((one) => one.handler === handler);
    const ended = handler === undefined ? ends.splice(0) : at < 0 ? [] : ends.splice(at, 1);
    if (ends.length === 0) listening.delete(pattern);
    for (const one of ended) one.end();
  }

  const self = {
    publish,
    subscribe,
    once,
    on,
    off,
    topic: (pattern, given) => topic(subscribe, core, pattern, given),
    retain: retains(core),
    ...requests(run, subscribe),
    use: interceptors(core, run),
    connect: (given) => connect(core, given, run),
    record: (pattern, given) => recorder(subscribe, pattern, given),
    play: (lines, given) => play(publish, lines, given),
    stats: (given) => stats(core, run, subscribe, given),
  };
  return Object.freeze(self);
}

/** So that who changes a payload that others read too is told at once. */
function freeze(value) {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) {
    return value;
  }
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}

const REGISTRY = Symbol.for("event-driven-kit.singletons");

const singletons = () => (globalThis[REGISTRY] ??= new Map());

/** The bus of that name in this realm, also if another copy of the package has made it. */
export function known(name) {
  expect(name, "string", "the name of a singleton");
  return singletons().get(name);
}

export function register(name, bus) {
  singletons().set(name, bus);
  return bus;
}
