// Measures one library at one work: warms up, and answers nanoseconds for one time.

import { libraries } from "./libraries.js";
import { works } from "./works.js";

export function measure(library, work, EventEmitter) {
  const { prepare, times } = works[work];
  const act = prepare(libraries[library](EventEmitter));
  act(times);
  act(times);
  const taken = [];
  for (let time = 0; time < 5; time += 1) {
    const start = performance.now();
    const own = act(times);
    taken.push(own ?? performance.now() - start);
  }
  // The quickest: whatever else the machine does only takes time.
  return (Math.min(...taken) * 1e6) / times;
}
