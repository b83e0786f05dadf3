// Prints how much memory of the heap and of wasm each workload leaves behind, one line each: `node --expose-gc
// memory.js`.

import { readFileSync } from "node:fs";

// Imported by its path, because the package does not export its memory.
import { createBus, initSync } from "./node_modules/event-driven-kit/event_driven_kit.js";

const module = readFileSync("node_modules/event-driven-kit/event_driven_kit_bg.wasm");
const memory = Object.values(initSync({ module })).find((one) => one instanceof WebAssembly.Memory);

async function settled() {
  for (let time = 0; time < 3; time += 1) {
    await new Promise(setImmediate);
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed + memory.buffer.byteLength;
}

/** Measures the third run: by then all code is compiled and tables have grown. */
async function left(work, act, most) {
  await act();
  await act();
  const before = await settled();
  await act();
  const kilobytes = ((await settled()) - before) / 1000;
  console.log(JSON.stringify({ work, kilobytes, most }));
}

const bus = createBus();
const { subscribe, publish, topic } = bus;

await left("1,000 patterns and 1,000,000 one-off topics", () => {
  const ends = Array.from({ length: 1_000 }, (_, at) => subscribe(`room.${at}.*`, () => {}));
  for (let at = 0; at < 1_000_000; at += 1) publish(`room.${at % 1_000}.m${at}`, at);
  for (const end of ends) end();
}, 200);

await left("100,000 subscriptions that were disposed of", () => {
  for (let at = 0; at < 100_000; at += 1) {
    const end = subscribe(`a.${at % 100}`, () => at);
    if (at % 10 === 0) publish(`a.${at % 100}`);
    end();
  }
}, 200);

const signal = new AbortController().signal;
await left("100,000 that an abort signal could have ended", () => {
  for (let at = 0; at < 100_000; at += 1) subscribe("a", () => at, { signal })();
}, 200);

await left("100,000 that an abort signal has ended", () => {
  for (let at = 0; at < 100_000; at += 1) {
    const controller = new AbortController();
    subscribe("a", () => at, { signal: controller.signal });
    controller.abort();
  }
}, 200);

await left("100,000 async iterators", async () => {
  for (let at = 0; at < 100_000; at += 1) {
    const events = topic("a")[Symbol.asyncIterator]();
    publish("a", at);
    for await (const event of events) if (event.data === at) break;
  }
}, 200);

await left("10,000 buses whose handlers hold them", () => {
  for (let at = 0; at < 10_000; at += 1) {
    const own = createBus();
    own.subscribe("a", () => own);
    for (let time = 0; time < 3; time += 1) own.publish("a", time);
  }
}, 200);
