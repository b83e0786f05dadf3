// The entry for pages without a bundler: streams the wasm module next to it.
import init, { createBus, createSingleton, initSync } from "./event_driven_kit.js";

if (globalThis.document || !globalThis.XMLHttpRequest) {
  await init();
} else {
  // A worker loses messages that arrive while its script awaits, so it loads the module without one.
  const request = new XMLHttpRequest();
  request.open("GET", new URL("event_driven_kit_bg.wasm", import.meta.url), false);
  request.responseType = "arraybuffer";
  request.send();
  initSync({ module: request.response });
}

export { createBus, createSingleton };
