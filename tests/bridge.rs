//! The bridge in a browser, against the real server state machine behind a fake WebSocket class.
#![cfg(all(target_arch = "wasm32", feature = "bridge"))]

#[path = "bridge/connection.rs"]
mod connection;
#[path = "bridge/echoes.rs"]
mod echoes;
#[path = "bridge/faces.rs"]
mod faces;
#[path = "bridge/fake_socket.rs"]
mod fake_socket;
#[path = "bridge/flow.rs"]
mod flow;
#[cfg(feature = "inspect")]
#[path = "bridge/inspecting.rs"]
mod inspecting;
#[path = "bridge/interceptors.rs"]
mod interceptors;
#[path = "bridge/javascript.rs"]
mod javascript;
#[path = "bridge/lifetime.rs"]
mod lifetime;
#[path = "bridge/payloads.rs"]
mod payloads;
#[path = "bridge/peer.rs"]
#[allow(dead_code)] // the tests of the outbox use the rest
mod peer;
#[path = "bridge/people.rs"]
mod people;
#[path = "bridge/publishing.rs"]
mod publishing;
#[path = "bridge/shown.rs"]
mod shown;

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::bridge::{
    BridgeError, CloseCode, LINK_TOPIC, LinkState, RejectCode, StartFrom,
};
use event_driven_kit::{
    Bridge, BridgeOptions, Bus, Payload, PublishError, Rule, Status, Subscription,
};
use fake_socket::{self as socket, sleep};
use peer::Peer;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

type Log = Rc<RefCell<Vec<String>>>;

fn connect(bus: &Bus) -> Bridge {
    Bridge::connect(bus, BridgeOptions::new("ws://peer.test/ws").in_memory()).unwrap()
}

/// A bus with an online bridge, whose client the peer has recorded: an event of its outbox was rejected. So its next
/// durable event is sent at once.
async fn online(rules: impl IntoIterator<Item = Rule>) -> (Bus, Bridge, Peer) {
    connected(rules, true).await
}

/// A bus with an online bridge, whose client has published nothing.
async fn online_and_new(rules: impl IntoIterator<Item = Rule>) -> (Bus, Bridge, Peer) {
    connected(rules, false).await
}

async fn connected(
    rules: impl IntoIterator<Item = Rule>,
    has_published: bool,
) -> (Bus, Bridge, Peer) {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let bridge = connect(&bus);
    for rule in rules {
        // Kept until the page ends: these tests end with the bridge.
        std::mem::forget(bridge.rule(rule).unwrap());
    }
    if has_published {
        let _rule = bridge.rule(Rule::outbound("the.first").durable()).unwrap();
        say(&bus, "the.first", "to be rejected");
    }
    peer.refuses = has_published;
    peer.accept();
    peer.serve().await;
    peer.refuses = false;
    assert_eq!((bridge.state(), bridge.unanswered()), (LinkState::Online, 0));
    (bus, bridge, peer)
}

/// Accepts the connection that follows the jittered delay.
async fn reconnected(peer: &mut Peer, sockets: u32) {
    for _ in 0..200 {
        if socket::count() > sockets {
            peer.accept();
            return peer.serve().await;
        }
        sleep(10).await;
    }
    panic!("it does not connect again");
}

fn listen(bus: &Bus, pattern: &str, with_echo: bool) -> (Subscription, Log) {
    let log = Log::default();
    let kept = log.clone();
    let subscriber = bus.subscriber(pattern);
    let subscriber = if with_echo { subscriber.echo() } else { subscriber };
    let subscription = subscriber.handle(move |event| {
        let reported = shown::line(event)?;
        kept.borrow_mut().push(reported);
        Ok(())
    });
    (subscription.unwrap(), log)
}

fn say(bus: &Bus, topic: &str, text: &str) -> event_driven_kit::Receipt {
    bus.publish(topic, text.to_owned()).unwrap()
}

#[wasm_bindgen_test]
async fn a_durable_event_reaches_plain_subscribers_when_the_peer_has_stored_it() {
    let (bus, _bridge, mut peer) = online([Rule::both("chat.>").durable()]).await;
    let (_plain, plain) = listen(&bus, "chat.a", false);
    let receipt = say(&bus, "chat.a", "hi");
    assert_eq!(receipt.status(), Status::Sent);
    assert!(plain.borrow().is_empty());
    peer.serve().await;
    assert_eq!(*plain.borrow(), ["hi stored 1"]);
    assert!(matches!(receipt.status(), Status::Stored(position) if position.offset == 1));
    assert_eq!(receipt.settled().await.unwrap().unwrap().offset, 1);
}

#[wasm_bindgen_test]
async fn the_first_durable_event_of_a_new_client_waits_until_the_peer_has_recorded_it() {
    let (bus, _bridge, mut peer) = online_and_new([Rule::both("a").durable()]).await;
    let (_echo, echo) = listen(&bus, "a", true);
    let receipt = say(&bus, "a", "one");
    say(&bus, "a", "two");
    assert_eq!(receipt.status(), Status::Kept);
    peer.serve().await;
    assert_eq!(
        echo.take(),
        [
            "one queued",
            "one kept",
            "two queued",
            "two kept",
            "one sent",
            "two sent",
            "one stored 1",
            "two stored 2"
        ]
    );
    assert_eq!(say(&bus, "a", "three").status(), Status::Sent);
}

#[wasm_bindgen_test]
async fn a_break_before_the_peer_records_a_new_client_loses_nothing() {
    let (bus, _bridge, mut peer) = online_and_new([Rule::both("a").durable()]).await;
    let receipt = say(&bus, "a", "hi");
    peer.hang_up(1006, "");
    reconnected(&mut peer, 1).await;
    assert_eq!(receipt.settled().await.unwrap().unwrap().offset, 1);
}

#[wasm_bindgen_test]
async fn echo_shows_every_stage_with_one_id() {
    let (bus, _bridge, mut peer) = online([Rule::both("chat.>").durable()]).await;
    let ids: Log = Rc::default();
    let kept = ids.clone();
    let _ids = bus.subscriber("chat.a").echo().handle(move |event| {
        kept.borrow_mut().push(event.id().to_owned());
        Ok(())
    });
    let (_echo, echo) = listen(&bus, "chat.a", true);
    let receipt = say(&bus, "chat.a", "hi");
    assert_eq!(*echo.borrow(), ["hi queued", "hi kept", "hi sent"]);
    peer.serve().await;
    assert_eq!(*echo.borrow(), ["hi queued", "hi kept", "hi sent", "hi stored 1"]);
    assert!(ids.borrow().iter().all(|id| id == receipt.id()));
}

#[wasm_bindgen_test]
async fn under_an_outbound_rule_the_answer_delivers_the_event() {
    let (bus, _bridge, mut peer) = online([Rule::outbound("chat.>").durable()]).await;
    let (_plain, plain) = listen(&bus, "chat.a", false);
    say(&bus, "chat.a", "hi");
    peer.serve().await;
    assert_eq!(*plain.borrow(), ["hi stored 1"]);
    peer.append("chat.a", "x", "\"not asked for\"");
    peer.serve().await;
    assert_eq!(plain.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn what_no_rule_names_stays_local() {
    let rules = [Rule::both("chat.*.message").durable(), Rule::inbound("news")];
    let (bus, _bridge, mut peer) = online(rules).await;
    let (_all, all) = listen(&bus, ">", false);
    say(&bus, "chat.a.draft", "mine");
    say(&bus, "news", "also mine");
    peer.append("chat.a.draft", "x", "\"theirs\"");
    peer.serve().await;
    assert_eq!(*all.borrow(), ["mine local", "also mine local"]);
    assert_eq!(peer.log().len(), 1);
}

#[wasm_bindgen_test]
async fn a_new_page_reads_the_history_and_then_what_is_live() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    for n in 1..=5 {
        peer.append("chat.a", &format!("id{n}"), &format!("\"m{n}\""));
    }
    let (_plain, plain) = listen(&bus, "chat.a", false);
    let bridge = connect(&bus);
    let _rule = bridge.rule(Rule::both("chat.a").durable().from(StartFrom::Last(2))).unwrap();
    peer.accept();
    peer.serve().await;
    peer.append("chat.a", "id6", "\"live\"");
    peer.serve().await;
    assert_eq!(*plain.borrow(), ["m4 stored 4", "m5 stored 5", "live stored 6"]);
}

#[wasm_bindgen_test]
async fn an_event_published_before_the_link_is_up_waits_in_the_outbox() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let bridge = connect(&bus);
    let _rule = bridge.rule(Rule::both("a").durable()).unwrap();
    let (_echo, echo) = listen(&bus, "a", true);
    let receipt = say(&bus, "a", "early");
    assert_eq!((receipt.status(), bridge.unanswered()), (Status::Kept, 1));
    peer.accept();
    peer.serve().await;
    assert_eq!(*echo.borrow(), ["early queued", "early kept", "early sent", "early stored 1"]);
    assert_eq!(bridge.unanswered(), 0);
}

#[wasm_bindgen_test]
async fn what_was_sent_when_the_link_broke_is_sent_again_and_lands_once() {
    let (bus, _bridge, mut peer) = online([Rule::both("a").durable()]).await;
    let (_echo, echo) = listen(&bus, "a", true);
    peer.dies = true;
    let receipt = say(&bus, "a", "hi");
    peer.serve().await;
    assert_eq!((receipt.status(), peer.log().len()), (Status::Kept, 1));
    reconnected(&mut peer, 1).await;
    assert_eq!(peer.log().len(), 1);
    assert_eq!(
        *echo.borrow(),
        ["hi queued", "hi kept", "hi sent", "hi kept", "hi sent", "hi stored 1"]
    );
}

#[wasm_bindgen_test]
async fn after_a_break_reading_goes_on_where_it_was() {
    let (bus, bridge, mut peer) = online([Rule::inbound("a").durable()]).await;
    let (_plain, plain) = listen(&bus, "a", false);
    peer.append("a", "1", "\"one\"");
    peer.serve().await;
    peer.hang_up(4000, "restart");
    peer.append("a", "2", "\"two\"");
    sleep(0).await;
    assert!(matches!(bridge.state(), LinkState::Offline { .. } | LinkState::Connecting));
    reconnected(&mut peer, 1).await;
    assert_eq!(*plain.borrow(), ["one stored 1", "two stored 2"]);
}

#[wasm_bindgen_test]
async fn a_refused_event_ends_as_rejected_for_echo_and_receipt() {
    let (bus, _bridge, mut peer) = online([Rule::both("a").durable()]).await;
    let (_plain, plain) = listen(&bus, "a", false);
    let (_echo, echo) = listen(&bus, "a", true);
    peer.refuses = true;
    let receipt = say(&bus, "a", "hi");
    peer.serve().await;
    assert_eq!(*echo.borrow(), ["hi queued", "hi kept", "hi sent", "hi rejected illegal_event"]);
    assert!(plain.borrow().is_empty());
    let rejection = receipt.settled().await.unwrap_err();
    assert_eq!(rejection.code, RejectCode::IllegalEvent);
    assert_eq!(rejection.message, "not today");
}

#[wasm_bindgen_test]
async fn an_ephemeral_event_is_delivered_at_once_and_kept_nowhere() {
    let (bus, _bridge, mut peer) = online([Rule::both("typing").ephemeral()]).await;
    let (_plain, plain) = listen(&bus, "typing", false);
    let receipt = say(&bus, "typing", "mine");
    assert_eq!(receipt.status(), Status::Delivered);
    peer.forward("typing", "x", "\"theirs\"");
    peer.serve().await;
    assert_eq!(*plain.borrow(), ["mine ephemeral", "theirs ephemeral"]);
    assert_eq!((peer.ephemeral.len(), peer.log().len()), (1, 0));
    peer.hang_up(1006, "");
    sleep(0).await;
    say(&bus, "typing", "offline");
    reconnected(&mut peer, 1).await;
    assert_eq!(plain.borrow().last().unwrap(), "offline ephemeral");
    assert_eq!(peer.ephemeral.len(), 1);
}

#[wasm_bindgen_test]
async fn a_payload_that_cannot_become_bytes_is_an_error_to_its_publisher_alone() {
    let (bus, bridge, _peer) = online([Rule::both("a").durable()]).await;
    let (_echo, echo) = listen(&bus, "a", true);
    let function = js_sys::Function::new_no_args("");
    let published = bus.publish_payload("a", Payload::from_js(function.into()));
    assert!(matches!(published, Err(PublishError::Data(..))));
    assert!(echo.borrow().is_empty());
    assert_eq!(bridge.unanswered(), 0);
    let huge = bus.publish("a", "x".repeat(2 << 20));
    assert!(matches!(huge, Err(PublishError::TooLarge(_))));
}

#[wasm_bindgen_test]
async fn a_handler_may_answer_over_the_bridge_and_may_drop_it() {
    let (bus, bridge, mut peer) =
        online([Rule::both("a").durable(), Rule::both("b").durable()]).await;
    let kept = Rc::new(RefCell::new(Some(bridge)));
    let (answering, dropping) = (bus.clone(), kept.clone());
    let _answer = bus.subscribe("a", move |_| {
        answering.publish("b", "answer".to_owned())?;
        Ok(())
    });
    let _drop = bus.subscribe("b", move |_| {
        drop(dropping.take());
        Ok(())
    });
    say(&bus, "a", "question");
    peer.serve().await;
    assert!(kept.borrow().is_none());
    assert_eq!(peer.log().len(), 2);
    assert_ne!(socket::state(0), socket::OPEN);
}
