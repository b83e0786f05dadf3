// What later events say about a message of a room: edits and reactions. The order in which they arrive does not matter,
// and what others send displaces nothing that the author of the message sends.

import { isEmoji, shownText } from "./text.js";

/** The maximum number of reactions to a message that are kept. */
const MAX_REACTIONS = 500;

/** About how much memory an edit or a reaction takes, in code units. */
const unitsOf = ({ text }) => 50 + (text?.length ?? 0);

/** Whether one place is before another. */
export const isBefore = (one, two) => one[0] < two[0] || (one[0] === two[0] && one[1] < two[1]);

/** What later events say about a message. */
export class Fold {
  /** The author of the message. `undefined` while the message is not known. */
  #author;
  /** By author, the last edit. Those of others are kept only until the message, and with it its author, is known. */
  edits = new Map();
  /** By person and emoji, the last reaction. */
  reactions = new Map();
  /** By event id, a function that adds what this page's user has sent and the log does not have yet. */
  waiting = new Map();
  units = 0;

  /** A copy to which what waits was added last. */
  get whole() {
    if (this.waiting.size === 0) return this;
    const whole = new Fold();
    whole.edits = new Map(this.edits);
    whole.reactions = new Map(this.reactions);
    for (const add of this.waiting.values()) add(whole);
    return whole;
  }

  /** The message is known now. */
  belongsTo(author) {
    this.#author = author;
    for (const other of this.edits.keys()) if (other !== author) this.edits.delete(other);
    return this;
  }

  add(kind, data, author, place, isOwn) {
    if (kind === "EDITED") {
      const text = shownText(data.text);
      const isForeign = this.#author !== undefined && author !== this.#author;
      if (text !== undefined && !isForeign) this.#keep(this.edits, author, { place, text });
    } else if (isEmoji(data.emoji)) {
      const { emoji, is_on: isOn } = data;
      // All people of a page without a peer have the same author.
      const person = author || data.person;
      const key = JSON.stringify([emoji, person]);
      const isGuest = !isOwn && !author.startsWith("account ");
      this.#keep(this.reactions, key, { place, person, emoji, isOn: isOn === true, isOwn, isGuest });
      if (this.reactions.size > MAX_REACTIONS) this.#dropReaction();
    }
  }

  #keep(all, key, one) {
    const known = all.get(key);
    if (known && isBefore(one.place, known.place)) return;
    all.set(key, one);
    this.units += unitsOf(one) - (known ? unitsOf(known) : 0);
  }

  /**
   * Drops the oldest reaction of the person who has the most, among guests if they have more than half of all
   * reactions, and otherwise among accounts: one attacker can be any number of guests. Any order of arrival leaves the
   * same reactions.
   */
  #dropReaction() {
    const all = [...this.reactions];
    const hasManyGuests = all.filter(([, { isGuest }]) => isGuest).length > MAX_REACTIONS / 2;
    const ofMany = all.filter(([, { isGuest }]) => isGuest === hasManyGuests);
    const counts = new Map();
    for (const [, { person }] of ofMany) counts.set(person, (counts.get(person) ?? 0) + 1);
    const comesFirst = ([, one], [, other]) => {
      const more = counts.get(one.person) - counts.get(other.person);
      return more > 0 || (more === 0 && isBefore(one.place, other.place));
    };
    const [key, dropped] = ofMany.reduce((first, next) => (comesFirst(next, first) ? next : first));
    this.reactions.delete(key);
    this.units -= unitsOf(dropped);
  }

  /** The emoji of the current reactions, in the order of their first ones. */
  shown() {
    const on = [...this.reactions.values()].filter(({ isOn }) => isOn);
    on.sort((one, two) => (isBefore(one.place, two.place) ? -1 : 1));
    const groups = new Map();
    for (const { emoji, isOwn } of on) {
      const { count, isOwn: wasOwn } = groups.get(emoji) ?? { count: 0, isOwn: false };
      groups.set(emoji, { emoji, count: count + 1, isOwn: wasOwn || isOwn });
    }
    return [...groups.values()];
  }
}
