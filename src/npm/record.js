// The recorder: writes events as lines of CloudEvents JSON, and replays them.

import { after, ending } from "./ends.js";
import { expectTopic, fail, take } from "./options.js";

const RECORD = ["capacity", "signal"];
const PLAY = ["speed", "signal"];
export const FIRST = 2 ** 31 - 1;

/** Records the newest events, each before another subscriber sees it. */
export function recorder(begin, core, pattern = ">", given) {
  expectTopic(pattern, "the pattern");
  const { capacity = 10_000, signal } = take(given, RECORD);
  const start = performance.now();
  const lines = [];
  let dropped = 0;
  const stop = begin(
    pattern,
    (data, event) => {
      const elapsed = Math.round(performance.now() - start);
      // Data without a JSON form is not recorded in another form.
      if (core.travels(data)) lines.push(JSON.stringify({ ...event.toCloudEvent(), ...placeOf(event), elapsed }));
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

/** How an event was delivered, as extensions of a CloudEvent. */
function placeOf({ delivery: { status: stage, position }, account: authid }) {
  if (position === undefined) return { stage, authid };
  const { stream, epoch, offset: sequence } = position;
  return { stage, stream, epoch, sequence, authid };
}

/** The stages of events that only subscribers with echo have received. */
const NOT_PUBLISHED = ["queued", "kept", "sent", "rejected"];

/** Publishes the events of a recording again, as new ones. */
export function republisher(publish) {
  return (topic, data, { stage }) => {
    if (!NOT_PUBLISHED.includes(stage) && !topic.startsWith("$")) publish(topic, data);
  };
}

/** Delivers the events of a recording on a sealed bus as they were. */
export function deliverer(core) {
  return (topic, data, { stage = "local", time, id, source, authid, stream, epoch, sequence, code, reason }) => {
    const from = source === "/" ? undefined : source;
    const rest = stage === "rejected" ? [code, reason] : [stream, epoch, sequence];
    core.deliver([topic, stage, data, Date.parse(time), id, from, authid, undefined, ...rest]);
  };
}

/** Publishes a recording again, with its pauses divided by `speed`. */
export async function play(publish, lines, given) {
  const { speed = 1, signal } = take(given, PLAY);
  const events = Array.from(typeof lines === "string" ? lines.split("\n") : lines)
    .filter((line) => line.trim() !== "")
    .map(read);
  let before;
  for (const { topic, data, at, line } of events) {
    const pause = Math.max(0, at - (before ?? at)) / speed;
    before = at;
    if (pause > 0) await sleep(pause, signal);
    signal?.throwIfAborted();
    publish(topic, data, line);
  }
}

function read(line, index) {
  try {
    const parsed = JSON.parse(line);
    const { type: topic, data, data_base64: base64, elapsed, time } = parsed;
    expectTopic(topic, "`type`");
    const bytes = base64 === undefined ? undefined : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return { topic, data: bytes ?? data, at: elapsed ?? (Date.parse(time) || 0), line: parsed };
  } catch (cause) {
    const error = fail("illegal_recording", `line ${index + 1} is not a CloudEvent in JSON: see its \`cause\``);
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
