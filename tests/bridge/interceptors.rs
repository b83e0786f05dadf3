//! Interceptors with a bridge: they judge outgoing events first, and every event once.

use std::rc::Rc;

use event_driven_kit::bridge::StartFrom;
use event_driven_kit::recorder::Recorder;
use event_driven_kit::{Bus, Interception, Payload, PublishError, Rule, Status, Verdict};
use session::Body;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{Log, listen, online, say};

/// Appends `!` to each text, stops texts that begin with the name of a verdict, and logs all of them.
fn guard(bus: &Bus) -> (Interception, Log) {
    let log = Log::default();
    let seen = log.clone();
    let interception = bus.intercept("chat.>", move |event| {
        let text = event.data::<String>().unwrap();
        let from = event.inbound().map_or("here", |event| event.source());
        seen.borrow_mut().push(format!("{text} from {from}"));
        match text.split(' ').next() {
            Some("drop") => Verdict::Drop,
            Some("deny") => Verdict::Deny("language!".to_owned()),
            _ => Verdict::Replace(Payload::new(format!("{text}!"))),
        }
    });
    (interception.unwrap(), log)
}

#[wasm_bindgen_test]
async fn a_durable_event_is_judged_once_and_before_it_leaves() {
    for rule in [Rule::both("chat.>"), Rule::outbound("chat.>")] {
        let (bus, bridge, mut peer) = online([rule.durable()]).await;
        let (_guard, seen) = guard(&bus);
        let (_echo, echo) = listen(&bus, "chat.a", true);
        let (_plain, plain) = listen(&bus, "chat.a", false);
        say(&bus, "chat.a", "hi");
        peer.serve().await;
        assert_eq!(*echo.borrow(), ["hi! queued", "hi! kept", "hi! sent", "hi! stored 1"]);
        assert_eq!(*plain.borrow(), ["hi! stored 1"]);
        assert_eq!(*seen.borrow(), ["hi from here"]);
        assert_eq!(bridge.refused(), 0);
    }
}

#[wasm_bindgen_test]
async fn an_own_event_of_the_log_is_not_judged_again_when_it_is_read_later() {
    let (bus, bridge, mut peer) = online([Rule::outbound("chat.>").durable()]).await;
    let (_guard, seen) = guard(&bus);
    say(&bus, "chat.a", "hi");
    peer.serve().await;
    let (_plain, plain) = listen(&bus, "chat.a", false);
    let _all = bridge.rule(Rule::inbound("chat.a").from(StartFrom::Earliest)).unwrap();
    peer.serve().await;
    assert_eq!(*plain.borrow(), ["hi! stored 1"]);
    assert_eq!(*seen.borrow(), ["hi from here"]);
}

#[wasm_bindgen_test]
async fn what_is_stopped_here_does_not_leave() {
    let rules = [Rule::both("chat.durable").durable(), Rule::both("chat.typing").ephemeral()];
    let (bus, bridge, mut peer) = online(rules).await;
    let (_guard, _seen) = guard(&bus);
    let (_echo, echo) = listen(&bus, "chat.>", true);
    for topic in ["chat.durable", "chat.typing"] {
        assert_eq!(say(&bus, topic, "drop it").status(), Status::Dropped);
        let denied = bus.publish(topic, "deny it".to_owned()).unwrap_err();
        assert!(matches!(denied, PublishError::Denied(_, why) if &*why == "language!"));
    }
    peer.serve().await;
    assert!(echo.borrow().is_empty() && peer.log().is_empty() && peer.ephemeral.is_empty());
    assert_eq!(bridge.unanswered(), 0);
}

#[wasm_bindgen_test]
async fn inbound_events_are_judged_when_they_come_in() {
    let rules = [Rule::both("chat.a").durable(), Rule::both("chat.typing").ephemeral()];
    let (bus, bridge, mut peer) = online(rules).await;
    let (_guard, seen) = guard(&bus);
    let (_plain, plain) = listen(&bus, "chat.>", false);
    let recorder = Recorder::start(&bus, "chat.>", 10).unwrap();
    let ids: Log = Rc::default();
    let kept = ids.clone();
    let _ids = bus.subscribe("chat.a", move |event| {
        kept.borrow_mut().push(format!("{} of {}", event.id(), event.source()));
        Ok(())
    });
    for (id, text) in [("1", "\"one\""), ("2", "\"drop\""), ("3", "\"deny\""), ("4", "\"four\"")] {
        peer.append("chat.a", id, text);
    }
    peer.serve().await;
    peer.forward("chat.typing", "5", "\"ann\"");
    peer.serve().await;
    assert_eq!(plain.take(), ["one! stored 1", "four! stored 4", "ann! ephemeral"]);
    // Only the payload was replaced.
    assert_eq!(ids.take(), ["1 of /clients/other", "4 of /clients/other"]);
    assert_eq!((bridge.refused(), bridge.ignored(), recorder.len()), (2, 0, 3));
    assert_eq!(seen.borrow().len(), 5);
    assert_eq!(seen.borrow()[1], "drop from /clients/other");
}

#[wasm_bindgen_test]
async fn an_inbound_event_that_is_stopped_moves_the_position() {
    let (bus, bridge, mut peer) = online([Rule::inbound("chat.a")]).await;
    let (_guard, seen) = guard(&bus);
    let (_plain, plain) = listen(&bus, "chat.a", false);
    peer.append("chat.a", "1", "\"deny\"");
    peer.serve().await;
    assert_eq!(bridge.refused(), 1);
    let sockets = crate::socket::count();
    peer.hang_up(1006, "");
    peer.append("chat.a", "2", "\"two\"");
    crate::reconnected(&mut peer, sockets).await;
    // The resumed subscription starts after it.
    assert_eq!(*plain.borrow(), ["two! stored 2"]);
    assert_eq!((seen.borrow().len(), bridge.refused()), (2, 1));
}

#[wasm_bindgen_test]
async fn an_event_that_only_names_this_client_somewhere_in_its_source_is_judged() {
    let (bus, bridge, mut peer) = online([Rule::both("chat.a").durable()]).await;
    let (_guard, seen) = guard(&bus);
    say(&bus, "chat.a", "hi");
    peer.serve().await;
    let own = Body::decode(&peer.log()[0].body).unwrap().source;
    let id = own.strip_prefix("/clients/").unwrap();
    seen.take();
    let forged = [
        format!("/guests/{id}"),
        format!("/guests/0/../../clients/{id}"),
        format!("/clients/other/{id}"),
        format!("/clients/{id}0"),
        format!("clients/x/{id}"),
        format!("//{id}"),
    ];
    for (number, source) in (1..).zip(&forged) {
        peer.append_from(source, "chat.a", &number.to_string(), "\"deny\"");
    }
    peer.serve().await;
    let expected: Vec<String> = forged.iter().map(|source| format!("deny from {source}")).collect();
    assert_eq!(*seen.borrow(), expected);
    assert_eq!(bridge.refused(), forged.len() as u64);
}
