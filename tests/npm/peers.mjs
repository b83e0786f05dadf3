// Runs the same cases with this package and its peers, and prints the table of `benches/js/SEMANTICS.md`.

import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { createBus } from "event-driven-kit";

const tools = createRequire(join(process.env.EDK_NPM_TOOLS, "package.json"));

/** Each creates an emitter: `on` returns a function that ends the subscription, `any` is the pattern of all topics under `a`. */
const libraries = {
  async "event-driven-kit"() {
    const { subscribe, publish } = createBus();
    return { on: subscribe, emit: publish, any: "a.*" };
  },
  async mitt() {
    return of(tools("mitt")(), "*");
  },
  async eventemitter3() {
    return of(new (tools("eventemitter3"))());
  },
  async eventemitter2() {
    return of(new (tools("eventemitter2"))({ wildcard: true }), "a.*");
  },
  async EventEmitter() {
    return of(new EventEmitter());
  },
};

function of(emitter, any) {
  return {
    on(name, handler) {
      emitter.on(name, handler);
      return () => emitter.off(name, handler);
    },
    emit: (name, data) => emitter.emit(name, data),
    any,
  };
}

/** Each returns what the emitter does, in a few words. */
const cases = {
  async "publish inside a handler"({ on, emit }) {
    const second = [];
    on("a.b", (data) => data === 1 && emit("a.b", 2));
    on("a.b", (data) => second.push(data));
    await emit("a.b", 1);
    await sleep(1);
    return second.join() === "1,2" ? "one order" : "the second hears 2 before 1";
  },
  async "ended while an event is in flight"({ on, emit }) {
    let called = false;
    let end = () => {};
    on("a.b", () => end());
    end = on("a.b", () => (called = true));
    await emit("a.b", 1);
    await sleep(1);
    return called ? "still called" : "not called";
  },
  async "one function twice"({ on, emit }) {
    let calls = 0;
    const handler = () => (calls += 1);
    on("a.b", handler);
    on("a.b", handler);
    await emit("a.b", 1);
    await sleep(1);
    return `${calls} calls`;
  },
  async "a handler throws"({ on, emit }) {
    let called = false;
    on("a.b", () => { throw new Error("on purpose"); });
    on("a.b", () => (called = true));
    try {
      await emit("a.b", 1);
    } catch {}
    await sleep(1);
    return called ? "the others run" : "the others do not run";
  },
  async "a promise rejects"({ on, emit }) {
    on("$bus.error", () => {});
    on("a.b", async () => { throw new Error("on purpose"); });
    let outcome = "reported";
    const unhandled = () => (outcome = "unhandled");
    process.on("unhandledRejection", unhandled);
    try {
      await emit("a.b", 1);
    } catch {}
    await sleep(5);
    process.off("unhandledRejection", unhandled);
    return outcome;
  },
  async "a wildcard before an exact topic"({ on, emit, any }) {
    if (any === undefined) return "no wildcards";
    const heard = [];
    on(any, () => heard.push("wildcard"));
    on("a.b", () => heard.push("exact"));
    await emit("a.b", 1);
    return heard[0] === "wildcard" ? "as subscribed" : "exact first";
  },
};

const names = Object.keys(libraries);
console.log(`| | ${names.join(" | ")} |`);
console.log(`| --- |${" --- |".repeat(names.length)}`);
for (const [name, run] of Object.entries(cases)) {
  const cells = [];
  for (const make of Object.values(libraries)) cells.push(await run(await make()));
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
process.exit();
