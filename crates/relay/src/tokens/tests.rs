//! Tokens that are refused, each with its reason, and tokens that are accepted.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};
use session::rights::Right;
use topic::{Pattern, Topic};

use super::*;

const HOUR: u64 = 60 * 60;

/// An issuer, and a relay that has its key.
struct World {
    key: IssuerKey,
    keys: Keys,
    rules: Rules,
}

impl World {
    fn new() -> Self {
        let key = IssuerKey::generate().unwrap();
        let keys = Keys::parse(key.key_set().as_bytes()).unwrap();
        let rules = Rules { issuer: "https://issuer".to_owned(), audience: "chat".to_owned() };
        Self { key, keys, rules }
    }

    fn kid(&self) -> Option<String> {
        let set: Value = serde_json::from_str(&self.key.key_set()).unwrap();
        set["keys"][0]["kid"].as_str().map(str::to_owned)
    }

    fn header(&self) -> Header {
        Header { kid: self.kid(), ..Header::new(Algorithm::ES256) }
    }

    fn signed(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key.encoding_key().unwrap()).unwrap()
    }

    fn check(&self, token: &str) -> Result<Granted, TokenError> {
        self.rules.check(token, &self.keys).map(|admitted| admitted.granted)
    }

    /// Checks a token with these claims in place of the valid ones; null removes a claim.
    fn check_with(&self, changed: Value) -> Result<Granted, TokenError> {
        self.check(&self.signed(&self.header(), &claims_with(changed)))
    }
}

fn now() -> u64 {
    get_current_timestamp()
}

fn claims_with(changed: Value) -> Value {
    let now = now();
    let mut claims: Map<String, Value> = serde_json::from_value(json!({
        "iss": "https://issuer", "aud": "chat", "sub": "ann", "iat": now, "exp": now + HOUR,
        "edk": { "pub": ["chat.{sub}.>"], "sub": ["chat.>"] },
    }))
    .unwrap();
    let Value::Object(changed) = changed else { unreachable!() };
    for (name, value) in changed {
        match value {
            Value::Null => claims.remove(&name),
            value => claims.insert(name, value),
        };
    }
    Value::Object(claims)
}

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

#[test]
fn a_token_grants_its_account_and_rights_until_its_end() {
    let world = World::new();
    let granted = world.check_with(json!({})).unwrap();
    let account = granted.account.unwrap();
    assert_eq!(account.name(), "ann");
    let until = HOUR + LEEWAY;
    assert!(((until - 5) * 1_000..=until * 1_000).contains(&granted.expires_in.unwrap()));
    let rights = granted.rights.for_subject(&account);
    let own = Topic::parse("chat.ann.x").unwrap();
    assert!(rights.allow(Right::Publish, &own) && rights.allow(Right::History, &own));
    assert!(!rights.allow(Right::Publish, &Topic::parse("chat.bob.x").unwrap()));
    assert!(!rights.cover(Right::Subscribe, &Pattern::parse(">").unwrap()));
    // Lists can only add rights, so a token without any has none.
    let rights = world.check_with(json!({ "edk": null })).unwrap().rights;
    assert!(Right::ALL.iter().all(|right| !rights.allow(*right, &own)));
}

#[test]
fn what_identity_providers_also_write_is_accepted() {
    let world = World::new();
    for changed in [
        json!({ "aud": ["other", "chat"] }),
        json!({ "exp": now() as f64 + 100.5 }),
        json!({ "iat": null }),
        json!({ "nbf": now() }),
        json!({ "azp": "x", "roles": ["admin"], "edk": { "sub": [], "new": [1] } }),
        // Within the leeway.
        json!({ "exp": now() - 30 }),
        json!({ "nbf": now() + 30 }),
        json!({ "iat": now() + 30, "exp": now() + 30 + MAX_LIFE }),
    ] {
        assert!(world.check_with(changed.clone()).is_ok(), "{changed}");
    }
    for typ in [None, Some("jwt"), Some("at+jwt"), Some("application/at+JWT")] {
        let header = Header { typ: typ.map(str::to_owned), ..world.header() };
        assert!(world.check(&world.signed(&header, &claims_with(json!({})))).is_ok(), "{typ:?}");
    }
    // With one key, no key id is needed.
    let header = Header { kid: None, ..world.header() };
    assert!(world.check(&world.signed(&header, &claims_with(json!({})))).is_ok());
}

#[test]
fn claims_that_are_missing_or_wrong_are_refused() {
    let world = World::new();
    let many = vec!["a"; 65];
    let table = [
        (json!({ "exp": null }), TokenError::Claims),
        (json!({ "exp": (now() + HOUR).to_string() }), TokenError::Claims),
        (json!({ "exp": -1 }), TokenError::Claims),
        (json!({ "exp": now() - 90 }), TokenError::Expired),
        (json!({ "exp": 0 }), TokenError::Expired),
        (json!({ "nbf": now() + 90 }), TokenError::TooEarly),
        (json!({ "nbf": "soon" }), TokenError::Claims),
        (json!({ "iat": "now" }), TokenError::Claims),
        (json!({ "exp": now() + 25 * HOUR }), TokenError::TooLongLived),
        (json!({ "exp": now() + 25 * HOUR, "iat": null }), TokenError::TooLongLived),
        (json!({ "exp": now() + 20 * HOUR, "iat": now() - 5 * HOUR }), TokenError::TooLongLived),
        (json!({ "exp": 1e300 }), TokenError::Claims),
        (json!({ "aud": null }), TokenError::Claims),
        (json!({ "aud": "other" }), TokenError::Audience),
        (json!({ "aud": ["other"] }), TokenError::Audience),
        (json!({ "aud": [] }), TokenError::Audience),
        (json!({ "iss": null }), TokenError::Claims),
        (json!({ "iss": "https://evil" }), TokenError::Issuer),
        (json!({ "iss": "https://issuer/" }), TokenError::Issuer),
        (json!({ "sub": null }), TokenError::Claims),
        (json!({ "sub": 7 }), TokenError::Claims),
        (json!({ "sub": "" }), TokenError::Subject(SubjectError::Empty)),
        // Otherwise it would be the name of a guest.
        (json!({ "sub": "~ann" }), TokenError::Subject(SubjectError::Guest)),
        (json!({ "sub": "a\nb" }), TokenError::Subject(SubjectError::Control)),
        (json!({ "sub": "x".repeat(99) }), TokenError::Subject(SubjectError::TooLong(99))),
        (json!({ "edk": 7 }), TokenError::Claims),
        (json!({ "edk": { "pub": "chat.>" } }), TokenError::Claims),
    ];
    for (changed, error) in table {
        assert_eq!(world.check_with(changed.clone()), Err(error), "{changed}");
    }
    for rights in [json!({ "pub": ["a..b"] }), json!({ "pub": ["{user}"] }), json!({ "pub": many })]
    {
        let refused = world.check_with(json!({ "edk": rights }));
        assert!(matches!(refused, Err(TokenError::Rights(_))), "{refused:?}");
    }
}

#[test]
fn a_claim_that_occurs_twice_is_refused() {
    let world = World::new();
    let claims = claims_with(json!({})).to_string().replacen('{', r#"{"sub":"bob","#, 1);
    let header = encoded(&json!({ "alg": "ES256", "kid": world.kid() }));
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = world.key.encoding_key().unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::ES256);
    let token = format!("{message}.{}", signature.unwrap());
    assert_eq!(world.check(&token), Err(TokenError::Claims));
}

#[test]
fn the_algorithm_is_the_keys_whatever_the_token_says() {
    let world = World::new();
    let claims = claims_with(json!({}));
    for name in ["none", "None", "NONE", "", "ES256K"] {
        for signature in ["", "AAAA"] {
            let header = encoded(&json!({ "alg": name, "kid": world.kid() }));
            let token = format!("{header}.{}.{signature}", encoded(&claims));
            assert_eq!(world.check(&token), Err(TokenError::Algorithm), "{name}");
        }
    }
    let header = encoded(&json!({ "kid": world.kid() }));
    let token = format!("{header}.{}.", encoded(&claims));
    assert_eq!(world.check(&token), Err(TokenError::Algorithm));
    // The public key in its usual forms as a shared secret.
    let set = world.key.key_set();
    let json: Value = serde_json::from_str(&set).unwrap();
    let part =
        |name: &str| URL_SAFE_NO_PAD.decode(json["keys"][0][name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    for secret in [set.as_bytes(), json["keys"][0].to_string().as_bytes(), &point, &part("x")] {
        let header = Header { alg: Algorithm::HS256, ..world.header() };
        let token = encode(&header, &claims, &EncodingKey::from_secret(secret).unwrap()).unwrap();
        assert_eq!(world.check(&token), Err(TokenError::Algorithm));
    }
}

#[test]
fn each_kind_of_key_signs_with_its_own_algorithm_only() {
    let ed_der = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let ed_pair = Ed25519KeyPair::from_pkcs8(ed_der.as_ref()).unwrap();
    let rsa_pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa_der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa_pair).unwrap();
    // PKCS #8 has PKCS #1 after a header of 26 bytes (RFC 8017, A.1).
    let rsa_der = &rsa_der.as_ref()[26..];
    let [ed, rsa] = [EncodingKey::from_ed_der(ed_der.as_ref()), EncodingKey::from_rsa_der(rsa_der)];
    let x = URL_SAFE_NO_PAD.encode(ed_pair.public_key().as_ref());
    let public = rsa_pair.public_key();
    let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let mut world = World::new();
    let mut set: Value = serde_json::from_str(&world.key.key_set()).unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.push(json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "ed" }));
    keys.push(json!({ "kty": "RSA", "n": n, "e": e, "kid": "rsa", "use": "sig" }));
    let kid = world.kid().unwrap();
    world.keys = Keys::parse(set.to_string().as_bytes()).unwrap();
    let ec = world.key.encoding_key().unwrap();
    let token = |algorithm, kid: &str, key: &EncodingKey| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        encode(&header, &claims_with(json!({})), key).unwrap()
    };
    let signers = [
        (Algorithm::ES256, kid.as_str(), &ec),
        (Algorithm::EdDSA, "ed", &ed),
        (Algorithm::RS256, "rsa", &rsa),
    ];
    for (algorithm, _, key) in signers {
        for (other, kid, _) in signers {
            let checked = world.check(&token(algorithm, kid, key));
            match algorithm == other {
                true => assert!(checked.is_ok(), "{algorithm:?}: {checked:?}"),
                false => assert_eq!(checked, Err(TokenError::Algorithm)),
            }
        }
    }
    let other_algorithm = world.check(&token(Algorithm::PS256, "rsa", &rsa));
    assert_eq!(other_algorithm, Err(TokenError::Algorithm));
    let no_id = Header { kid: None, ..Header::new(Algorithm::ES256) };
    let no_id = world.check(&world.signed(&no_id, &claims_with(json!({}))));
    assert_eq!(no_id, Err(TokenError::Key));
}

#[test]
fn headers_that_are_wrong_are_refused() {
    let world = World::new();
    let with = |header: Header| world.check(&world.signed(&header, &claims_with(json!({}))));
    for typ in ["edk-cert+jwt", "EDK-CERT+JWT", "application/edk-cert+jwt", "logout+jwt", ""] {
        let header = Header { typ: Some(typ.to_owned()), ..world.header() };
        assert_eq!(with(header), Err(TokenError::Type), "{typ}");
    }
    let unknown = Header { kid: Some("unknown".to_owned()), ..world.header() };
    assert_eq!(with(unknown), Err(TokenError::Key));
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..world.header() };
    assert_eq!(with(critical), Err(TokenError::Critical));
    // A key that the token brings itself does not count.
    let own = World::new();
    let set: Value = serde_json::from_str(&own.key.key_set()).unwrap();
    let jwk = serde_json::from_value(set["keys"][0].clone()).unwrap();
    let header = Header { jwk: Some(jwk), kid: world.kid(), ..Header::new(Algorithm::ES256) };
    let token = own.signed(&header, &claims_with(json!({})));
    assert_eq!(world.check(&token), Err(TokenError::Signature));
}

#[test]
fn a_changed_token_is_refused() {
    let world = World::new();
    let token = world.signed(&world.header(), &claims_with(json!({})));
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let bob = encoded(&claims_with(json!({ "sub": "bob" })));
    assert_eq!(world.check(&format!("{header}.{bob}.{signature}")), Err(TokenError::Signature));
    assert_eq!(world.check(&format!("{header}.{claims}.")), Err(TokenError::Signature));
    let zero = URL_SAFE_NO_PAD.encode([0; 64]);
    assert_eq!(world.check(&format!("{header}.{claims}.{zero}")), Err(TokenError::Signature));
    for other in
        ["", ".", "..", "ann", claims, &token[1..], &format!("{token}.x"), &format!("{token}=")]
    {
        assert!(world.check(other).is_err(), "{other}");
    }
}

#[test]
fn a_token_has_at_most_8_kib() {
    let world = World::new();
    let token = |bytes: usize| {
        world.signed(&world.header(), &claims_with(json!({ "padding": "x".repeat(bytes) })))
    };
    let most =
        (1..).map(|bytes| token(5_700 + bytes)).take_while(|it| it.len() <= MAX_TOKEN).last();
    assert!(world.check(&most.unwrap()).is_ok());
    assert_eq!(world.check(&token(6_500)), Err(TokenError::TooLong));
}

#[test]
fn without_a_token_a_client_is_a_guest_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let world = World::new();
    world.key.publish(&path).unwrap();
    let Rules { issuer, audience } = world.rules;
    let settings = Settings { keys: path, issuer, audience, guests: None };
    let tokens = Tokens::open(settings.clone()).unwrap();
    let refused = tokens.check(None).unwrap_err();
    assert_eq!(refused, Refused(TokenError::Missing.to_string()));
    let guests = "sub=news.>".parse::<RightsClaim>().unwrap().rights().unwrap();
    let tokens = Tokens::open(Settings { guests: Some(guests.clone()), ..settings }).unwrap();
    let granted = tokens.check(None).unwrap().granted;
    assert_eq!((granted.account, granted.rights), (None, guests));
    // A wrong token does not make a guest.
    assert!(tokens.check(Some("x")).is_err());
}
