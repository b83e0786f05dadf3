// The buses by number, as wasm knows them.

/** Whoever holds a bus keeps it, and not this. */
const buses = new Map();

export function enter(number, self) {
  buses.set(number, new WeakRef(self));
}

export function busOf(number) {
  return buses.get(number)?.deref();
}

/** The bus itself is gone. */
export function gone(number) {
  buses.delete(number);
}
