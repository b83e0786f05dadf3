// Joins www/chat.css and the files it imports into one style sheet: `node www/bundle.mjs`. Both builders of the page
// run this before they read index.html: crates/xtask/src/page, and Trunk by the hook in Trunk.toml.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

const ENTRY = resolve(import.meta.dirname, "chat.css");
const BUNDLE = resolve(import.meta.dirname, "../target/page/chat.css");
const IMPORT = /^@import "(\.\/[^"]+\.css)";\n/gm;

const entry = readFileSync(ENTRY, "utf8");
const parts = entry.replace(IMPORT, (_, file) => "\n" + readFileSync(resolve(dirname(ENTRY), file), "utf8"));
if (/@import/.test(parts)) throw new Error(`${ENTRY}: an @import that this script does not understand`);

mkdirSync(dirname(BUNDLE), { recursive: true });
// Renamed into place: a builder that reads meanwhile never sees half a file.
const written = `${BUNDLE}.${process.pid}`;
writeFileSync(written, parts.replace(/\n{3,}/g, "\n\n"));
renameSync(written, BUNDLE);
