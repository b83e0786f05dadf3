// What the wasm module needs of its platform. Looked for when the module is loaded, for importing does nothing.

const NEEDED = ["WebAssembly", "TextDecoder", "TextEncoder", "crypto", "performance"];

/** An error that names what is missing, before something fails that does not. */
export function expectPlatform() {
  const missing = NEEDED.filter((name) => globalThis[name] === undefined);
  if (missing.length === 0) return;
  throw Object.assign(
    new Error(`event-driven-kit needs ${missing.join(", ")}, which this platform lacks: define it globally first`),
    { code: "not_supported" },
  );
}
