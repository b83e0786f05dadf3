// What every page has of this folder. It loads the rest when a link first needs keys, which most links never do.

/** How long it waits before it tries to load the rest again, in milliseconds. */
const PAUSE = 1_000;

/** The source of the events that a key signs; their publisher may add to it. Each thumbprint has only one spelling. */
const KEY = /^\/keys\/([\w-]{42}[AEIMQUYcgkosw048])(?:\/|$)/;

/** The rest, once it is loaded, and the promise of it. */
let keys;
let loading;

const load = () => (loading ??= fetched());

/** A link without its key could be taken for another client. So it waits, as it does for the network. */
async function fetched() {
  for (;;) {
    try {
      return (keys = await import("./keys.js"));
    } catch (error) {
      console.error("event-driven-kit cannot load its file keys.js, and tries again: serve it beside the others", error);
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }
}

/** Methods that call those of an object once it is made. */
const promised = (make, names) =>
  Object.fromEntries(names.map((name) => [name, async (...given) => (await make())[name](...given)]));

/** Creates the device of a link. Its functions are those of `device.js`. */
export function device() {
  let made;
  const making = load().then(({ device }) => (made = device()));
  return {
    ...promised(() => making, ["key", "prove", "sign", "notice", "certify"]),
    /** Until the rest is loaded, nothing is known of a certificate. */
    isCertified: (time) => made !== undefined && made.isCertified(time),
  };
}

/** Creates a keyring. Its functions are those of `keyring.js`. */
export function keyring(issuers, ask) {
  let making;
  const make = () => (making ??= load().then(({ keyring }) => keyring(issuers, ask)));
  if (issuers.length > 0) make();
  return {
    ...promised(make, ["isIssued"]),
    /** Verifies an event with these parts. */
    async verify(signature, signed, ...given) {
      const key = KEY.exec(signed[1])?.[1];
      return key ? (await make()).verify(key, signature, signed, ...given) : "bad_signature";
    },
  };
}

/** The parts of an event for `signedBytes`. */
export const parts = (...given) => given;

/** Whether a source names a key. */
export const namesKey = (source) => KEY.test(source);

/** Why an event is withheld, for people. */
export const reasonFor = (code) => keys?.reasonFor(code) ?? "the event has no signature";

/** Whether the page is secure, so that it has WebCrypto. */
export const isAvailable = () => globalThis.crypto?.subtle !== undefined;
