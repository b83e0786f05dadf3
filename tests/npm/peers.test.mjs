// What this package and its peers do in the same cases is the table in `benches/js/SEMANTICS.md`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the documented table says what each library does", () => {
  const table = execFileSync(process.execPath, ["peers.mjs"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const file = process.env.EDK_SEMANTICS;
  assert.ok(readFileSync(file, "utf8").includes(table), `the table in ${file} is another:\n${table}`);
});
