// A member of a room, in a page of the site that does nothing itself. It signs in with a token, if there is one, and
// notes what it hears. Calls the last argument when it is online.

const [topic, token, done] = arguments;

async function start() {
  // One loads the code of keys by itself, and the other has it in its bundle.
  const { createSingleton } = await import(token ? "/npm/browser.js" : "/npm/index.js");
  const { publish, connect, subscribe } = createSingleton("member");
  const keys = await (await fetch("/.well-known/jwks.json")).json();
  const [heard, withheld, states] = [[], [], []];
  subscribe(topic, (data, { trust }) => heard.push({ data, trust }));
  subscribe("$bus.untrusted", ({ code, topic }) => withheld.push({ code, topic }));
  const online = new Promise((resolve) =>
    subscribe("$bus.link", ({ state, code }) => {
      states.push({ state, code });
      if (state === "online") resolve();
    }),
  );
  const certify = async (key) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch("/certificate", { method: "POST", headers, body: JSON.stringify(key) });
    if (!response.ok) throw new Error(await response.text());
    return response.text();
  };
  const link = connect({
    url: `ws://${location.host}/ws`,
    rules: [{ pattern: topic, durable: true, from: "earliest" }],
    trust: { issuers: { "event-relay": keys } },
    ...(token && { identity: "account", credentials: () => token, certify }),
  });
  globalThis.member = { link, heard, withheld, states, say: (data) => void publish(topic, data) };
  await online;
}

start().then(
  () => done(null),
  (error) => done(String(error)),
);
