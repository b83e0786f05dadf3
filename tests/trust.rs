//! Signed events in a browser, against a hostile peer.
#![cfg(all(target_arch = "wasm32", feature = "trust"))]

#[path = "bridge/fake_socket.rs"]
#[allow(dead_code)] // the tests of one bridge use the rest
mod fake_socket;
#[path = "trust/issuer.rs"]
mod issuer;
#[path = "trust/own.rs"]
mod own;
#[path = "bridge/peer.rs"]
#[allow(dead_code)] // the same
mod peer;
#[path = "trust/reading.rs"]
mod reading;
#[path = "trust/records.rs"]
mod records;
#[path = "trust/speed.rs"]
mod speed;

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::bridge::{CAUGHT_UP_TOPIC, StartFrom};
use event_driven_kit::trust::{
    CERTIFICATE_TOPIC, Certified, Trust, TrustStatus, UNTRUSTED_TOPIC, Untrusted,
};
use event_driven_kit::{Bridge, BridgeOptions, Bus, Event, Rule, Subscription};
use fake_socket::{self as socket, sleep};
use issuer::{Device, ISSUER, Issuer, NOW, body};
use peer::Peer;
use session::Body;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Log = Rc<RefCell<Vec<String>>>;

/// A page that trusts one issuer, and a peer that may be hostile.
struct Page {
    bus: Bus,
    bridge: Bridge,
    peer: Peer,
    /// What subscribers of `chat.>` got, each event with its author.
    heard: Log,
    withheld: Log,
    _subscriptions: [Subscription; 2],
}

impl Page {
    /// Connects with these rules, and reads what the peer has.
    async fn open(mut peer: Peer, options: BridgeOptions, rule: Rule) -> Self {
        let bus = Bus::new();
        let (heard, withheld) = (Log::default(), Log::default());
        let _subscriptions = [
            bus.subscribe("chat.>", {
                let heard = heard.clone();
                move |event| {
                    heard.borrow_mut().push(tell(event));
                    Ok(())
                }
            })
            .unwrap(),
            bus.subscribe(UNTRUSTED_TOPIC, {
                let withheld = withheld.clone();
                move |event| {
                    let Untrusted { id, code, .. } = &*event.data::<Untrusted>()?;
                    withheld.borrow_mut().push(format!("{id} {code}"));
                    Ok(())
                }
            })
            .unwrap(),
        ];
        let bridge = Bridge::connect(&bus, options).unwrap();
        // Kept until the page ends: these tests end with the bridge.
        std::mem::forget(bridge.rule(rule.from(StartFrom::Earliest)).unwrap());
        // The outbox is loaded before the page connects.
        while socket::count() == 0 {
            sleep(5).await;
        }
        peer.accept();
        let mut page = Self { bus, bridge, peer, heard, withheld, _subscriptions };
        page.serve().await;
        page
    }

    async fn serve(&mut self) {
        for _ in 0..20 {
            self.peer.serve().await;
            sleep(1).await;
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.borrow().clone()
    }

    fn withheld(&self) -> Vec<String> {
        self.withheld.borrow().clone()
    }
}

fn tell(event: &Event) -> String {
    let who = match event.trust() {
        TrustStatus::Verified(author) => {
            format!("verified {} ({})", author.subject, author.name.unwrap_or_default())
        }
        TrustStatus::Attested(account) => format!("attested {account}"),
        TrustStatus::Anonymous => "anonymous".to_owned(),
        TrustStatus::Unknown => "unknown".to_owned(),
    };
    format!("{} {who}", event.id())
}

fn options(issuer: &Issuer) -> BridgeOptions {
    let trust = Trust::issuer(ISSUER, issuer.jwks.clone());
    BridgeOptions::new("ws://peer.test/ws").in_memory().trust(trust)
}

/// A peer with these events on `chat.a`, and the certificate of a device.
async fn peer_with(issuer: &Issuer, device: &Device, events: &[Body]) -> Peer {
    socket::install();
    let mut peer = Peer::default();
    device.certified_by(issuer, &mut peer).await;
    for event in events {
        peer.append_body("chat.a", event);
    }
    peer
}

#[wasm_bindgen_test]
async fn an_event_that_a_certified_device_has_signed_is_verified() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let signed = ann.signed("chat.a", body("1")).await;
    let peer = peer_with(&issuer, &ann, &[signed, body("2")]).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!(page.heard(), ["1 verified ann (Ann)", "2 anonymous"]);
    assert_eq!(page.withheld(), [""; 0]);
}

#[wasm_bindgen_test]
async fn without_a_trusted_issuer_the_peer_attests_the_author() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let signed = ann.signed("chat.a", body("1")).await;
    let peer = peer_with(&issuer, &ann, &[signed]).await;
    let options = BridgeOptions::new("ws://peer.test/ws").in_memory();
    let page = Page::open(peer, options, Rule::inbound("chat.>")).await;
    assert_eq!(page.heard(), ["1 attested ann"]);
}

#[wasm_bindgen_test]
async fn one_changed_bit_of_id_source_topic_time_or_data_withholds_an_event() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let original = ann.signed("chat.a", body("b")).await;
    let changed = |change: fn(&mut Body)| {
        let mut body = original.clone();
        change(&mut body);
        body
    };
    let mut other_key = ann.thumbprint();
    other_key.0[0] ^= 1;
    let bodies = [
        changed(|body| body.id = "c".to_owned()),
        Body { source: other_key.source(), ..original.clone() },
        changed(|body| body.time = body.time.map(|time| time ^ (1 << 10))),
        changed(|body| body.data[1] ^= 1),
        changed(|body| body.signature.as_mut().unwrap()[7] ^= 1),
        changed(|body| body.authid = Some("bob".to_owned())),
        changed(|body| body.authid = None),
        changed(|body| body.content_type = Some("text/plain".to_owned())),
        changed(|body| body.source.push_str("/more")),
    ];
    let mut peer = peer_with(&issuer, &ann, &bodies).await;
    peer.append_body("chat.b", &original);
    peer.append_body("chat.a", &original);
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!(page.heard(), ["b verified ann (Ann)"]);
    let expected = [
        "c bad_signature",
        "b unknown_certificate",
        "b bad_signature",
        "b bad_signature",
        "b bad_signature",
        "b other_account",
        "b other_account",
        "b bad_signature",
        "b bad_signature",
        "b bad_signature",
    ];
    assert_eq!(page.withheld(), expected);
}

#[wasm_bindgen_test]
async fn a_signature_of_another_key_is_withheld() {
    let (issuer, ann, eve) =
        (Issuer::new().await, Device::of("ann").await, Device::of("ann").await);
    let forged = ann.body_signed_by(&eve, "chat.a", body("1")).await;
    // Eve has no certificate under her own key either.
    let uncertified = eve.signed("chat.a", body("2")).await;
    let peer = peer_with(&issuer, &ann, &[forged, uncertified]).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!(page.heard(), [""; 0]);
    assert_eq!(page.withheld(), ["1 bad_signature", "2 unknown_certificate"]);
}

#[wasm_bindgen_test]
async fn a_certificate_of_another_issuer_proves_nothing() {
    let (issuer, other) = (Issuer::new().await, Issuer::new().await);
    let eve = Device::of("ann").await;
    let signed = eve.signed("chat.a", body("1")).await;
    // It names the trusted issuer, but that has not signed it.
    let peer = peer_with(&other, &eve, &[signed]).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!((page.heard(), page.withheld()), (vec![], vec!["1 unknown_certificate".to_owned()]));
}

#[wasm_bindgen_test]
async fn the_certificate_of_one_key_does_not_serve_another() {
    let (issuer, ann, eve) =
        (Issuer::new().await, Device::of("ann").await, Device::of("eve").await);
    let signed = eve.signed("chat.a", Body { authid: Some("ann".into()), ..body("1") }).await;
    let mut peer = peer_with(&issuer, &ann, &[signed]).await;
    // A hostile peer puts Ann's certificate on the topic of Eve's key.
    let jwt = issuer.certificate(&ann, "ann", NOW, NOW + 3_600).await;
    peer.append_body(&eve.thumbprint().topic(), &issuer::record(&jwt));
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!((page.heard(), page.withheld()), (vec![], vec!["1 unknown_certificate".to_owned()]));
}

#[wasm_bindgen_test]
async fn an_event_whose_signature_was_taken_away_is_withheld() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let stripped = Body { signature: None, ..ann.signed("chat.a", body("1")).await };
    let disguised = Body { source: "/clients/00".to_owned(), ..stripped.clone() };
    let events = [stripped, Body { id: "2".to_owned(), ..disguised }];
    let peer = peer_with(&issuer, &ann, &events).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!(
        (page.heard(), page.withheld()),
        (vec!["2 attested ann".to_owned()], vec!["1 not_signed".to_owned()])
    );
    let peer = peer_with(&issuer, &ann, &events).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>").signed()).await;
    assert_eq!(
        (page.heard(), page.withheld()),
        (vec![], vec!["1 not_signed".to_owned(), "2 not_signed".to_owned()])
    );
}

#[wasm_bindgen_test]
async fn a_signed_rule_takes_the_peers_reports_of_deletions_and_no_forged_ones() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let extension = |name: &str| (name.to_owned(), session::Extension::Text("1".to_owned()));
    let about = |id: &str, name: &str, source: &str, data: &[u8]| Body {
        extensions: vec![extension(name)],
        source: source.to_owned(),
        data: data.to_vec(),
        ..body(id)
    };
    let key = ann.thumbprint().source();
    let events = [
        about("report", "deletes", "/relays/one", b""),
        about("emptied", "deleted", &key, b""),
        about("not a peer", "deletes", "/guests/0", b""),
        about("not empty", "deleted", &key, b"1"),
    ];
    let peer = peer_with(&issuer, &ann, &events).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>").signed()).await;
    assert_eq!(page.heard(), ["report anonymous", "emptied anonymous"]);
    assert_eq!(page.withheld(), ["not a peer not_signed", "not empty not_signed"]);
}

#[wasm_bindgen_test]
async fn an_event_outside_the_time_of_its_certificate_is_withheld() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let at = |id: &str, seconds: u64| Body { time: Some(seconds * 1_000), ..body(id) };
    let mut events = Vec::new();
    for (id, seconds) in [
        ("early", NOW - 301),
        ("first", NOW - 300),
        ("last", NOW + 3_600 + 300),
        ("late", NOW + 3_600 + 301),
    ] {
        events.push(ann.signed("chat.a", at(id, seconds)).await);
    }
    let timeless = Body { time: None, ..body("timeless") };
    events.push(ann.signed("chat.a", timeless).await);
    let peer = peer_with(&issuer, &ann, &events).await;
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!(page.heard(), ["first verified ann (Ann)", "last verified ann (Ann)"]);
    let not_valid = ["early", "late", "timeless"].map(|id| format!("{id} not_valid_then"));
    assert_eq!(page.withheld(), not_valid);
}

#[wasm_bindgen_test]
async fn an_event_of_a_revoked_key_is_withheld() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let before = ann.signed("chat.a", body("before")).await;
    let later = Body { time: Some((NOW + 20) * 1_000), ..body("after") };
    let after = ann.signed("chat.a", later).await;
    let mut peer = peer_with(&issuer, &ann, &[before, after]).await;
    let data = br#"{"revoked":true,"reason":"a lost phone"}"#.to_vec();
    let revocation = Body { data, time: Some((NOW + 10) * 1_000), ..body("revocation") };
    peer.append_body(&ann.thumbprint().topic(), &revocation);
    let page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    assert_eq!(page.heard(), ["before verified ann (Ann)"]);
    assert_eq!(page.withheld(), ["after revoked"]);
}

#[wasm_bindgen_test]
async fn verified_events_stay_in_order_and_unsigned_ephemeral_ones_do_not_wait() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let peer = peer_with(&issuer, &ann, &[]).await;
    let mut page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    let caught_up = Log::default();
    let _caught_up = page.bus.subscribe(CAUGHT_UP_TOPIC, {
        let caught_up = caught_up.clone();
        move |_| {
            caught_up.borrow_mut().push("caught up".to_owned());
            Ok(())
        }
    });
    let first = ann.signed("chat.a", body("1")).await;
    let forged = Body { data: b"\"forged\"".to_vec(), ..ann.signed("chat.a", body("3")).await };
    for event in [first, body("2"), forged, body("4")] {
        page.peer.append_body("chat.a", &event);
    }
    page.peer.forward("chat.typing", "now", "1");
    page.peer.step();
    assert_eq!(page.heard(), ["now unknown"], "its source is empty");
    page.serve().await;
    let expected = ["now unknown", "1 verified ann (Ann)", "2 anonymous", "4 anonymous"];
    assert_eq!(page.heard(), expected);
    assert_eq!(page.withheld(), ["3 bad_signature"]);
    // The position has moved on, also past the withheld event.
    page.peer.hang_up(4000, "restart");
    for _ in 0..200 {
        if socket::count() > 1 {
            break;
        }
        sleep(10).await;
    }
    page.peer.accept();
    page.serve().await;
    assert_eq!(page.heard(), expected);
    assert_eq!(page.withheld().len(), 1);
    assert_eq!(*caught_up.borrow(), ["caught up"]);
}

#[wasm_bindgen_test]
async fn history_has_no_event_that_is_withheld() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let good = ann.signed("old.a", body("good")).await;
    let bad = Body { id: "bad".to_owned(), ..good.clone() };
    let mut peer = peer_with(&issuer, &ann, &[]).await;
    for event in [&good, &bad, &body("plain")] {
        peer.append_body("old.a", event);
    }
    let mut page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    let reported = Log::default();
    let (history, kept) = (page.bridge.history("old.a", None, 10), reported.clone());
    wasm_bindgen_futures::spawn_local(async move {
        let events = history.await.unwrap().events;
        kept.borrow_mut().extend(events.iter().map(tell));
    });
    page.serve().await;
    assert_eq!(*reported.borrow(), ["plain anonymous", "good verified ann (Ann)"]);
    assert_eq!(page.withheld(), ["bad bad_signature"]);
}

#[wasm_bindgen_test]
async fn a_certificate_is_reported_once_when_it_is_first_used() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let peer = peer_with(&issuer, &ann, &[]).await;
    let mut page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    let reported = Log::default();
    let _reported = page.bus.subscribe(CERTIFICATE_TOPIC, {
        let reported = reported.clone();
        move |event| {
            let Certified { subject, name, key, expires } = (*event.data::<Certified>()?).clone();
            reported.borrow_mut().push(format!("{subject} {name:?} {key} {expires}"));
            Ok(())
        }
    });
    for id in ["1", "2"] {
        page.peer.append_body("chat.a", &ann.signed("chat.a", body(id)).await);
    }
    page.serve().await;
    let expires = (NOW + 3_600) * 1_000;
    let expected = format!("ann Some(\"Ann\") {} {expires}", ann.thumbprint());
    assert_eq!(*reported.borrow(), [expected]);
}
