// The entry for bundlers, Node and servers. It contains the wasm module as text, so that no bundler has to copy or serve a
// file. Importing it does nothing; the first bus loads the module.
import { createBus as bus, createSingleton as singleton, initSync } from "./event_driven_kit.js";
import { expectPlatform } from "./platform.js";
import text from "./wasm.js";

let loaded = false;

function load() {
  if (loaded) return;
  expectPlatform();
  const module = new Uint8Array(text.length);
  for (let at = 0; at < module.length; at += 1) module[at] = text.charCodeAt(at);
  initSync({ module });
  loaded = true;
}

export function createBus(options) {
  load();
  return bus(options);
}

export function createSingleton(name, options) {
  load();
  return singleton(name, options);
}
