// Handlers of one topic that stand one after the other in the order are a cohort: wasm knows them as one
// subscription, so that one more or less of them is no call into wasm.

import { bytes, IN_FLIGHT, look, WAITING, words } from "./memory.js";

/** In a pattern, what is no topic. */
const WILDCARD = /[*>]/;

export function isThere(member) {
  return member !== undefined;
}

/**
 * The subscriptions of the bus `self`. `refresh` is told of a topic that has other handlers now, `withdraw` of a
 * handler that the event in flight must not reach any more.
 */
export function subscribing(core, self, refresh, withdraw) {
  const { flag, version, cohorts } = self;
  const watchers = core.watchers() >>> 2;
  /** By topic, the cohort behind which no other subscription of the topic stands. */
  const last = new Map();
  /** The version of which that is known. */
  let known;
  /** How many subscriptions there are that wasm does not count. */
  let uncounted = 0;

  function add(pattern, call, options) {
    const { priority = 0, label, echo = false, group, balance, queue, key, replay, serves = false } = options;
    const slot = { call, label: label ?? pattern, serves, queued: queue !== undefined, cohort: undefined, at: 0 };
    const plain = priority === 0 && !echo && group === undefined && queue === undefined && !replay;
    look();
    forgetWhatIsOld();
    if (!plain || !join(pattern, slot)) {
      const before = words[version];
      const number = core.subscribe(
        pattern,
        priority,
        label,
        echo,
        group,
        typeof balance === "object" ? "by" : balance,
        queue?.capacity ?? 0,
        queue?.policy ?? 0,
        key ?? balance?.by,
        Boolean(replay),
      );
      slot.cohort = { number, pattern, label: slot.label, members: [slot], size: 1 };
      cohorts[number] = slot.cohort;
      const wasAlone = follow(before);
      if (WILDCARD.test(pattern)) last.clear();
      else if (plain && wasAlone) last.set(pattern, slot.cohort);
      else last.delete(pattern);
    }
    return { slot, end: () => end(slot) };
  }

  /** Lets it stand behind the last of its topic; false where wasm has to know. */
  function join(pattern, slot) {
    const cohort = last.get(pattern);
    if (cohort?.label !== slot.label) return false;
    // The event in flight would reach it; or somebody is told of each that comes.
    if ((bytes[flag] & (IN_FLIGHT | WAITING)) !== 0 || words[watchers] !== 0) return false;
    if (cohort.members.length > 2 * cohort.size + 8) {
      cohort.members = cohort.members.filter(isThere);
      cohort.members.forEach((member, at) => (member.at = at));
    }
    slot.cohort = cohort;
    slot.at = cohort.members.push(slot) - 1;
    cohort.size += 1;
    uncounted += 1;
    refresh(pattern);
    return true;
  }

  function end(slot) {
    const { cohort, at } = slot;
    if (cohort.members[at] !== slot) return;
    cohort.members[at] = undefined;
    cohort.size -= 1;
    withdraw(slot);
    if (cohort.size === 0) return release(cohort);
    uncounted -= 1;
    refresh(cohort.pattern);
    look();
    if (words[watchers] !== 0) core.ended(cohort.pattern, cohort.label);
  }

  function release(cohort) {
    const { number, pattern } = cohort;
    cohorts[number] = undefined;
    if (last.get(pattern) === cohort) last.delete(pattern);
    look();
    forgetWhatIsOld();
    const before = words[version];
    core.release(number);
    follow(before);
  }

  /** Somebody else has subscribed, perhaps behind a cohort. */
  function forgetWhatIsOld() {
    if (words[version] === known) return;
    last.clear();
    known = words[version];
  }

  /** After one subscription has come or gone; false if others have too. */
  function follow(before) {
    look();
    const wasAlone = words[version] === (before + 1) >>> 0;
    if (!wasAlone) last.clear();
    known = words[version];
    return wasAlone;
  }

  const subscriptions = () => core.subscriptions() + uncounted;

  return { add, subscriptions };
}
