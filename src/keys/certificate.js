// Certificates of devices: JSON Web Tokens that say whose a key is (RFC 7519, with the key in `cnf` by RFC 7800). The
// crate `event-driven-kit-trust` has the same rules for the relay. A test gives both the same certificates.

import { utf8 } from "./signed.js";

/** The parameters of all functions of WebCrypto in one object: each reads those that it knows. */
export const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** How far the clocks of a signer and an issuer may differ, in seconds. */
export const LEEWAY = 300;

const READABLE = /^[^\0-\x1f\x7f-\x9f\ud800-\udfff]+$/u;

export const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function bytesOf(text) {
  if (/[^\w-]/.test(text)) throw text;
  const decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(decoded, (letter) => letter.charCodeAt());
}

/** Reads a part of a token. A member that occurs twice is an error (RFC 8725, 2.4). */
function objectOf(part) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(part));
  // The whole is a member, too, for the function that is called with each.
  let members = -1;
  const value = JSON.parse(text, function (_, member) {
    members += !Array.isArray(this);
    return member;
  });
  text.replace(/"(?:\\.|[^"\\])*"(\s*:)?/g, (_, isName) => (members -= !!isName));
  if (members || !/^\s*{/.test(text)) throw text;
  return value;
}

function refuse(text) {
  throw new Error(text);
}

/** The thumbprint of a public key (RFC 7638). */
export async function thumbprintOf({ x, y }) {
  const jwk = utf8(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`);
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", jwk)));
}

/** Makes a verifying key from a JSON Web Key. Ignores its `key_ops` and `use`, which may not allow that. */
export const importKey = async ({ kty, crv, x, y }) =>
  crypto.subtle.importKey("jwk", { kty, crv, x, y }, ECDSA, true, ["verify"]);

/** Reads a certificate. Its signature is still to be verified. Throws an `Error` that names the rule it breaks. */
export function read(jwt) {
  if (jwt.length > 4096) refuse("the certificate has more than 4 KiB");
  const parts = jwt.split(".");
  let header, claims, signature;
  try {
    [header, claims] = [parts[0], parts[1]].map(objectOf);
    signature = bytesOf(parts[2]);
  } catch {
    header = {};
  }
  if (parts.length !== 3 || !signature) refuse("the certificate is not a JSON Web Token");
  if (typeof header.typ !== "string" || !/^(application\/)?edk-cert\+jwt$/i.test(header.typ)) {
    refuse("the token is not a certificate: its `typ` is not `edk-cert+jwt`");
  }
  if ("crit" in header) refuse("the certificate has critical headers, which are not known");
  const wrong = (name) => refuse(`the claim \`${name}\` of the certificate is missing or not valid`);
  const seconds = (name) => (claims[name] >= 0 && typeof claims[name] === "number" ? Math.floor(claims[name]) : wrong(name));
  const text = (name) => {
    const value = claims[name];
    const isRight = typeof value === "string" && READABLE.test(value) && utf8(value).length <= 256;
    return isRight ? value : wrong(name);
  };
  const [from, to] = [seconds("iat"), seconds("exp")];
  if (to <= from) wrong("exp");
  if (to - from > 86_400) refuse("the certificate is valid for more than 24 hours");
  const subject = text("sub");
  // Escaped, it must be a valid token of a topic.
  if (/^(~|\.{1,2}$)/.test(subject) || utf8(subject.replace(/[ .*>%$]/g, "%__")).length > 64) wrong("sub");
  const name = "name" in claims ? text("name") : undefined;
  const { kty, crv, x, y, d } = claims.cnf?.jwk ?? {};
  const isPart = (part) => {
    try {
      return typeof part === "string" && bytesOf(part).length === 32;
    } catch {
      return false;
    }
  };
  if (kty !== "EC" || crv !== "P-256" || d !== undefined || !isPart(x) || !isPart(y)) wrong("cnf");
  text("jti");
  const signed = utf8(`${parts[0]}.${parts[1]}`);
  const { alg, kid } = header;
  return { jwt, issuer: text("iss"), subject, name, from, to, jwk: { kty, crv, x, y }, alg, kid, signed, signature };
}

/** Whether a certificate is valid at a time, in seconds since 1970. */
export const covers = ({ from, to }, time) => from - LEEWAY <= time && time <= to + LEEWAY;

/** What applications learn of a certificate. */
export const certified = ({ subject, name, to }, key) => ({ subject, name, key, expires: to * 1_000 });
