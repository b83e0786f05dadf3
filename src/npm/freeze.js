// Payloads that nobody can change, for development.

/** So that who changes a payload that others read too is told at once. Deep, and it never throws. */
export function freeze(value) {
  const all = new Set([value]);
  for (const one of all) {
    // Views of bytes can't be frozen.
    if (typeof one !== "object" || one === null || ArrayBuffer.isView(one)) continue;
    try {
      Object.freeze(one);
      // A getter is not called: what it would answer is not part of the payload.
      for (const key of Reflect.ownKeys(one)) all.add(Object.getOwnPropertyDescriptor(one, key).value);
      const kind = Object.prototype.toString.call(one);
      if (/ (Map|Set)]$/.test(kind)) for (const entry of one) all.add(entry);
    } catch {
      // A proxy may refuse.
    }
  }
  return value;
}
