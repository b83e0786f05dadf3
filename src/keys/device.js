// The device: the key that proves the identity of a link's client and signs its events, and the certificate of the key.
// Both are in the outbox's database, so that all tabs and all later pages have them. Functions that take the name of a
// database use memory without one: then the key ends with the page.

import { base64url, covers, ECDSA, LEEWAY, read, thumbprintOf, certified } from "./certificate.js";
import { proofBytes, signedBytes } from "./signed.js";

/** The object store of the outbox, and the key of the record there. Rows have numbers. */
const STORE = "outbox";
const RECORD = "device";

/** Why a certificate is not sent, for programs and for people. In Rust it is `CertifyError`. */
const failure = (code, message, cause) => Object.assign(new Error(message, { cause }), { code });
const malformed = (why) => failure("illegal_argument", `this is not a certificate of a device: ${why}`, why);
const unknown = (issuer) =>
  failure("unknown_issuer", `the issuer \`${issuer}\` is not trusted, or has not signed the certificate`, issuer);

/** The text of `CertifyError::NoKey`. */
const NO_KEY =
  "this device's key cannot be read, because the browser's database does not answer: try again, or reload the page";

const resultOf = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Opens a database for one operation: an open one would keep other pages from deleting it. */
async function access(name, operation) {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await resultOf(request);
  try {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    return await resultOf(operation(transaction.objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** The reason if a database does not answer. */
const LATE = new Error("the browser's database does not answer");

/** Rejects with `LATE` if the browser does not answer within 750 ms, as for the outbox: a database may hang. */
async function inTime(promise) {
  let timer;
  // In three turns, between which a page that was blocked handles what the browser has answered meanwhile.
  let turns = 0;
  const late = new Promise((_, reject) => {
    timer = setInterval(() => (turns += 1) > 2 && reject(LATE), 250);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearInterval(timer);
  }
}

/** Creates the device of a link. `offered` are certificates in the outbox; `isAwaited` says that an event waits for one. */
export function device() {
  let key;
  let arrive;
  /** The first key there is. All wait for this one, also where a database that hangs is opened again. */
  const first = new Promise((resolve) => (arrive = resolve));
  let newest;
  let offered = [];
  let isAwaited = false;

  /** Loads the record and its certificate. Resolves to `undefined` without a database, or if the browser refuses. */
  async function load(database) {
    if (database === undefined) return;
    try {
      const record = await access(database, (store) => store.get(RECORD));
      if (record[2]) newest = read(record[2]);
      return record;
    } catch {
      return undefined;
    }
  }

  async function make(database) {
    const isRight = (record) => record?.[0] instanceof CryptoKey && record[1] instanceof Uint8Array;
    let record = await load(database);
    if (!isRight(record)) {
      const pair = await crypto.subtle.generateKey(ECDSA, false, ["sign"]);
      const made = [pair.privateKey, new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey))];
      if (database !== undefined) {
        // Another tab may write one meanwhile, and not every browser keeps such a key, in a private window for example.
        await access(database, (store) => store.add(made, RECORD)).catch(() => {});
        record = await load(database);
      }
      if (!isRight(record)) record = made;
    }
    const [secret, point] = record;
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(base64url);
    const thumbprint = await thumbprintOf({ x, y });
    return { secret, point, thumbprint, jwk: `{"kty":"EC","crv":"P-256","x":"${x}","y":"${y}"}` };
  }

  /** The key. The first call makes it, unless the database has one. Rejects without cryptography. */
  function keyOf(database) {
    const asked = (key ??= Promise.race([first, make(database).then((made) => (arrive(made), first))]));
    asked.catch(() => forget(asked));
    return asked;
  }

  function forget(asked) {
    if (key === asked) key = undefined;
  }

  /**
   * The key, or a rejection if the database does not answer. No other key is made then: the peer may know the client by
   * the one in the database. The next call opens the database again.
   */
  async function keySoon(database) {
    const asked = keyOf(database);
    try {
      return await inTime(asked);
    } catch (error) {
      forget(asked);
      throw error;
    }
  }

  /** Adds a certificate to the record. */
  async function write(database, jwt) {
    if (database === undefined) return;
    const record = await access(database, (store) => store.get(RECORD));
    record[2] = jwt;
    await access(database, (store) => store.put(record, RECORD));
  }

  const sign = async (secret, bytes) => new Uint8Array(await crypto.subtle.sign(ECDSA, secret, bytes));

  const isCertified = (time) => newest !== undefined && covers(newest, time);
  const maySign = (time) => isCertified(time) || offered.some((certificate) => covers(certificate, time));
  const withdraw = (jwt) => (offered = offered.filter((certificate) => certificate.jwt !== jwt));

  /** The peer does not take an event with this data. */
  function refuse(data) {
    try {
      withdraw(JSON.parse(data));
    } catch {
      // It is no certificate.
    }
    return false;
  }

  /** Asks the application for a certificate of a key, and checks it. Returns it with what applications learn of it. */
  async function fetchFor({ thumbprint, jwk }, keyring, fetch) {
    let jwt;
    try {
      jwt = await fetch(jwk);
      if (typeof jwt !== "string") throw new Error("a credential or a certificate must be a string: return one");
    } catch (cause) {
      throw failure("failed", `the certificate could not be fetched: ${cause}`, cause);
    }
    let certificate;
    try {
      certificate = read(jwt);
    } catch ({ message }) {
      throw malformed(message);
    }
    if ((await thumbprintOf(certificate.jwk)) !== thumbprint) {
      const message = "the certificate is for another key: issue one for the key that `certify` gets";
      throw failure("not_this_key", message);
    }
    if (certificate.to * 1_000 <= Date.now()) {
      throw failure("expired", "the certificate has expired: issue one that is valid for a day");
    }
    if (keyring && !(await keyring.isIssued(certificate))) throw unknown(certificate.issuer);
    return certificate;
  }

  return {
    /**
     * The thumbprint of the key, and its public half as a JSON Web Key. `undefined` without cryptography. Waits for the
     * database.
     */
    key: (database) => keyOf(database).catch(() => undefined),

    /**
     * The public key, and its signature of what proves to the relay at `url` that this device has it. `begin` has the
     * client's id and its fencing token. `undefined` without a key, and `null` while the database does not answer.
     */
    async prove(database, url, begin, token) {
      try {
        const { point, secret } = await keySoon(database);
        return [point, await sign(secret, proofBytes(url, begin, token))];
      } catch (error) {
        return error === LATE ? null : undefined;
      }
    },

    /** Whether the peer has stored a certificate that covers this time, in seconds. */
    isCertified,

    /**
     * Signs an event with these parts: its certificate is stored, or follows it. The event gets its source. Resolves to
     * the key and the signature. Without a signature there is `false` if no certificate will ever cover the event, and
     * `undefined` until there is one.
     */
    async sign(database, event) {
      const time = event[6] ?? 0;
      let key;
      let signature;
      try {
        key = await keyOf(database);
        event[1] = `/keys/${key.thumbprint}`;
        if (!maySign(time)) {
          isAwaited = true;
          // Another tab may have written a certificate.
          await load(database);
        }
        if (maySign(time)) {
          signature = await sign(key.secret, signedBytes(event));
        } else {
          const isTooLate = [newest, ...offered].some((certificate) => time < certificate?.from - LEEWAY);
          if (isTooLate) signature = false;
        }
      } catch {
        // The event waits.
      }
      return [key, signature];
    },

    /**
     * An event with this data is on the topic of a key: stored by the peer, in the outbox, or, if `isStored` is
     * undefined, refused by the peer. If it is a certificate of this device, events are signed under it from now on:
     * until it is stored only those that wait for a certificate, because the peer may refuse it. Resolves to whether
     * events are to be signed again.
     */
    async notice(database, key, data, isStored) {
      if (isStored === undefined) return refuse(data);
      let certificate;
      try {
        certificate = read(JSON.parse(data));
        const { thumbprint } = await keyOf(database);
        if (key !== thumbprint || (await thumbprintOf(certificate.jwk)) !== key) return false;
      } catch {
        return false;
      }
      withdraw(certificate.jwt);
      const wasAwaited = isAwaited;
      isAwaited = false;
      if (isStored) {
        newest = certificate;
        await inTime(write(database, certificate.jwt)).catch(() => {});
      } else {
        offered.push(certificate);
      }
      return isStored || wasAwaited;
    },

    /**
     * Fetches a certificate of the key by `fetch(jwk)`, and sends it by `send([topic, jwt, settle])`, which calls
     * `settle("stored", offset, id)`, or passes a code and a text, or an empty code if there is no link. Then
     * `send(certified)` reports it. Resolves to what the application learns, or to `undefined` if there is no link.
     */
    async certify(database, keyring, fetch, send) {
      let key;
      try {
        key = await keySoon(database);
      } catch {
        throw failure("no_key", NO_KEY);
      }
      const certificate = await fetchFor(key, keyring, fetch);
      const { thumbprint } = key;
      const { jwt, issuer } = certificate;
      const sending = new Promise((settle) => send([`certs.${thumbprint}`, jwt, (...outcome) => settle(outcome)]));
      const [code, text, id] = await sending;
      if (code === "") return undefined;
      if (code === "unknown_certificate") throw unknown(issuer);
      if (code === "illegal_argument") throw malformed(text);
      if (code !== "stored") throw failure(code, text);
      // From here on events are signed.
      await this.notice(database, thumbprint, JSON.stringify(jwt), true);
      const known = certified(certificate, thumbprint);
      send(known);
      const { subject, expires } = known;
      return { id, offset: text, subject, key: thumbprint, expires };
    },
  };
}
