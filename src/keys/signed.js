// The bytes that a key signs. For events they are those of CloudEvents' extension "Verifiable CloudEvents with DSSE".
// The crates `event-driven-kit-session` and `event-driven-kit-trust` have the same for the relay. A test holds both
// against each other.

const PAYLOAD_TYPE = "https://cloudevents.io/verifiability/dsse/v0.1";
/** The type of what a proof signs. */
const PROOF_TYPE = "application/vnd.event-driven-kit.proof.v1";
/** The last second of the year 9999. Later times have no text. */
const LAST = 253_402_300_799;

/** The constants of SHA-256 (FIPS 180-4, 4.2.2 and 5.3.3). */
const K = wordsOf(
  "428a2f9871374491b5c0fbcfe9b5dba53956c25b59f111f1923f82a4ab1c5ed5d807aa9812835b01243185be550c7dc3" +
    "72be5d7480deb1fe9bdc06a7c19bf174e49b69c1efbe47860fc19dc6240ca1cc2de92c6f4a7484aa5cb0a9dc76f988da" +
    "983e5152a831c66db00327c8bf597fc7c6e00bf3d5a7914706ca63511429296727b70a852e1b21384d2c6dfc53380d13" +
    "650a7354766a0abb81c2c92e92722c85a2bfe8a1a81a664bc24b8b70c76c51a3d192e819d6990624f40e3585106aa070" +
    "19a4c1161e376c082748774c34b0bcb5391c0cb34ed8aa4a5b9cca4f682e6ff3748f82ee78a5636f84c878148cc70208" +
    "90befffaa4506cebbef9a3f7c67178f2",
);
const BEGIN = wordsOf("6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19");

function wordsOf(hex) {
  return Int32Array.from(hex.match(/.{8}/g), (word) => parseInt(word, 16));
}

/** Not made before it is needed: some places where modules are only imported have none. */
let encoder;

/** The bytes of a text. */
export const utf8 = (text) => (encoder ??= new TextEncoder()).encode(text);

const turn = (word, by) => (word >>> by) | (word << (32 - by));

/**
 * The digest of bytes by SHA-256. WebCrypto has it only as a promise: ten of them for each event would take longer than
 * the signature.
 */
export function sha256(bytes) {
  const { length } = bytes;
  const padded = new Uint8Array(((length + 72) >> 6) << 6);
  padded.set(bytes);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, length / 2 ** 29);
  view.setUint32(padded.length - 4, length << 3);
  const state = BEGIN.slice();
  const w = new Int32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e, f, g, h] = state;
    for (let at = 0; at < 64; at += 1) {
      if (at < 16) {
        w[at] = view.getInt32(block + 4 * at);
      } else {
        const x = w[at - 15];
        const y = w[at - 2];
        const one = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
        const two = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
        w[at] = w[at - 16] + one + w[at - 7] + two;
      }
      const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[at] + w[at];
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, at) => (state[at] += word));
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => digest.setInt32(4 * at, word));
  return new Uint8Array(digest.buffer);
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The pre-authentication encoding of DSSE 1.0.2: it keeps what is signed for one purpose from being taken for another. */
const pae = (type, payload) => joined([utf8(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);

/** The digest of the digests of bytes, or of values with a text, in base64. */
function digestOf(values) {
  const digests = values.map((value) => sha256(value instanceof Uint8Array ? value : utf8(String(value ?? ""))));
  return btoa(String.fromCharCode(...sha256(joined(digests))));
}

/**
 * The bytes that a key signs for an event with these attributes and this data: its time in seconds, and the name and
 * the value of each extension that is signed. An attribute that is absent counts as empty.
 */
export function signedBytes([id, source, topic, contentType, schema, subject, seconds, data, extensions]) {
  // In the extension's order, with the version of CloudEvents and the time as a text.
  const time = seconds <= LAST ? `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z` : "";
  const core = digestOf([id, source, "1.0", topic, contentType, schema, subject, time, data]);
  const names = extensions.filter((_, at) => at % 2 === 0);
  const values = extensions.filter((_, at) => at % 2 === 1);
  const ext = names.length > 0 ? { ext: digestOf(values), signedextattrs: names } : {};
  return pae(PAYLOAD_TYPE, utf8(JSON.stringify({ core, ...ext })));
}

/**
 * The bytes that prove in a hello to the relay at `url` that a client has its key. `begin` has the client's id and its
 * fencing token.
 */
export function proofBytes(url, begin, token) {
  const ofToken = token === undefined ? new Uint8Array(32) : sha256(utf8(token));
  return pae(PROOF_TYPE, joined([begin, ofToken, utf8(hostOf(url))]));
}

/** The host of an address, without the port, as a peer knows its hosts. */
function hostOf(url) {
  try {
    return new URL(url).hostname;
  } catch {
    return "";
  }
}
