// The entry for applications that load the wasm module themselves: `event-driven-kit/event_driven_kit.wasm`.
import init, { createBus as bus, createSingleton as singleton, initSync } from "./event_driven_kit.js";
import { expectPlatform } from "./platform.js";

let loaded = false;

export async function load(module) {
  expectPlatform();
  await init({ module_or_path: module });
  loaded = true;
}

export function loadSync(module) {
  expectPlatform();
  initSync({ module });
  loaded = true;
}

function expectLoaded() {
  if (!loaded) throw new Error("the wasm module is not loaded: await load(url) of event-driven-kit/slim first");
}

export function createBus(options) {
  expectLoaded();
  return bus(options);
}

export function createSingleton(name, options) {
  expectLoaded();
  return singleton(name, options);
}
