// The package in pages and Web Workers of Chromium, with each bundler and with none, under a strict Content Security
// Policy and without messages on the console.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { eventually, openBrowser } from "./browser.mjs";
import { bundlers } from "./bundlers.mjs";
import { serve } from "./site.mjs";

const project = import.meta.dirname;

const HTML = `<!doctype html>
<meta charset="utf-8">
<title>A page</title>
<script type="module" src="./app.mjs"></script>
<p id="page"></p>
<p id="worker"></p>
`;

/** Shows the events of its bus and of the worker's. */
const APP = `
import { createBus } from "event-driven-kit";
import { createTextKit } from "event-driven-kit/chat";

const { subscribe, publish } = createBus();
const show = (where, text) => (document.getElementById(where).textContent = text);
subscribe("greeting.*", (data, event) => void show("page", event.topic + " " + data));
publish("greeting.page", "hello");

const kit = createTextKit({ room: "lobby", sender: "Ann" });
kit.on("TEXT_MESSAGE", (text, { name }) => void publish("greeting.chat", name + ": " + text));

const worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
subscribe("greeting.*", (data) => worker.postMessage(data));
worker.onmessage = ({ data }) => (data === "ready" ? kit.sendText("hello from the chat") : show("worker", data));
worker.onerror = ({ message }) => show("worker", message);
`;

const WORKER = `
import { createBus } from "event-driven-kit";

const { subscribe, publish } = createBus();
subscribe("asked.>", (data, event) => void postMessage(event.topic + " " + data));
onmessage = ({ data }) => void publish("asked.by.page", data);
postMessage("ready");
`;

/** Creates a folder in the project with these files. */
function folder(name, files) {
  const folder = join(project, "pages", name);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

let browser;
let site;

before(async () => {
  browser = await openBrowser();
  site = await serve(project);
});

after(async () => {
  await browser?.close();
  site?.close();
});

async function works(path) {
  await browser.open(site.url + path);
  assert.equal(await browser.text("#worker"), "asked.by.page Ann: hello from the chat");
  assert.equal(await browser.text("#page"), "greeting.chat Ann: hello from the chat");
  assert.deepEqual(await browser.complaints(), []);
}

for (const [name, bundle] of Object.entries(bundlers)) {
  test(`a page and its worker run when ${name} bundles them without a plugin`, async () => {
    const source = folder(`${name} source`, { "index.html": HTML, "app.mjs": APP, "worker.mjs": WORKER });
    assert.deepEqual(await bundle(source, folder(name, {})), []);
    await works(`/pages/${name}/index.html`);
  });
}

/** Rewrites the imports of a script for use without a bundler. */
const unbundled = (script) => script.replace(/"event-driven-kit(?:\/(chat))?"/g, (_, entry) =>
  JSON.stringify(`/node_modules/event-driven-kit/browser${entry ? `-${entry}` : ""}.js`));

test("a page and its worker run without a bundler", async () => {
  folder("none", { "index.html": HTML, "app.mjs": unbundled(APP), "worker.mjs": unbundled(WORKER) });
  await works("/pages/none/index.html");
});

test("a worker without a bundler gets messages that were sent before the package was loaded", async () => {
  const page = `
    const worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
    const show = (text) => (document.getElementById("worker").textContent = text);
    worker.onmessage = ({ data }) => show(data);
    worker.onerror = ({ message }) => show(message);
    worker.postMessage("sent at once");
  `;
  const worker = unbundled(WORKER.replace('postMessage("ready");', ""));
  folder("early", { "index.html": HTML, "app.mjs": page, "worker.mjs": worker });
  await browser.open(`${site.url}/pages/early/index.html`);
  assert.equal(await browser.text("#worker"), "asked.by.page sent at once");
  assert.deepEqual(await browser.complaints(), []);
});

test("two copies of the package in one page share singletons", async () => {
  const scripts = {
    "app.mjs": `
      import { createSingleton } from "event-driven-kit";
      const { subscribe } = createSingleton("shared");
      subscribe("from.copy", (data) => void (document.getElementById("page").textContent = data));
    `,
    "worker.mjs": `
      import { createSingleton } from "event-driven-kit";
      const { publish } = createSingleton("shared");
      publish("from.copy", "from the other copy");
    `,
  };
  const html = HTML.replace("</script>", '</script>\n<script type="module" src="./worker.mjs"></script>');
  // esbuild puts a copy of the package into each of the two scripts.
  await bundlers.esbuild(folder("copies source", { "index.html": html, ...scripts }), folder("copies", {}));
  await browser.open(`${site.url}/pages/copies/index.html`);
  assert.equal(await browser.text("#page"), "from the other copy");
  assert.deepEqual(await browser.complaints(), []);
});

test("the policy must allow `wasm-unsafe-eval`: without it the page reports an error", async () => {
  const strict = await serve(project, "default-src 'self'");
  await browser.open(`${strict.url}/pages/none/index.html`);
  const refused = /CompileError: WebAssembly.*Security Policy/;
  await eventually("the page's complaint", async () => (await browser.complaints()).some((one) => refused.test(one)));
  strict.close();
});
