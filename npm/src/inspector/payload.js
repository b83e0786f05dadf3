// Payloads as texts: which of them JSON can represent, by the rules of src/payload.rs, and what is shown of the others.

const JSON_BRANDS = ["Object", "Array", "String", "Number", "Boolean"];

/** `Map` for a map of any realm. */
const brandOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

/** Whether JSON can represent a part of a payload without emptying or dropping it. */
function hasJson(part) {
  if (typeof part === "number") return Number.isFinite(part);
  if (typeof part === "object" && part !== null) return JSON_BRANDS.includes(brandOf(part));
  return !["function", "symbol", "bigint"].includes(typeof part);
}

const isBuffer = (value) => brandOf(value).endsWith("ArrayBuffer");

/** How many bytes a buffer or a view has, of any realm. */
const lengthOf = (value) => (ArrayBuffer.isView(value) || isBuffer(value) ? value.byteLength : undefined);

/** The bytes of a buffer or a view, of any realm. */
export function bytesOf(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return isBuffer(value) ? new Uint8Array(value) : undefined;
}

/** For `JSON.stringify`: throws at a part that JSON would empty or drop. */
export function expectJson(name, part) {
  if (!hasJson(part)) throw new TypeError(`JSON has no form for \`${name}\`, of the type ${brandOf(part)}`);
  return part;
}

/** A part of a payload, or a text in its place if JSON has no form for it. */
function shownPart(part) {
  if (hasJson(part)) return part;
  const length = lengthOf(part);
  if (length !== undefined) return `${length} bytes`;
  const brand = brandOf(part);
  if (typeof part !== "object" || /(Error|Exception)$/.test(brand)) return String(part);
  return part.size === undefined ? `[object ${brand}]` : `${brand}(${part.size})`;
}

/** The size of data: of bytes, or of the text that shows it. */
export const sizeOf = (data, text) => lengthOf(data) ?? text.length;

/** The JSON of data, with texts in place of what JSON can't express. */
export function jsonOf(data) {
  if (data === undefined) return "";
  try {
    const shown = data?.toJSON === undefined ? shownPart(data) : data;
    if (shown !== data && typeof shown === "string") return shown;
    return JSON.stringify(data, (_, part) => shownPart(part)) ?? "";
  } catch {
    return Object.prototype.toString.call(data);
  }
}
