// Texts that people write, and where embed.html shows them.

import { isVisible } from "./npm/browser-chat.js";

export const NAME_CHARACTERS = 64;
const [FOLDED_BYTES, FOLDED_LINES] = [2000, 30];

const utf8 = new TextEncoder();

export const find = (selector) => document.querySelector(selector);

/** A copy of a template's element. */
export const copyOf = (template) => find(template).content.firstElementChild.cloneNode(true);

export const bytesOf = (text) => utf8.encode(text);

/** A text of one line that changes nothing beside it, as the chat has it: no control characters, no overrides. */
export const line = (text) => text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, "").trim();

/** One spelling for names that look the same, as the chat has it. */
export const spell = (text) => line(text.normalize("NFC"));

/** The maximum number of code points of a text. */
export const first = (count, text) => (text.length <= count ? text : [...text.slice(0, 2 * count)].slice(0, count).join(""));

/** What the page shows of a name that others have sent. */
export function shownName(name) {
  const shown = first(NAME_CHARACTERS, line(name));
  return isVisible(shown) ? shown : "(no name)";
}

/**
 * The beginning of a text that is too long to be shown at once; otherwise all of it. It is what follows the first visible
 * character, if nothing before it would be visible.
 */
export function folded(text) {
  const beginning = head(text);
  if (isVisible(beginning)) return beginning;
  const characters = [...text];
  return head(characters.slice(characters.findIndex(isVisible)).join(""));
}

function head(text) {
  const bytes = new Uint8Array(FOLDED_BYTES);
  const { read } = utf8.encodeInto(text, bytes);
  const lines = text.slice(0, read).split(/[\n-\r\u0085\u2028\u2029]/u);
  return lines.length > FOLDED_LINES ? lines.slice(0, FOLDED_LINES).join("\n") : text.slice(0, read);
}

/** Makes one token of a topic of any text, as `escape_token` does in Rust. */
export function escapeToken(text) {
  const hex = (byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  return text.replace(/[\s\u0085\p{Cc}.*>%$]/gu, (character) =>
    character === "\uFEFF" ? character : Array.from(bytesOf(character), hex).join(""),
  );
}
