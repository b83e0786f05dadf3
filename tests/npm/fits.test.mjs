// The package in its environments: with require, on a server, in bundles of all formats, with other libraries, and
// under tools that check packages. `EDK_NPM_TOOLS` is the folder into which `tests/npm/tools` is installed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const tools = createRequire(join(process.env.EDK_NPM_TOOLS, "package.json"));
const tool = (name) => join(process.env.EDK_NPM_TOOLS, "node_modules/.bin", name);
const project = import.meta.dirname;

/** An application that prints what a handler receives. */
const APP = `
import { createBus } from "event-driven-kit";
import { createTextKit } from "event-driven-kit/chat";
const { subscribe, publish } = createBus();
subscribe("greeting.*", (data, event) => console.log("heard", event.topic, data));
publish("greeting.world", "hello");
createTextKit({ room: "lobby", sender: "Ann" }).on("TEXT_MESSAGE", () => {});
`;
const HEARD = "heard greeting.world hello\n";

/** Creates a folder in the project, with the application in it. */
function folder() {
  const folder = mkdtempSync(join(project, "built-"));
  writeFileSync(join(folder, "app.mjs"), APP);
  return folder;
}

function run(program, args, options) {
  try {
    return execFileSync(program, args, { cwd: project, encoding: "utf8", stdio: "pipe", ...options });
  } catch (error) {
    assert.fail(`${program} ${args.join(" ")}: ${error.stdout}${error.stderr}`);
  }
}

const node = (...args) => run(process.execPath, args);

test("require works, and shares singletons with import", () => {
  const script = `
    const { createSingleton } = require("event-driven-kit");
    createSingleton("both").subscribe("a", (data) => console.log("heard", data));
    import("event-driven-kit").then(({ createSingleton }) => createSingleton("both").publish("a", 1));
    require("event-driven-kit/chat").createTextKit({ room: "a", sender: "b" });
  `;
  assert.equal(node("--input-type=commonjs", "--eval", script), "heard 1\n");
});

test("importing without using it needs no WebAssembly, no crypto and no document", () => {
  const script = `
    delete globalThis.WebAssembly;
    delete globalThis.crypto;
    const { createBus } = await import("event-driven-kit");
    await import("event-driven-kit/chat");
    await import("event-driven-kit/slim");
    console.log(typeof createBus);
  `;
  assert.equal(node("--input-type=module", "--eval", script), "function\n");
});

for (const missing of ["TextDecoder", "TextEncoder", "WebAssembly", "crypto"]) {
  test(`importing without ${missing} works, and the first use reports what is missing`, () => {
    const script = `
      delete globalThis.${missing};
      const use = (make) => {
        try { make(); } catch ({ code, message }) { console.log(code, message.includes("${missing}")); }
      };
      const bytes = require("node:fs").readFileSync(require.resolve("event-driven-kit/event_driven_kit.wasm"));
      const { createBus } = require("event-driven-kit");
      require("event-driven-kit/chat");
      const slim = require("event-driven-kit/slim");
      use(() => createBus());
      use(() => slim.loadSync(bytes));
    `;
    const expected = "not_supported true\n".repeat(2);
    assert.equal(node("--input-type=commonjs", "--eval", script), expected);
  });
}

test("slim reports that nothing is loaded, and loads the module that it is given", () => {
  const script = `
    import { readFileSync } from "node:fs";
    import { createBus, load } from "event-driven-kit/slim";
    try { createBus(); } catch (error) { console.log(error.message.includes("load(")); }
    await load(readFileSync(new URL(import.meta.resolve("event-driven-kit/event_driven_kit.wasm"))));
    createBus().subscribe("a", () => {});
    console.log("loaded");
  `;
  assert.equal(node("--input-type=module", "--eval", script), "true\nloaded\n");
});

for (const format of ["esm", "iife", "cjs"]) {
  test(`esbuild bundles it without a plugin, as ${format}`, async () => {
    const out = join(folder(), `out.${format === "esm" ? "mjs" : "cjs"}`);
    const { build } = tools("esbuild");
    const { warnings } = await build({
      entryPoints: [join(out, "../app.mjs")], bundle: true, format, outfile: out, platform: "browser", logLevel: "silent",
    });
    assert.deepEqual(warnings, []);
    assert.equal(node(out), HEARD);
  });
}

test("a worker thread has its own bus", () => {
  const script = `
    import { Worker, isMainThread, parentPort } from "node:worker_threads";
    const code = \`
      import { createSingleton } from "event-driven-kit";
      import { parentPort } from "node:worker_threads";
      const bus = createSingleton("own");
      bus.subscribe("a", (data) => parentPort.postMessage(data));
      bus.publish("a", "from the worker");
    \`;
    const { writeFileSync } = await import("node:fs");
    writeFileSync("worker.mjs", code);
    new Worker("./worker.mjs", { execArgv: [] }).on("message", (message) => console.log(message));
  `;
  assert.equal(node("--input-type=module", "--eval", script), "from the worker\n");
});

test("RxJS's from accepts a topic", async () => {
  const { from, take, toArray, lastValueFrom } = tools("rxjs");
  const { createBus } = await import("event-driven-kit");
  const { topic, publish } = createBus();
  const two = lastValueFrom(from(topic("a.*")).pipe(take(2), toArray()));
  publish("a.b", 1);
  publish("a.c", 2);
  assert.deepEqual((await two).map((event) => [event.topic, event.data]), [["a.b", 1], ["a.c", 2]]);
});

test("the type tests compile", () => {
  run(tool("tsc"), ["--project", "types"]);
});

test("the types compile with only ES2022 and the DOM in the compiler's `lib`", () => {
  run(tool("tsc"), ["--project", "types/plain.json"]);
});

test("no type of the package is `any`", () => {
  const installed = join(project, "node_modules/event-driven-kit");
  for (const name of readdirSync(installed).filter((name) => /\.d\.c?ts$/.test(name))) {
    const code = readFileSync(join(installed, name), "utf8").replace(/\/\*[^]*?\*\//g, "");
    assert.doesNotMatch(code, /\bany\b/, name);
  }
});

test("publint reports nothing", async () => {
  const { publint } = await import(pathToFileURL(tools.resolve("publint")));
  const { messages } = await publint({ pkgDir: join(project, "node_modules/event-driven-kit"), strict: true });
  assert.deepEqual(messages, []);
});

test("arethetypeswrong reports nothing", () => {
  const [tarball] = readdirSync(project).filter((name) => name.endsWith(".tgz"));
  // Pages without a bundler import these by their paths, and wasm has no types.
  const others = ["./browser", "./browser-chat", "./event_driven_kit.wasm"];
  run(tool("attw"), [tarball, "--exclude-entrypoints", ...others]);
});
