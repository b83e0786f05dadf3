// Views of wasm's memory, for reads and writes where a call into wasm would be too slow.

/** Bits of the flag byte: an event is being delivered. */
export const IN_FLIGHT = 1;
/** Events wait for their turns. */
export const WAITING = 2;
/** The bus delivers as if each subscription were watched, but no watcher is in wasm. */
export const WATCHED = 8;

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
