// The JavaScript of the READMEs runs and prints what its comments say. `EDK_ROOT` is the repository.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

for (const name of ["README.md", "npm/README.md"]) {
  test(`the JavaScript of ${name} prints what it says`, async (context) => {
    const readme = readFileSync(join(process.env.EDK_ROOT, name), "utf8");
    const blocks = Array.from(readme.matchAll(/```js\n(.*?)```/gs), ([, code]) => code);
    assert.ok(blocks.length > 0, "the README has no ```js block");
    let printed;
    context.mock.method(console, "log", (...words) => printed.push(words.join(" ")));
    for (const [number, code] of blocks.entries()) {
      const promised = Array.from(code.matchAll(/\/\/ prints (.*)/g), ([, line]) => line);
      assert.ok(promised.length > 0, "the block does not say what it prints");
      printed = [];
      const script = join(import.meta.dirname, `readme-${name.replaceAll("/", "-")}-${number}.mjs`);
      writeFileSync(script, code);
      await import(pathToFileURL(script));
      // Handlers may be asynchronous.
      await new Promise((done) => setImmediate(done));
      assert.deepEqual(printed, promised);
    }
  });
}
