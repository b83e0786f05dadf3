// Measures one workload of a library after a warm-up. Returns the nanoseconds per repetition.

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
  // The fastest run counts: anything else on the machine only adds time.
  return (Math.min(...taken) * 1e6) / times;
}
