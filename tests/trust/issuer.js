// Keys of devices and issuers, as an issuer's server and other pages have them.

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const json = (value) => base64url(new TextEncoder().encode(JSON.stringify(value)));

export const newPair = () => crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

export const pointOf = async ({ publicKey }) => new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));

export const sign = async ({ privateKey }, bytes) =>
  new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, bytes));

export async function verify(point, signature, bytes) {
  // Views of wasm's memory, which may move meanwhile.
  const copies = [signature.slice(), bytes.slice()];
  const key = await crypto.subtle.importKey("raw", point, ALGORITHM, true, ["verify"]);
  return crypto.subtle.verify(ALGORITHM, key, ...copies);
}

const jwkOf = async ({ publicKey }) => {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  return { kty, crv, x, y };
};

/** The keys of an issuer, among others that no browser can use here. */
export async function jwks(pair, kid) {
  const own = { ...(await jwkOf(pair)), kid, alg: "ES256", use: "sig", key_ops: ["verify"] };
  return JSON.stringify({ keys: [{ kty: "oct", k: "AAAA" }, { kty: "RSA", n: "AQAB", e: "AQAB" }, own] });
}

/** A certificate with these claims for the key in `claims.cnf`, a pair or a JWK. */
export async function certificate(issuer, kid, key, claims) {
  const jwk = typeof key === "string" ? JSON.parse(key) : await jwkOf(key);
  const signed = [
    json({ typ: "edk-cert+jwt", alg: "ES256", kid }),
    json({ jti: crypto.randomUUID(), ...JSON.parse(claims), cnf: { jwk } }),
  ].join(".");
  return `${signed}.${base64url(await sign(issuer, new TextEncoder().encode(signed)))}`;
}

/** What a script finds that reads all databases of this origin, and tries to take the device's key. */
export async function stealKeys() {
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames) {
      const values = await new Promise((resolve, reject) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const key of values.flat(5).filter((value) => value instanceof CryptoKey)) {
        for (const form of ["pkcs8", "jwk", "raw"]) {
          found.push(await crypto.subtle.exportKey(form, key).then(() => `exported ${form}`, () => `refused ${key.type}`));
        }
        const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["wrapKey"]);
        const how = { name: "AES-GCM", iv: new Uint8Array(12) };
        found.push(await crypto.subtle.wrapKey("jwk", key, wrapping, how).then(() => "wrapped", () => `refused ${key.type}`));
      }
    }
    database.close();
  }
  return found;
}

/** Until the returned function is called, databases are opened once, for the outbox, and then hang. */
export function hangDatabases() {
  const { open } = IDBFactory.prototype;
  let opened = 0;
  IDBFactory.prototype.open = function (...args) {
    opened += 1;
    return opened === 1 ? open.apply(this, args) : new EventTarget();
  };
  return () => {
    IDBFactory.prototype.open = open;
  };
}

/** Until the returned function is called, this page is not secure. */
export function hideCrypto() {
  const { subtle } = crypto;
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  return () => Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
}
