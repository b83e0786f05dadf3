// One process for one library and one round: `node node.js LIBRARY WORK` prints nanoseconds.
import { measure } from "./measure.js";

const [library, work] = process.argv.slice(2);
console.log(await measure(library, work));
