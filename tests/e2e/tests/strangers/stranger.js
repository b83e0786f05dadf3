// A program that publishes whatever it likes in a room of the chat; runs in a page of the site, which takes no
// part itself. The last argument is called when it is ready.

const [room, answer] = arguments;

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
    /** By the wire of other languages, where a time may be missing. */
    sayWithoutTime(done) {
      const socket = new WebSocket(url, "cloudevents.json");
      const data = { sender: { id: "7", name: "Python" }, text: "without a time" };
      const type = `chat.${room}.TEXT_MESSAGE`;
      socket.onopen = () =>
        socket.send(JSON.stringify({ specversion: "1.0", id: "without-time", source: "here", type, data }));
      socket.onmessage = ({ data }) => JSON.parse(data).type === "$link.ack" && done();
    },
  };
}

start().then(
  () => answer(null),
  (error) => answer(String(error)),
);
