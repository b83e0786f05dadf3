// The entry of browsers and bundlers: loads the wasm module that lies beside it.
import init from "./event_driven_kit.js";

await init();

export { createBus, createSingleton } from "./event_driven_kit.js";
