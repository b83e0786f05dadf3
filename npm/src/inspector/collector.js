// Collects what a bus does while the inspector is open, within bounds.

import { Histogram, Rate } from "./histogram.js";
import { jsonOf, sizeOf } from "./payload.js";

/** How many of the newest events the flow keeps at least. */
export const FLOW_KEPT = 2_000;
const TEXT_KEPT = 4_096;
const MAX_KEYS = 1_000;
const OTHERS = "(others)";
const MAX_WAITING = 2_000;

/** The beginning of a long text. A copy: a mere slice would keep the whole text. */
const shortOf = (text) => (text.length > TEXT_KEPT ? JSON.parse(JSON.stringify(text.slice(0, TEXT_KEPT))) : text);

/** The entry of a bounded map, made by `make` at the first use. */
function entryOf(map, key, make) {
  const its = map.has(key) || map.size < MAX_KEYS ? key : OTHERS;
  let entry = map.get(its);
  if (entry === undefined) map.set(its, (entry = make(its)));
  return entry;
}

export class Collector {
  #inspection;
  #stop;
  #waiting = new Map();
  #failures = new Map();
  /** The event whose handlers are called now. */
  #current;
  /** All events that were seen, of which `flow` has the newest. */
  seen = 0;
  flow = [];
  topics = new Map();
  subscribers = new Map();
  causes = new Map();
  /** Called with each turn, for a recording. */
  record = undefined;

  constructor(inspection) {
    this.#inspection = inspection;
  }

  start() {
    this.#stop ??= this.#inspection.observe({
      turn: (turn) => this.#turn(turn),
      called: (label, micros, failed) => this.#called(label, micros, failed),
    });
  }

  stop() {
    this.#stop?.();
    this.#stop = undefined;
  }

  clear() {
    this.flow = [];
    for (const all of [this.topics, this.subscribers, this.causes, this.#failures, this.#waiting]) all.clear();
  }

  #turn(turn) {
    const now = performance.now();
    this.record?.(turn, now);
    const make = (topic) => ({ topic, events: 0, calls: 0, lag: new Histogram(), rate: new Rate() });
    const topic = entryOf(this.topics, turn.topic, make);
    topic.events += 1;
    topic.rate.add(now);
    this.#lag(turn, topic, now);
    if (turn.cause !== undefined) {
      const pair = () => ({ cause: turn.cause, topic: turn.topic, count: 0 });
      entryOf(this.causes, `${turn.cause} ${turn.topic}`, pair).count += 1;
    }
    this.#current = { row: this.#row(turn), topic };
  }

  /** The row of an event. Failures on one topic share a row, which counts them and shows the last one. */
  #row(turn) {
    const failure = turn.topic === "$bus.error" ? String(turn.data?.topic) : undefined;
    const text = jsonOf(turn.data);
    const known = this.#failures.get(failure);
    if (known !== undefined && known.number >= this.seen - this.flow.length) {
      known.count += 1;
      known.text = shortOf(text);
      return known;
    }
    // Without the data, which may be large.
    const row = turn;
    row.size = sizeOf(turn.data, text);
    row.data = undefined;
    row.number = this.seen;
    row.at = Date.now();
    row.text = shortOf(text);
    row.calls = [];
    row.count = 1 + (known?.count ?? 0);
    this.seen += 1;
    this.flow.push(row);
    // Cut rarely, because cutting moves all others.
    if (this.flow.length > 2 * FLOW_KEPT) this.flow = this.flow.slice(-FLOW_KEPT);
    if (failure !== undefined) {
      if (this.#failures.size >= MAX_KEYS) this.#failures.clear();
      this.#failures.set(failure, row);
    }
    return row;
  }

  /** The time from the publish of a durable event of this page until it was stored. */
  #lag({ id, stage }, topic, now) {
    if (id === undefined) return;
    if (stage === "queued" && this.#waiting.size < MAX_WAITING) this.#waiting.set(id, now);
    if (stage !== "stored" && stage !== "rejected") return;
    const since = this.#waiting.get(id);
    if (since === undefined) return;
    this.#waiting.delete(id);
    if (stage === "stored") topic.lag.add((now - since) * 1_000);
  }

  #called(label, micros, failed) {
    const make = (label) => ({ label, calls: 0, failures: 0, times: new Histogram() });
    const subscriber = entryOf(this.subscribers, label, make);
    subscriber.calls += 1;
    subscriber.failures += failed ? 1 : 0;
    subscriber.times.add(micros);
    const { row, topic } = this.#current ?? {};
    if (row === undefined) return;
    topic.calls += 1;
    if (row.calls.length < 300) row.calls.push(label, micros, failed);
  }
}
