// The bounds of names, messages and reactions in a chat, for sending and for showing, as in the chat app.

/** The maximum number of code points in a message, as in the chat app: at most 24,000 bytes of UTF-8. */
export const MAX_CHARACTERS = 6000;

/** The maximum number of code points in a name. */
const MAX_NAME = 64;

/** The maximum number of bytes of a reaction in UTF-8: the longest emoji sequences of Unicode have 35. */
const MAX_EMOJI_BYTES = 64;

/** The maximum number of bytes of the id of an event that another one is about. */
const MAX_ID_BYTES = 200;

/** What is invisible at the beginning of a text: white space, control characters, and characters without a visible glyph. */
const INVISIBLE = /^[\s\u0085\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{16fe4}\u{1d159}]*/u;

const fromFirstVisible = (text) => text.replace(INVISIBLE, "");

/** Characters that change the text around them: control characters, line breaks, overrides of the writing direction. */
const DIRECTIVES = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

export const illegal = (message) => Object.assign(new Error(message), { code: "illegal_argument" });

/** Whether a text is visible. */
export function isVisible(text) {
  return fromFirstVisible(text) !== "";
}

export function expectVisible(text, what) {
  if (!isVisible(text)) throw illegal(`${what} has no visible characters`);
}

export function expectMessage(text) {
  if (typeof text !== "string") throw illegal("a message must be a string");
  if (first(MAX_CHARACTERS, text) !== text) {
    const error = new Error(`a message must have at most ${MAX_CHARACTERS} characters`);
    throw Object.assign(error, { code: "too_large" });
  }
  expectVisible(text, "the message");
}

/** Whether a value is a text of at most this many bytes in UTF-8. No unit has less than one byte. */
function isWithin(bytes, value) {
  return typeof value === "string" && value.length <= bytes && new TextEncoder().encode(value).length <= bytes;
}

/** Whether a value is a reaction that may be sent and is shown. */
export function isEmoji(value) {
  return isWithin(MAX_EMOJI_BYTES, value) && isVisible(value);
}

/** Whether a value is the id of an event, or an epoch or an offset as a text. */
export const isShort = (value) => isWithin(MAX_ID_BYTES, value);

/** What is shown of a received text; `undefined` if nothing is visible. */
export function shownText(text) {
  if (typeof text !== "string" || !isVisible(text)) return undefined;
  const start = first(MAX_CHARACTERS, text);
  if (start === text) return text;
  // An ellipsis after invisible characters alone would show nothing of the text.
  return isVisible(start) ? `${start}…` : shownText(fromFirstVisible(text));
}

/** What is shown of a received name. */
export function shownName(name) {
  const shown = first(MAX_NAME, String(name).replace(DIRECTIVES, "").trim());
  return isVisible(shown) ? shown : "(no name)";
}

/** What is kept of a received id. */
export const shownId = (id) => first(MAX_NAME, String(id));

/** The first code points of a text. A code point has at most two units. */
export function first(count, text) {
  return text.length <= count ? text : [...text.slice(0, 2 * count)].slice(0, count).join("");
}

/** Any text as a token of a topic; the same escape as in Rust. */
export function escapeToken(text) {
  if (text === "") return "%";
  const hex = (byte) => "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  return text.replace(/[\s\u0085\p{Cc}.*>%$]/gu, (char) =>
    char === "\uFEFF" ? char : Array.from(new TextEncoder().encode(char), hex).join(""),
  );
}
