use jsonwebtoken::{Algorithm, Header, encode};
use serde_json::json;

use super::*;

const ISSUER: &str = "https://issuer.example";

/// A relay's certificates, and the issuer that it knows.
struct World {
    certificates: Certificates,
    issuer: IssuerKey,
    _folder: tempfile::TempDir,
}

/// A public key, which these tests don't sign with.
fn device(seed: u8) -> PublicKey {
    let mut key = [seed; 65];
    key[0] = 4;
    key
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let issuer = IssuerKey::generate().unwrap();
        issuer.publish(&path).unwrap();
        let own = Some(("relay".to_owned(), IssuerKey::generate().unwrap()));
        let settings = Settings { issuers: vec![(ISSUER.to_owned(), path)], own };
        Self { certificates: Certificates::open(settings).unwrap(), issuer, _folder: folder }
    }

    fn certificate(&self) -> String {
        self.issuer.certify(ISSUER, "ann", Some("Ann"), &device(1), 60).unwrap()
    }

    /// The same with these claims in place of its own, signed again.
    fn forged(&self, header: Header, changed: Value) -> String {
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": X });
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": ISSUER, "sub": "ann", "iat": now, "exp": now + 60, "jti": "1", "cnf": { "jwk": jwk },
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        encode(&header, &claims, &self.issuer.encoding_key().unwrap()).unwrap()
    }

    /// What the relay says of this data on the topic of the key `topic`, from ann with the key `proven`.
    fn check(&self, data: Value, topic: u8, proven: u8) -> Result<(), String> {
        let topic = Topic::parse(&Thumbprint::of(&device(topic)).topic()).unwrap();
        let body = Body { data: data.to_string().into_bytes(), ..Body::default() };
        let key = Some(&device(proven)).filter(|_| proven > 0).copied();
        let sender = Sender { subject: Some("ann"), key: key.as_ref() };
        self.certificates.check(&topic, &body, sender)
    }

    fn refuses(&self, jwt: String, why: &str) {
        let refused = self.check(jwt.into(), 1, 1).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}

/// 32 bytes of 1, in base64url.
const X: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

fn header() -> Header {
    let typ = Some(trust::TYPE.to_owned());
    Header { typ, ..Header::new(Algorithm::ES256) }
}

#[test]
fn a_certificate_of_a_known_issuer_is_taken_from_the_holder_of_its_key() {
    let world = World::new();
    assert_eq!(world.check(world.certificate().into(), 1, 1), Ok(()));
    let (name, own) = world.certificates.own.as_ref().unwrap();
    let certificate = own.certify(name, "ann", None, &device(1), trust::MAX_LIFE).unwrap();
    assert_eq!(world.check(certificate.into(), 1, 1), Ok(()));
    // The tests below differ from this in one thing each.
    assert_eq!(world.check(world.forged(header(), json!({})).into(), 1, 1), Ok(()));
}

#[test]
fn an_account_sends_few_certificates_because_they_stay() {
    let world = World::new();
    for _ in 0..PER_HOUR.get() {
        assert_eq!(world.check(world.certificate().into(), 1, 1), Ok(()));
    }
    world.refuses(world.certificate(), "in an hour");
}

#[test]
fn a36_a_certificate_under_another_thumbprint_or_of_another_account_is_refused() {
    let world = World::new();
    let certificate = || Value::from(world.certificate());
    let refused = |topic, proven| world.check(certificate(), topic, proven).unwrap_err();
    assert!(refused(2, 2).contains("another key"));
    assert!(refused(2, 1).contains("the hello has not proven"));
    assert!(refused(1, 2).contains("the hello has not proven"));
    assert!(refused(1, 0).contains("the hello has not proven"));
    let topic = Topic::parse(&Thumbprint::of(&device(1)).topic()).unwrap();
    let body = Body { data: certificate().to_string().into_bytes(), ..Body::default() };
    let key = device(1);
    for subject in [None, Some("bob"), Some("~ann"), Some("")] {
        let sender = Sender { subject, key: Some(&key) };
        let refused = world.certificates.check(&topic, &body, sender).unwrap_err();
        assert!(refused.contains("another account"), "{refused}");
    }
    for name in ["certs.revoked", "certs.x", "certs.ann"] {
        let sender = Sender { subject: Some("ann"), key: Some(&key) };
        let refused = world.certificates.check(&Topic::parse(name).unwrap(), &body, sender);
        assert!(refused.unwrap_err().contains("are for the certificates of keys"), "{name}");
    }
}

#[test]
fn a07_a_token_that_signs_in_is_not_a_certificate() {
    let world = World::new();
    for typ in ["JWT", "at+jwt"] {
        let header = Header { typ: Some(typ.to_owned()), ..header() };
        world.refuses(world.forged(header, json!({})), "its `typ` is not");
    }
}

#[test]
fn a_certificate_that_its_issuer_has_not_signed_or_that_is_not_valid_now_is_refused() {
    let world = World::new();
    let now = get_current_timestamp();
    world.refuses(world.forged(header(), json!({ "iss": "https://evil" })), "does not know");
    let other = World::new();
    world.refuses(other.certificate(), "has not signed");
    let kid = Header { kid: Some("unknown".to_owned()), ..header() };
    world.refuses(world.forged(kid, json!({})), "has not signed");
    let ended = json!({ "iat": now - 500, "exp": now - 100 });
    world.refuses(world.forged(header(), ended), "has ended");
    let early = json!({ "iat": now + 100, "exp": now + 200 });
    world.refuses(world.forged(header(), early), "not valid yet");
    let long = json!({ "exp": now + 2 * trust::MAX_LIFE });
    world.refuses(world.forged(header(), long), "more than 24 hours");
    let certificate = world.certificate();
    let (message, _) = certificate.rsplit_once('.').unwrap();
    for signature in ["", "AAAA", &"A".repeat(86)] {
        world.refuses(format!("{message}.{signature}"), "has not signed");
    }
    // The relay's own name with another issuer's key.
    world.refuses(world.forged(header(), json!({ "iss": "relay" })), "has not signed");
}

#[test]
fn nothing_else_is_taken_on_the_topic_of_a_key() {
    let world = World::new();
    for data in [json!({ "revoked": true }), json!(7), json!(["a"]), json!(null)] {
        let refused = world.check(data.clone(), 1, 1).unwrap_err();
        assert!(refused.contains("not a certificate"), "{data}");
    }
    assert!(world.check(json!("a.b.c"), 1, 1).is_err());
    let topic = Topic::parse(&Thumbprint::of(&device(1)).topic()).unwrap();
    let body = Body {
        data: Value::from(world.certificate()).to_string().into_bytes(),
        content_type: Some("text/plain".to_owned()),
        ..Body::default()
    };
    let sender = Sender { subject: Some("ann"), key: Some(&device(1)) };
    assert!(world.certificates.check(&topic, &body, sender).is_err());
}

#[test]
fn what_was_revoked_stays_revoked() {
    let folder = tempfile::tempdir().unwrap();
    // What other streams drop, this one keeps.
    let keep = Keep { events: 1, topic: Some(1), ..Keep::default() };
    let mut settings = StoreSettings { keep, ..StoreSettings::default() };
    Certificates::add_stream(&mut settings).unwrap();
    assert_eq!(Certificates::add_stream(&mut settings), Err(StreamTaken));
    let key = Thumbprint::of(&device(1));
    let by_key = Revocation {
        keys: vec![key.to_string()],
        subject: None,
        since: Some(7),
        reason: Some("lost".to_owned()),
    };
    let by_subject =
        Revocation { keys: Vec::new(), subject: Some("bob".to_owned()), since: None, reason: None };
    let store = store::Embedded::open(folder.path(), settings.clone()).unwrap();
    for revocation in [&by_key, &by_subject] {
        revocation.check().unwrap();
        revocations::write(&store, &revocation.writes("peer")).unwrap();
    }
    while store::Store::maintain(&store, store::now()).unwrap().more {}
    drop(store);
    let store = store::Embedded::open(folder.path(), settings).unwrap();
    let world = World::new();
    let revocations = &world.certificates.revocations;
    revocations.load(&store).unwrap();
    assert!(revocations.has_key(&key) && revocations.has_subject("bob"));
    assert!(!revocations.has_key(&Thumbprint::of(&device(2))) && !revocations.has_subject("ann"));
    world.refuses(world.certificate(), "was revoked");
    // Readers find it with the key.
    let stream = store::Store::streams(&store).iter().position(|it| it.as_str() == STREAM).unwrap();
    let pattern = Pattern::parse(&key.topic()).unwrap();
    let page = store::Store::history(&store, stream, &pattern, None, 9).unwrap();
    let body = Body::decode(&page.events[0].body).unwrap();
    let reason = Some("lost".to_owned());
    assert_eq!(Record::parse(&body.data), Some(Record::Revoked { since: Some(7), reason }));
}

#[test]
fn a_revocation_names_keys_or_an_account() {
    let revocation = |keys: &[&str], subject: Option<&str>| Revocation {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        subject: subject.map(str::to_owned),
        since: None,
        reason: None,
    };
    assert_eq!(revocation(&[], None).check(), Err(revocations::Unsound::Nothing));
    let key = revocations::Unsound::Key("x".to_owned());
    assert_eq!(revocation(&["x"], Some("ann")).check(), Err(key));
    assert!(revocation(&[], Some("~guest")).check().is_err());
    assert!(revocation(&[], Some("ann")).check().is_ok());
}
