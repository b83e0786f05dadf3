// Writes www/emoji/*.txt, the tables of crates/chat/src/model/emoji/table.rs, from the npm package emojibase-data. Run it
// when Unicode has new emoji that most systems can draw:
//
//   npm pack emojibase-data && tar xzf emojibase-data-*.tgz && node www/emoji.mjs package

import { readFileSync, writeFileSync } from "node:fs";

/** The newest version of Unicode's emoji that is drawn nearly everywhere. */
const NEWEST = 15.1;
const TONE = "\u{1f3fb}";
const STYLE = "\ufe0f";
/** Words beside the name and the short code, so that a table has about 30 kB compressed. */
const MAX_WORDS = 6;
const GROUPS = {
  en: ["Smileys", "People", , "Nature", "Food", "Travel", "Activities", "Objects", "Symbols", "Flags"],
  zh: ["表情", "人物", , "自然", "食物", "旅行", "活动", "物品", "符号", "旗帜"],
};

const [folder = "package"] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(`${folder}/${path}.json`, "utf8"));
const list = (value) => [value ?? []].flat();

const english = read("en/data");
const codes = [read("en/shortcodes/github"), read("en/shortcodes/emojibase")];

/** The emoji with the lightest skin tone, as table.rs makes it. */
function toned(emoji, isEach) {
  let text = "";
  let isDone = false;
  let skipsStyle = false;
  for (const part of emoji) {
    if (skipsStyle && part === STYLE) {
      skipsStyle = false;
      continue;
    }
    skipsStyle = false;
    const isFirst = text === "";
    text += part;
    if (!isDone && (isFirst || /[\u{1f468}\u{1f469}\u{1f9d1}\u{1faf1}\u{1faf2}]/u.test(part))) {
      text += TONE;
      skipsStyle = true;
      isDone = !isEach;
    }
  }
  return text;
}

function mark({ emoji, skins }) {
  const light = list(skins).map((skin) => skin.emoji);
  if (light.includes(toned(emoji, true)) && toned(emoji, true) !== toned(emoji, false)) return "*";
  return light.includes(toned(emoji, false)) ? "+" : "";
}

for (const [from, to] of [["en", "en"], ["zh", "zh-CN"]]) {
  const names = new Map(read(`${from}/data`).map((entry) => [entry.hexcode, entry]));
  let table = "";
  GROUPS[from].forEach((name, group) => {
    table += `${name}\n`;
    const entries = english.filter((entry) => entry.group === group && entry.version <= NEWEST);
    for (const entry of entries.sort((one, other) => one.order - other.order)) {
      const { label, tags } = names.get(entry.hexcode) ?? entry;
      const [short] = codes.flatMap((codes) => list(codes[entry.hexcode]));
      const words = list(tags).map((word) => word.toLowerCase().replaceAll(/\s/g, "_"));
      const others = words.filter((word) => word !== short && !label.toLowerCase().includes(word));
      table += `${mark(entry)}${entry.emoji}\t${label}\t${[short, ...others.slice(0, MAX_WORDS)].join(" ")}\n`;
    }
  });
  writeFileSync(new URL(`emoji/${to}.txt`, import.meta.url), table);
}
