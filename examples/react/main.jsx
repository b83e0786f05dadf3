// A topic as React has a store outside of it: `subscribe` and a snapshot.

import { useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";

import { EMPTY, publish, SHELF, subscribe } from "../shop/shop.js";

/** The last data of a topic; `first`, until there is one. */
function storeOf(topic, first) {
  let latest = first;
  return {
    subscribe(changed) {
      const heard = (data) => {
        latest = data;
        changed();
      };
      return subscribe(topic, heard, { replay: true });
    },
    getSnapshot: () => latest,
  };
}

const basket = storeOf("basket.changed", EMPTY);

function Shelf() {
  return (
    <section>
      <h2>Shelf</h2>
      {SHELF.map(({ sku, name, price }) => (
        <button key={sku} onClick={() => publish("basket.added", { sku })}>
          {name}, {price} €
        </button>
      ))}
    </section>
  );
}

function Basket() {
  const { items, total } = useSyncExternalStore(basket.subscribe, basket.getSnapshot);
  return (
    <section>
      <h2>Basket</h2>
      <ul>
        {items.map(({ sku, name, count }) => (
          <li key={sku}>
            {count} × {name}
          </li>
        ))}
      </ul>
      <p>
        Total: <output>{total} €</output>
      </p>
      <button onClick={() => publish("basket.emptied")}>Empty</button>
    </section>
  );
}

createRoot(document.querySelector("main")).render(
  <>
    <Shelf />
    <Basket />
  </>,
);
