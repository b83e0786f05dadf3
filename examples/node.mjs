// Parts of a server that know topics and not each other: `node node.mjs`.

import { createBus } from "event-driven-kit";

const { publish, subscribe, request, respond } = createBus();

const stock = new Map([["tea", 2]]);
respond("stock.count", (sku) => stock.get(sku) ?? 0);

subscribe("order.placed", async ({ sku }) => {
  if ((await request("stock.count", sku)) === 0) throw new Error(`${sku} is sold out`);
  publish("order.accepted", { sku });
});
subscribe("order.*", ({ sku }, event) => console.log(event.topic, sku), { label: "log" });
subscribe("$bus.error", ({ topic, message }) => console.log("failed", topic, message));

publish("order.placed", { sku: "tea" });
publish("order.placed", { sku: "gold" });
