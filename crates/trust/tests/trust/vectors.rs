//! The known answers of `vectors/signed.json`.

use session::Body;
use topic::Topic;
use trust::{Thumbprint, parse_certificate, proof_bytes, signed_bytes};

use super::*;

#[test]
fn the_thumbprint_of_a_key_is_its_known_one() {
    let known = known();
    let device = &known["device"];
    assert_eq!(Thumbprint::of(&public(device)).to_string(), device["kid"].as_str().unwrap());
    // RFC 7517's key, whose thumbprint others have published.
    assert_eq!(known["issuer"]["kid"], "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}

#[test]
fn an_event_has_its_known_bytes_and_a_right_signature() {
    let known = known();
    let key = public(&known["device"]);
    let events = known["events"].as_array().unwrap();
    assert!(events.len() >= 16);
    for event in events {
        let body = Body::decode(&bytes(&event["body"])).unwrap();
        let topic = Topic::parse(event["topic"].as_str().unwrap()).unwrap();
        let signed = signed_bytes(topic.as_str(), &body.source, &body);
        assert_eq!(signed, event["signed"].as_str().unwrap().as_bytes(), "{}", body.id);
        let signature = body.signature.unwrap();
        assert_eq!(signature, bytes(&event["signature"])[..], "{}", body.id);
        assert!(is_right(&key, &signed, &signature), "{}", body.id);
        assert_eq!(session::json::event(&topic, &body, None), event["json"].as_str().unwrap());
        assert_eq!(Thumbprint::from_source(&body.source), Some(Thumbprint::of(&key)));
    }
}

#[test]
fn a_signature_adds_at_most_70_bytes_in_frames_and_450_in_json() {
    for event in known()["events"].as_array().unwrap() {
        let body = Body::decode(&bytes(&event["body"])).unwrap();
        if !body.signed.is_empty() {
            continue;
        }
        let topic = Topic::parse(event["topic"].as_str().unwrap()).unwrap();
        let unsigned = Body { signature: None, ..body.clone() };
        let json = |body: &Body| session::json::event(&topic, body, None).len();
        let more = (body.encode().len() - unsigned.encode().len(), json(&body) - json(&unsigned));
        assert!(more.0 <= 70, "{more:?} {}", body.id);
        // Data with spaces around it also becomes base64.
        assert!(more.1 <= 450 || body.id == "spaces-around-json", "{more:?} {}", body.id);
    }
}

#[test]
fn the_certificate_is_read_as_it_was_written() {
    let known = known();
    let known = &known["certificate"];
    let read = parse_certificate(known["jwt"].as_str().unwrap()).unwrap();
    let certificate = &read.certificate;
    assert_eq!(certificate.thumbprint().to_string(), known["thumbprint"].as_str().unwrap());
    let claims = &known["claims"];
    assert_eq!(certificate.issuer, claims["iss"].as_str().unwrap());
    assert_eq!(certificate.subject, claims["sub"].as_str().unwrap());
    assert_eq!(certificate.name.as_deref(), claims["name"].as_str());
    assert_eq!(certificate.id, claims["jti"].as_str().unwrap());
    let times = (certificate.issued_at, certificate.expires_at);
    assert_eq!(times, (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap()));
    let issuer = &super::known()["issuer"];
    assert_eq!((read.kid.as_deref(), read.algorithm.as_str()), (issuer["kid"].as_str(), "ES256"));
    assert!(is_right(&public(issuer), &read.signed, &read.signature));
}

#[test]
fn a_proof_has_its_known_bytes_and_a_right_signature() {
    let known = known();
    let key = public(&known["device"]);
    for proof in known["proofs"].as_array().unwrap() {
        let client = bytes(&proof["client"]).try_into().unwrap();
        let (host, fence) = (proof["host"].as_str().unwrap(), proof["fence"].as_u64().unwrap());
        let signed = proof_bytes(host, &client, fence, proof["token"].as_str());
        assert_eq!(signed, bytes(&proof["signed"]));
        assert!(is_right(&key, &signed, &bytes(&proof["signature"])));
        // No part of it can be exchanged.
        for other in [
            proof_bytes("www.example.org", &client, fence, proof["token"].as_str()),
            proof_bytes(host, &[0; 16], fence, proof["token"].as_str()),
            proof_bytes(host, &client, fence - 1, proof["token"].as_str()),
            proof_bytes(host, &client, fence, Some("another")),
        ] {
            assert!(!is_right(&key, &other, &bytes(&proof["signature"])));
        }
    }
}
