// What a tab of the chaos test does; runs in a page of the site, which takes no part itself. The last
// argument is called when the tab is ready.
//
// What was kept is noted in sessionStorage, which a reload leaves alone.

const [topic, name, answer] = arguments;

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

  /** Publishes the next `count` messages and waits until the outbox has those that it takes. */
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
  () => answer(null),
  (error) => answer(String(error)),
);
