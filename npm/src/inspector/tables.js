// What is shown as tables: topics, subscribers, causes, and of each link its state, its rules and its outbox.

import { make, matches, shownBytes, shownCount, shownMicros, shownNumber, shownTime, tableView, write } from "./dom.js";

const p50 = (times) => times.percentile(0.5);
const p95 = (times) => times.percentile(0.95);

export function topicsView(collector) {
  const columns = [
    { title: "Topic", of: ({ topic }) => topic },
    { title: "Per second", of: ({ now }) => shownNumber(now), by: ({ now }) => now, hint: "The mean of the last 5 seconds" },
    { title: "Events", of: ({ events }) => shownCount(events), by: ({ events }) => events },
    { title: "Calls", of: ({ calls }) => shownCount(calls), by: ({ calls }) => calls, hint: "Handlers that were called" },
    { title: "Lag p50", of: ({ lag }) => shownMicros(p50(lag)), by: ({ lag }) => p50(lag), hint: "From the publish until it was stored" },
    { title: "Lag p95", of: ({ lag }) => shownMicros(p95(lag)), by: ({ lag }) => p95(lag), hint: "From the publish until it was stored" },
  ];
  const table = tableView("Topics", columns, "No event has passed yet.");
  return {
    element: table.element,
    show(filter) {
      const now = performance.now();
      const topics = [...collector.topics.values()].filter(({ topic }) => matches(filter, topic));
      table.show(topics.map((topic) => ({ ...topic, now: topic.rate.perSecond(now) })));
    },
  };
}

export function subscribersView(collector, inspection) {
  const counted = (name) => ({ of: (row) => shownCount(row[name]), by: (row) => row[name] });
  const columns = [
    { title: "Label", of: ({ label }) => label },
    { title: "Pattern", of: ({ pattern }) => pattern },
    { title: "Priority", ...counted("priority") },
    { title: "Calls", ...counted("calls") },
    { title: "Failures", ...counted("failures"), is: ({ failures }) => (failures > 0 ? "failed" : "") },
    { title: "p50", of: ({ times }) => shownMicros(times && p50(times)), by: ({ times }) => times && p50(times) },
    { title: "p95", of: ({ times }) => shownMicros(times && p95(times)), by: ({ times }) => times && p95(times) },
    { title: "Queued", ...counted("pending"), hint: "Events that wait in its queue, or are unfinished" },
    { title: "Dropped", ...counted("dropped"), hint: "Events for which its queue had no room" },
  ];
  const table = tableView("Subscribers", columns, "Nothing is subscribed.");
  return {
    element: table.element,
    show(filter) {
      const all = inspection.subscriptions().filter(({ label, pattern }) => matches(filter, `${label} ${pattern}`));
      table.show(all.map((one) => ({ ...one, ...collector.subscribers.get(one.label) })));
    },
  };
}

export function causesView(collector) {
  const columns = [
    { title: "Subscriber", of: ({ cause }) => cause },
    { title: "has published on", of: ({ topic }) => topic },
    { title: "Events", of: ({ count }) => shownCount(count), by: ({ count }) => count },
  ];
  const table = tableView("Causes", columns, "No handler has published an event yet.");
  return {
    element: table.element,
    show(filter) {
      const all = [...collector.causes.values()];
      const wanted = all.filter(({ cause, topic }) => matches(filter, `${cause} ${topic}`));
      table.show(wanted.sort((one, two) => (one.cause < two.cause ? -1 : one.cause > two.cause ? 1 : two.count - one.count)));
    },
  };
}

export function linkView(inspection) {
  const facts = make("dl", { class: "facts" });
  const columns = [
    { title: "Rule", of: ({ pattern }) => pattern },
    { title: "Direction", of: ({ direction }) => direction },
    { title: "Kind", of: ({ durable, direction }) => (direction === "tabs" ? "other tabs" : durable ? "durable" : "ephemeral") },
    { title: "Caught up", of: ({ caughtUp, credit }) => (credit === undefined ? "" : caughtUp ? "yes" : "no") },
    { title: "Position", of: ({ positions }) => positions.join(", "), hint: "Stream, epoch and offset of the last event" },
    { title: "Credit", of: ({ credit }) => shownCredit(credit), by: ({ credit }) => credit?.[0], hint: "What the peer may still send" },
  ];
  const table = tableView("Rules", columns, "There are no rules.");
  const element = make("div", { class: "stack" }, facts, table.element);
  return {
    element,
    show(filter) {
      const links = inspection.links();
      const entries = links.flatMap(factsOfLink);
      if (links.length === 0) entries.push(["Link", inspection.sealed ? "none: the bus is sealed" : "none"]);
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
  return `${shownCount(events)} of ${shownCount(maxEvents)} events, ${shownBytes(bytes)} of ${shownBytes(maxBytes)}`;
}

function factsOfLink({ url, status, connections, messagesOut, bytesOut, messagesIn, bytesIn, roundTrip }) {
  const { state, role, storage, outbox, subject, gaps, uncertain, reason } = status;
  const why = reason === undefined ? "" : `: ${reason}`;
  const facts = [
    ["Link", url],
    ["State", `${state}${why}`],
    ["Role", role],
    ["Subject", subject ?? ""],
    ["Round trip", roundTrip === undefined ? "" : roundTrip === 0 ? "under 1 ms" : `${roundTrip} ms`],
    ["Reconnects", shownCount(Math.max(0, connections - 1))],
    ["Sent", `${shownCount(messagesOut)} messages, ${shownBytes(bytesOut)}`],
    ["Received", `${shownCount(messagesIn)} messages, ${shownBytes(bytesIn)}`],
    ["Outbox", `${shownCount(outbox)} in ${storage}`],
    ["Gaps", shownCount(gaps)],
    ["Uncertain", shownCount(uncertain)],
  ];
  return facts.filter(([, value]) => value !== "");
}

export function outboxView(inspection) {
  const columns = [
    { title: "Topic", of: ({ topic }) => topic },
    { title: "Stage", of: ({ stage }) => stage, is: ({ stage }) => stage },
    { title: "Size", of: ({ bytes }) => shownBytes(bytes), by: ({ bytes }) => bytes },
    { title: "Expires", of: ({ expires }) => (expires === undefined ? "" : shownTime(expires)) },
    { title: "Id", of: ({ id }) => id },
  ];
  const table = tableView("Outbox", columns, "The outbox is empty: the peer has stored all durable events.");
  return {
    element: table.element,
    show(filter) {
      const rows = inspection.links().flatMap(({ outbox }) => outbox);
      table.show(rows.filter(({ topic, id }) => matches(filter, `${topic} ${id}`)));
    },
  };
}
