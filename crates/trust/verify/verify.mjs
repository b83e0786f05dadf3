// Verifies CloudEvents by the text of "Verifiable CloudEvents with DSSE" alone, with nothing but Node:
// https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/verifiability.md
//
//     node verify.mjs keys.json < events
//
// The keys are a JWK Set (RFC 7517) of P-256 keys, each with a `kid`; the events are in the JSON format, one in a line.
// For each event it prints a line: `verified` or `refused`, the event's id, and how much was verified or why it was
// refused.

import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { stdin } from "node:process";
import { createInterface } from "node:readline";

const PAYLOAD_TYPE = "https://cloudevents.io/verifiability/dsse/v0.1";
const CONTEXT = ["id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time"];

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const utf8 = (bytes) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);

class Refused extends Error {}

function demand(is, why) {
  if (!is) throw new Refused(why);
}

function base64(text, why) {
  const bytes = typeof text === "string" ? Buffer.from(text, "base64") : undefined;
  demand(bytes && bytes.toString("base64") === text, `${why} is not base64`);
  return bytes;
}

function digestOf(text, why) {
  const bytes = base64(text, why);
  demand(bytes.length === 32, `${why} is not a digest`);
  return bytes;
}

function json(read, why) {
  try {
    return read();
  } catch {
    throw new Refused(`${why} is corrupted`);
  }
}

// The text of a top-level member as it is written. `JSON.parse` loses the bytes, which are what is signed.
function raw(text, wanted) {
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/gs;
  let depth = 0;
  let name;
  let begin;
  for (let token; (token = tokens.exec(text)); ) {
    const [part] = token;
    if (depth === 1 && name !== undefined && begin === undefined) begin = token.index;
    if (part === "{" || part === "[") depth += 1;
    if (part === "}" || part === "]") depth -= 1;
    if (depth === 1 && part === ":" && begin === token.index) begin = undefined;
    const ends = (depth === 1 && part === ",") || (depth === 0 && part === "}");
    if (ends && begin !== undefined) {
      if (name === wanted) return text.slice(begin, token.index).trimEnd();
      name = undefined;
      begin = undefined;
    } else if (depth === 1 && name === undefined && part.startsWith('"')) {
      name = JSON.parse(part);
    }
  }
  return undefined;
}

// "Event Data": JSON as it is written, other text as its characters, bytes as they are.
function dataOf(event, text) {
  if (event.data_base64 !== undefined) return base64(event.data_base64, "data_base64");
  if (!("data" in event)) return Buffer.alloc(0);
  const type = (event.datacontenttype ?? "application/json").split(";")[0].trim().toLowerCase();
  const isJson = /^[^/]+\/(json|.+\+json)$/.test(type);
  return Buffer.from(!isJson && typeof event.data === "string" ? event.data : raw(text, "data"));
}

// "Canonical Value Serialization": in UTC, to the second.
function timeOf(time) {
  if (time === undefined) return "";
  const zoned = /(Z|[+-]\d\d:\d\d)$/i.test(time) ? time : `${time}Z`;
  const date = new Date(zoned);
  demand(!Number.isNaN(date.getTime()), "the time is not a timestamp");
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

function canonical(value) {
  if (value === undefined) return "";
  const isInteger = Number.isInteger(value) && Math.abs(value) <= 2 ** 31;
  demand(isInteger || ["string", "boolean"].includes(typeof value), "an extension has an unknown type");
  return String(value);
}

// The steps are those of "Verification Protocol".
function verified(text, keys) {
  const event = json(() => JSON.parse(text), "the event");
  // 1. Where a source names a key, only that one is acceptable.
  const named = /^\/keys\/([\w-]{43})(\/|$)/.exec(event.source)?.[1];
  // 2 and 3.
  demand(event.dssematerial, "it is not signed");
  const envelopeBytes = base64(event.dssematerial, "dssematerial");
  // 4 and 5.
  const envelope = json(() => JSON.parse(utf8(envelopeBytes)), "the envelope");
  demand(envelope.payloadType === PAYLOAD_TYPE, "the payload's type is unknown");
  // 6.
  const payload = base64(envelope.payload, "the payload");
  const material = json(() => JSON.parse(utf8(payload)), "the payload");
  const core = digestOf(material.core, "core");
  const names = material.signedextattrs;
  demand((material.ext === undefined) === (names === undefined), "ext and signedextattrs do not go together");
  const ext = material.ext === undefined ? undefined : digestOf(material.ext, "ext");
  if (names !== undefined) {
    demand(Array.isArray(names) && names.every((name) => typeof name === "string"), "signedextattrs is not a list");
    demand(new Set(names).size === names.length, "signedextattrs has a name twice");
    const isFree = (name) => !CONTEXT.includes(name) && name !== "dssematerial";
    demand(names.every(isFree), "signedextattrs has the name of an attribute that is not an extension");
  }
  // 7. The encoding of DSSE 1.0.2.
  const type = Buffer.from(PAYLOAD_TYPE);
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ]);
  const isSignature = ({ keyid, sig }) => {
    const key = named === undefined || named === keyid ? keys.get(keyid) : undefined;
    const signature = base64(sig, "a signature");
    return key !== undefined && verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature);
  };
  demand(Array.isArray(envelope.signatures) && envelope.signatures.some(isSignature), "no signature is right");
  // 8.
  const values = [
    ...["id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject"].map((it) => event[it] ?? ""),
    timeOf(event.time),
    dataOf(event, text),
  ];
  const digest = sha256(Buffer.concat(values.map((value) => sha256(value))));
  demand(digest.equals(core), "the event was changed");
  // 9.
  if (ext === undefined) return "core";
  const extensions = sha256(Buffer.concat(names.map((name) => sha256(canonical(event[name])))));
  demand(extensions.equals(ext), "an extension was changed");
  return `core and ${names.join(", ")}`;
}

const set = JSON.parse(readFileSync(process.argv[2], "utf8"));
const keys = new Map(set.keys.map((key) => [key.kid, createPublicKey({ key, format: "jwk" })]));
for await (const line of createInterface({ input: stdin, crlfDelay: Infinity })) {
  const id = JSON.parse(line).id;
  try {
    console.log(`verified ${id}: ${verified(line, keys)}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`refused ${id}: ${error.message}`);
  }
}
