// The entry of Node: reads the wasm module that lies beside it.
import { readFileSync } from "node:fs";

import { initSync } from "./event_driven_kit.js";

initSync({ module: readFileSync(new URL("event_driven_kit_bg.wasm", import.meta.url)) });

export { createBus, createSingleton } from "./event_driven_kit.js";
