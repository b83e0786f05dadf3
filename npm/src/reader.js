// The messages of a room from the peer's log: pages of the past with what later events say about them, and live ones.

import { authorOf, dayOf, referenceOf, Timeline } from "./timeline.js";

/** The number of messages in a page, unless the user says otherwise. */
export const PAGE = 64;

/** For more days than these, all relations since the first message are read at once. */
const MAX_DAYS = 7;
const MAX_PAGES = 16;
const RELATIONS = 256;

/** The maximum number of live messages that wait for the first page. If there are more, it is read again. */
const MAX_HELD = 1000;

/** Whether an event of `link`'s log is older than a position, as far as they can be compared. */
const isOlder = ({ delivery: { position } }, other) =>
  position.epoch === other.epoch && BigInt(position.offset) < BigInt(other.offset);

/**
 * Reads the topics of relations back. `isComplete` says whether that is all since `oldest`; otherwise `before` says from
 * where on there is more.
 */
async function readTopics(link, pattern, { oldest, before, maxPages = MAX_PAGES } = {}) {
  const all = [];
  for (let page = 0; page < maxPages; page += 1) {
    const { events, next } = await link.history(pattern, { before, limit: RELATIONS });
    all.push(...events);
    if (next === undefined || (oldest && events.some((event) => isOlder(event, oldest)))) return { all, isComplete: true };
    before = next;
  }
  return { all, before, isComplete: false };
}

/** The edits of and reactions to `messages`, which begin with the newest. `days` are those that are read completely. */
async function readRelations(link, prefix, messages, known = new Set()) {
  const days = [...new Set(messages.map(({ time }) => dayOf(time)))].filter((day) => !known.has(day));
  const relations = [];
  if (days.length > MAX_DAYS) {
    const { all, isComplete } = await readTopics(link, `${prefix}on.>`, { oldest: messages.at(-1).delivery.position });
    if (isComplete) return { relations: all, days: days.slice(0, -1) };
    relations.push(...all);
  }
  const complete = [];
  for (const day of days) {
    const { all, before, isComplete } = await readTopics(link, `${prefix}on.${day}.*`);
    relations.push(...all);
    if (isComplete) complete.push(day);
    // Reactions, of which anybody can send many, hide no edit.
    else relations.push(...(await readTopics(link, `${prefix}on.${day}.EDITED`, { before })).all);
  }
  return { relations, days: complete };
}

/** All stored edits of a message by its author, however many others there are: they contain its text. */
export async function readEdits(link, prefix, message) {
  const { id, epoch, offset } = referenceOf(message);
  const isOf = ({ data, deleted }) => {
    const about = deleted ? undefined : data?.about;
    return about?.id === id && about.epoch === epoch && about.offset === offset;
  };
  const options = { oldest: message.delivery.position, maxPages: Infinity };
  const { all } = await readTopics(link, `${prefix}on.${dayOf(message.time)}.EDITED`, options);
  return all.filter((edit) => isOf(edit) && authorOf(edit) === authorOf(message));
}

/** A page before a position, or the newest one: its messages, what is said about them, and where the next one begins. */
export async function readPage(link, prefix, { before, limit = PAGE } = {}, known) {
  const events = [];
  let next = before;
  // A page of the log may have fewer events, or none, although there are more.
  for (let page = 0; page < MAX_PAGES && events.length < limit && (page === 0 || next !== undefined); page += 1) {
    const part = await link.history(`${prefix}TEXT_MESSAGE`, { before: next, limit: limit - events.length });
    events.push(...part.events);
    next = part.next;
  }
  const readable = events.filter(({ error }) => error === undefined);
  return { events: readable, next, ...(await readRelations(link, prefix, readable, known)) };
}

/**
 * Keeps a timeline of a room up to date. Calls `handler` with each new or changed message. Without a link the room has
 * no past.
 */
export function follow(bus, link, { prefix, isOwn, parse }, handler) {
  /** Stored messages that have come before the first page. `undefined` once that is shown. */
  let held = link && [];
  let isOverfull = false;
  let isStopped = false;
  let oldest;
  let next;
  let isFirst = link === undefined;
  let reading;
  const days = new Set();
  const isShown = ({ event }) => !isStopped && (held === undefined || event.delivery.position === undefined);
  const changed = (message) => isShown(message) && handler(message);
  const timeline = new Timeline(prefix, isOwn, parse, changed);

  /** Adds a stored message, unless `older` will bring it: an ack may come after a reload. */
  function add(event) {
    if (oldest && isOlder(event, oldest)) timeline.forget(event.id);
    else timeline.add(event);
  }

  function hear(data, event) {
    if (event.delivery.position === undefined || event.deletes) return timeline.add(event);
    if (held === undefined) return add(event);
    if (held.push(event) <= MAX_HELD) return;
    held.length = 0;
    isOverfull = true;
  }

  const ends = [
    bus.subscribe(`${prefix}TEXT_MESSAGE`, hear, { echo: true }),
    bus.subscribe(`${prefix}on.>`, (data, event) => timeline.add(event), { echo: true }),
  ];

  /** Adds a page, if it could be read. The first one is shown with what has come meanwhile. */
  function show(page) {
    if (page) {
      for (const event of [...page.events, ...page.relations]) timeline.add(event);
      for (const day of page.days) days.add(day);
      oldest = page.events.at(-1)?.delivery.position ?? oldest;
      next = page.next;
      isFirst = next === undefined;
    }
    if (held === undefined) return;
    for (const event of held) add(event);
    held = undefined;
    timeline.messages.forEach(changed);
  }

  async function read(limit) {
    try {
      let page;
      do {
        isOverfull = false;
        if (timeline.forgets()) days.clear();
        page = await readPage(link, prefix, { before: next, limit }, days);
      } while (isOverfull);
      show(page);
    } catch (error) {
      show();
      // A new log has no older messages.
      if (error.code !== "reset") throw error;
      isFirst = true;
    } finally {
      reading = undefined;
    }
    return !isFirst;
  }

  function older(limit) {
    if (isFirst) return Promise.resolve(false);
    return (reading ??= read(limit));
  }

  // The next call of `older` tries again, and gets the error.
  if (link) older().catch(() => {});
  return Object.freeze({
    get messages() {
      return timeline.messages.filter(isShown);
    },
    find: (reference) => timeline.find(reference),
    older,
    stop() {
      isStopped = true;
      for (const end of ends.splice(0)) end();
    },
  });
}
