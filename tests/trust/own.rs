//! This page's own key, certificate and signed events.

use std::cell::Cell;

use event_driven_kit::trust::CertifyError;
use event_driven_kit::{BridgeOptions, Cause, Rule, Status};
use trust::{Thumbprint, signed_bytes};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::issuer::{hang_databases, hide_crypto, steal_keys};

/// A unique user with an outbox in the database.
fn new_user() -> BridgeOptions {
    thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    socket::install();
    let name = format!("{} {}", js_sys::Date::now(), COUNT.replace(COUNT.get() + 1));
    BridgeOptions::new("ws://peer.test/ws").identity(name)
}

fn seconds() -> u64 {
    js_sys::Date::now() as u64 / 1_000
}

/// Certifies the key of this page for Ann, from `from` to `to` seconds after now.
fn certify(options: BridgeOptions, issuer: &Rc<Issuer>, from: i64, to: i64) -> BridgeOptions {
    let issuer = issuer.clone();
    options.certify(move |jwk| {
        let issuer = issuer.clone();
        async move {
            let at = |offset: i64| seconds().saturating_add_signed(offset);
            Ok(issuer.certificate_of(&jwk.into(), ISSUER, "ann", at(from), at(to)).await)
        }
    })
}

fn trusting(options: BridgeOptions, issuer: &Issuer) -> BridgeOptions {
    options.trust(Trust::issuer(ISSUER, issuer.jwks.clone()))
}

/// The result of sending a certificate, while the peer serves.
async fn send(page: &mut Page) -> Result<event_driven_kit::trust::SentCertificate, CertifyError> {
    let sent = Rc::new(RefCell::new(None));
    let (sending, kept) = (page.bridge.send_certificate(), sent.clone());
    wasm_bindgen_futures::spawn_local(async move {
        let result = sending.await;
        kept.replace(Some(result));
    });
    for _ in 0..100 {
        page.serve().await;
        page.peer.accept_all();
        let result = sent.take();
        if let Some(result) = result {
            return result;
        }
    }
    panic!("there is no answer");
}

fn code(result: Result<event_driven_kit::trust::SentCertificate, CertifyError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "sent")
}

fn logged(page: &Page, topic: &str) -> Vec<Body> {
    let events = page.peer.log();
    let of_topic = events.iter().filter(|event| event.topic.as_str() == topic);
    of_topic.map(|event| Body::decode(&event.body).unwrap()).collect()
}

#[wasm_bindgen_test]
async fn from_the_certificate_on_durable_events_are_signed() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let mut page = Page::open(Peer::default(), options, Rule::both("chat.>").durable()).await;
    page.bus.publish("chat.a", "unsigned").unwrap();
    let sent = send(&mut page).await.unwrap();
    assert_eq!((sent.subject.as_str(), sent.expires / 1_000 - seconds() <= 3_600), ("ann", true));
    page.bus.publish("chat.a", "signed").unwrap();
    page.serve().await;

    let certificates = logged(&page, &format!("certs.{}", sent.key));
    assert_eq!((certificates.len(), certificates[0].id.as_str()), (1, sent.id.as_str()));
    let [unsigned, signed] = &logged(&page, "chat.a")[..] else { panic!() };
    assert_eq!(unsigned.signature, None);
    assert_eq!(signed.source, format!("/keys/{}", sent.key));
    assert_eq!(
        page.withheld(),
        [format!("{} other_account", signed.id)],
        "the peer has no accounts"
    );
    assert_eq!(page.heard(), [format!("{} anonymous", unsigned.id)]);
    assert!(verify(signed, &certificates[0]).await);
}

/// Whether the certificate's key has signed an event of `chat.a`.
async fn verify(signed: &Body, certificate: &Body) -> bool {
    let trust::Record::Certificate(jwt) = trust::Record::parse(&certificate.data).unwrap() else {
        return false;
    };
    let certificate = trust::parse_certificate(&jwt).unwrap().certificate;
    assert_eq!(Thumbprint::from_source(&signed.source), Some(certificate.thumbprint()));
    let message = signed_bytes("chat.a", &signed.source, signed);
    issuer::verify(&certificate.key, &signed.signature.unwrap(), &message).await.is_truthy()
}

#[wasm_bindgen_test]
async fn events_of_a_signed_rule_wait_for_the_certificate() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let mut page =
        Page::open(Peer::default(), options, Rule::both("chat.>").durable().signed()).await;
    let receipt = page.bus.publish("chat.a", "waits").unwrap();
    page.serve().await;
    assert_eq!((receipt.status(), page.peer.log().len()), (Status::Kept, 0));
    let sent = send(&mut page).await.unwrap();
    page.serve().await;
    assert!(matches!(receipt.status(), Status::Stored(_)), "{:?}", receipt.status());
    let signed = logged(&page, "chat.a").remove(0);
    let certificate = logged(&page, &format!("certs.{}", sent.key)).remove(0);
    assert!(verify(&signed, &certificate).await);
}

#[wasm_bindgen_test]
async fn a_certificate_that_is_sent_offline_signs_the_events_before_it() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let rule = Rule::both("chat.>").durable().signed();
    let mut page = Page::open(Peer::default(), options, rule).await;
    page.peer.hang_up(4000, "restart");
    let receipt = page.bus.publish("chat.a", "waits").unwrap();
    let sent = send(&mut page).await.unwrap();
    assert!(matches!(receipt.status(), Status::Stored(_)), "{:?}", receipt.status());
    let signed = logged(&page, "chat.a").remove(0);
    let certificate = logged(&page, &format!("certs.{}", sent.key)).remove(0);
    assert!(verify(&signed, &certificate).await);
}

#[wasm_bindgen_test]
async fn a_refused_certificate_does_not_come_back() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let rule = Rule::both("chat.>").durable().signed();
    let mut page = Page::open(Peer::default(), options, rule).await;
    page.bus.publish("chat.a", "refused with it").unwrap();
    page.serve().await;
    page.peer.refuses = true;
    assert_eq!(code(send(&mut page).await), "illegal_event");
    page.peer.refuses = false;
    let receipt = page.bus.publish("chat.a", "waits for another").unwrap();
    page.serve().await;
    assert_eq!((receipt.status(), page.peer.log().len()), (Status::Kept, 0));
}

#[wasm_bindgen_test]
async fn an_event_that_no_certificate_will_cover_is_rejected_and_holds_up_no_other() {
    let issuer = Rc::new(Issuer::new().await);
    // The certificate covers only events from 100 seconds on.
    let options = trusting(certify(new_user(), &issuer, 400, 3_600), &issuer);
    let mut page =
        Page::open(Peer::default(), options, Rule::both("chat.>").durable().signed()).await;
    let receipt = page.bus.publish("chat.a", "too early").unwrap();
    page.serve().await;
    send(&mut page).await.unwrap();
    let Status::Rejected(rejection) = receipt.status() else { panic!("{:?}", receipt.status()) };
    assert_eq!(rejection.code.name(), "not_signed");
}

#[wasm_bindgen_test]
async fn the_key_and_its_certificate_survive_a_reload() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let rule = || Rule::both("chat.>").durable();
    let mut page = Page::open(Peer::default(), options.clone(), rule()).await;
    let first = send(&mut page).await.unwrap();
    let Page { bus, bridge, peer, .. } = page;
    drop((bus, bridge));
    sleep(50).await;
    socket::install();
    let mut page = Page::open(peer, options, rule()).await;
    page.bus.publish("chat.a", "signed").unwrap();
    page.serve().await;
    let signed = logged(&page, "chat.a").remove(0);
    assert_eq!(signed.source, format!("/keys/{}", first.key));
    assert_eq!(send(&mut page).await.unwrap().key, first.key);
}

#[wasm_bindgen_test]
async fn a_certificate_that_does_not_serve_is_not_sent() {
    let issuer = Rc::new(Issuer::new().await);
    let other = Rc::new(Issuer::new().await);
    let rule = || Rule::both("chat.>").durable();
    let cases = [
        ("expired", certify(new_user(), &issuer, -7_200, -3_600)),
        ("unknown_issuer", certify(new_user(), &other, 0, 3_600)),
        ("illegal_argument", new_user().certify(|_| async { Ok("no token".to_owned()) })),
        ("failed", new_user().certify(|_| async { Err(Cause::from("signed out")) })),
        ("not_available", new_user()),
    ];
    for (expected, options) in cases {
        let options = trusting(options, &issuer);
        let mut page = Page::open(Peer::default(), options, rule()).await;
        assert_eq!(code(send(&mut page).await), expected);
        assert_eq!(page.peer.log().len(), 0);
    }
    // A certificate of another device.
    let (issuing, eve) = (issuer.clone(), Rc::new(Device::of("eve").await));
    let options = new_user().certify(move |_| {
        let (issuer, eve) = (issuing.clone(), eve.clone());
        async move { Ok(issuer.certificate(&eve, "eve", seconds(), seconds() + 60).await) }
    });
    let mut page = Page::open(Peer::default(), trusting(options, &issuer), rule()).await;
    assert_eq!(code(send(&mut page).await), "not_this_key");
}

#[wasm_bindgen_test]
async fn a_certificate_that_the_peer_refuses_signs_nothing() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let mut page = Page::open(Peer::default(), options, Rule::both("chat.>").durable()).await;
    page.peer.refuses = true;
    assert_eq!(code(send(&mut page).await), "illegal_event");
    page.peer.refuses = false;
    page.bus.publish("chat.a", "unsigned").unwrap();
    page.serve().await;
    assert_eq!(logged(&page, "chat.a")[0].signature, None);
}

#[wasm_bindgen_test]
async fn without_a_secure_page_there_is_no_key() {
    let issuer = Rc::new(Issuer::new().await);
    let user = new_user();
    let restore = hide_crypto();
    let options = certify(user, &issuer, 0, 3_600);
    restore.call0(&JsValue::UNDEFINED).unwrap();
    let mut page = Page::open(Peer::default(), options, Rule::both("chat.>").durable()).await;
    assert_eq!(code(send(&mut page).await), "not_available");
    let receipt = page.bus.publish("chat.a", "unsigned").unwrap();
    page.serve().await;
    assert!(matches!(receipt.status(), Status::Stored(_)));
}

#[wasm_bindgen_test]
async fn a_database_that_hangs_costs_the_key_and_not_the_link() {
    let issuer = Rc::new(Issuer::new().await);
    let options = certify(new_user(), &issuer, 0, 3_600);
    let answer = hang_databases();
    let mut page = Page::open(Peer::default(), options, Rule::both("chat.>").durable()).await;
    let receipt = page.bus.publish("chat.a", "unsigned").unwrap();
    // A second is enough.
    for _ in 0..50 {
        if matches!(receipt.status(), Status::Stored(_)) {
            break;
        }
        page.serve().await;
    }
    assert!(matches!(receipt.status(), Status::Stored(_)), "{:?}", receipt.status());
    assert_eq!(code(send(&mut page).await), "no_key");
    answer.call0(&JsValue::UNDEFINED).unwrap();
    assert_eq!(code(send(&mut page).await), "sent");
}

#[wasm_bindgen_test]
async fn a_script_cannot_take_the_key() {
    let issuer = Rc::new(Issuer::new().await);
    let options = trusting(certify(new_user(), &issuer, 0, 3_600), &issuer);
    let mut page = Page::open(Peer::default(), options, Rule::both("chat.>").durable()).await;
    send(&mut page).await.unwrap();
    let found = js_sys::Array::from(&steal_keys().await);
    let found: Vec<_> = found.iter().filter_map(|found| found.as_string()).collect();
    assert!(!found.is_empty(), "the database has the key");
    assert!(found.iter().all(|found| found == "refused private"), "{found:?}");
}
