// The messages of a room, folded from its events: texts, edits, reactions and deletions. It knows no bus and no link. The
// order in which events of the log arrive does not matter, because each part keeps what has the highest position.

import { Fold, isBefore } from "./fold.js";
import { isShort, shownId, shownName, shownText } from "./text.js";

/**
 * The maximum number of unknown messages whose relations are kept, and of the units of these. Nothing else limits the
 * number of edits of one message: anyone may send one, and only the message names its author.
 */
const MAX_ORPHANS = 1000;
const MAX_ORPHAN_UNITS = 1_000_000;

/** The maximum number of messages. The oldest ones are dropped; paging back brings them again. */
const MAX_MESSAGES = 20_000;

/** The last moment that a date can represent. */
const LAST_TIME = 8.64e15;

/** The UTC date of a time, such as `20261129`. The topics of relations contain it. */
export function dayOf(time) {
  const date = new Date(Math.min(Math.max(Number(time) || 0, 0), LAST_TIME));
  return date.toISOString().replace(/^\+0*|-|T.*/g, "");
}

/** Refers to an event of a log. An event without a log, in a room of one page, has the offset "0". */
export function referenceOf({ id, delivery }) {
  const { epoch, offset } = delivery.position ?? { epoch: "0", offset: "0" };
  return { id, epoch, offset };
}

/** A received reference, or `undefined` if it is invalid. */
function readReference(given) {
  const fields = [given?.id, given?.epoch, given?.offset];
  if (!fields.every(isShort)) return undefined;
  const [id, epoch, offset] = fields;
  return /^\d{1,20}$/.test(epoch) && /^\d{1,20}$/.test(offset) ? { id, epoch, offset } : undefined;
}

const keyOf = ({ id, epoch, offset }) => (offset === "0" ? id : `${epoch}/${offset}`);

/**
 * The author of an event, as the peer attests: its account, or else its client. The peer writes the first two segments of
 * a source, and the client the rest.
 */
export function authorOf({ account, source }) {
  return account ? `account ${account}` : source.split("/", 3).join("/");
}

/** One message, of which `message` is what users of the kit see. */
class Row {
  fold = new Fold();
  isDeleted = false;
  isDropped = false;
  shown = undefined;

  constructor(event, place, key, isOwn) {
    this.place = place;
    this.key = key;
    this.isOwn = isOwn;
    this.hear(event);
  }

  /** The newest event of the message. A deleted one has no data, and no longer names the sender. */
  hear(event) {
    this.event = event;
    this.isDeleted ||= event.deleted;
    if (event.deleted) return;
    const { sender, text, reply_to: replyTo } = event.data;
    this.sender = { id: shownId(sender.id), name: shownName(sender.name) };
    this.text = shownText(text);
    this.replyTo = readReference(replyTo);
  }

  /** What users of the kit see, until the row changes. */
  message(parse) {
    return (this.shown ??= this.#show(parse));
  }

  #show(parse) {
    const { event, isDeleted } = this;
    const fold = this.fold.whole;
    const edited = isDeleted ? undefined : fold.edits.get(authorOf(event))?.text;
    return Object.freeze({
      id: event.id,
      key: this.key,
      event,
      sender: this.sender ?? { id: "", name: "" },
      text: isDeleted ? "" : parse(edited ?? this.text),
      replyTo: isDeleted ? undefined : this.replyTo,
      reactions: isDeleted ? [] : fold.shown(),
      isOwn: this.isOwn,
      isEdited: edited !== undefined,
      isDeleted,
      isDropped: this.isDropped,
    });
  }
}

const UNSTORED = ["queued", "kept", "sent", "rejected"];

/** Whether the data of an event is a message that is shown. */
const isMessage = ({ data }) => typeof data?.sender?.name === "string" && shownText(data.text) !== undefined;

export class Timeline {
  #prefix;
  #isOwn;
  #parse;
  #changed;
  /** In order. */
  #rows = [];
  /** Of stored messages, by position. */
  #stored = new Map();
  /** Of this page's messages that are not stored yet, by id. */
  #pending = new Map();
  /** Of stored messages, by author and id: after a loss the log may have one twice. */
  #named = new Map();
  #orphans = new Map();
  #orphanUnits = 0;
  #hasForgotten = false;
  #deleted = new Set();
  /** In the order of their first events. */
  #epochs = [];
  #arrived = 0;

  /**
   * `prefix` begins all topics of the room, `isOwn` says whether this client has sent an event, `parse` is applied to
   * texts, and `changed` is called with each new or changed message.
   */
  constructor(prefix, isOwn, parse, changed) {
    this.#prefix = prefix;
    this.#isOwn = isOwn;
    this.#parse = parse;
    this.#changed = changed;
  }

  /** The messages: those in the log, in its order, and then those of this page that are not stored yet. */
  get messages() {
    return this.#rows.map((row) => row.message(this.#parse));
  }

  /** The message that a reference names, if it is among these. */
  find(reference) {
    const row = this.#stored.get(keyOf(reference));
    return row && row.event.id === reference.id ? row.message(this.#parse) : undefined;
  }

  /** Whether relations of unknown messages were dropped since the last call: they have to be read again. */
  forgets() {
    const hasForgotten = this.#hasForgotten;
    this.#hasForgotten = false;
    return hasForgotten;
  }

  /** Adds an event of the room. */
  add(event) {
    const kind = event.topic.slice(this.#prefix.length);
    if (kind !== "TEXT_MESSAGE") this.#relate(event, kind);
    else if (event.deletes) this.#delete(keyOf({ id: "", ...event.deletes }));
    else if (event.deleted || isMessage(event)) this.#message(event);
  }

  /** Where an event stands, for comparison. */
  placeOf({ delivery }) {
    const { position } = delivery;
    return position ? this.#place(position) : [0, (this.#arrived += 1)];
  }

  #place({ epoch, offset }) {
    const known = this.#epochs.indexOf(epoch);
    return [1 + (known < 0 ? this.#epochs.push(epoch) - 1 : known), Number(offset)];
  }

  #message(event) {
    if (!UNSTORED.includes(event.delivery.status)) return this.#store(event);
    const known = this.#pending.get(event.id);
    if (known) known.event = event;
    const row = known ?? new Row(event, [Infinity, (this.#arrived += 1)], event.id, this.#isOwnRow(event));
    if (!known) this.#insert(row);
    this.#pending.set(event.id, row);
    this.#report(row);
  }

  #store(event) {
    const key = keyOf(referenceOf(event));
    const known = this.#stored.get(key);
    if (known) {
      if (event.deleted ? known.isDeleted : known.sender) return;
      known.hear(event);
      return this.#report(known);
    }
    const place = this.placeOf(event);
    const name = `${authorOf(event)} ${event.id}`;
    const twin = this.#named.get(name);
    if (twin) {
      // The copy in the newest log counts; in one log, the first copy.
      if (place[0] < twin.place[0] || (place[0] === twin.place[0] && twin.place[1] <= place[1])) return;
      this.#remove(twin);
    }
    // No other client knows the id of a message before it is stored.
    const pending = this.#pending.get(event.id);
    if (pending) this.#remove(pending);
    const row = pending ?? new Row(event, place, twin?.key ?? name, this.#isOwnRow(event));
    if (pending) {
      row.place = place;
      row.hear(event);
    }
    row.fold = this.#adopt(key, event);
    row.isDeleted ||= this.#deleted.delete(key);
    this.#stored.set(key, row);
    this.#named.set(name, row);
    this.#insert(row);
    this.#report(row);
    if (this.#rows.length > MAX_MESSAGES) this.#drop(this.#rows[0]);
  }

  /** One client may be several people, each in a tab of its own. */
  #isOwnRow(event) {
    return this.#isOwn(event, event.data?.sender?.id);
  }

  #insert(row) {
    let at = this.#rows.length;
    while (at > 0 && isBefore(row.place, this.#rows[at - 1].place)) at -= 1;
    this.#rows.splice(at, 0, row);
  }

  #remove(row) {
    this.#rows.splice(this.#rows.indexOf(row), 1);
    this.#pending.delete(row.event.id);
    this.#stored.delete(keyOf(referenceOf(row.event)));
  }

  /** Drops this page's message with this id, which is not stored yet as far as the timeline knows. */
  forget(id) {
    const row = this.#pending.get(id);
    if (row) this.#drop(row);
  }

  #drop(row) {
    this.#remove(row);
    this.#named.delete(`${authorOf(row.event)} ${row.event.id}`);
    row.isDropped = true;
    this.#report(row);
  }

  #report(row) {
    row.shown = undefined;
    this.#changed(row.message(this.#parse));
  }

  #relate(event, kind) {
    const [, day, what] = /^on\.(\d{8,10})\.(EDITED|REACTED)$/.exec(kind) ?? [];
    const about = readReference(event.data?.about);
    if (about === undefined || day === undefined) return;
    const { status } = event.delivery;
    const key = keyOf(about);
    const row = this.#stored.get(key);
    if (UNSTORED.includes(status)) return this.#wait(event, row, about, day, what);
    const place = this.placeOf(event);
    const isOwn = this.#isOwn(event, event.source ? undefined : event.data.person);
    const add = (fold) => fold.add(what, event.data, authorOf(event), place, isOwn);
    if (isOwn) row?.fold.waiting.delete(event.id);
    if (row === undefined) {
      // Senders choose what they refer to. A message of an epoch without events is not in the log.
      if (about.offset === "0" || this.#epochs.includes(about.epoch)) this.#orphan(`${key} ${day} ${about.id}`, add);
    } else if (row.event.id === about.id && dayOf(row.event.time) === day) {
      add(row.fold);
      this.#report(row);
    }
  }

  /** Shows what this page's user has said about a message until the log has it or refuses it. */
  #wait(event, row, about, day, what) {
    if (row?.event.id !== about.id || dayOf(row.event.time) !== day) return;
    const { waiting } = row.fold;
    if (event.delivery.status === "rejected") waiting.delete(event.id);
    else if (!waiting.has(event.id)) {
      const place = [Infinity, (this.#arrived += 1)];
      // An unstored event has no author yet: an edit of one's own message has the author of that message.
      waiting.set(event.id, (fold) => {
        const mine = [...fold.reactions].find(([, { emoji, isOwn }]) => isOwn && emoji === event.data.emoji);
        if (what === "REACTED" && mine) fold.reactions.delete(mine[0]);
        const author = what === "EDITED" && row.isOwn ? authorOf(row.event) : authorOf(event);
        fold.add(what, event.data, author, place, true);
      });
    }
    this.#report(row);
  }

  /** Keeps a relation of a message that is not known yet. */
  #orphan(key, add) {
    const fold = this.#orphans.get(key) ?? new Fold();
    const { units } = fold;
    add(fold);
    this.#orphans.set(key, fold);
    this.#orphanUnits += fold.units - units;
    for (const [oldest, { units }] of this.#orphans) {
      if (this.#orphans.size <= MAX_ORPHANS && this.#orphanUnits <= MAX_ORPHAN_UNITS) break;
      this.#orphans.delete(oldest);
      this.#orphanUnits -= units;
      this.#hasForgotten = true;
    }
  }

  #adopt(key, event) {
    const orphan = `${key} ${dayOf(event.time)} ${event.id}`;
    const fold = this.#orphans.get(orphan) ?? new Fold();
    if (this.#orphans.delete(orphan)) this.#orphanUnits -= fold.units;
    return fold.belongsTo(authorOf(event));
  }

  #delete(key) {
    const row = this.#stored.get(key);
    if (row === undefined) {
      this.#deleted.add(key);
      // The log holds the oldest ones without their texts.
      if (this.#deleted.size > MAX_ORPHANS) this.#deleted.delete(this.#deleted.values().next().value);
    } else if (!row.isDeleted) {
      row.isDeleted = true;
      this.#report(row);
    }
  }
}
