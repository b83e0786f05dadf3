// Measures one library at one work: warms up, and answers nanoseconds for each time.

import { load } from "./libraries.js";
import { works } from "./works.js";

export async function measure(library, work, rounds = 5) {
  const { prepare, times } = works[work];
  const act = prepare(await load(library));
  act(times);
  act(times);
  const taken = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const own = act(times);
    taken.push(own ?? performance.now() - start);
  }
  // The quickest: whatever else the machine does only takes time.
  return (Math.min(...taken) * 1e6) / times;
}
