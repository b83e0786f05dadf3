// What the wasm module needs from its platform. Checked when the module is loaded, because an import has no effects.

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
