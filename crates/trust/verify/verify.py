"""Verifies CloudEvents by the text of "Verifiable CloudEvents with DSSE" alone, with nothing but Python's own library:
https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/verifiability.md

    python3 verify.py keys.json < events

The keys are a JWK Set (RFC 7517) of P-256 keys, each with a `kid`; the events are in the JSON format, one in a line.
For each event it prints a line: `verified` or `refused`, the event's id, and how much was verified or why it was
refused.

Python's library has no signatures, so the verification of ECDSA is here too, by the text of FIPS 186-5 (6.4.2). Do not
sign with this arithmetic: its time depends on its operands, so it would leak a private key.
"""

import base64
import binascii
import datetime
import hashlib
import json
import re
import sys

PAYLOAD_TYPE = "https://cloudevents.io/verifiability/dsse/v0.1"
CONTEXT = ["id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time"]

# P-256 (SP 800-186, 3.2.1.3): y^2 = x^3 - 3x + B over the field of P; G generates a group of N points.
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


class Refused(Exception):
    pass


def demand(holds, why):
    if not holds:
        raise Refused(why)


def add(one, other):
    """The sum of two points. None is the point at infinity."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(number, point):
    product = None
    while number:
        if number & 1:
            product = add(product, point)
        point, number = add(point, point), number >> 1
    return product


def is_signature(key, message, signature):
    if len(signature) != 64:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    if not (0 < r < N and 0 < s < N):
        return False
    digest, inverse = int.from_bytes(sha256(message), "big"), pow(s, -1, N)
    point = add(times(digest * inverse % N, G), times(r * inverse % N, key))
    return point is not None and point[0] % N == r


def point_of(jwk):
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big") for name in "xy")
    is_on_curve = x < P and y < P and (y * y - (x * x * x - 3 * x + B)) % P == 0
    if (jwk["kty"], jwk["crv"]) != ("EC", "P-256") or not is_on_curve:
        raise ValueError("a key is not of P-256")
    return x, y


def sha256(data):
    return hashlib.sha256(data).digest()


def of_base64(text, why):
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Refused(f"{why} is not base64") from None


def digest_of(text, why):
    digest = of_base64(text, why)
    demand(len(digest) == 32, f"{why} is not a digest")
    return digest


def object_of(data, why):
    try:
        value = json.loads(data.decode("utf-8"))
    except ValueError:
        raise Refused(f"{why} is corrupted") from None
    demand(isinstance(value, dict), f"{why} is corrupted")
    return value


def raw(text, wanted):
    """The text of a top-level member as it is written. `json.loads` loses the bytes, which are what is signed."""
    decoder, space = json.JSONDecoder(), re.compile(r"[ \t\n\r]*")
    skip = lambda at: space.match(text, at).end()
    at = skip(text.index("{") + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        begin = skip(skip(at) + 1)
        _, at = decoder.raw_decode(text, begin)
        if name == wanted:
            return text[begin:at]
        at = skip(at)
        at = skip(at + 1) if text[at] == "," else at
    return None


def data_of(event, text):
    """"Event Data": JSON as it is written, other text as its characters, bytes as they are."""
    if event.get("data_base64") is not None:
        return of_base64(event["data_base64"], "data_base64")
    if "data" not in event:
        return b""
    media = event.get("datacontenttype", "application/json").split(";")[0].strip().lower()
    is_json = re.fullmatch(r"[^/]+/(json|.+\+json)", media)
    is_text = isinstance(event["data"], str) and not is_json
    return (event["data"] if is_text else raw(text, "data")).encode()


def time_of(text):
    """"Canonical Value Serialization": in UTC, to the second."""
    if text is None:
        return ""
    parts = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)?", text)
    demand(parts, "the time is not a timestamp")
    zone = parts[3] if parts[3] and parts[3] not in "Zz" else "+00:00"
    time = datetime.datetime.fromisoformat(f"{parts[1]}T{parts[2]}{zone}")
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    demand(isinstance(value, (str, int)), "an extension has an unknown type")
    return str(value)


def verified(text, keys):
    """The steps are those of "Verification Protocol"."""
    event = object_of(text.encode(), "the event")
    # 1. Where a source names a key, only that one is acceptable.
    named = re.match(r"/keys/([\w-]{43})(/|$)", event["source"])
    # 2 and 3.
    demand(event.get("dssematerial"), "it is not signed")
    envelope = object_of(of_base64(event["dssematerial"], "dssematerial"), "the envelope")  # 4
    # 5.
    demand(envelope.get("payloadType") == PAYLOAD_TYPE, "the payload's type is unknown")
    # 6.
    payload = of_base64(envelope.get("payload"), "the payload")
    material = object_of(payload, "the payload")
    core = digest_of(material.get("core"), "core")
    names = material.get("signedextattrs")
    demand(("ext" in material) == ("signedextattrs" in material), "ext and signedextattrs do not go together")
    ext = digest_of(material["ext"], "ext") if "ext" in material else None
    if names is not None:
        is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
        demand(is_list, "signedextattrs is not a list")
        demand(len(set(names)) == len(names), "signedextattrs has a name twice")
        is_free = not set(names) & {*CONTEXT, "dssematerial"}
        demand(is_free, "signedextattrs has the name of an attribute that is not an extension")
    # 7. The encoding of DSSE 1.0.2.
    media = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(media), media, len(payload), payload)

    def is_right(entry):
        key = entry.get("keyid")
        is_acceptable = key in keys and (named is None or named[1] == key)
        signature = of_base64(entry.get("sig"), "a signature")
        return is_acceptable and is_signature(keys[key], signed, signature)

    demand(any(map(is_right, envelope.get("signatures", []))), "no signature is right")
    # 8.
    texts = [event.get(name) or "" for name in CONTEXT[:-1]] + [time_of(event.get("time"))]
    values = [value.encode() for value in texts] + [data_of(event, text)]
    demand(sha256(b"".join(map(sha256, values))) == core, "the event was changed")
    # 9.
    if ext is None:
        return "core"
    values = [canonical(event.get(name)).encode() for name in names]
    demand(sha256(b"".join(map(sha256, values))) == ext, "an extension was changed")
    return f"core and {', '.join(names)}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        keys = {key["kid"]: point_of(key) for key in json.load(file)["keys"]}
    for line in sys.stdin.buffer:
        line = line.decode("utf-8").rstrip("\n")
        event_id = json.loads(line)["id"]
        try:
            print(f"verified {event_id}: {verified(line, keys)}")
        except Refused as why:
            print(f"refused {event_id}: {why}")


main()
