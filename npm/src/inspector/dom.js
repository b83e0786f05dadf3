// Elements, texts and a table that changes only what differs.

import { t } from "./language.js";

/** An element with attributes, listeners (`onclick`) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Sets a text, if it is another one: each write costs the browser a layout. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Marks an element with a word, for its style. */
export function mark(element, word) {
  if (element.dataset.is !== word) element.dataset.is = word;
}

const integers = new Intl.NumberFormat();
const decimals = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

/** A number for a reader, or an empty text without a number. */
export const shownCount = (value) => (value === undefined ? "" : integers.format(value));
export const shownNumber = (value) => (value === undefined ? "" : decimals.format(value));

/** A time in the unit that suits it. */
export function shownMicros(micros) {
  if (micros === undefined) return "";
  if (micros < 1_000) return `${decimals.format(micros)} µs`;
  return micros < 1_000_000 ? `${decimals.format(micros / 1_000)} ms` : `${decimals.format(micros / 1_000_000)} s`;
}

export function shownBytes(bytes) {
  return bytes < 10_000 ? `${integers.format(bytes)} B` : `${decimals.format(bytes / 1_000)} kB`;
}

/** A date in ISO 8601, or the number of milliseconds if no date can represent it: another clock may say anything. */
export function shownDate(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? `${at} ms` : date.toISOString();
}

/** The time of day with milliseconds. */
export function shownTime(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return shownDate(at);
  const two = (number) => String(number).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** Whether each word of a filter is in the text, and none of those that begin with "-". */
export function matches(filter, text) {
  const lower = text.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => (word.length > 1 && word[0] === "-" ? !lower.includes(word.slice(1)) : lower.includes(word)));
}

const MAX_ROWS = 200;

/**
 * A table. Each column has a title, `of` for the text of a row, and perhaps `by`, a number by which a reader can sort the
 * rows, the highest first.
 */
export function tableView(label, columns, empty) {
  const body = make("tbody");
  const heads = columns.map(({ title, by, hint }, at) => {
    const name = by ? make("button", { type: "button", onclick: () => sort(at) }, title) : title;
    return make("th", { scope: "col", title: hint, class: by && "number" }, name);
  });
  const table = make("table", { "aria-label": label }, make("thead", {}, make("tr", {}, ...heads)), body);
  const note = make("p", { class: "note" });
  const element = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table, note);
  let sorted;
  let last = [];

  function sort(at) {
    sorted = sorted === at ? undefined : at;
    heads.forEach((head, index) => {
      if (index === sorted) head.setAttribute("aria-sort", "descending");
      else head.removeAttribute("aria-sort");
    });
    show(last);
  }

  function show(rows) {
    last = rows;
    const by = columns[sorted]?.by;
    const ordered = by === undefined ? rows : [...rows].sort((one, two) => (by(two) ?? 0) - (by(one) ?? 0));
    const shown = ordered.slice(0, MAX_ROWS);
    while (body.childElementCount > shown.length) body.lastElementChild.remove();
    while (body.childElementCount < shown.length) {
      body.append(make("tr", {}, ...columns.map(({ by }) => make("td", { class: by && "number" }))));
    }
    shown.forEach((row, index) => {
      const { cells } = body.rows[index];
      columns.forEach(({ of, is }, at) => {
        write(cells[at], of(row));
        if (is) mark(cells[at], is(row));
      });
    });
    table.hidden = rows.length === 0;
    write(note, rows.length === 0 ? empty : rows.length > shown.length ? t("and {n} more", { n: rows.length - shown.length }) : "");
  }

  return { element, show };
}
