// wasm's memory as JavaScript reads it: the flag of a bus is a byte, its counters are words.

/** An event is in flight. */
export const IN_FLIGHT = 1;
/** Events wait for their turns. */
export const WAITING = 2;
/** The bus delivers as if somebody counted, and in wasm nobody does. */
export const WATCHED = 8;

let memory;
export let bytes = new Uint8Array(0);
export let words = new Uint32Array(0);

export function view(itsMemory) {
  memory = itsMemory;
}

/** Memory that has grown has another buffer, and the views of the old one are empty. */
export function look() {
  if (bytes.length === 0) {
    bytes = new Uint8Array(memory.buffer);
    words = new Uint32Array(memory.buffer);
  }
}
