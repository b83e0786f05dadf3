//! Devices that prove their key, send its certificate, and sign their events.

use std::io::Write;
use std::process::{Command, Stdio};

use session::{Body, Hello, Publish, RejectCode, Start};
use trust::{Evidence, Trust, check, parse_certificate, proof_bytes, signed_bytes};

use super::certificates::{Device, certify, event, issuing, lines, rejected, revoke};
use super::*;

const TOPIC: &str = "chat.lobby.TEXT_MESSAGE";

/// A connection that has said hello with a token and the proof of a key.
async fn proving(accounts: &Accounts, id: u8, token: &str, device: &Device) -> Client {
    let (client, fence) = ([id; 16], 1);
    let signed = proof_bytes("127.0.0.1", &client, fence, Some(token));
    let hello = Hello {
        token: Some(token.to_owned()),
        key: Some(device.public),
        proof: Some(device.sign(&signed)),
        ..Hello::new(client, [id; 32], fence)
    };
    let mut client = Client::connect(&accounts.relay).await;
    client.send(&[FromClient::Hello(hello)]).await;
    client
}

async fn proven(accounts: &Accounts, id: u8, token: &str, device: &Device) -> Client {
    let mut client = proving(accounts, id, token, device).await;
    let welcome = client.frame().await;
    assert!(matches!(welcome, FromPeer::Welcome(_)), "{welcome:?}");
    client
}

/// A durable event that the device has signed.
fn signed(number: u64, device: &Device) -> FromClient {
    let mut body = Body {
        id: format!("e{number}"),
        time: Some(jsonwebtoken::get_current_timestamp() * 1_000),
        data: br#"{ "text": "hello" }"#.to_vec(),
        ..Body::default()
    };
    let source = device.thumbprint().source();
    body.signature = Some(device.sign(&signed_bytes(TOPIC, &source, &body)));
    let (name, body) = (Some(TOPIC.to_owned()), body.encode());
    FromClient::Publish(Publish { number: Some(number), topic: 1, name, body, lowest: None })
}

#[tokio::test]
async fn a_signed_event_and_its_certificate_reach_readers_who_verify_both_on_both_wires() {
    let (accounts, _folder) = issuing(&[]);
    let (device, token) = (Device::new(), accounts.token("ann", "pub=chat.>;sub=chat.>"));
    let (status, _, jwt) = certify(&accounts, &token, &device.jwk());
    assert_eq!(status, 200, "{jwt}");
    let mut ann = proven(&accounts, 1, &token, &device).await;
    ann.send(&[event(1, &device.thumbprint().topic(), jwt.as_str().into()), signed(2, &device)])
        .await;
    assert_eq!(ann.ack().await.position.stream.as_str(), "certs");
    assert_eq!(ann.ack().await.position.stream.as_str(), "main");

    let reading = accounts.token("bob", "sub=chat.>");
    let mut bob = accounts.welcomed(2, &reading).await;
    bob.subscribe(TOPIC, Start::Earliest).await;
    let body = Body::decode(&bob.event().await.body).unwrap();
    assert_eq!(body.source, device.thumbprint().source());
    let bytes = signed_bytes(TOPIC, &body.source, &body);
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED,
        device.public,
    );
    let is_right = key.verify(&bytes, &body.signature.unwrap()).is_ok();
    let certificates = [parse_certificate(&jwt).unwrap().certificate];
    let evidence = Evidence {
        source: &body.source,
        time: body.time,
        authid: body.authid.as_deref(),
        signature: Some(is_right),
        certificates: &certificates,
        revoked: None,
    };
    assert_eq!(check(&evidence), Ok(Trust::Verified(&certificates[0])));

    let mut texts = accounts.bearer(&reading).await;
    texts.ask("$link.subscribe", json!({ "pattern": TOPIC, "from": "earliest" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let text = texts.text().await;
    let said = by_node(&device, &text);
    assert_eq!(said, format!("verified {}: core\n", body.id), "{text}");
    let changed = text.replace("hello", "hullo");
    assert_eq!(by_node(&device, &changed), format!("refused {}: the event was changed\n", body.id));
}

/// What the verifier in JavaScript says, which shares no code with this.
fn by_node(device: &Device, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    let mut jwk = device.jwk();
    jwk["kid"] = device.thumbprint().to_string().into();
    std::fs::write(&keys, json!({ "keys": [jwk] }).to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../trust/verify/verify.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .arg(&keys)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node is needed for this test");
    child.stdin.take().unwrap().write_all(format!("{text}\n").as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn a36_a_certificate_under_another_thumbprint_or_subject_is_rejected() {
    let (mut accounts, _folder) = issuing(&[]);
    let [ann, bob] = ["ann", "bob"].map(|name| accounts.token(name, "pub=chat.>;sub=chat.>"));
    let (own, other) = (Device::new(), Device::new());
    let jwt = |token: &str, device: &Device| certify(&accounts, token, &device.jwk()).2;
    let mut client = proven(&accounts, 1, &ann, &own).await;
    let [topic, elsewhere] = [&own, &other].map(|device| device.thumbprint().topic());
    let table = [
        (elsewhere.as_str(), jwt(&ann, &other), "has not proven"),
        (elsewhere.as_str(), jwt(&ann, &own), "has not proven"),
        (topic.as_str(), jwt(&ann, &other), "another key"),
        (topic.as_str(), jwt(&bob, &own), "another account"),
        (topic.as_str(), ann.clone(), "its `typ` is not"),
        ("certs.revoked", jwt(&ann, &own), "no right"),
    ];
    for (number, (topic, jwt, why)) in (1..).zip(table) {
        client.send(&[event(number, topic, jwt.into())]).await;
        let (code, message) = rejected(&mut client).await;
        let expected = match why {
            "no right" => RejectCode::NotAllowed,
            _ => RejectCode::UnknownCertificate,
        };
        assert_eq!(code, expected, "{message}");
        assert!(message.contains(why), "{message}");
    }
    // The same connection, with nothing wrong.
    client.send(&[event(7, &topic, jwt(&ann, &own).into())]).await;
    client.ack().await;
    assert_eq!(certify(&accounts, &ann, &json!({})).0, 400);
    for code in ["code=0", "code=400"] {
        let line = lines(&mut accounts.log, |line| {
            line.contains("audit")
                && line.contains("refused=\"certificate\"")
                && line.contains(code)
        });
        assert!(line.contains("subject=\"ann\""), "{line}");
    }
}

#[tokio::test]
async fn a34_a_revoked_key_is_closed_and_its_certificates_are_refused() {
    let (accounts, _folder) = issuing(&[]);
    let (device, other) = (Device::new(), Device::new());
    let token = accounts.token("ann", "pub=chat.>;sub=chat.>");
    let mut client = proven(&accounts, 1, &token, &device).await;
    let mut second = proven(&accounts, 2, &token, &other).await;
    let output = revoke(&accounts, &["--key", &device.thumbprint().to_string()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(client.close_code().await, CloseCode::Revoked.code());
    let mut again = proving(&accounts, 3, &token, &device).await;
    assert_eq!(again.close_code().await, CloseCode::Revoked.code());
    // Other devices of the account go on.
    second.send(&[signed(1, &other)]).await;
    second.ack().await;
    let (status, ..) = certify(&accounts, &token, &device.jwk());
    assert_eq!(status, 403);
}

#[tokio::test]
async fn all_keys_of_an_account_are_revoked_with_it() {
    let (accounts, _folder) = issuing(&[]);
    let devices = [Device::new(), Device::new()];
    let token = accounts.token("ann", "pub=chat.>;sub=chat.>");
    for (id, device) in (1..).zip(&devices) {
        let mut client = proven(&accounts, id, &token, device).await;
        let (_, _, jwt) = certify(&accounts, &token, &device.jwk());
        client.send(&[event(1, &device.thumbprint().topic(), jwt.into())]).await;
        client.ack().await;
    }
    let output = revoke(&accounts, &["--sub", "ann"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut reader = accounts.welcomed(9, &accounts.token("bob", "sub=certs.*")).await;
    reader.subscribe("certs.*", Start::Earliest).await;
    for device in &devices {
        assert!(said.contains(&device.thumbprint().to_string()), "{said}");
    }
    let mut revoked = std::collections::BTreeSet::new();
    while revoked.len() < 2 {
        let event = reader.event().await;
        let data = Body::decode(&event.body).unwrap().data;
        if matches!(trust::Record::parse(&data), Some(trust::Record::Revoked { .. })) {
            revoked.insert(event.topic);
        }
    }
}
