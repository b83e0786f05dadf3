// Runs all rounds and prints a row of JSON for each bar: `node run.js --chromium PATH --page FILE`.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants } from "node:zlib";

import { works } from "./works.js";

const ROUNDS = 9;
/** Of nine sorted values the second and the eighth: the median lies between them with a probability of 96 %. */
const [LOW, HIGH] = [1, 7];

const { values: paths } = parseArgs({
  options: { chromium: { type: "string" }, page: { type: "string" }, package: { type: "string" } },
});

/** The workload, the peers, and how many times as fast as the fastest of them it must be. */
const BARS = [
  ["to 1", ["mitt"], 1.5],
  ["to 1", ["eventemitter3"], 1],
  ["to 10", ["mitt", "eventemitter3", "EventEmitter"], 1],
  ["to 100", ["mitt", "eventemitter3", "EventEmitter"], 1],
  ["10,000 topics", ["eventemitter3"], 1],
  ["1,000 patterns, repeating topics", ["eventemitter2"], 4],
  ["1,000 patterns, fresh topics", ["eventemitter2"], 2],
  ["1,000 patterns, fresh topics that none matches", ["eventemitter2"], undefined],
  ["subscribe and end, 10,000 standing", ["mitt"], 1],
  ["fill and drain 10,000", ["mitt"], 1],
];

function run(program, args) {
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const inNode = (library, work) => Number(run(process.execPath, ["in-node.js", library, work]));

function inChromium(library, work) {
  const page = run(paths.chromium, [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=1", "--dump-dom",
    `file://${paths.page}#${encodeURIComponent(`${library}/${work}`)}`,
  ]);
  const found = /measured ([\d.]+) end/.exec(page);
  if (found === null) throw new Error(`the page printed no result: ${page.slice(0, 500)}`);
  return Number(found[1]);
}

function compare(on, measure, peersThere) {
  for (const work of Object.keys(works)) {
    const bars = BARS.filter(([its]) => its === work);
    const peers = new Set(bars.flatMap(([, peers]) => peers).filter(peersThere));
    const taken = new Map(["ours", ...peers].map((library) => [library, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [library, times] of taken) times.push(measure(library, work));
    }
    for (const [, names, bar] of bars) print(on, work, taken, names.filter(peersThere), bar);
  }
}

const ordered = (values) => [...values].sort((one, other) => one - other);
const median = (values) => ordered(values)[Math.floor(values.length / 2)];

function print(on, work, taken, peers, bar) {
  const ours = taken.get("ours");
  const fastest = ours.map((_, round) => Math.min(...peers.map((peer) => taken.get(peer)[round])));
  const ratios = ordered(ours.map((time, round) => fastest[round] / time));
  row({
    on,
    work: `${work}, beside ${peers.length > 1 ? "the fastest of " : ""}${peers.join(", ")}`,
    unit: works[work].unit,
    ours: median(ours),
    peer: median(fastest),
    ratio: [median(ratios), ratios[LOW], ratios[HIGH]],
    bar: bar === undefined ? "" : `at least ${bar}x as fast`,
    met: bar === undefined ? null : ratios[HIGH] >= bar,
  });
}

const row = (fields) => console.log(JSON.stringify(fields));

function atMost(work, unit, ours, most, met = ours <= most) {
  row({ on: "Node", work, unit, ours, peer: null, ratio: null, bar: `at most ${most} ${unit}`, met });
}

function startUp() {
  const time = (args) => {
    const start = performance.now();
    run(process.execPath, args);
    return performance.now() - start;
  };
  const more = Array.from({ length: ROUNDS }, () => -time(["empty.js"]) + time(["first-event.js"]));
  const met = ordered(more)[LOW] <= 30;
  atMost("import to the first delivered event, over an empty script", "ms", median(more), 30, met);
}

function memory() {
  for (const line of run(process.execPath, ["--expose-gc", "memory.js"]).trim().split("\n")) {
    const { work, kilobytes, most } = JSON.parse(line);
    atMost(work, "kB more", kilobytes, most);
  }
}

function size() {
  const compressed = ["browser.js", "event_driven_kit.js", "event_driven_kit_bg.wasm"].map((name) => {
    const bytes = readFileSync(`${paths.package}/${name}`);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    };
    return brotliCompressSync(bytes, { params }).length;
  });
  atMost("the package's JS and wasm after brotli", "kB", compressed.reduce((one, other) => one + other) / 1000, 45);
}

size();
startUp();
memory();
compare("Node", inNode, () => true);
if (paths.chromium) compare("Chromium", inChromium, (peer) => peer !== "EventEmitter");
