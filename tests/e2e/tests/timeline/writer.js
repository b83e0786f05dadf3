// A program that writes many messages into a room of the chat. Runs in a page of the site that does nothing itself.
// Calls the last argument when it is ready.

const [room, done] = arguments;

async function start() {
  const { createSingleton } = await import("/npm/index.js");
  const { publish, connect, subscribe } = createSingleton("writer");
  const online = new Promise((resolve) => subscribe("$bus.link", ({ state }) => state === "online" && resolve()));
  const events = [];
  subscribe(`chat.${room}.TEXT_MESSAGE`, (data, event) => {
    const { epoch, offset } = event.delivery.position;
    events.push({ text: data.text, id: event.id, epoch, offset, time: event.time });
  });
  connect({
    url: `ws://${location.host}/ws`,
    rules: [
      { pattern: `chat.${room}.TEXT_MESSAGE`, durable: true },
      { pattern: `chat.${room}.on.>`, direction: "out", durable: true },
    ],
  });
  await online;
  const sender = { id: "writer", name: "Writer" };
  globalThis.writer = {
    events,
    /** Writes the messages from one number to another, and waits until all are stored. */
    async write(from, to) {
      for (let at = from; at < to; at += 200) {
        const stored = [];
        for (let number = at; number < Math.min(at + 200, to); number++) {
          // Rows of different heights.
          const text = `${number} ${"words and more words ".repeat((number * 7) % 12)}`.trim();
          stored.push(publish(`chat.${room}.TEXT_MESSAGE`, { sender, text }).settled());
        }
        await Promise.all(stored);
      }
    },
    /** Replies to a message. */
    async reply({ id, epoch, offset }, text) {
      const reply_to = { id, epoch, offset };
      await publish(`chat.${room}.TEXT_MESSAGE`, { sender, text, reply_to }).settled();
    },
    /** Changes the text of the message that begins with this number. */
    async edit(number, text) {
      const { id, epoch, offset, time } = events.find((event) => event.text.split(" ")[0] === String(number));
      const day = new Date(time).toISOString().slice(0, 10).replaceAll("-", "");
      const about = { id, epoch, offset };
      await publish(`chat.${room}.on.${day}.EDITED`, { about, text }).settled();
    },
  };
}

start().then(
  () => done(null),
  (error) => done(String(error)),
);
