//! Certificates of keys: made by the relay, taken by it, and revoked.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use session::{Body, Publish, RejectCode, Start};
use trust::{PublicKey, Record, Thumbprint, parse_certificate};

use super::*;

/// A device with its key.
pub struct Device {
    pair: EcdsaKeyPair,
    pub public: PublicKey,
}

impl Device {
    pub fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        Self { pair, public }
    }

    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.pair.sign(&SystemRandom::new(), bytes).unwrap().as_ref().try_into().unwrap()
    }

    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.public)
    }

    pub fn jwk(&self) -> Value {
        let [x, y] = [&self.public[1..33], &self.public[33..]];
        let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "ext": true, "key_ops": ["verify"] })
    }
}

/// A relay that makes certificates itself, with its folder.
pub fn issuing(options: &[&str]) -> (Accounts, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certificates.json");
    IssuerKey::generate().unwrap().write(&path).unwrap();
    let accounts = Accounts::start(&[&["--issuer", path.to_str().unwrap()], options].concat());
    (accounts, folder)
}

/// The status, the headers and the body of an answer.
fn request(
    relay: &Process,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String, String) {
    let mut socket = TcpStream::connect(&relay.address).unwrap();
    let mut all = format!("{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", relay.address);
    for (name, value) in headers {
        all.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(socket, "{all}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

pub fn certify(accounts: &Accounts, token: &str, jwk: &Value) -> (u16, String, String) {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    request(&accounts.relay, "POST /certificate", &headers, &jwk.to_string())
}

pub fn revoke(accounts: &Accounts, what: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    let data = accounts._folder.path().join("data");
    command.arg("revoke").arg("--data").arg(data).args(what).output().unwrap()
}

pub fn lines(log: &mut dyn BufRead, mut is_last: impl FnMut(&str) -> bool) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the log has ended");
        if is_last(&line) {
            return line;
        }
    }
}

/// A durable event with this data.
pub fn event(number: u64, topic: &str, data: Value) -> FromClient {
    let (id, data) = (format!("e{number}"), data.to_string().into_bytes());
    let body = Body { id, data, ..Body::default() }.encode();
    let name = Some(topic.to_owned());
    FromClient::Publish(Publish { number: Some(number), topic: 0, name, body, lowest: None })
}

pub async fn rejected(client: &mut Client) -> (RejectCode, String) {
    match client.frame().await {
        FromPeer::Reject(reject) => (reject.code, reject.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_relay_makes_certificates_for_its_accounts_that_anyone_can_verify() {
    let (mut accounts, _folder) = issuing(&["--issuer-name", "https://relay.example"]);
    let device = Device::new();
    let token = accounts.forged(json!({ "alg": "ES256" }), json!({ "name": "Ann \u{1f600}" }), "");
    let (status, head, jwt) = certify(&accounts, &token, &device.jwk());
    assert_eq!(status, 200, "{jwt}");
    assert!(head.contains("content-type: application/jwt"), "{head}");
    let read = parse_certificate(&jwt).unwrap();
    let certificate = &read.certificate;
    assert_eq!(certificate.key, device.public);
    assert_eq!(
        (certificate.subject.as_str(), certificate.name.as_deref()),
        ("ann", Some("Ann \u{1f600}"))
    );
    assert_eq!(certificate.issuer, "https://relay.example");
    assert_eq!(certificate.expires_at - certificate.issued_at, trust::MAX_LIFE);
    let (status, head, keys) = request(&accounts.relay, "GET /.well-known/jwks.json", &[], "");
    assert_eq!(status, 200);
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    let keys: Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    let key = &keys["keys"][0];
    assert_eq!((key["kid"].as_str(), key.get("d")), (read.kid.as_deref(), None));
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap());
    let signature = URL_SAFE_NO_PAD.encode(&read.signature);
    let is_right =
        jsonwebtoken::crypto::verify(&signature, &read.signed, &key.unwrap(), Algorithm::ES256);
    assert!(is_right.unwrap());
    let line = lines(&mut accounts.log, |line| line.contains("certified"));
    assert!(line.contains("audit") && line.contains(&device.thumbprint().to_string()), "{line}");
}

#[tokio::test]
async fn a07_a_certificate_is_not_a_token_that_signs_in() {
    let (accounts, _folder) = issuing(&[]);
    let (status, _, jwt) =
        certify(&accounts, &accounts.token("ann", "pub=>"), &Device::new().jwk());
    assert_eq!(status, 200);
    accounts.refuses(&jwt).await;
    let (status, ..) = certify(&accounts, &jwt, &Device::new().jwk());
    assert_eq!(status, 401);
}

#[test]
fn a_certificate_is_made_for_a_token_and_a_public_key_and_nothing_else() {
    let (accounts, _folder) = issuing(&["--anonymous"]);
    let (token, jwk) = (accounts.token("ann", "pub=>"), Device::new().jwk());
    for headers in [&[][..], &[("authorization", "Bearer")], &[("authorization", "Bearer x")]] {
        let (status, ..) = request(&accounts.relay, "POST /certificate", headers, &jwk.to_string());
        assert_eq!(status, 401, "{headers:?}");
    }
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk
    };
    for jwk in [
        json!({}),
        json!([]),
        with("kty", "RSA".into()),
        with("crv", "P-384".into()),
        with("d", "AAAA".into()),
        with("x", "AAAA".into()),
        // Not on the curve.
        with("x", jwk["y"].clone()),
    ] {
        assert_eq!(certify(&accounts, &token, &jwk).0, 400, "{jwk}");
    }
    assert_eq!(certify(&accounts, &token, &with("x", "x".repeat(3_000).into())).0, 413);
    let foreign =
        [("origin", "https://evil.example"), ("authorization", &format!("Bearer {token}"))];
    let (status, ..) = request(&accounts.relay, "POST /certificate", &foreign, &jwk.to_string());
    assert_eq!(status, 403);
    let (status, ..) = request(&accounts.relay, "OPTIONS /certificate", &foreign[..1], "");
    assert_eq!(status, 403);
    let own = format!("http://{}", accounts.relay.address);
    let (status, head, _) =
        request(&accounts.relay, "OPTIONS /certificate", &[("origin", &own)], "");
    assert_eq!(status, 204);
    assert!(head.contains(&format!("access-control-allow-origin: {own}")), "{head}");
    let without = Accounts::start(&[]);
    let token = without.token("ann", "pub=>");
    assert_eq!(certify(&without, &token, &jwk).0, 404);
    assert_eq!(request(&without.relay, "GET /.well-known/jwks.json", &[], "").0, 404);
}

#[tokio::test]
async fn what_is_not_a_certificate_of_the_clients_own_proven_key_is_rejected() {
    let (accounts, _folder) = issuing(&[]);
    let (device, token) = (Device::new(), accounts.token("ann", "pub=chat.>;sub=chat.>"));
    let (_, _, jwt) = certify(&accounts, &token, &device.jwk());
    let topic = device.thumbprint().topic();
    let mut client = accounts.welcomed(1, &token).await;
    client.send(&[event(1, &topic, jwt.clone().into())]).await;
    let (code, message) = rejected(&mut client).await;
    assert_eq!(code, RejectCode::UnknownCertificate);
    assert!(message.contains("has not proven"), "{message}");
    // It is decided: a repeat gets the same answer.
    client.send(&[event(1, &topic, jwt.clone().into())]).await;
    assert_eq!(rejected(&mut client).await.0, RejectCode::UnknownCertificate);
    let mut texts = accounts.bearer(&token).await;
    for ephemeral in [false, true] {
        let event = json!({
            "specversion": "1.0", "id": "c", "source": "s", "type": topic, "data": jwt,
            "ephemeral": ephemeral,
        });
        texts.send(event.to_string()).await;
        assert_eq!(texts.receive().await["data"]["code"], "unknown_certificate");
    }
    // A signature without a proven key, and one that is too short.
    let mut body = Body { id: "s".to_owned(), time: Some(1), ..Body::default() };
    body.signature = Some(device.sign(b"x"));
    let signed = body.encode();
    body.signature = None;
    let mut short = body.encode();
    short[0] += 1;
    short.extend([8, 0x41, 7]);
    for (number, body) in [(2, signed), (3, short)] {
        let name = Some("chat.a".to_owned());
        let publish = Publish { number: Some(number), topic: 1, name, body, lowest: None };
        client.send(&[FromClient::Publish(publish)]).await;
        assert_eq!(rejected(&mut client).await.0, RejectCode::BadSignature);
    }
    accounts.serves().await;
}

#[tokio::test]
async fn a34_a_revoked_account_is_closed_and_refused_also_after_a_restart() {
    let (mut accounts, _folder) = issuing(&[]);
    let token = accounts.token("ann", "pub=>;sub=>");
    let mut ann = accounts.welcomed(1, &token).await;
    let mut texts = accounts.bearer(&token).await;
    texts.ask("$link.subscribe", json!({ "pattern": "a" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let mut bob = accounts.welcomed(2, &accounts.token("bob", "pub=>;sub=>")).await;
    let output = revoke(&accounts, &["--sub", "ann", "--reason", "left"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ann.close_code().await, CloseCode::Revoked.code());
    assert_eq!(texts.0.close_code().await, CloseCode::Revoked.code());
    // The revocation, and the connections that end.
    let mut kinds = std::collections::BTreeSet::new();
    lines(&mut accounts.log, |line| {
        if line.contains("audit") && line.contains("revoked") {
            kinds.insert(line.contains("refused="));
        }
        kinds.len() == 2
    });
    bob.send(&[publish(1, "a", "e")]).await;
    bob.ack().await;
    accounts.refuses(&token).await;
    assert_eq!(certify(&accounts, &token, &Device::new().jwk()).0, 401);
    drop((bob, ann, texts));
    accounts.stop();
    accounts.start_again();
    accounts.refuses(&token).await;
    accounts.serves().await;
}

#[tokio::test]
async fn a_revoked_key_is_reported_on_its_topic_with_or_without_a_running_relay() {
    let (mut accounts, _folder) = issuing(&[]);
    let (one, two) = (Device::new(), Device::new());
    let key = |device: &Device| device.thumbprint().to_string();
    let output = revoke(&accounts, &["--key", &key(&one), "--since", "1h"]);
    assert!(output.status.success(), "{output:?}");
    let token = accounts.token("ann", "sub=chat.>");
    let (status, _, why) = certify(&accounts, &token, &one.jwk());
    assert_eq!(status, 403, "{why}");
    accounts.stop();
    assert!(revoke(&accounts, &["--key", &key(&two), "--reason", "lost"]).status.success());
    accounts.start_again();
    assert_eq!(certify(&accounts, &token, &two.jwk()).0, 403);
    // All may read what concerns a key.
    for (id, device) in [(1, &one), (2, &two)] {
        let mut client = accounts.welcomed(id, &token).await;
        client.subscribe(&device.thumbprint().topic(), Start::Earliest).await;
        let event = client.event().await;
        let body = Body::decode(&event.body).unwrap();
        assert!(body.source.starts_with("/relays/"), "{}", body.source);
        assert_eq!(event.stream.as_str(), "certs");
        match Record::parse(&body.data) {
            Some(Record::Revoked { since, reason }) => {
                assert_eq!((since.is_some(), reason.is_some()), (id == 1, id == 2));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_revocation_of_nothing_is_an_error() {
    let (accounts, _folder) = issuing(&[]);
    for what in [&[][..], &["--key", "x"], &["--sub", "~guest"]] {
        let output = revoke(&accounts, what);
        assert!(!output.status.success(), "{what:?}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    command.args(["revoke", "--sub", "ann", "--data", "/nowhere"]);
    let output = command.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("holds no store"), "{output:?}");
}

#[test]
fn the_stream_of_certificates_is_the_relays_own() {
    let (accounts, folder) = issuing(&[]);
    let keys = accounts._folder.path().join("keys.json");
    let data = folder.path().join("other");
    for option in [["--stream", "certs=a"], ["--keep-events", "certs=1"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.arg("--auth-keys").arg(&keys).args(["--auth-issuer", ISSUER]);
        let output = command.args(["--auth-audience", AUDIENCE]).args(option).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("`certs`"), "{said}");
    }
}
