// The examples as users run them. `EDK_EXAMPLES` is a folder into which `examples/package.json` is installed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { openBrowser } from "./browser.mjs";
import { serve } from "./site.mjs";

const examples = join(import.meta.dirname, "examples");
symlinkSync(join(process.env.EDK_EXAMPLES, "node_modules"), join(examples, "node_modules"), "junction");

const node = (file) => execFileSync(process.execPath, [file], { cwd: examples, encoding: "utf8" });

test("the Node example runs", () => {
  const expected = "order.placed tea\norder.placed gold\norder.accepted tea\nfailed order.placed Error: gold is sold out\n";
  assert.equal(node("node.mjs"), expected);
});

test("the RxJS example runs", () => {
  assert.equal(node("rxjs.mjs"), "change 2\nchange -1\n");
});

let browser;
let site;

before(async () => {
  const vite = createRequire(join(examples, "package.json")).resolve("vite");
  const { build } = await import(pathToFileURL(vite));
  await build({ root: examples, logLevel: "warn" });
  site = await serve(join(examples, "dist"));
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  site?.close();
});

for (const framework of ["React", "Vue", "Svelte"]) {
  test(`the ${framework} shop sells`, async () => {
    await browser.open(`${site.url}/${framework.toLowerCase()}/index.html`);
    assert.equal(await browser.text("output"), "0 €");
    for (const name of ["Green tea", "Cup", "Green tea"]) await browser.run(press, name);
    assert.equal(await browser.text("ul"), "2 × Green tea\n1 × Cup");
    assert.equal(await browser.text("output"), "15 €");

    // Another script of the page, which knows only the topics.
    await browser.run(publish, "basket.added", { sku: "pot" });
    assert.equal(await browser.text("output"), "40 €");
    await browser.run(press, "Empty");
    assert.equal(await browser.text("output"), "0 €");
    assert.deepEqual(await browser.complaints(), []);
  });
}

/** Clicks a button by its text. The frameworks render in a microtask, so the next command sees the result. */
function press(name) {
  [...document.querySelectorAll("button")].find((button) => button.innerText.startsWith(name)).click();
}

function publish(topic, data) {
  globalThis[Symbol.for("event-driven-kit.singletons")].get("shop").publish(topic, data);
}
