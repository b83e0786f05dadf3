// A topic as a stream of RxJS: `node rxjs.mjs`.

import { createBus } from "event-driven-kit";
import { from, map, pairwise } from "rxjs";

const { publish, topic } = createBus();

from(topic("price.*"))
  .pipe(
    map((event) => event.data),
    pairwise(),
    map(([before, now]) => now - before),
  )
  .subscribe((change) => console.log("change", change));

for (const price of [10, 12, 11]) publish("price.tea", price);
