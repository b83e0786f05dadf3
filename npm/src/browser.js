// The entry of pages without a bundler: loads the wasm module that lies beside it while it arrives.
import init, { createBus, createSingleton, initSync } from "./event_driven_kit.js";

if (globalThis.document || !globalThis.XMLHttpRequest) {
  await init();
} else {
  // A worker loses the messages that come while its script awaits, so it gets the module without that.
  const request = new XMLHttpRequest();
  request.open("GET", new URL("event_driven_kit_bg.wasm", import.meta.url), false);
  request.responseType = "arraybuffer";
  request.send();
  initSync({ module: request.response });
}

export { createBus, createSingleton };
