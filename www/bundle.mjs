// Joins www/chat.css and the files it imports into one style sheet, and the modules of the inspector into one script:
// `node www/bundle.mjs`. Both builders of the page run this before they read index.html: crates/xtask/src/page, and Trunk
// by the hook in Trunk.toml.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

const TARGET = resolve(import.meta.dirname, "../target/page");

function style() {
  const entry = resolve(import.meta.dirname, "chat.css");
  const imports = /^@import "(\.\/[^"]+\.css)";\n/gm;
  const text = readFileSync(entry, "utf8");
  const parts = text.replace(imports, (_, file) => "\n" + readFileSync(resolve(dirname(entry), file), "utf8"));
  if (/@import/.test(parts)) throw new Error(`${entry}: an @import that this script does not understand`);
  return dense(parts);
}

/** Without comments, and without white space at the ends of lines: none of our texts and addresses spans lines. */
function dense(style) {
  const lines = style.replace(/\/\*[^]*?\*\//g, "").replace(/\s*\n\s*/g, "\n").trim();
  return lines.replace(/([{};,])\n/g, "$1") + "\n";
}

/** Each module once, after those it imports. Their top-level names must differ. */
function script(file, seen = new Set()) {
  if (seen.has(file)) return "";
  seen.add(file);
  const imports = /^import \{[^}]*\} from "(\.\/[^"]+\.js)";\n/gm;
  const text = readFileSync(file, "utf8");
  const before = [...text.matchAll(imports)].map(([, name]) => script(resolve(dirname(file), name), seen));
  const own = text.replace(imports, "").replace(/^export (?=\w)/gm, "");
  if (/^import /m.test(own)) throw new Error(`${file}: an import that this script does not understand`);
  return [...before, own].join("\n");
}

function put(name, text) {
  const file = resolve(TARGET, name);
  // Renamed into place: a builder that reads meanwhile never sees half a file.
  const written = `${file}.${process.pid}`;
  writeFileSync(written, text);
  renameSync(written, file);
}

mkdirSync(TARGET, { recursive: true });
put("chat.css", style());
put("inspector.js", script(resolve(import.meta.dirname, "../npm/src/inspector.js")));
