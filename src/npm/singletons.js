// The one bus of each name in this realm, also if another copy of the package has made it.

import { expect } from "./errors.js";

const REGISTRY = Symbol.for("event-driven-kit.singletons");

const singletons = () => (globalThis[REGISTRY] ??= new Map());

export function known(name) {
  expect(name, "string", "the name of a singleton");
  return singletons().get(name);
}

export function register(name, bus) {
  singletons().set(name, bus);
  return bus;
}
