// The behaviour of this package and its peers is documented in `benches/js/SEMANTICS.md`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("the documented table matches the behaviour of each library", () => {
  const table = execFileSync(process.execPath, ["peers.mjs"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const file = process.env.EDK_SEMANTICS;
  assert.ok(readFileSync(file, "utf8").includes(table), `the table in ${file} differs:\n${table}`);
});
