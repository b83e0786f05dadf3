// Freezes payloads, for development.

/** Makes code that changes a shared payload fail at once. Deep, and never throws. */
export function freeze(value) {
  const all = new Set([value]);
  for (const one of all) {
    // Views of bytes can't be frozen.
    if (typeof one !== "object" || one === null || ArrayBuffer.isView(one)) continue;
    try {
      Object.freeze(one);
      // A getter is not called: its result is not part of the payload.
      for (const key of Reflect.ownKeys(one)) all.add(Object.getOwnPropertyDescriptor(one, key).value);
      const kind = Object.prototype.toString.call(one);
      if (/ (Map|Set)]$/.test(kind)) for (const entry of one) all.add(entry);
    } catch {
      // A proxy may refuse.
    }
  }
  return value;
}
