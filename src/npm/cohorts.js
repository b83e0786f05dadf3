// Cohorts: handlers of one topic that stand one after the other in the order. wasm knows a cohort as one subscription,
// so that adding or ending one of its handlers is no call into wasm.

import { bytes, IN_FLIGHT, refreshViews, WAITING, words } from "./memory.js";

/** Matches a wildcard in a pattern. */
const WILDCARD = /[*>]/;

export function isThere(member) {
  return member !== undefined;
}

/**
 * Adds `add` and `subscriptions` to `bus`. `refresh` is called with a topic whose handlers have changed, `skip` with a
 * handler that has ended.
 */
export function subscribing(core, flag, version, bus, refresh, skip) {
  const { cohorts } = bus;
  const watchers = core.watchers() >>> 2;
  /** By topic, the cohort that no other subscription of the topic follows. */
  const last = new Map();
  /** The version of the subscriptions for which `last` is valid. */
  let known;
  /** The number of subscriptions that wasm does not count. */
  let uncounted = 0;

  bus.add = (pattern, call, options) => {
    const { priority = 0, label = pattern, echo = false, group, balance } = options;
    const { queue, key, replay = false, serves = false } = options;
    const slot = { call, label, queued: queue !== undefined, cohort: undefined, at: 0 };
    const plain = priority === 0 && !echo && group === undefined && queue === undefined && !replay && !serves;
    refreshViews();
    forgetOld();
    if (!plain || !join(pattern, slot)) {
      const before = words[version];
      const wanted = {
        priority,
        label,
        echo,
        group,
        balance: balance?.by ? 2 : Number(balance === "least-pending"),
        capacity: queue?.capacity ?? 0,
        policy: queue?.policy ?? 0,
        key: keyed(slot, key),
        by: keyed(slot, balance?.by),
        replay,
        serves,
      };
      const number = core.subscribe(pattern, plain && label === pattern ? undefined : wanted);
      slot.cohort = { number, pattern, label: slot.label, members: [slot], size: 1 };
      cohorts[number] = slot.cohort;
      const wasAlone = follow(before);
      if (WILDCARD.test(pattern)) last.clear();
      else if (plain && wasAlone) last.set(pattern, slot.cohort);
      else last.delete(pattern);
    }
    return { slot, end: () => end(slot) };
  };

  /** A key that throws is a failure of its subscription, and its event has the key "". */
  function keyed(slot, key) {
    return (
      key &&
      ((data, event) => {
        try {
          return key(data, event);
        } catch (error) {
          bus.failed(slot, event, error);
          return "";
        }
      })
    );
  }

  /** Without the counters' own subscriptions. */
  bus.subscriptions = () => core.subscriptions() + uncounted - bus.watchers.size;

  /** Adds the handler to the last cohort of its topic. Returns false if wasm must know of it. */
  function join(pattern, slot) {
    const cohort = last.get(pattern);
    if (cohort?.label !== slot.label) return false;
    // The event in flight would reach it; or a watcher in wasm counts subscriptions.
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
    skip(slot);
    if (cohort.size === 0) return release(cohort);
    uncounted -= 1;
    refresh(cohort.pattern);
    refreshViews();
    if (words[watchers] !== 0) core.ended(cohort.pattern, cohort.label);
  }

  function release(cohort) {
    const { number, pattern } = cohort;
    cohorts[number] = undefined;
    if (last.get(pattern) === cohort) last.delete(pattern);
    refreshViews();
    forgetOld();
    const before = words[version];
    core.release(number);
    follow(before);
  }

  /** Another subscriber may follow a cohort by now. */
  function forgetOld() {
    if (words[version] !== known) last.clear();
    known = words[version];
  }

  /** Call it after one subscription was added or removed. Returns false if others were too. */
  function follow(before) {
    refreshViews();
    const wasAlone = words[version] === (before + 1) >>> 0;
    if (wasAlone) known = words[version];
    else forgetOld();
    return wasAlone;
  }
}
