//! The reader of certificates in JavaScript: it agrees with that of the relay, and verifies the known answers.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use js_sys::{Array, Function, JSON, Reflect};
use session::{Body, Extension, signed};
use trust::{CertificateError, parse_certificate, proof_bytes, signed_bytes};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(module = "/tests/trust/reading.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = readCertificate)]
    fn read(jwt: &str) -> Result<JsValue, JsValue>;

    type TestKeyring;
    #[wasm_bindgen(js_name = newKeyring)]
    fn new_keyring(issuers: &Array, ask: &Function) -> TestKeyring;
    #[wasm_bindgen(method)]
    async fn verify(
        this: &TestKeyring,
        signature: Vec<u8>,
        signed: Array,
        time: Option<f64>,
        account: Option<&str>,
    ) -> JsValue;

    type Asked;
    #[wasm_bindgen(method)]
    fn learn(this: &Asked, page: &Array, is_newest: bool) -> bool;

    #[wasm_bindgen(js_name = signedForm)]
    fn signed_form(signed: &Array) -> Vec<u8>;
    #[wasm_bindgen(js_name = proofOf)]
    fn proof_of(url: &str, begin: Vec<u8>, token: Option<&str>) -> Vec<u8>;
}

const HEADER: &str = r#"{"typ":"edk-cert+jwt","alg":"ES256","kid":"k"}"#;
const CLAIMS: &str = r#"{"iss":"https://id.test","sub":"ann","name":"Ann 😀","iat":1000,"exp":2000,"jti":"1",
    "cnf":{"jwk":{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}}"#;

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn text(object: &JsValue, name: &str) -> String {
    get(object, name).as_string().unwrap_or_default()
}

fn jwt(header: &str, claims: &[u8]) -> String {
    let [header, claims] = [header.as_bytes(), claims].map(Base64UrlUnpadded::encode_string);
    [&header, ".", &claims, ".AAAA"].concat()
}

/// Holds both readers against each other. Returns whether it is a certificate.
fn is_read(jwt: &str) -> bool {
    match (parse_certificate(jwt), read(jwt)) {
        (Ok(expected), Ok(found)) => {
            let certificate = &expected.certificate;
            let number = |name: &str| get(&found, name).as_f64().map(|number| number as u64);
            assert_eq!(text(&found, "issuer"), certificate.issuer, "{jwt}");
            assert_eq!(text(&found, "subject"), certificate.subject, "{jwt}");
            assert_eq!(get(&found, "name").as_string(), certificate.name, "{jwt}");
            assert_eq!(number("from"), Some(certificate.issued_at), "{jwt}");
            assert_eq!(number("to"), Some(certificate.expires_at), "{jwt}");
            assert_eq!(get(&found, "kid").as_string(), expected.kid, "{jwt}");
            let bytes = |name: &str| js_sys::Uint8Array::new(&get(&found, name)).to_vec();
            assert_eq!(bytes("signed"), expected.signed, "{jwt}");
            assert_eq!(bytes("signature"), expected.signature, "{jwt}");
            let jwk = get(&found, "jwk");
            for (name, part) in [("x", 1..33), ("y", 33..65)] {
                let part = Base64UrlUnpadded::encode_string(&certificate.key[part]);
                assert_eq!(text(&jwk, name), part, "{jwt}");
            }
            true
        }
        (Err(expected), Err(found)) => {
            // JavaScript has one text for all names that no account can have, and reads letters that no text can have.
            if !matches!(expected, CertificateError::Subject(_) | CertificateError::Malformed) {
                assert_eq!(text(&found, "message"), expected.to_string(), "{jwt}");
            }
            false
        }
        (expected, found) => panic!("{jwt}: {expected:?} and {found:?}"),
    }
}

#[wasm_bindgen_test]
fn both_readers_take_the_same_certificates() {
    let long = format!(r#""{}""#, "x".repeat(257));
    let heading = format!(r#""{}""#, "é".repeat(128));
    let too_long = format!(r#""jti":"1","padding":"{}""#, "x".repeat(4_000));
    let deep = format!(r#""jti":"1","list":{}{}"#, "[".repeat(9), "]".repeat(9));
    let changes: [(&str, &str, bool); 40] = [
        ("", "", true),
        (r#""name":"Ann 😀","#, "", true),
        (r#""Ann 😀""#, r#""""#, false),
        (r#""Ann 😀""#, "7", false),
        (r#""Ann 😀""#, "null", false),
        (r#""Ann 😀""#, r#""a\nb""#, false),
        (r#""Ann 😀""#, "\"a\u{85}b\"", false),
        (r#""Ann 😀""#, r#""\ud83d\ude00""#, true),
        (r#""Ann 😀""#, r#""\ud83d""#, false),
        (r#""Ann 😀""#, &long, false),
        (r#""Ann 😀""#, &heading, true),
        (r#""jti":"1""#, r#""jti":"1","more":{"a":[1,{"b":null}],"c":"\"d\":1"}"#, true),
        (r#""jti":"1""#, r#""jti":"1","sub":"bob""#, false),
        (r#""jti":"1""#, r#""jti":"1","\u0073ub":"bob""#, false),
        (r#""jti":"1""#, r#""jti":"1","a":{"b":1,"b":2}"#, false),
        (r#""jti":"1""#, r#""jti":"1","__proto__":{"name":"Eve"}"#, true),
        (r#""jti":"1""#, r#""jti":"1","constructor":1"#, true),
        (r#""jti":"1""#, &too_long, false),
        (r#""jti":"1""#, &deep, true),
        (r#""jti":"1""#, r#""jti":1"#, false),
        (r#","jti":"1""#, "", false),
        (r#""ann""#, r#""~ann""#, false),
        (r#""ann""#, r#"".""#, false),
        (r#""ann""#, r#""..""#, false),
        (r#""ann""#, r#""...""#, true),
        (r#""ann""#, r#""ann@example.org""#, true),
        (r#""ann""#, r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#, true),
        (
            r#""ann""#,
            r#""xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.""#,
            false,
        ),
        (r#""ann""#, "[]", false),
        ("1000", "1000.9", true),
        ("1000", "-1", false),
        ("1000", r#""1000""#, false),
        ("1000", "true", false),
        ("2000", "1000", false),
        ("2000", "87400", true),
        ("2000", "87401", false),
        (r#""EC""#, r#""RSA""#, false),
        (r#""P-256""#, r#""P-384""#, false),
        (r#""crv""#, r#""d":"AAAA","crv""#, false),
        (r#""f83O"#, r#""f83"#, false),
    ];
    for (from, to, is_right) in changes {
        let claims = CLAIMS.replacen(from, to, usize::from(!from.is_empty()));
        assert_eq!(is_read(&jwt(HEADER, claims.as_bytes())), is_right, "{claims}");
    }
    for (header, is_right) in [
        (r#"{"typ":"EDK-CERT+JWT","alg":"ES256"}"#, true),
        (r#"{"typ":"application/edk-cert+jwt","alg":"none","kid":7}"#, true),
        (r#"{"typ":"JWT","alg":"ES256"}"#, false),
        (r#"{"typ":["edk-cert+jwt"],"alg":"ES256"}"#, false),
        (r#"{"alg":"ES256"}"#, false),
        (r#"{"typ":"edk-cert+jwt","alg":"ES256","crit":["b64"]}"#, false),
        (r#"["edk-cert+jwt"]"#, false),
        ("{", false),
        ("", false),
    ] {
        assert_eq!(is_read(&jwt(header, CLAIMS.as_bytes())), is_right, "{header}");
    }
    let valid = jwt(HEADER, CLAIMS.as_bytes());
    let not_utf8 = jwt(HEADER, &[CLAIMS.as_bytes(), b"\xff"].concat());
    let marked = jwt(HEADER, &[b"\xef\xbb\xbf", CLAIMS.as_bytes()].concat());
    for text in ["", ".", "..", "a.b.c", &[&*valid, ".x"].concat(), &[&*valid, "="].concat()] {
        assert!(!is_read(text), "{text}");
    }
    assert!(!is_read(&not_utf8) && !is_read(&marked));
}

/// The parts of an event that are signed, as JavaScript gets them.
fn parts(topic: &str, body: &Body) -> Array {
    let optional = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
    let pairs = body.signed.iter().flat_map(|name| [name.clone(), signed::extension(body, name)]);
    let parts: [JsValue; 9] = [
        body.id.as_str().into(),
        body.source.as_str().into(),
        topic.into(),
        optional(&body.content_type),
        optional(&body.schema),
        signed::extension(body, "subject").into(),
        body.time.map(|time| (time / 1_000) as f64).into(),
        js_sys::Uint8Array::from(&body.data[..]).into(),
        pairs.map(JsValue::from).collect::<Array>().into(),
    ];
    parts.iter().collect()
}

#[wasm_bindgen_test]
fn the_bytes_of_an_event_are_those_of_the_relay() {
    let extensions = vec![
        ("subject".to_owned(), Extension::Text("é 😀".to_owned())),
        ("number".to_owned(), Extension::Integer(-7)),
        ("flag".to_owned(), Extension::Boolean(true)),
    ];
    let some = Body {
        id: "1".to_owned(),
        source: "/keys/x".to_owned(),
        time: Some(1_592_501_093_999),
        content_type: Some("text/plain".to_owned()),
        schema: Some("https://schema.example".to_owned()),
        extensions,
        ..Body::default()
    };
    let signing = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut bodies = vec![Body::default(), some.clone()];
    for names in [&["flag"][..], &["number", "flag", "absent"]] {
        bodies.push(Body { signed: signing(names), ..some.clone() });
    }
    // Every end of the last block of SHA-256, and the ends of time.
    for length in (0..200).chain([65_535, 65_536]) {
        let data = (0..length).map(|byte| byte as u8).collect();
        bodies.push(Body { data, ..some.clone() });
    }
    for time in [None, Some(0), Some(253_402_300_799_999), Some(253_402_300_800_000), Some(1 << 53)]
    {
        bodies.push(Body { time, ..some.clone() });
    }
    for body in bodies {
        let expected = signed_bytes("chat.lobby", &body.source, &body);
        assert_eq!(signed_form(&parts("chat.lobby", &body)), expected, "{body:?}");
    }
}

#[wasm_bindgen_test]
fn the_bytes_of_a_proof_are_those_of_the_relay() {
    let (client, fence) = ([7; 16], 0x0102_0304_0506_0708_u64);
    let begin = [&client[..], &fence.to_be_bytes()].concat();
    for (url, host) in [
        ("wss://Example.org:8443/ws?x", "example.org"),
        ("ws://127.0.0.1:9000/ws", "127.0.0.1"),
        ("ws://[::1]/ws", "[::1]"),
    ] {
        for token in [None, Some(""), Some("a.b.c")] {
            let expected = proof_bytes(host, &client, fence, token);
            assert_eq!(proof_of(url, begin.clone(), token), expected, "{url} {token:?}");
        }
    }
}

#[wasm_bindgen_test]
async fn the_known_answers_are_verified() {
    let known = JSON::parse(include_str!("../../crates/trust/vectors/signed.json")).unwrap();
    let (issuer, certificate) = (get(&known, "issuer"), get(&known, "certificate"));
    let set = js_sys::Object::new();
    Reflect::set(&set, &"keys".into(), &Array::of1(&issuer)).unwrap();
    let jwks = JSON::stringify(&set).unwrap();
    let issuers = Array::of1(&Array::of2(&"https://issuer.example".into(), &jwks.into()));
    let record = JSON::stringify(&get(&certificate, "jwt")).unwrap();
    let ask = Closure::<dyn Fn(JsValue) -> js_sys::Promise>::new(move |device: JsValue| {
        let page = Array::of1(&Array::of2(&record, &JsValue::UNDEFINED));
        device.unchecked_into::<Asked>().learn(&page, true);
        js_sys::Promise::resolve(&JsValue::UNDEFINED)
    });
    let keyring = new_keyring(&issuers, ask.as_ref().unchecked_ref());
    let events = Array::from(&get(&known, "events"));
    assert!(events.length() >= 16);
    for event in events.iter() {
        let body = Body::decode(&Base64::decode_vec(&text(&event, "body")).unwrap()).unwrap();
        let topic = text(&event, "topic");
        let parts = parts(&topic, &body);
        assert_eq!(signed_form(&parts), signed_bytes(&topic, &body.source, &body), "{}", body.id);
        let signature = body.signature.unwrap().to_vec();
        let time = body.time.map(|time| time as f64);
        let wrong = self::parts(&format!("{topic}.x"), &body);
        let judged = keyring.verify(signature.clone(), wrong, time, Some("ann")).await;
        assert_eq!(judged, "bad_signature", "{}", body.id);
        let judged = keyring.verify(signature, parts, time, Some("ann")).await;
        if time.is_none() {
            assert_eq!(judged, "not_valid_then", "{}", body.id);
            continue;
        }
        let certified = Array::from(&judged).get(0);
        let said = ["subject", "name", "key"].map(|name| text(&certified, name));
        assert_eq!(said, ["ann", "Ann 😀", &text(&certificate, "thumbprint")], "{}", body.id);
    }
}
