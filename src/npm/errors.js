// Errors as users of the npm package see them.

const names = { string: "a string", function: "a function", object: "an object", number: "a number" };

/** An Error with a code for programs and a message that says what to do. */
export function fail(code, message) {
  return Object.assign(new Error(message), { code });
}

export function expect(value, type, what) {
  if (typeof value !== type || value === null) {
    throw fail("illegal_argument", `${what} must be ${names[type]}: pass one`);
  }
}

export function expectCount(value, what) {
  if (!(Number.isSafeInteger(value) && value > 0)) {
    throw fail("illegal_argument", `${what} must be a whole number above 0: pass one`);
  }
}
