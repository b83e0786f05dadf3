// The device: the key that proves who a link's client is and signs its events, and the certificate of the key. Both are
// in the outbox's database, so that all tabs and all later pages have them. Functions that take the name of a database
// use memory without one: then the key ends with the page.

import { base64url, covers, ECDSA, LEEWAY, read, thumbprintOf, certified } from "./certificate.js";

/** The object store of the outbox, and the key of the record there. Rows have numbers. */
const STORE = "outbox";
const RECORD = "device";

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

  return {
    /**
     * The thumbprint of the key, and its public half as a JSON Web Key. `undefined` without cryptography. Waits for the
     * database, or with `isSoon` resolves to `undefined` if it does not answer.
     */
    key: (database, isSoon) => (isSoon ? keySoon : keyOf)(database).catch(() => undefined),

    /**
     * The public key, and a signature of `bytes`, which proves that this device has the key. `undefined` without a key, and
     * `null` while the database does not answer.
     */
    async prove(database, bytes) {
      try {
        const { point, secret } = await keySoon(database);
        return [point, await sign(secret, bytes)];
      } catch (error) {
        return error === LATE ? null : undefined;
      }
    },

    /** Whether the peer has stored a certificate that covers this time, in seconds. */
    isCertified,

    /**
     * Signs an event of this time, in seconds: its certificate is stored, or follows it. Resolves to `false` if no
     * certificate will ever cover it, and to `undefined` until there is one.
     */
    async sign(database, bytes, time) {
      try {
        const { secret } = await keyOf(database);
        if (!maySign(time)) {
          isAwaited = true;
          // Another tab may have written a certificate.
          await load(database);
        }
        if (maySign(time)) return await sign(secret, bytes);
        const isTooLate = [newest, ...offered].some((certificate) => time < certificate?.from - LEEWAY);
        return isTooLate ? false : undefined;
      } catch {
        return undefined;
      }
    },

    /**
     * An event with this data is on the topic of a key: in the outbox, or stored by the peer. If it is a certificate of
     * this device, events are signed under it from now on: until it is stored only those that wait for a certificate,
     * because the peer may refuse it. Resolves to whether events are to be signed again.
     */
    async notice(database, key, data, isStored) {
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

    /** The peer does not take an event with this data. */
    refuse(data) {
      try {
        withdraw(JSON.parse(data));
      } catch {
        // It is no certificate.
      }
    },

    /**
     * Checks a certificate that is to be sent. Resolves to what applications learn of it and its issuer, or to the reason
     * against it and a text. Rejects if there is no key.
     */
    async examine(database, jwt, keyring) {
      let certificate;
      try {
        certificate = read(jwt);
      } catch ({ message }) {
        return [undefined, message, "illegal_argument"];
      }
      const { thumbprint } = await keySoon(database);
      const { issuer, to, jwk } = certificate;
      let code;
      if ((await thumbprintOf(jwk)) !== thumbprint) code = "not_this_key";
      else if (to * 1_000 <= Date.now()) code = "expired";
      else if (keyring && !(await keyring.isIssued(certificate))) code = "unknown_issuer";
      return [certified(certificate, thumbprint), issuer, code];
    },
  };
}

/** Whether the page is secure, so that it has WebCrypto. */
export const isAvailable = () => globalThis.crypto?.subtle !== undefined;

/** The host of an address, without the port, as a peer knows its hosts. */
export function hostOf(url) {
  try {
    return new URL(url).hostname;
  } catch {
    return "";
  }
}
