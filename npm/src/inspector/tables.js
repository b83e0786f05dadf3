// What is shown as tables: topics, subscribers, causes, and of each link its state, its rules and its outbox.

import { make, matches, shownBytes, shownCount, shownMicros, shownNumber, shownTime, tableView, write } from "./dom.js";
import { held } from "./held.js";
import { t } from "./language.js";

/** The percentiles of a histogram, which goes on counting. */
const percentilesOf = (times) => ({ p50: times?.percentile(0.5), p95: times?.percentile(0.95) });

export function topicsView(collector) {
  const columns = [
    { title: t("Topic"), of: ({ topic }) => topic },
    { title: t("Per second"), of: ({ now }) => shownNumber(now), by: ({ now }) => now, hint: t("The mean of the last 5 seconds") },
    { title: t("Events"), of: ({ events }) => shownCount(events), by: ({ events }) => events },
    { title: t("Calls"), of: ({ calls }) => shownCount(calls), by: ({ calls }) => calls, hint: t("Handlers that were called") },
    { title: t("Lag p50"), of: ({ p50 }) => shownMicros(p50), by: ({ p50 }) => p50, hint: t("From the publish until it was stored") },
    { title: t("Lag p95"), of: ({ p95 }) => shownMicros(p95), by: ({ p95 }) => p95, hint: t("From the publish until it was stored") },
  ];
  const table = tableView(t("Topics"), columns, t("No event has passed yet."));
  const rowsOf = held(() => {
    const now = performance.now();
    const row = (topic) => ({ ...topic, ...percentilesOf(topic.lag), now: topic.rate.perSecond(now) });
    return Array.from(collector.topics.values(), row);
  });
  return {
    element: table.element,
    show(filter, isPaused) {
      table.show(rowsOf(isPaused).filter(({ topic }) => matches(filter, topic)));
    },
  };
}

export function subscribersView(collector, inspection) {
  const counted = (name) => ({ of: (row) => shownCount(row[name]), by: (row) => row[name] });
  const columns = [
    { title: t("Label"), of: ({ label }) => label },
    { title: t("Pattern"), of: ({ pattern }) => pattern },
    { title: t("Priority"), ...counted("priority") },
    { title: t("Calls"), ...counted("calls") },
    { title: t("Failures"), ...counted("failures"), is: ({ failures }) => (failures > 0 ? "failed" : "") },
    { title: "p50", of: ({ p50 }) => shownMicros(p50), by: ({ p50 }) => p50 },
    { title: "p95", of: ({ p95 }) => shownMicros(p95), by: ({ p95 }) => p95 },
    { title: t("Queued"), ...counted("pending"), hint: t("Events that wait in its queue, or are unfinished") },
    { title: t("Dropped"), ...counted("dropped"), hint: t("Events for which its queue had no room") },
  ];
  const table = tableView(t("Subscribers"), columns, t("Nothing is subscribed."));
  const rowsOf = held(() =>
    inspection.subscriptions().map((one) => {
      const seen = collector.subscribers.get(one.label);
      return { ...one, ...seen, ...percentilesOf(seen?.times) };
    }),
  );
  return {
    element: table.element,
    show(filter, isPaused) {
      table.show(rowsOf(isPaused).filter(({ label, pattern }) => matches(filter, `${label} ${pattern}`)));
    },
  };
}

export function causesView(collector) {
  const columns = [
    { title: t("Subscriber"), of: ({ cause }) => cause },
    { title: t("has published on"), of: ({ topic }) => topic },
    { title: t("Events"), of: ({ count }) => shownCount(count), by: ({ count }) => count },
  ];
  const table = tableView(t("Causes"), columns, t("No handler has published an event yet."));
  const rowsOf = held(() => Array.from(collector.causes.values(), (pair) => ({ ...pair })));
  return {
    element: table.element,
    show(filter, isPaused) {
      const wanted = rowsOf(isPaused).filter(({ cause, topic }) => matches(filter, `${cause} ${topic}`));
      table.show(wanted.sort((one, two) => (one.cause < two.cause ? -1 : one.cause > two.cause ? 1 : two.count - one.count)));
    },
  };
}

export function linkView(inspection) {
  const facts = make("dl", { class: "facts" });
  const columns = [
    { title: t("Rule"), of: ({ pattern }) => pattern },
    { title: t("Direction"), of: ({ direction }) => direction },
    { title: t("Kind"), of: ({ durable, direction }) => (direction === "tabs" ? t("other tabs") : durable ? t("durable") : t("ephemeral")) },
    { title: t("Caught up"), of: ({ caughtUp, credit }) => (credit === undefined ? "" : caughtUp ? t("yes") : t("no")) },
    { title: t("Position"), of: ({ positions }) => positions.join(", "), hint: t("Stream, epoch and offset of the last event") },
    { title: t("Credit"), of: ({ credit }) => shownCredit(credit), by: ({ credit }) => credit?.[0], hint: t("What the peer may still send") },
  ];
  const table = tableView(t("Rules"), columns, t("There are no rules."));
  const element = make("div", { class: "stack" }, facts, table.element);
  const linksOf = held(() => inspection.links());
  return {
    element,
    show(filter, isPaused) {
      const links = linksOf(isPaused);
      const entries = links.flatMap(factsOfLink);
      if (links.length === 0) entries.push([t("Link"), inspection.sealed ? t("none: the bus is sealed") : t("none")]);
      while (facts.childElementCount > 2 * entries.length) facts.lastElementChild.remove();
      while (facts.childElementCount < 2 * entries.length) facts.append(make("dt"), make("dd"));
      entries.forEach(([name, value], at) => {
        write(facts.children[2 * at], name);
        write(facts.children[2 * at + 1], value);
      });
      table.show(links.flatMap(({ rules }) => rules).filter(({ pattern }) => matches(filter, pattern)));
    },
  };
}

function shownCredit(credit) {
  if (credit === undefined) return "";
  const [events, bytes, maxEvents, maxBytes] = credit;
  return t("{events} of {maxEvents} events, {bytes} of {maxBytes}", {
    ...{ events: shownCount(events), maxEvents: shownCount(maxEvents) },
    ...{ bytes: shownBytes(bytes), maxBytes: shownBytes(maxBytes) },
  });
}

const carried = (messages, bytes) => t("{n} messages, {bytes}", { n: shownCount(messages), bytes: shownBytes(bytes) });

function factsOfLink({ url, status, connections, messagesOut, bytesOut, messagesIn, bytesIn, roundTrip }) {
  const { state, role, storage, outbox, subject, gaps, uncertain, reason } = status;
  const why = reason === undefined ? "" : `: ${reason}`;
  const facts = [
    [t("Link"), url],
    [t("State"), `${state}${why}`],
    [t("Role"), role],
    [t("Subject"), subject ?? ""],
    [t("Round trip"), roundTrip === undefined ? "" : roundTrip === 0 ? t("under 1 ms") : `${roundTrip} ms`],
    [t("Reconnects"), shownCount(Math.max(0, connections - 1))],
    [t("Sent"), carried(messagesOut, bytesOut)],
    [t("Received"), carried(messagesIn, bytesIn)],
    [t("Outbox"), t("{n} in {storage}", { n: shownCount(outbox), storage })],
    [t("Gaps"), shownCount(gaps)],
    [t("Uncertain"), shownCount(uncertain)],
  ];
  return facts.filter(([, value]) => value !== "");
}

export function outboxView(inspection) {
  const columns = [
    { title: t("Topic"), of: ({ topic }) => topic },
    { title: t("Stage"), of: ({ stage }) => stage, is: ({ stage }) => stage },
    { title: t("Size"), of: ({ bytes }) => shownBytes(bytes), by: ({ bytes }) => bytes },
    { title: t("Expires"), of: ({ expires }) => (expires === undefined ? "" : shownTime(expires)) },
    { title: t("Id"), of: ({ id }) => id },
  ];
  const table = tableView(t("Outbox"), columns, t("The outbox is empty: the peer has stored all durable events."));
  const rowsOf = held(() => inspection.links().flatMap(({ outbox }) => outbox));
  return {
    element: table.element,
    show(filter, isPaused) {
      table.show(rowsOf(isPaused).filter(({ topic, id }) => matches(filter, `${topic} ${id}`)));
    },
  };
}
