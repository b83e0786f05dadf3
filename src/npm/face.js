// The objects that users of the npm package hold, made over the `Core`s of npm.rs. Nothing here uses
// `this`, so every function works when it is destructured.

const names = { string: "a string", function: "a function", object: "an object" };

/** An Error with a code for programs and a message that says what to do. */
export function fail(code, message) {
  return Object.assign(new Error(message), { code });
}

function expect(value, type, what) {
  if (typeof value !== type || value === null) {
    throw fail("illegal_argument", `${what} must be ${names[type]}: pass one`);
  }
}

function disposer(dispose) {
  if (Symbol.dispose) dispose[Symbol.dispose] = dispose;
  return dispose;
}

/** What `createBus` and `createSingleton` return. */
export function face(core) {
  // What the bus holds must not hold the bus.
  const bus = new WeakRef(core);

  function subscribe(pattern, handler, options = {}) {
    expect(pattern, "string", "the pattern");
    expect(handler, "function", "the handler");
    expect(options, "object", "the options of subscribe");
    const { priority = 0, label, echo = false, signal } = options;
    if (signal?.aborted) return disposer(() => {});
    const heard = (data, event) => {
      const returned = handler(data, event);
      if (typeof returned !== "object" || returned === null) return;
      Promise.resolve(returned).catch((reason) => {
        bus.deref()?.failed(event.topic, label ?? pattern, reason);
      });
    };
    const number = core.subscribe(pattern, heard, priority, label, echo);
    let live = true;
    const dispose = disposer(() => {
      signal?.removeEventListener("abort", dispose);
      if (live) core.release(number);
      live = false;
    });
    signal?.addEventListener("abort", dispose, { once: true });
    return dispose;
  }

  function publish(topic, data, options = {}) {
    expect(topic, "string", "the topic");
    expect(options, "object", "the options of publish");
    return receipt(core.publish(topic, data, options.expiresInMs));
  }

  function connect(options) {
    expect(options, "object", "the options of connect");
    const { url, rules = [], signal, identity = "", storage = "indexeddb" } = options;
    expect(url, "string", "the url");
    expect(identity, "string", "the identity");
    expect(storage, "string", "the storage");
    const wanted = Array.from(rules, readRule);
    const link = core.connect(url, identity, storage);
    const close = () => {
      signal?.removeEventListener("abort", close);
      link.close();
    };
    try {
      for (const rule of wanted) link.rule(...rule);
    } catch (error) {
      close();
      throw error;
    }
    signal?.addEventListener("abort", close, { once: true });
    if (signal?.aborted) close();
    const face = {
      close,
      get state() {
        return link.state();
      },
    };
    if (Symbol.dispose) face[Symbol.dispose] = close;
    return Object.freeze(face);
  }

  return Object.freeze({ subscribe, publish, connect });
}

function readRule(rule) {
  expect(rule, "object", "a rule");
  const { pattern, direction = "both", durable = false, from = "latest" } = rule;
  expect(pattern, "string", "the pattern of a rule");
  if (!["both", "in", "out"].includes(direction)) {
    throw fail("illegal_argument", 'the direction of a rule must be "both", "in" or "out": pass one');
  }
  const last = { latest: 0, earliest: Infinity }[from] ?? from?.last;
  if (!(Number.isSafeInteger(last) && last >= 0) && last !== Infinity) {
    throw fail(
      "illegal_argument",
      'a rule\'s `from` must be "latest", "earliest" or { last: n }: pass one',
    );
  }
  return [pattern, direction !== "out", direction !== "in", Boolean(durable), last];
}

function receipt(core) {
  return (
    core && {
      get id() {
        return core.id();
      },
      get status() {
        return core.status();
      },
      kept: () => new Promise((resolve, reject) => core.when(false, () => resolve(), reject)),
      settled: () =>
        new Promise((resolve, reject) => {
          core.when(true, (status) => resolve(status?.position), reject);
        }),
      cancel: () => core.cancel(),
    }
  );
}

/** What a handler gets beside the data: one object per event, for all JS handlers. */
class Event {
  #id;
  constructor(topic, source, time, delivery, id) {
    this.topic = topic;
    this.source = source;
    this.time = time;
    this.delivery = delivery;
    this.#id = id;
    Object.freeze(this);
  }
  get id() {
    return (this.#id ??= randomId());
  }
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function makeEvent(topic, source, time, delivery, id) {
  return new Event(topic, source, time, delivery, id);
}

export function idOf(event) {
  return event.id;
}

const local = Object.freeze({ status: "local" });
const ephemeral = Object.freeze({ status: "ephemeral" });

/** How far an event has come. `first` and `second` are offset and epoch, or code and message. */
export function makeStatus(status, first, second) {
  switch (status) {
    case "local":
      return local;
    case "ephemeral":
      return ephemeral;
    case "stored":
      return { status, position: { offset: first, epoch: second } };
    case "rejected":
      return { status, code: first, message: second };
    default:
      return { status };
  }
}
