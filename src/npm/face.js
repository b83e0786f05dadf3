// The bus object of the npm package, built from its features over a `Core` of npm.rs. Nothing uses `this`, so
// every function works when it is destructured.

import { freeze } from "./freeze.js";
import { connector } from "./link.js";
import { listeners } from "./listen.js";
import { take } from "./options.js";
import { deliverer, play, recorder, republisher } from "./record.js";
import { requests } from "./request.js";
import { retains } from "./retain.js";
import { stats } from "./stats.js";
import { subscriptions } from "./subscribe.js";
import { topic } from "./topic.js";
import { interceptors } from "./use.js";
import { executor } from "./executor.js";

/** The result of `createBus` and `createSingleton`. */
export function face(core, memory, given) {
  const options = take(given, ["freeze", "sealed"]);
  if (options.sealed) core.seal();
  const run = executor(core, memory);
  const { begin, subscribe } = subscriptions(run);
  const publish = options.freeze
    ? (name, data, given) => run.publish(name, freeze(data), given)
    : run.publish;
  return Object.freeze({
    publish,
    subscribe,
    ...listeners(subscribe),
    topic: (pattern, given) => topic(begin, core, pattern, given),
    retain: retains(core),
    ...requests(run, begin),
    use: interceptors(core, run),
    connect: connector(core, run),
    record: (pattern, given) => recorder(begin, core, pattern, given),
    play: (lines, given) => play(options.sealed ? deliverer(core) : republisher(publish), lines, given),
    inspect: () => core.inspect(),
    stats: (given) => stats(run, given),
  });
}
