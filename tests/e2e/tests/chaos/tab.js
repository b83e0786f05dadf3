// A tab of the chaos test. Runs in a page of the site that does nothing itself. Calls the last argument when the tab is
// ready.
//
// Kept messages are listed in sessionStorage, which survives a reload.

const [topic, name, done] = arguments;

async function start() {
  const { createSingleton } = await import("/npm/index.js");
  const { subscribe, publish, connect } = createSingleton("chaos");
  const read = (key) => JSON.parse(sessionStorage.getItem(key) ?? "[]");
  const write = (key, value) => sessionStorage.setItem(key, JSON.stringify(value));
  const chaos = { heard: [], link: {}, read };

  subscribe(topic, (text) => chaos.heard.push(text));
  subscribe("$bus.link", (link) => (chaos.link = link));
  connect({
    url: `ws://${location.host}/ws`,
    rules: [{ pattern: topic, durable: true, from: "earliest" }],
  });

  /** Publishes the next `count` messages, and lists those that the outbox keeps. */
  chaos.send = (count) => {
    for (let sent = 0; sent < count; sent++) {
      const [number = 0] = read("next");
      write("next", [number + 1]);
      const text = `${name}.${number}`;
      publish(topic, text)
        .kept()
        .then(() => write("kept", [...read("kept"), text]));
    }
  };
  globalThis.chaos = chaos;
}

start().then(
  () => done(null),
  (error) => done(String(error)),
);
