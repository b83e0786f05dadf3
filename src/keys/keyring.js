// The public keys of other devices with their certificates, and the keys of the issuers. They verify events: all that
// arrive together are verified at the same time.

import { covers, ECDSA, importKey, LEEWAY, read, thumbprintOf, certified } from "./certificate.js";
import { signedBytes } from "./signed.js";

/** The maximum number of keys, which any sender can name. Beyond it the oldest is forgotten. */
const MAX_KEYS = 1_024;
/** The maximum number of certificates of a key that are remembered. */
const MAX_CERTIFICATES = 200;
/** How long a key is not looked up again, in milliseconds. A revocation takes effect within this time. */
const FRESH = 60_000;
/** The pauses before a key is looked up again: the certificate of an event may come right after it. */
const PAUSES = [500, 1_000, 2_000];
/** How old an event may be when its certificate comes: a certificate covers events shortly before it. */
const RECENT = (LEEWAY + 60) * 1_000;

const REASONS = {
  bad_signature: "the signature is wrong",
  unknown_certificate: "the signature's key has no certificate of a trusted issuer",
  other_account: "the event is from another account than its certificate",
  not_valid_then: "the certificate was not valid at the event's time",
  revoked: "the key was revoked",
};

/**
 * Creates a keyring that trusts `issuers`, pairs of a name and the text of a JSON Web Key Set. `ask(device)` reads the
 * device's topic, and gives each page to its `learn`.
 */
export function keyring(issuers, ask) {
  const trusted = new Map();
  for (const [name, jwks] of issuers) trusted.has(name) || trusted.set(name, { jwks });
  const devices = new Map();

  function deviceOf(key) {
    let device = devices.get(key);
    if (!device) {
      if (devices.size >= MAX_KEYS) devices.delete(devices.keys().next().value);
      device = { key, topic: `certs.${key}`, certificates: [], revoked: Infinity, wanted: [] };
      device.learn = (page, isNewest) => learn(device, page, isNewest);
      devices.set(key, device);
    }
    return device;
  }

  /** Asks the peer for the certificates of a key. Events that wait for the same key share the answer. */
  const lookUp = (device) => (device.asking ??= askFor(device));

  async function askFor(device) {
    const at = performance.now();
    // If the peer refuses, what is known stays known.
    await ask(device).catch(() => {});
    device.askedAt = at;
    // Those that have arrived since then ask again.
    device.wanted = device.wanted.filter(({ arrived }) => arrived > at);
    device.asking = undefined;
  }

  const isCovered = (device, time) => device.certificates.some((certificate) => covers(certificate, time));

  /** Whether the peer's newest answer is recent enough to judge an event. */
  const isFreshFor = (device, { arrived, seconds }) =>
    device.askedAt >= arrived || (device.askedAt + FRESH > arrived && isCovered(device, seconds));

  const keysOf = (issuer) => (issuer.keys ??= Promise.all(setOf(issuer).map(issuerKey)));

  function setOf({ jwks }) {
    try {
      return [...JSON.parse(jwks).keys];
    } catch {
      return [];
    }
  }

  /** Keys of another kind than P-256 are left out. */
  const issuerKey = (jwk) => importKey(jwk).then((key) => ({ id: jwk.kid, key }), () => {});

  /** Whether the issuer of a certificate is trusted, and has signed it. All keys are of ES256, and the header must agree. */
  async function isIssued({ alg, kid, issuer, signature, signed }) {
    if (alg !== "ES256" || !trusted.has(issuer)) return false;
    for (const one of await keysOf(trusted.get(issuer))) {
      const isOther = typeof kid === "string" && typeof one?.id === "string" && kid !== one.id;
      if (one && !isOther && (await crypto.subtle.verify(ECDSA, one.key, signature, signed))) return true;
    }
    return false;
  }

  /** Whether a certificate is for this key, and a trusted issuer has signed it. Computed once. */
  const isGood = (device, certificate) =>
    (certificate.isGood ??= thumbprintOf(certificate.jwk)
      .then((key) => key === device.key && isIssued(certificate))
      .catch(() => false));

  /** Verifies an event: returns its certificate, or the reason why the event is withheld. */
  async function judge(device, signature, message, time, account) {
    const event = { arrived: performance.now(), seconds: Math.floor((time ?? 0) / 1_000) };
    const { seconds } = event;
    // The answer may be older than the event.
    while (!isFreshFor(device, event)) {
      device.wanted.push(event);
      await lookUp(device);
    }
    // A device whose events have waited for a certificate sends it right after them.
    for (const pause of PAUSES) {
      if (isCovered(device, seconds) || !(Math.abs(Date.now() - time) < RECENT)) break;
      await new Promise((done) => setTimeout(done, pause));
      await lookUp(device);
    }
    // The first one stays even if it covers another time, so that a key with none differs from one with no valid one.
    const known = device.certificates.filter((certificate, at) => at === 0 || covers(certificate, seconds));
    const good = await Promise.all(known.map((certificate) => isGood(device, certificate)));
    const issued = known.filter((_, at) => good[at]);
    if (!issued.length) return "unknown_certificate";
    const key = await (device.verifier ??= importKey(issued[0].jwk));
    if (!(await crypto.subtle.verify(ECDSA, key, signature, message))) return "bad_signature";
    if (time >= device.revoked) return "revoked";
    const valid = issued.filter((certificate) => time !== undefined && covers(certificate, seconds));
    if (!valid.length) return "not_valid_then";
    return valid.find(({ subject }) => subject === account) ?? "other_account";
  }

  return {
    /** Whether the issuer of a certificate is trusted, and has signed it. */
    isIssued: (certificate) => isIssued(certificate).catch(() => false),

    /**
     * Verifies an event of a key. `signed` are its parts for `signedBytes`. Resolves to what applications learn of its
     * author, with the certificate if this is the first event under it; or to the reason why the event is withheld.
     */
    async verify(key, signature, signed, time, account) {
      const message = signedBytes(signed);
      const judged = await judge(deviceOf(key), signature, message, time, account).catch(() => "bad_signature");
      if (typeof judged === "string") return judged;
      const { subject, name, isReported } = judged;
      judged.isReported = true;
      return [{ status: "verified", subject, name, key }, isReported ? undefined : certified(judged, key)];
    },
  };
}

/**
 * Reads a page of a key's topic: the data and the time of each event, newest first. From an older page, takes only the
 * certificates that an event waits for. Returns whether an event still waits for one.
 */
export function learn(device, page, isNewest) {
  const found = [];
  for (const [data, time] of page) {
    try {
      const record = JSON.parse(data);
      if (typeof record === "string") {
        const certificate = device.certificates.find(({ jwt }) => jwt === record) ?? read(record);
        if (isNewest || device.wanted.some(({ seconds }) => covers(certificate, seconds))) found.push(certificate);
      } else if (record?.revoked === true) {
        // Only the peer may write this.
        const { since } = record;
        device.revoked = Math.min(device.revoked, typeof since === "number" && since >= 0 ? Math.floor(since) * 1_000 : (time ?? 0));
      }
    } catch {
      // It says nothing about the key.
    }
  }
  // What was found before stays known: an event that it covers may wait.
  const all = [...new Set([...found, ...device.certificates])];
  device.certificates = all.slice(0, MAX_CERTIFICATES);
  device.wanted = device.wanted.filter(({ seconds }) => !all.some((certificate) => covers(certificate, seconds)));
  return device.wanted.length > 0;
}

/** Why an event is withheld, for people. */
export const reasonFor = (code) => REASONS[code];
