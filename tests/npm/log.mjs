// A peer's log in memory, with the functions of a bus that a chat uses: every event is stored at once. And rooms on it.

import { createTextKit } from "event-driven-kit/chat";

/** Whether a pattern matches a topic. */
function matches(pattern, topic) {
  const [tokens, names] = [pattern.split("."), topic.split(".")];
  const isSame = tokens.every((token, at) => token === ">" || token === "*" || token === names[at]);
  return isSame && (tokens.at(-1) === ">" ? names.length >= tokens.length : names.length === tokens.length);
}

export function createLog(epoch = "7") {
  const stored = [];
  const listeners = new Set();
  let ids = 0;
  let time = Date.UTC(2026, 10, 29, 12);

  function deliver(event) {
    for (const { pattern, handler } of [...listeners]) if (matches(pattern, event.topic)) handler(event.data, event);
  }

  function store(fields) {
    const position = { epoch, offset: String(stored.length + 1) };
    const event = { time, deleted: false, ...fields, delivery: { status: "stored", position } };
    stored.push(event);
    deliver(event);
    return event;
  }

  /** A bus that is linked to the log as the guest with this id. */
  function busOf(client) {
    const source = `/clients/${client}`;
    const pages = [];
    const link = {
      subject: `~${client}`,
      close() {},
      async history(pattern, { before, limit = 50 }) {
        pages.push(pattern);
        await new Promise(setImmediate);
        const older = stored.filter(({ topic, delivery: { position } }) =>
          matches(pattern, topic) && (!before || Number(position.offset) < Number(before.offset)));
        const events = older.reverse().slice(0, limit);
        return { events, next: events.length < older.length ? events.at(-1).delivery.position : undefined };
      },
      async delete({ offset }) {
        const at = Number(offset) - 1;
        const { topic, id, source: author, time } = stored[at];
        if (author !== source) throw Object.assign(new Error("not allowed"), { code: "not_allowed" });
        stored[at] = { topic, id, source, time, deleted: true, delivery: stored[at].delivery };
        return store({ topic, id: `deletion ${offset}`, source, deletes: stored[at].delivery.position }).delivery.position;
      },
    };
    return {
      pages,
      bus: {
        connect: ({ rules }) => Object.assign(link, { rules }),
        subscribe(pattern, handler) {
          const listener = { pattern, handler };
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        publish(topic, data) {
          if (/TEXT_(SUCCESS|ERROR)$/.test(topic)) return undefined;
          const { id, delivery } = store({ topic, data, id: `${client} ${(ids += 1)}`, source });
          return { id, settled: async () => delivery.position };
        },
      },
    };
  }

  return {
    stored,
    store,
    deliver,
    busOf,
    /** Lets time pass, in milliseconds. */
    pass: (ms) => (time += ms),
  };
}

/** A kit of the guest `client` in a room of the log. */
export function kitOf(log, client, name = client) {
  const { bus, pages } = log.busOf(client);
  const kit = createTextKit({ url: "ws://log", room: "tea", sender: { id: client, name }, bus });
  return { kit, pages };
}

/** What a reader sees of messages. */
export const seen = (messages) =>
  messages.map(({ sender, text, isEdited, isDeleted, reactions }) => {
    const marks = [isEdited && "edited", isDeleted && "deleted", ...reactions.map(({ emoji, count }) => emoji + count)];
    return [`${sender.name}: ${text}`, ...marks.filter(Boolean)].join(" ");
  });

/** A timeline of the log, once its first page is there. */
export async function timelineOf(log, client) {
  const changes = [];
  const timeline = kitOf(log, client).kit.timeline((message) => changes.push(message));
  await timeline.older();
  return { timeline, changes };
}
