// Measures in a process: `node in-node.js LIBRARY WORK` prints nanoseconds.

import { EventEmitter } from "node:events";

import { measure } from "./measure.js";

const [library, work] = process.argv.slice(2);
console.log(measure(library, work, EventEmitter));
