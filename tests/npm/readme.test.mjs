// The JavaScript of the READMEs runs and prints what its comments say. `EDK_ROOT` is the repository.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

for (const name of ["README.md", "npm/README.md"]) {
  test(`the JavaScript of ${name} prints what it says`, async (context) => {
    const readme = readFileSync(join(process.env.EDK_ROOT, name), "utf8");
    const [, code] = /```js\n(.*?)```/s.exec(readme) ?? assert.fail("the README has no ```js block");
    const promised = Array.from(code.matchAll(/\/\/ prints (.*)/g), ([, line]) => line);
    assert.ok(promised.length > 0, "the block does not say what it prints");
    const printed = [];
    context.mock.method(console, "log", (...words) => printed.push(words.join(" ")));
    const script = join(import.meta.dirname, `readme-${name.replaceAll("/", "-")}.mjs`);
    writeFileSync(script, code);
    await import(pathToFileURL(script));
    // Handlers may be asynchronous.
    await new Promise((done) => setImmediate(done));
    assert.deepEqual(printed, promised);
  });
}
