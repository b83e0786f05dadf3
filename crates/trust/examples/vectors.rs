//! Prints `vectors/signed.json` anew: `cargo run --package event-driven-kit-trust --example vectors`. The signatures
//! differ each time, because ES256 is random.

use std::error::Error;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use session::{Body, Extension};
use topic::Topic;
use trust::{PublicKey, Thumbprint, proof_bytes, signed_bytes};

/// The key of RFC 7515, A.3.
const DEVICE: [&str; 3] = [
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
];
/// The key of RFC 7517, A.2.
const ISSUER: [&str; 3] = [
    "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
];
/// 2026-11-30T09:00:00Z.
const NOW: u64 = 1_796_029_200;

struct Key {
    pair: EcdsaKeyPair,
    public: PublicKey,
    jwk: Value,
}

impl Key {
    fn new([x, y, d]: [&str; 3]) -> Result<Self, Box<dyn Error>> {
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text);
        let public = [vec![4], part(x)?, part(y)?].concat();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &part(d)?, &public)
            .map_err(|_| "not a key pair")?;
        let public = PublicKey::try_from(pair.public_key().as_ref())?;
        let kid = Thumbprint::of(&public).to_string();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": x, "y": y, "d": d });
        Ok(Self { pair, public, jwk })
    }

    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], Box<dyn Error>> {
        let signature =
            self.pair.sign(&SystemRandom::new(), bytes).map_err(|_| "the key does not sign")?;
        Ok(signature.as_ref().try_into()?)
    }
}

fn body(id: &str, data: &[u8]) -> Body {
    Body {
        id: id.to_owned(),
        time: Some(NOW * 1_000),
        data: data.to_vec(),
        authid: Some("ann".to_owned()),
        ..Body::default()
    }
}

fn bodies() -> Vec<Body> {
    let text = |name: &str, value: &str| (name.to_owned(), Extension::Text(value.to_owned()));
    let typed = |id: &str, content_type: &str, data: &[u8]| Body {
        content_type: Some(content_type.to_owned()),
        ..body(id, data)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    vec![
        body("json", br#"{"text":"hello"}"#),
        body(
            "json-as-it-is-written",
            "{ \"b\": 1.10,  \"a\": [\"}\\\"\", \"\u{e9}\"] }".as_bytes(),
        ),
        body("spaces-around-json", b" 1 "),
        body("json-that-is-a-string", br#""hello""#),
        body("not-json", b"{"),
        Body { data: Vec::new(), ..body("no-data", b"") },
        typed("json-by-its-suffix", "application/cloudevents+json; charset=utf-8", b"[true]"),
        typed("text", "text/plain", "na\u{ef}ve \u{1f600}".as_bytes()),
        typed("bytes", "application/octet-stream", &[0, 255, 128]),
        Body { nanoseconds: 456_000, time: Some(NOW * 1_000 + 123), ..body("fraction", b"1") },
        Body { schema: Some("urn:x".to_owned()), ..body("schema", b"1") },
        Body { source: "sensors/1".to_owned(), ..body("own-source", b"1") },
        Body { extensions: vec![text("subject", "door")], ..body("subject", b"1") },
        Body { extensions: vec![text("note", "free")], ..body("unsigned-extension", b"1") },
        Body {
            extensions: vec![
                ("b".to_owned(), Extension::Boolean(true)),
                ("n".to_owned(), Extension::Integer(-7)),
                text("t", "\u{e9}\"\\"),
            ],
            signed: names(&["t", "n", "absent", "b"]),
            ..body("signed-extensions", b"1")
        },
        Body { id: "\u{1f600} \"id\"".to_owned(), ..body("", b"1") },
    ]
}

fn event(key: &Key, mut body: Body) -> Result<Value, Box<dyn Error>> {
    let topic = Topic::parse("chat.lobby.TEXT_MESSAGE")?;
    let own = std::mem::take(&mut body.source);
    body.source = Thumbprint::of(&key.public).source();
    if !own.is_empty() {
        body.source = format!("{}/{own}", body.source);
    }
    let signed = signed_bytes(topic.as_str(), &body.source, &body);
    let signature = key.sign(&signed)?;
    body.signature = Some(signature);
    Ok(json!({
        "topic": topic.as_str(),
        "body": STANDARD.encode(body.encode()),
        "signed": String::from_utf8(signed)?,
        "signature": STANDARD.encode(signature),
        "json": session::json::event(&topic, &body, None),
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (device, issuer) = (Key::new(DEVICE)?, Key::new(ISSUER)?);
    let events = bodies().into_iter().map(|body| event(&device, body));
    let events = events.collect::<Result<Vec<_>, _>>()?;
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": DEVICE[0], "y": DEVICE[1] });
    let claims = json!({
        "iss": "https://issuer.example", "sub": "ann", "name": "Ann \u{1f600}",
        "iat": NOW, "exp": NOW + 24 * 60 * 60, "jti": "1", "cnf": { "jwk": jwk },
    });
    let header = json!({ "typ": "edk-cert+jwt", "alg": "ES256", "kid": issuer.jwk["kid"] });
    let [head, middle] = [&header, &claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
    let signed = format!("{head}.{middle}");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes())?);
    let proof = |token: Option<&str>| -> Result<Value, Box<dyn Error>> {
        let (host, client, fence) = ("example.org", [0xab; 16], 9_007_199_254_740_991);
        let signed = proof_bytes(host, &client, fence, token);
        Ok(json!({
            "host": host, "client": STANDARD.encode(client), "fence": fence, "token": token,
            "signed": STANDARD.encode(&signed), "signature": STANDARD.encode(device.sign(&signed)?),
        }))
    };
    let vectors = json!({
        "about": "Known answers: the bytes that are signed are a function of the rest, and the signatures are right for \
                  them. `body` is the event in CBOR (base64), `json` the same as cloudevents.json has it, `signed` what \
                  is signed. The private keys are those of RFC 7515 (A.3) and RFC 7517 (A.2): never use them.",
        "device": device.jwk,
        "issuer": issuer.jwk,
        "events": events,
        "certificate": { "jwt": format!("{signed}.{signature}"), "thumbprint": device.jwk["kid"], "claims": claims },
        "proofs": [proof(None)?, proof(Some("a.b.c"))?],
    });
    println!("{vectors:#}");
    Ok(())
}
