// A program that publishes arbitrary messages in a room of the chat. Runs in a page of the site that does nothing
// itself. Calls the last argument when it is ready.

const [room, done] = arguments;

async function start() {
  const { createSingleton } = await import("/npm/index.js");
  const { publish, connect, subscribe } = createSingleton("stranger");
  const url = `ws://${location.host}/ws`;
  const online = new Promise((resolve) => subscribe("$bus.link", ({ state }) => state === "online" && resolve()));
  connect({
    url,
    rules: [
      { pattern: `chat.${room}.TEXT_MESSAGE`, direction: "out", durable: true },
      { pattern: `chat.${room}.typing`, direction: "out" },
    ],
  });
  await online;
  globalThis.stranger = {
    say: (message) => void publish(`chat.${room}.TEXT_MESSAGE`, message),
    type: (person) => void publish(`chat.${room}.typing`, person),
    /** Over the protocol of other languages, in which a time may be missing. */
    sayWithoutTime(acked) {
      const socket = new WebSocket(url, "cloudevents.json");
      const data = { sender: { id: "7", name: "Python" }, text: "without a time" };
      const type = `chat.${room}.TEXT_MESSAGE`;
      socket.onopen = () =>
        socket.send(JSON.stringify({ specversion: "1.0", id: "without-time", source: "here", type, data }));
      socket.onmessage = ({ data }) => JSON.parse(data).type === "$link.ack" && acked();
    },
  };
}

start().then(
  () => done(null),
  (error) => done(String(error)),
);
