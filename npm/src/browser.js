// The entry of pages without a bundler: loads the wasm module that lies beside it while it arrives.
import init from "./event_driven_kit.js";

await init();

export { createBus, createSingleton } from "./event_driven_kit.js";
