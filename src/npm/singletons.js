// The buses that have a name: one of each in a realm, also if another copy of the package has made it.

import { expect, TEXT } from "./options.js";

const REGISTRY = Symbol.for("event-driven-kit.singletons");

const singletons = () => (globalThis[REGISTRY] ??= new Map());

/** The bus of that name, if it exists. */
export function known(name) {
  expect(name, TEXT, "the name of a singleton");
  return singletons().get(name);
}

export function remember(name, bus) {
  singletons().set(name, bus);
  return bus;
}
