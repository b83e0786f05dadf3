//! Certificates that come late or long ago, and the newest events of tallies.

use wasm_bindgen_test::wasm_bindgen_test;

use super::*;

#[wasm_bindgen_test]
async fn a_certificate_behind_many_newer_ones_is_found() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let signed = ann.signed("chat.a", body("1")).await;
    let uncovered = Body { time: Some((NOW - 9_000) * 1_000), ..body("2") };
    let uncovered = ann.signed("chat.a", uncovered).await;
    let mut peer = peer_with(&issuer, &ann, &[]).await;
    let newer = issuer.certificate(&ann, "ann", NOW + 90_000, NOW + 93_600).await;
    for number in 0..250 {
        let record = Body { id: format!("newer {number}"), ..issuer::record(&newer) };
        peer.append_body(&ann.thumbprint().topic(), &record);
    }
    peer.append_body("chat.a", &signed);
    peer.append_body("chat.a", &uncovered);
    let mut page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    page.serve().await;
    assert_eq!(page.heard(), ["1 verified ann (Ann)"]);
    assert_eq!(page.withheld(), ["2 not_valid_then"]);
}

#[wasm_bindgen_test]
async fn an_event_that_has_waited_for_minutes_is_verified_by_the_certificate_behind_it() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let now = js_sys::Date::now() as u64 / 1_000;
    let waited = Body { time: Some((now - 200) * 1_000), ..body("1") };
    let signed = ann.signed("chat.a", waited).await;
    let jwt = issuer.certificate(&ann, "ann", now, now + 3_600).await;
    socket::install();
    let mut page = Page::open(Peer::default(), options(&issuer), Rule::inbound("chat.>")).await;
    page.peer.append_body("chat.a", &signed);
    page.peer.serve().await;
    page.peer.append_body(&ann.thumbprint().topic(), &issuer::record(&jwt));
    for _ in 0..50 {
        page.serve().await;
        if !page.heard().is_empty() || !page.withheld().is_empty() {
            break;
        }
    }
    assert_eq!((page.heard(), page.withheld()), (vec!["1 verified ann (Ann)".to_owned()], vec![]));
}

#[wasm_bindgen_test]
async fn the_newest_event_of_a_tally_is_verified_or_withheld() {
    let (issuer, ann) = (Issuer::new().await, Device::of("ann").await);
    let good = ann.signed("old.a", body("good")).await;
    let bad = Body { id: "bad".to_owned(), ..good.clone() };
    let mut peer = peer_with(&issuer, &ann, &[]).await;
    for (topic, event) in [("old.b", &bad), ("old.a", &good), ("old.c", &body("plain"))] {
        peer.append_body(topic, event);
    }
    let mut page = Page::open(peer, options(&issuer), Rule::inbound("chat.>")).await;
    let reported = Log::default();
    let topics = ["old.a", "old.b", "old.none", "old.c"].map(|topic| (topic.to_owned(), None));
    let (tally, kept) = (page.bridge.tally(topics.to_vec()), reported.clone());
    wasm_bindgen_futures::spawn_local(async move {
        let newest = tally.await.unwrap().into_iter().map(|tally| {
            let newest = tally.newest.as_ref().map_or("none".to_owned(), tell);
            format!("{} {newest}", tally.count)
        });
        kept.borrow_mut().extend(newest);
    });
    page.serve().await;
    let expected = ["1 good verified ann (Ann)", "1 none", "0 none", "1 plain anonymous"];
    assert_eq!(*reported.borrow(), expected);
    assert_eq!(page.withheld(), ["bad bad_signature"]);
}
