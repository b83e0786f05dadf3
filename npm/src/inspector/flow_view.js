// The flow: the newest events, one below the other. Only the rows in view have elements.

import { make, mark, matches, shownBytes, shownCount, shownDate, shownMicros, shownTime, write } from "./dom.js";
import { held } from "./held.js";
import { t } from "./language.js";

const ROW_HEIGHT = 24;

export function flowView(collector) {
  const list = make("div", { class: "rows", role: "rowgroup" });
  const columns = [t("Time"), t("Stage"), t("Topic"), t("Published by"), t("Payload")];
  const titles = columns.map((title) => make("span", { role: "columnheader" }, title));
  const head = make("div", { class: "row head", role: "row", "aria-rowindex": "1" }, ...titles);
  const ofGrid = { class: "flow", role: "grid", tabindex: "0", "aria-label": t("Events, the newest last") };
  const grid = make("div", ofGrid, make("div", { role: "rowgroup" }, head), list);
  const ofDetails = { class: "details", role: "region", "aria-label": t("The selected event"), tabindex: "0", hidden: true };
  const details = make("div", ofDetails);
  const note = make("p", { class: "note" }, t("No event has passed yet."));
  const element = make("div", { class: "beside" }, make("div", { class: "main" }, grid, note), details);
  let rows = [];
  let selected;
  let shownDetails;
  let isFollowing = true;
  /** Where the view itself last scrolled to. The browser reports that later, as it reports what the reader does. */
  let scrolledTo;
  let drawn = [];
  /** While the reader has paused, copies: the failures on a topic share a row, which changes. */
  const eventsOf = held((isPaused) => (isPaused ? collector.flow.map((row) => ({ ...row })) : collector.flow));

  const isAtEnd = () => grid.scrollTop + grid.clientHeight >= grid.scrollHeight - ROW_HEIGHT / 2;
  const indexOf = (row) => (row === undefined ? -1 : rows.findIndex(({ number }) => number === row.number));

  function scrollTo(top) {
    grid.scrollTop = top;
    scrolledTo = grid.scrollTop;
  }

  grid.addEventListener("scroll", () => {
    if (grid.scrollTop !== scrolledTo) {
      scrolledTo = undefined;
      isFollowing = isAtEnd();
    }
    draw();
  });
  list.addEventListener("click", (event) => {
    const index = drawn.findIndex((row) => row.contains(event.target));
    if (index >= 0) select(rows[Number(drawn[index].dataset.at)]);
  });
  grid.addEventListener("keydown", (event) => {
    const at = indexOf(selected);
    const page = Math.max(1, Math.floor(grid.clientHeight / ROW_HEIGHT) - 2);
    const from = at < 0 ? rows.length : at;
    const moves = { ArrowDown: at + 1, ArrowUp: from - 1, PageDown: at + page, PageUp: from - page, Home: 0, End: rows.length - 1 };
    if (event.key === "Escape" && selected !== undefined) {
      event.stopPropagation();
      isFollowing = isAtEnd();
      return select(undefined);
    }
    const to = moves[event.key];
    if (to === undefined || rows.length === 0) return;
    event.preventDefault();
    const index = Math.min(rows.length - 1, Math.max(0, to));
    const [top, end] = [index * ROW_HEIGHT, (index + 2) * ROW_HEIGHT];
    if (top < grid.scrollTop) scrollTo(top);
    else if (end > grid.scrollTop + grid.clientHeight) scrollTo(end - grid.clientHeight);
    // Following would move the selected row out of view.
    isFollowing = index === rows.length - 1;
    select(rows[index]);
  });

  function select(row) {
    selected = row;
    draw();
  }

  function draw() {
    const height = `${rows.length * ROW_HEIGHT}px`;
    if (list.style.height !== height) list.style.height = height;
    if (isFollowing) scrollTo(grid.scrollHeight);
    const at = indexOf(selected);
    selected = rows[at] ?? selected;
    const first = Math.max(0, Math.floor(grid.scrollTop / ROW_HEIGHT) - 2);
    const count = Math.max(0, Math.min(rows.length - first, Math.ceil(grid.clientHeight / ROW_HEIGHT) + 4));
    while (drawn.length > count) drawn.pop().remove();
    while (drawn.length < count) {
      const row = make("div", { class: "row", role: "row" }, ...columns.map(() => make("span", { role: "gridcell" })));
      drawn.push(row);
      list.append(row);
    }
    drawn.forEach((element, index) => fill(element, first + index));
    const active = drawn.find((element) => Number(element.dataset.at) === at);
    if (active) grid.setAttribute("aria-activedescendant", active.id);
    else grid.removeAttribute("aria-activedescendant");
    grid.setAttribute("aria-rowcount", String(rows.length + 1));
    note.hidden = rows.length > 0;
    tell();
  }

  function fill(element, at) {
    const row = rows[at];
    const [time, stage, topic, cause, payload] = element.children;
    element.style.transform = `translateY(${at * ROW_HEIGHT}px)`;
    element.dataset.at = String(at);
    element.id = `row-${at}`;
    element.setAttribute("aria-rowindex", String(at + 2));
    element.setAttribute("aria-selected", String(row === selected));
    write(time, shownTime(row.at));
    write(stage, row.topic === "$bus.error" ? "failed" : row.stage);
    mark(stage, stage.textContent);
    write(topic, row.count > 1 ? `${row.topic} ×${shownCount(row.count)}` : row.topic);
    write(cause, row.cause ?? "");
    write(payload, row.text.slice(0, 200));
  }

  /** Shows the selected event. */
  function tell() {
    details.hidden = selected === undefined;
    if (selected === undefined) return;
    const known = [selected, selected.count, selected.calls.length].join();
    if (shownDetails === known && details.dataset.at === String(selected.number)) return;
    shownDetails = known;
    details.dataset.at = String(selected.number);
    const facts = Object.entries(factsOf(selected)).filter(([, value]) => value !== undefined && value !== "");
    const terms = facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]);
    const calls = [];
    for (let at = 0; at < selected.calls.length; at += 3) {
      const [label, micros, failed] = selected.calls.slice(at, at + 3);
      const took = ` ${shownMicros(micros)}${failed ? t(" failed") : ""}`;
      calls.push(make("li", { "data-is": failed ? "failed" : "" }, make("span", {}, label), took));
    }
    const heard = make("h2", {}, calls.length === 0 ? t("No handler was called") : t("Handlers, in their order"));
    details.replaceChildren(make("dl", {}, ...terms), make("pre", { tabindex: "0" }, pretty(selected.text)), heard, make("ol", {}, ...calls));
  }

  return {
    element,
    /** Selects no row, and follows the newest event again. */
    clear() {
      selected = undefined;
      isFollowing = true;
    },
    /** Shows what has passed. */
    show(filter, isPaused) {
      const all = eventsOf(isPaused);
      const wanted = ({ topic, stage, cause = "", text }) => matches(filter, `${topic} ${stage} ${cause} ${text}`);
      rows = filter.trim() === "" ? all.slice() : all.filter(wanted);
      draw();
    },
  };
}

function factsOf({ topic, stage, cause, count, time, id, source, account, stream, epoch, offset, code, message, size }) {
  return {
    topic,
    stage,
    [t("times")]: count > 1 ? count : undefined,
    [t("published by")]: cause,
    [t("published at")]: time === undefined ? undefined : shownDate(time),
    id,
    source,
    account,
    position: offset === undefined ? undefined : `${stream} ${epoch} ${offset}`,
    code,
    message,
    size: shownBytes(size),
  };
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
