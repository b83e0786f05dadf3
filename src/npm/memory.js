// Views of wasm's memory, for reads and writes where a call into wasm would be too slow.

/** Bits of the flag byte: an event is being delivered. */
export const IN_FLIGHT = 1;
/** Events wait for their turns. */
export const WAITING = 2;
/** JavaScript watches handlers, so that wasm runs all routes. wasm uses the bits below this one. */
export const WATCHED = 16;

let memory;
export let bytes = new Uint8Array(0);
export let words = new Uint32Array(0);

/** Memory that has grown has another buffer, and the views of the old one are empty. */
export function refreshViews(ofWasm = memory) {
  if (bytes.length === 0) {
    memory = ofWasm;
    bytes = new Uint8Array(memory.buffer);
    words = new Uint32Array(memory.buffer);
  }
}
