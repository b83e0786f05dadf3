//! Which tokens are certificates.

use serde_json::json;
use trust::{CertificateError, MAX_LIFE, Record, parse_certificate};

use super::*;

/// The known certificate with these claims in place of its own; null removes a claim.
fn jwt(header: Value, changed: Value) -> String {
    let known = known();
    let mut all = json!({ "typ": "edk-cert+jwt", "alg": "ES256", "kid": "k" });
    let mut claims = known["certificate"]["claims"].clone();
    for (into, from) in [(&mut all, header), (&mut claims, changed)] {
        for (name, value) in from.as_object().unwrap() {
            match value {
                Value::Null => drop(into.as_object_mut().unwrap().remove(name)),
                value => into[name] = value.clone(),
            }
        }
    }
    let [header, claims] = [all, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.AAAA")
}

fn claim(changed: Value) -> Result<trust::Certificate, CertificateError> {
    parse_certificate(&jwt(json!({}), changed)).map(|read| read.certificate)
}

#[test]
fn a07_a_token_that_signs_in_is_not_a_certificate() {
    for typ in [json!("JWT"), json!("at+jwt"), json!(""), json!(null), json!(7)] {
        let read = parse_certificate(&jwt(json!({ "typ": typ }), json!({})));
        assert_eq!(read, Err(CertificateError::Type), "{typ}");
    }
    for typ in ["EDK-CERT+JWT", "application/edk-cert+jwt"] {
        assert!(parse_certificate(&jwt(json!({ "typ": typ }), json!({}))).is_ok(), "{typ}");
    }
    let critical = jwt(json!({ "crit": ["b64"] }), json!({}));
    assert_eq!(parse_certificate(&critical), Err(CertificateError::Critical));
}

#[test]
fn a_certificate_has_all_its_claims_and_they_are_of_their_types() {
    for name in ["iss", "sub", "iat", "exp", "jti", "cnf"] {
        for value in [json!(null), json!([]), json!(true), json!(-1)] {
            let refused = claim(json!({ name: value.clone() }));
            assert_eq!(refused, Err(CertificateError::Claim(name)), "{name}: {value}");
        }
    }
    assert_eq!(claim(json!({ "name": null })).unwrap().name, None);
    for name in [json!(""), json!(7), json!("a\nb"), json!("x".repeat(257))] {
        assert_eq!(claim(json!({ "name": name })), Err(CertificateError::Claim("name")));
    }
    for subject in ["~ann", ".", &"x".repeat(65)] {
        let refused = claim(json!({ "sub": subject }));
        assert!(matches!(refused, Err(CertificateError::Subject(_))), "{subject}: {refused:?}");
    }
}

#[test]
fn a_certificate_lives_for_at_most_a_day() {
    let life = |from: u64, to: u64| claim(json!({ "iat": from, "exp": to })).map(drop);
    assert_eq!(life(1_000, 1_000 + MAX_LIFE), Ok(()));
    assert_eq!(life(1_000, 1_001 + MAX_LIFE), Err(CertificateError::Life));
    assert_eq!(life(0, u64::MAX), Err(CertificateError::Life));
    for end in [999, 1_000] {
        assert_eq!(life(1_000, end), Err(CertificateError::Claim("exp")));
    }
}

#[test]
fn the_key_is_a_public_one_of_p_256() {
    let jwk = &known()["certificate"]["claims"]["cnf"]["jwk"];
    for (name, value) in [
        ("kty", json!("RSA")),
        ("crv", json!("P-384")),
        ("x", json!("AAAA")),
        ("x", json!(null)),
        ("y", json!(format!("{}=", jwk["y"].as_str().unwrap()))),
        ("d", json!("AAAA")),
    ] {
        let mut jwk = jwk.clone();
        jwk[name] = value.clone();
        let refused = claim(json!({ "cnf": { "jwk": jwk } }));
        assert_eq!(refused, Err(CertificateError::Claim("cnf")), "{name}: {value}");
    }
}

#[test]
fn other_texts_are_not_certificates() {
    let valid = jwt(json!({}), json!({}));
    let parts: Vec<_> = valid.split('.').collect();
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        parts[0],
        &format!("{}.{}", parts[0], parts[1]),
        &format!("{valid}.x"),
        &format!("{valid}="),
        &format!("{}.{}.{}", parts[1], parts[0], parts[2]),
        &format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode("{\"sub\":\"a\",\"sub\":\"b\"}"), ""),
    ] {
        assert!(parse_certificate(text).is_err(), "{text}");
    }
    let long = jwt(json!({}), json!({ "padding": "x".repeat(4_000) }));
    assert_eq!(parse_certificate(&long), Err(CertificateError::TooLong));
}

#[test]
fn a_record_is_a_certificate_or_a_revocation() {
    let revoked = |since, reason: Option<&str>| {
        Some(Record::Revoked { since, reason: reason.map(str::to_owned) })
    };
    assert_eq!(Record::parse(br#" "a" "#), Some(Record::Certificate("a".to_owned())));
    assert_eq!(Record::parse(br#"{"revoked":true}"#), revoked(None, None));
    let all = br#"{"reason":"lost","since":17,"revoked":true,"new":[1]}"#;
    assert_eq!(Record::parse(all), revoked(Some(17), Some("lost")));
    for data in [&b"{}"[..], b"", b"7", b"{\"revoked\":false}", b"{\"revoked\":1}", b"\xff", b"[]"]
    {
        assert_eq!(Record::parse(data), None);
    }
}
