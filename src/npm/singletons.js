// Named buses: one per name and realm, even across copies of the package.

import { expect, TEXT } from "./options.js";

const REGISTRY = Symbol.for("event-driven-kit.singletons");

const singletons = () => (globalThis[REGISTRY] ??= new Map());

/** The bus with this name, if it exists. */
export function known(name) {
  expect(name, TEXT, "the name of a singleton");
  return singletons().get(name);
}

export function remember(name, bus) {
  singletons().set(name, bus);
  return bus;
}
