//! How the echo of a durable event ends when it is answered.

use std::num::NonZeroUsize;

use event_driven_kit::{MAX_TOPIC_BYTES, Overflow, Rule, Status};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{listen, online, say};

const ONE: NonZeroUsize = NonZeroUsize::MIN;

#[wasm_bindgen_test]
async fn the_longest_topic_shows_every_stage() {
    let longest = "x".repeat(MAX_TOPIC_BYTES);
    let (bus, _bridge, mut peer) = online([Rule::both(">").durable()]).await;
    let before = bus.subscriptions();
    let (_echo, echo) = listen(&bus, &longest, true);
    assert_eq!(bus.subscriptions(), before + 1);
    say(&bus, &longest, "hi");
    peer.serve().await;
    assert_eq!(*echo.borrow(), ["hi queued", "hi kept", "hi sent", "hi stored 1"]);
}

#[wasm_bindgen_test]
async fn an_answered_event_that_waits_for_room_is_echoed_as_stored_once() {
    let (bus, _bridge, mut peer) = online([Rule::both("a").durable()]).await;
    let queue = bus.subscriber("a").queue(ONE, Overflow::wait()).unwrap();
    let (_echo, echo) = listen(&bus, "a", true);
    peer.append("a", "other", "\"other\"");
    peer.serve().await;
    let receipt = say(&bus, "a", "mine");
    peer.serve().await;
    assert!(matches!(receipt.status(), Status::Stored(_)));
    assert_eq!(
        echo.take(),
        ["other stored 1", "mine queued", "mine kept", "mine sent"],
        "the queue is full"
    );
    queue.pop().unwrap();
    peer.serve().await;
    assert_eq!(echo.take(), ["mine stored 2"]);
}

#[wasm_bindgen_test]
async fn an_answered_event_that_waits_for_room_when_its_rule_ends_is_echoed_as_stored_once() {
    let (bus, bridge, mut peer) = online([]).await;
    let rule = bridge.rule(Rule::both("a").durable()).unwrap();
    peer.serve().await;
    let queue = bus.subscriber("a").queue(ONE, Overflow::wait()).unwrap();
    let (_plain, plain) = listen(&bus, "a", false);
    let (_echo, echo) = listen(&bus, "a", true);
    peer.append("a", "other", "\"other\"");
    peer.serve().await;
    say(&bus, "a", "mine");
    peer.serve().await;
    echo.take();
    plain.take();
    drop(rule);
    peer.serve().await;
    queue.pop().unwrap();
    peer.serve().await;
    assert_eq!(echo.take(), ["mine stored 2"]);
    assert!(plain.borrow().is_empty() && queue.is_empty(), "no rule brings it");
    assert_eq!(bridge.ignored(), 1);
}
