export * from "./index.js";

/**
 * Loads the wasm module from where you have put it: an address, a `Response`, bytes or a module.
 *
 * ```js
 * await load(new URL("event-driven-kit/event_driven_kit.wasm", import.meta.url));
 * ```
 */
export function load(
  module: string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module,
): Promise<void>;

/** The same at once, of bytes or a module: `loadSync(readFileSync(path))`. */
export function loadSync(module: BufferSource | WebAssembly.Module): void;
