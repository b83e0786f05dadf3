// The buses by number, which wasm uses to call them.

/** Weak: an entry does not keep its bus alive. */
const buses = new Map();

/** The bus with this number, unless it was collected. */
export const busOf = (number) => buses.get(number)?.deref();

export function register(number, bus) {
  buses.set(number, new WeakRef(bus));
}

/** wasm keeps a route until it calls `stale` with the returned number. */
export function keep(bus) {
  return busOf(bus).keep();
}

export function stale(bus, number) {
  busOf(bus)?.stale(number);
}

/** wasm has dropped the bus. */
export function gone(bus) {
  buses.delete(bus);
}
