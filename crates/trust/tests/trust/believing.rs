//! The rule by which events are believed. The numbers in the names of tests are those of the attacks in the table
//! of `crates/relay/tests/relay/attacks.rs`.

use proptest::prelude::*;
use session::{Body, Extension};
use trust::{
    Certificate, Evidence, LEEWAY, Thumbprint, Trust, Untrusted, check, parse_certificate,
    signed_bytes,
};

use super::*;

const TOPIC: &str = "chat.lobby.TEXT_MESSAGE";
/// The known certificate's times, in seconds.
const FROM: u64 = 1_796_029_200;
const TO: u64 = FROM + 24 * 60 * 60;

fn certificate() -> Certificate {
    parse_certificate(known()["certificate"]["jwt"].as_str().unwrap()).unwrap().certificate
}

/// The known event with this id.
fn event(id: &str) -> Body {
    let known = known();
    let events = known["events"].as_array().unwrap();
    let bodies = events.iter().map(|event| Body::decode(&bytes(&event["body"])).unwrap());
    bodies.into_iter().find(|body| body.id == id).unwrap()
}

/// The verdict of a reader that verifies the event's signature with the certificate's key.
fn read<'e>(
    topic: &str,
    body: &'e Body,
    certificates: &'e [Certificate],
    revoked: Option<u64>,
) -> Result<Trust<'e>, Untrusted> {
    let signed = signed_bytes(topic, &body.source, body);
    let key = certificates.first().map(|certificate| certificate.key);
    let signature =
        body.signature.map(|signature| key.is_some_and(|key| is_right(&key, &signed, &signature)));
    let (source, time, authid) = (body.source.as_str(), body.time, body.authid.as_deref());
    check(&Evidence { source, time, authid, signature, certificates, revoked })
}

#[test]
fn a_signed_event_is_verified_by_the_certificate_of_its_key() {
    let certificates = [certificate()];
    for event in known()["events"].as_array().unwrap() {
        let body = Body::decode(&bytes(&event["body"])).unwrap();
        let trust = read(TOPIC, &body, &certificates, None);
        assert_eq!(trust, Ok(Trust::Verified(&certificates[0])), "{}", body.id);
    }
}

#[test]
fn a31_any_change_of_what_is_signed_is_found() {
    let certificates = [certificate()];
    let event = event("signed-extensions");
    let with = |name: &str, value: Extension| {
        let mut extensions = event.extensions.clone();
        extensions.retain(|(it, _)| it != name);
        extensions.push((name.to_owned(), value));
        Body { extensions, ..event.clone() }
    };
    let text = |text: &str| Extension::Text(text.to_owned());
    let time = event.time.unwrap();
    for changed in [
        Body { id: "other".to_owned(), ..event.clone() },
        Body { source: format!("{}/x", event.source), ..event.clone() },
        Body { time: Some(time + 1_000), ..event.clone() },
        Body { data: b"2".to_vec(), ..event.clone() },
        Body { data: b"1 ".to_vec(), ..event.clone() },
        Body { content_type: Some("text/plain".to_owned()), ..event.clone() },
        Body { schema: Some("urn:x".to_owned()), ..event.clone() },
        Body { signed: event.signed[1..].to_vec(), ..event.clone() },
        Body { signed: Vec::new(), ..event.clone() },
        with("t", text("other")),
        with("n", Extension::Integer(7)),
        with("b", Extension::Boolean(false)),
        with("absent", text("here")),
        with("subject", text("door")),
    ] {
        let read = read(TOPIC, &changed, &certificates, None);
        assert_eq!(read, Err(Untrusted::BadSignature), "{changed:?}");
    }
    let moved = read("chat.other.TEXT_MESSAGE", &event, &certificates, None);
    assert_eq!(moved, Err(Untrusted::BadSignature));
}

proptest! {
    #[test]
    fn a31_any_bit_that_is_changed_in_an_encoded_event_is_found_or_harmless(
        at: prop::sample::Index,
        bit in 0..8,
    ) {
        let certificates = [certificate()];
        let event = event("signed-extensions");
        let mut encoded = event.encode();
        let at = at.index(encoded.len());
        encoded[at] ^= 1_u8 << bit;
        if let Ok(changed) = Body::decode(&encoded)
            && let Ok(Trust::Verified(_)) = read(TOPIC, &changed, &certificates, None)
        {
            // Only what no signature covers may differ: the peer's path, the extensions that are not named, and the
            // part of the time below a second.
            let signed = signed_bytes(TOPIC, &changed.source, &changed);
            prop_assert_eq!(signed, signed_bytes(TOPIC, &event.source, &event));
            prop_assert_eq!(changed.data, event.data);
            prop_assert_eq!((changed.id, changed.authid), (event.id, event.authid));
        }
    }

    #[test]
    fn a_time_outside_of_the_certificate_is_never_verified(time: u64, near in 0..2 * TO) {
        let certificates = [certificate()];
        for time in [time, near * 1_000] {
            let event = Body { time: Some(time), ..event("json") };
            let evidence = Evidence {
                source: &event.source,
                time: event.time,
                authid: Some("ann"),
                signature: Some(true),
                certificates: &certificates,
                revoked: None,
            };
            let seconds = time / 1_000;
            let is_covered = (FROM - LEEWAY..=TO + LEEWAY).contains(&seconds);
            prop_assert_eq!(check(&evidence).is_ok(), is_covered);
        }
    }
}

#[test]
fn a32_a_signature_of_another_key_or_a_certificate_of_another_key_proves_nothing() {
    let certificates = [certificate()];
    let forged = Body { signature: Some([7; 64]), ..event("json") };
    assert_eq!(read(TOPIC, &forged, &certificates, None), Err(Untrusted::BadSignature));
    // Another account's own key and certificate, under the source of this one.
    let issuer = public(&known()["issuer"]);
    let other = [Certificate { key: issuer, ..certificate() }];
    let event = event("json");
    assert_eq!(read(TOPIC, &event, &other, None), Err(Untrusted::UnknownCertificate));
    assert_eq!(read(TOPIC, &event, &[], None), Err(Untrusted::UnknownCertificate));
    let elsewhere = Body { source: Thumbprint::of(&issuer).source(), ..event.clone() };
    let read_elsewhere = read(TOPIC, &elsewhere, &certificates, None);
    assert_eq!(read_elsewhere, Err(Untrusted::UnknownCertificate));
}

#[test]
fn a33_a_signature_that_was_taken_away_is_missed() {
    let certificates = [certificate()];
    let stripped = Body { signature: None, ..event("json") };
    assert_eq!(read(TOPIC, &stripped, &certificates, None), Err(Untrusted::NotSigned));
    let attested = Body { source: "/clients/1".to_owned(), ..stripped };
    assert_eq!(read(TOPIC, &attested, &certificates, None), Ok(Trust::Attested("ann")));
    let anonymous = Body { authid: None, ..attested };
    assert_eq!(read(TOPIC, &anonymous, &certificates, None), Ok(Trust::Anonymous));
}

#[test]
fn a34_an_event_needs_a_certificate_of_its_time_and_a_key_that_is_not_revoked() {
    let event = event("json");
    let time = event.time.unwrap();
    let seconds = time / 1_000;
    let lives = |issued_at, expires_at| [Certificate { issued_at, expires_at, ..certificate() }];
    let ended = lives(seconds - 1_000, seconds - LEEWAY - 1);
    assert_eq!(read(TOPIC, &event, &ended, None), Err(Untrusted::NotValidThen));
    let later = lives(seconds + LEEWAY + 1, seconds + 10_000);
    assert_eq!(read(TOPIC, &event, &later, None), Err(Untrusted::NotValidThen));
    // One of several certificates is enough.
    let [ended, later] = [ended[0].clone(), later[0].clone()];
    let several = [ended, later, certificate()];
    assert_eq!(read(TOPIC, &event, &several, None), Ok(Trust::Verified(&several[2])));
    let certificates = [certificate()];
    for since in [0, time] {
        let read = read(TOPIC, &event, &certificates, Some(since));
        assert_eq!(read, Err(Untrusted::Revoked), "{since}");
    }
    assert!(read(TOPIC, &event, &certificates, Some(time + 1)).is_ok());
    let evidence = Evidence {
        source: &event.source,
        time: None,
        authid: Some("ann"),
        signature: Some(true),
        certificates: &certificates,
        revoked: None,
    };
    assert_eq!(check(&evidence), Err(Untrusted::NotValidThen));
}

#[test]
fn an_event_that_the_peer_names_another_author_of_is_not_believed() {
    let certificates = [certificate()];
    for authid in [None, Some("bob".to_owned()), Some(String::new())] {
        let event = Body { authid, ..event("json") };
        assert_eq!(read(TOPIC, &event, &certificates, None), Err(Untrusted::OtherAccount));
    }
}
