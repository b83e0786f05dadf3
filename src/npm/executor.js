// What wasm and the face share, in one file: each file more is one more to fetch before a page can begin.

// Errors as users of the npm package see them.
const names = { string: "a string", function: "a function", object: "an object", number: "a number" };

/** An Error with a code for programs and a message that says what to do. */
export function fail(code, message) {
  return Object.assign(new Error(message), { code });
}

export function expect(value, type, what) {
  if (typeof value !== type || value === null) {
    throw fail("illegal_argument", `${what} must be ${names[type]}: pass one`);
  }
}

// What a handler gets beside the data: one object per event, for all JS handlers.
/** Its fields are made when they are read, for most handlers read none. */
export class Event {
  #topic;
  #data;
  /** What is known of it beside: of an event that wasm has made, or that somebody has asked about. */
  #more;

  constructor(topic, data, more) {
    this.#topic = topic;
    this.#data = data;
    this.#more = more;
  }

  #known() {
    return (this.#more ??= {});
  }

  get topic() {
    return this.#topic;
  }

  get data() {
    return this.#data;
  }

  get id() {
    return (this.#known().id ??= randomId());
  }

  get time() {
    return (this.#known().time ??= Date.now());
  }

  get source() {
    return this.#more?.source ?? "";
  }

  get delivery() {
    return this.#more?.delivery ?? local;
  }

  /** As the CloudEvents 1.0 JSON format has it. An event of this page has the source "/". */
  toCloudEvent() {
    const event = {
      specversion: "1.0",
      id: this.id,
      source: this.source || "/",
      type: this.#topic,
      time: new Date(this.time).toISOString(),
    };
    const data = this.#data;
    if (data instanceof Uint8Array) {
      event.datacontenttype = "application/octet-stream";
      event.data_base64 = btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join(""));
    } else {
      event.datacontenttype = "application/json";
      event.data = data ?? null;
    }
    return event;
  }

  /** The request that it is, if it is one. */
  static asked(event) {
    return event.#more?.asked;
  }

  /** The same event with the data that an interceptor has put in the place of its own. */
  static with(event, data) {
    return new Event(event.#topic, data, event.#known());
  }
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function makeEvent(topic, data, source, time, delivery, id) {
  return new Event(topic, data, { source, time, delivery, id });
}

export function replaced(event, data) {
  return Event.with(event, data);
}

export function idOf(event) {
  return event.id;
}

const local = Object.freeze({ status: "local" });
const ephemeral = Object.freeze({ status: "ephemeral" });

/** How far an event has come. The others are offset, epoch and stream, or code and message. */
export function makeStatus(status, first, second, stream) {
  switch (status) {
    case "local":
      return local;
    case "ephemeral":
      return ephemeral;
    case "stored":
      return { status, position: { offset: first, epoch: second, stream } };
    case "rejected":
      return { status, code: first, message: second };
    default:
      return { status };
  }
}

// The bridge as users of the npm package see it: `connect`, its rules, and the receipts of durable events.
export function disposer(dispose) {
  if (Symbol.dispose) dispose[Symbol.dispose] = dispose;
  return dispose;
}

/** Ends by `end`, once, also when `signal` aborts; the signal holds nothing of it later. */
export function ending(end, signal) {
  let live = true;
  const dispose = disposer(() => {
    if (!live) return;
    live = false;
    signal?.removeEventListener("abort", dispose);
    end();
  });
  if (signal?.aborted) dispose();
  else signal?.addEventListener("abort", dispose, { once: true });
  return dispose;
}

/** What is open must stay: handlers are called for as long as the link is, whoever holds the bus. */
const open = new Set();

/** Starts to connect the bus of `core` to a peer. `held` lives for as long as the link is open. */
export function connect(core, options, held) {
  expect(options, "object", "the options of connect");
  const { url, rules = [], signal, identity = "", storage = "indexeddb", credentials } = options;
  expect(url, "string", "the url");
  expect(identity, "string", "the identity");
  expect(storage, "string", "the storage");
  if (credentials !== undefined) expect(credentials, "function", "the credentials");
  const wanted = Array.from(rules, readRule);
  const link = core.connect(url, identity, storage, credentials);
  /** What was joined and is watched. */
  const places = new Set();
  const keeps = { held };
  open.add(keeps);
  const close = () => {
    signal?.removeEventListener("abort", close);
    open.delete(keeps);
    for (const end of places) end();
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
  /** Ends what `number` names when its caller says so, or with the link. */
  const place = (number, signal) => {
    let end;
    end = ending(() => {
      places.delete(end);
      link.leave(number);
    }, signal);
    if (!signal?.aborted) places.add(end);
    return end;
  };
  const face = {
    close,
    reconnect: () => link.reconnect(),
    async history(pattern, { before, limit = 50 } = {}) {
      expect(pattern, "string", "the pattern");
      expect(limit, "number", "the limit");
      return link.history(pattern, before, limit);
    },
    join(topic, key, data, { signal } = {}) {
      expect(topic, "string", "the topic");
      expect(key, "string", "the key");
      return place(link.join(topic, key, data), signal);
    },
    watch(topic, handler, { signal } = {}) {
      expect(topic, "string", "the topic");
      expect(handler, "function", "the handler");
      return place(link.watch(topic, handler), signal);
    },
    get state() {
      return link.state();
    },
  };
  if (Symbol.dispose) face[Symbol.dispose] = close;
  return Object.freeze(face);
}

function readRule(rule) {
  expect(rule, "object", "a rule");
  const { pattern, direction = "both", durable = false, from = "latest", window = {} } = rule;
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
  expect(window, "object", "the window of a rule");
  const { events, bytes } = window;
  return [pattern, direction !== "out", direction !== "in", Boolean(durable), last, events, bytes];
}

/** What `publish` returns of a durable event; nothing of another. */
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

// Runs routes in JavaScript. wasm says which subscriptions a topic has; while all of them are plain
// handlers, they are called from here, because a call from wasm costs several times one from JavaScript.
//
// There is one flag that says whether an event is in flight, and one queue, both in wasm. The flag is read
// and written here through a view of wasm's memory. Whatever is not simple is left to wasm: an event inside
// a handler, an interceptor, a group, a subscriber in Rust, a rule of a bridge.
//
// Handlers of one topic that stand one after the other in the order are a cohort: wasm knows them as one
// subscription, so that one more or less of them is no call into wasm.
const IN_FLIGHT = 1;
/** Events wait for their turns. */
const WAITING = 2;
/** The bus delivers as if somebody counted, and in wasm nobody does. */
const WATCHED = 8;
/** What wasm says of a route. */
const SIMPLE = 1;
const OF_FAMILY = 2;
/** Of a topic in UTF-8, as many characters are never too long. */
const LONGEST = 85;
const MOST_FAMILIES = 4096;
const ONE_OF = 64;
/** A token of a topic, without those that only wasm can judge. */
const TOKEN = /^[!-)+\-/-=?-~]+$/;
/** In a pattern, what is no topic. */
const WILDCARD = /[*>]/;
/** The buses by number, as wasm knows them. Whoever holds a bus keeps it, and not this. */
const buses = new Map();

let memory;
let bytes = new Uint8Array(0);
let words = new Uint32Array(0);

/** Memory that has grown has another buffer, and the views of the old one are empty. */
function look() {
  if (bytes.length === 0) {
    bytes = new Uint8Array(memory.buffer);
    words = new Uint32Array(memory.buffer);
  }
}

/** The number of the route that wasm keeps of the topic that was asked for last. */
let keptAs;

function nothing() {}

function isThere(member) {
  return member !== undefined;
}

/** What publishes to the bus of `core`, and what subscribes plain handlers to it. */
export function executor(core, itsMemory) {
  memory = itsMemory;
  const flag = core.flag();
  const version = core.version() >>> 2;
  const watchers = core.watchers() >>> 2;
  /** What JavaScript runs of hot topics: the only handler, or the route. */
  const hot = Object.create(null);
  /** Of hot topics, whoever runs them. */
  const routes = Object.create(null);
  /** Routes by all but their last token; of topics that were seen once. */
  const families = new Map();
  let ofVersion;
  let sample = 0;
  const numbered = [];
  const free = [];
  /** The subscriptions by number. */
  const cohorts = [];
  /** By topic, the cohort behind which no other subscription of the topic stands. */
  const last = new Map();
  /** The version of which that is known. */
  let known;
  /** How many subscriptions there are that wasm does not count. */
  let uncounted = 0;
  let running;

  function publish(topic, data, options) {
    const found = hot[topic];
    if (found === undefined || options !== undefined || bytes[flag] !== 0) {
      return publishOtherwise(topic, data, options);
    }
    const event = new Event(topic, data, undefined);
    if (typeof found === "function") runOne(found, data, event);
    else runAll(found, data, event);
  }

  function publishOtherwise(topic, data, options, more) {
    expect(topic, "string", "the topic");
    if (options !== undefined) expect(options, "object", "the options of publish");
    look();
    if (bytes[flag] === 0) {
      self.former.length = 0;
      const route = routes[topic] ?? related(topic) ?? resolve(topic);
      if (route.simple) return run(route, data, new Event(topic, data, more));
    }
    const event = new Event(topic, data, { time: Date.now(), ...more });
    if (options?.wait) return core.publishWhenRoom(topic, data).then(receipt);
    return receipt(core.publish(topic, data, event, options?.expiresInMs));
  }

  /** The route of another topic, if that differs in the last token only and nobody looks at that. */
  function related(topic) {
    if (words[version] !== ofVersion) {
      families.clear();
      ofVersion = words[version];
    }
    const cut = topic.lastIndexOf(".");
    if (cut < 0 || topic.length > LONGEST) return;
    const route = families.get(topic.slice(0, cut));
    if (route === undefined || !TOKEN.test(topic.slice(cut + 1))) return;
    // A topic that comes again and again is worth a route of its own: wasm sees a sample.
    sample = (sample + 1) % ONE_OF;
    return sample === 0 ? undefined : route;
  }

  /** Asks wasm. Only a topic that comes again is kept. */
  function resolve(topic) {
    keptAs = undefined;
    const found = core.route(topic) >>> 2;
    look();
    const its = [];
    for (let at = found + 2, end = at + words[found + 1]; at < end; at += 1) its.push(cohorts[words[at]]);
    const route = {
      topic,
      cohorts: its,
      simple: (words[found] & SIMPLE) !== 0,
      // Of the cohorts; not fresh when one of them has changed.
      slots: undefined,
      calls: undefined,
      fresh: false,
    };
    const cut = topic.lastIndexOf(".");
    if ((words[found] & OF_FAMILY) !== 0 && cut > 0) {
      if (families.size >= MOST_FAMILIES) families.clear();
      families.set(topic.slice(0, cut), route);
    }
    if (keptAs !== undefined) {
      numbered[keptAs] = route;
      routes[topic] = route;
    }
    return route;
  }

  function run(route, data, event) {
    if (!route.fresh) flatten(route);
    if (route.calls.length === 1) runOne(route.calls[0], data, event, route);
    else runAll(route, data, event);
  }

  function flatten(route) {
    const { topic, cohorts } = route;
    route.slots = cohorts.flatMap(({ members }) => members.filter(isThere));
    route.calls = route.slots.map(({ call }) => call);
    route.fresh = true;
    if (routes[topic] === route) hot[topic] = route.calls.length === 1 ? route.calls[0] : route;
  }

  /** Without its route, for most need none and to find it takes time. */
  function runOne(call, data, event, route) {
    bytes[flag] = IN_FLIGHT;
    try {
      const answer = call(data, event);
      if (answer !== undefined) answered(only(event.topic, route), event, answer);
    } catch (error) {
      failed(only(event.topic, route), event, error);
    }
    if (bytes[flag] === IN_FLIGHT) bytes[flag] = 0;
    else finish();
  }

  /** The one handler of the topic in flight, also if it has ended meanwhile. */
  function only(topic, route = self.former.find((former) => former.topic === topic) ?? routes[topic]) {
    return route.slots[0];
  }

  /** Calls all handlers, whatever one of them does. Four at a time: so the processor foresees more of them. */
  function runAll(route, data, event) {
    bytes[flag] = IN_FLIGHT;
    running = route;
    const { calls, slots } = route;
    const last = calls.length;
    let at = 0;
    for (;;) {
      try {
        let call;
        let answer;
        for (; at + 4 <= last; at += 1) {
          call = calls[at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
          call = calls[++at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
          call = calls[++at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
          call = calls[++at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
        }
        for (; at < last; at += 1) {
          call = calls[at];
          if ((answer = call(data, event)) !== undefined) answered(slots[at], event, answer);
        }
        break;
      } catch (error) {
        failed(slots[at], event, error);
        at += 1;
      }
    }
    running = undefined;
    // Also where memory has grown meanwhile.
    if (bytes[flag] === IN_FLIGHT) bytes[flag] = 0;
    else finish();
  }

  /** What handlers have published meanwhile has its turn now. */
  function finish() {
    look();
    bytes[flag] &= ~IN_FLIGHT;
    core.proceed();
  }

  /** Calls one handler as if it were a route of its own, with events that have had their turns. */
  function turn(slot, call, data, event, about = event) {
    look();
    bytes[flag] |= IN_FLIGHT;
    try {
      answered(slot, about, call(data, event));
    } catch (error) {
      failed(slot, about, error);
    }
    finish();
  }

  function failed(slot, event, error) {
    core.failed(event.topic, slot.label, error);
  }

  /** A promise that is rejected is a failure too. The answer is settled with it. */
  function answered(slot, event, answer) {
    if (typeof answer !== "object" || answer === null || typeof answer.then !== "function") return;
    return Promise.resolve(answer).catch((error) => failed(slot, event, error));
  }

  function add(pattern, call, options) {
    const { priority = 0, label, echo = false, group, balance, queue, key, replay, serves = false } = options;
    const slot = { call, label: label ?? pattern, serves, queued: queue !== undefined, cohort: undefined, at: 0 };
    const plain = priority === 0 && !echo && group === undefined && queue === undefined && !replay;
    look();
    forgetWhatIsOld();
    if (!plain || !join(pattern, slot)) {
      const before = words[version];
      const number = core.subscribe(
        pattern,
        priority,
        label,
        echo,
        group,
        typeof balance === "object" ? "by" : balance,
        queue?.capacity ?? 0,
        queue?.policy ?? 0,
        key ?? balance?.by,
        Boolean(replay),
      );
      slot.cohort = { number, pattern, label: slot.label, members: [slot], size: 1 };
      cohorts[number] = slot.cohort;
      const wasAlone = follow(before);
      if (WILDCARD.test(pattern)) last.clear();
      else if (plain && wasAlone) last.set(pattern, slot.cohort);
      else last.delete(pattern);
    }
    return { slot, end: () => end(slot) };
  }

  /** Lets it stand behind the last of its topic; false where wasm has to know. */
  function join(pattern, slot) {
    const cohort = last.get(pattern);
    if (cohort?.label !== slot.label) return false;
    // The event in flight would reach it; or somebody is told of each that comes.
    if ((bytes[flag] & (IN_FLIGHT | WAITING)) !== 0 || words[watchers] !== 0) return false;
    if (cohort.members.length > 2 * cohort.size + 8) {
      cohort.members = cohort.members.filter(isThere);
      cohort.members.forEach((member, at) => (member.at = at));
    }
    slot.cohort = cohort;
    slot.at = cohort.members.push(slot) - 1;
    cohort.size += 1;
    uncounted += 1;
    refresh(pattern);
    return true;
  }

  function end(slot) {
    const { cohort, at } = slot;
    if (cohort.members[at] !== slot) return;
    cohort.members[at] = undefined;
    cohort.size -= 1;
    // The event in flight does not reach it any more.
    const turn = running === undefined ? -1 : running.slots.indexOf(slot);
    if (turn >= 0) running.calls[turn] = nothing;
    if (cohort.size === 0) return release(cohort);
    uncounted -= 1;
    refresh(cohort.pattern);
    look();
    if (words[watchers] !== 0) core.ended(cohort.pattern, cohort.label);
  }

  function release(cohort) {
    const { number, pattern } = cohort;
    cohorts[number] = undefined;
    if (last.get(pattern) === cohort) last.delete(pattern);
    look();
    forgetWhatIsOld();
    const before = words[version];
    core.release(number);
    follow(before);
  }

  /** The handlers of a topic are others now. */
  function refresh(topic) {
    const route = routes[topic];
    if (route === undefined) return;
    route.fresh = false;
    if (hot[topic] !== undefined) hot[topic] = undefined;
  }

  /** Somebody else has subscribed, perhaps behind a cohort. */
  function forgetWhatIsOld() {
    if (words[version] === known) return;
    last.clear();
    known = words[version];
  }

  /** After one subscription has come or gone; false if others have too. */
  function follow(before) {
    look();
    const wasAlone = words[version] === (before + 1) >>> 0;
    if (!wasAlone) last.clear();
    known = words[version];
    return wasAlone;
  }

  /** Whether somebody looks at each event: then wasm runs all routes, and `hear` is what it calls. */
  function watch(watcher) {
    look();
    self.watcher = watcher;
    bytes[flag] = watcher === undefined ? bytes[flag] & ~WATCHED : bytes[flag] | WATCHED;
  }

  function serves(topic) {
    const { cohorts } = routes[topic] ?? resolve(topic);
    return cohorts.some(({ members }) => members.some((slot) => slot?.serves));
  }

  /** Whether an event of now has its turn at once. */
  function isIdle() {
    look();
    return (bytes[flag] & IN_FLIGHT) === 0;
  }

  const subscriptions = () => core.subscriptions() + uncounted;

  const interceptors = [];
  const self = {
    flag, hot, routes, numbered, free, cohorts, answered, failed, interceptors, watcher: undefined,
    /** What was hot when the event in flight began, and is not any more. */
    former: [],
  };
  buses.set(core.id(), new WeakRef(self));
  return { publish, publishOtherwise, add, turn, failed, answered, watch, serves, isIdle, subscriptions, interceptors, self };
}

/** wasm hands an event to a subscription; if it has one handler, its failure is wasm's to tell. */
export function hear(bus, number, data, event) {
  const self = buses.get(bus)?.deref();
  const members = self?.cohorts[number]?.members;
  if (members?.length === 1) return hearOne(self, members[0], data, event);
  const unsettled = members?.map((slot) => {
    try {
      return slot && hearOne(self, slot, data, event);
    } catch (error) {
      self.failed(slot, event, error);
    }
  });
  if (unsettled?.some(isThere)) return Promise.all(unsettled);
}

function hearOne(self, slot, data, event) {
  try {
    const answer = self.watcher ? self.watcher(slot, data, event) : slot.call(data, event);
    if (answer !== undefined) return self.answered(slot, event, answer);
  } catch (error) {
    // What has left the bus for a queue is told here.
    if (!slot.queued) throw error;
    self.failed(slot, event, error);
  }
}

let verdict;

/** What an interceptor says: 0 lets pass, 1 puts `verdictWith` in the place of the data, 2 drops, 3 denies. */
export function judge(bus, number, topic, data, inbound) {
  const ask = buses.get(bus)?.deref()?.interceptors[number];
  const answer = ask?.(data, { topic, inbound });
  if (answer === undefined) return 0;
  if ("replace" in answer) {
    verdict = answer.replace;
    return 1;
  }
  if (answer.drop) return 2;
  verdict = String(answer.deny);
  return 3;
}

export function verdictWith() {
  const it = verdict;
  verdict = undefined;
  return it;
}

/** wasm keeps a route until it says that it is stale, by this number. */
export function keep(bus) {
  const self = buses.get(bus)?.deref();
  keptAs = self.free.pop() ?? self.numbered.length;
  return keptAs;
}

export function stale(bus, number) {
  const self = buses.get(bus)?.deref();
  const route = self?.numbered[number];
  if (route === undefined) return;
  delete self.routes[route.topic];
  delete self.hot[route.topic];
  look();
  if ((bytes[self.flag] & IN_FLIGHT) !== 0) self.former.push(route);
  self.numbered[number] = undefined;
  self.free.push(number);
}

/** The bus itself is gone. */
export function gone(bus) {
  buses.delete(bus);
}
