// The recorder: what passes on a bus as CloudEvents in JSON, one a line, and playing that again.

import { ending } from "./disposer.js";
import { expect, fail } from "./errors.js";
import { FIRST } from "./subscribe.js";

/** Records the newest events, each before another subscriber sees it. */
export function recorder(subscribe, pattern = ">", { capacity = 10_000, signal } = {}) {
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
export async function play(publish, lines, { speed = 1, signal } = {}) {
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
    let timer;
    const end = ending(() => {
      clearTimeout(timer);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }, signal);
    timer = setTimeout(end, ms);
  });
}
