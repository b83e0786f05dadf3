// A shop in events: the pages know its topics, and it knows no page.

import { createSingleton } from "event-driven-kit";

export const { publish, subscribe, topic, retain } = createSingleton("shop");

export const SHELF = [
  { sku: "tea", name: "Green tea", price: 4 },
  { sku: "pot", name: "Tea pot", price: 25 },
  { sku: "cup", name: "Cup", price: 7 },
];

export const EMPTY = { items: [], total: 0 };

// Retained for late subscribers, which use `replay`.
retain("basket.changed");

const counts = new Map();

subscribe("basket.added", ({ sku }) => {
  counts.set(sku, (counts.get(sku) ?? 0) + 1);
  tell();
});

subscribe("basket.emptied", () => {
  counts.clear();
  tell();
});

function tell() {
  const items = SHELF.filter(({ sku }) => counts.has(sku)).map((ware) => ({ ...ware, count: counts.get(ware.sku) }));
  publish("basket.changed", { items, total: items.reduce((sum, { price, count }) => sum + price * count, 0) });
}
