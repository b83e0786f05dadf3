//! Other ways to publish with a bridge: handles, `publish_when_room` and replays.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

use event_driven_kit::bridge::LinkState;
use event_driven_kit::recorder::{Pace, Replay};
use event_driven_kit::{Bus, ERROR_TOPIC, Overflow, PublishError, Rule, Status};
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake_socket::{self as socket, sleep};
use crate::peer::Peer;
use crate::{Log, connect, listen, online, reconnected, say, shown};

#[wasm_bindgen_test]
async fn a_rule_has_its_say_to_a_handle_that_was_made_before() {
    let (bus, bridge, mut peer) = online([]).await;
    let (_plain, plain) = listen(&bus, ">", false);
    let (named, unnamed) = (bus.topic("chat.a").unwrap(), bus.topic("local").unwrap());
    named.publish("before".to_owned()).unwrap();
    let rule = bridge.rule(Rule::both("chat.>").durable()).unwrap();
    peer.serve().await;
    let receipt = named.publish("kept".to_owned()).unwrap();
    assert_eq!(receipt.status(), Status::Sent);
    unnamed.publish("here".to_owned()).unwrap();
    assert_eq!(plain.take(), ["before local", "here local"]);
    peer.serve().await;
    assert_eq!(plain.take(), ["kept stored 1"]);
    drop(rule);
    named.publish("after".to_owned()).unwrap();
    assert_eq!((plain.take(), peer.log().len()), (vec!["after local".to_owned()], 1));
}

#[wasm_bindgen_test]
async fn an_event_is_own_if_the_peer_attests_so_whatever_its_source_says_besides() {
    let (bus, bridge, mut peer) = online([Rule::both("chat.a").durable()]).await;
    let stored = Rc::new(RefCell::new(Vec::new()));
    let events = stored.clone();
    let _all = bus.subscriber("chat.a").echo().handle(move |event| {
        events.borrow_mut().push(event.clone());
        Ok(())
    });
    bus.publish("chat.a", 1).unwrap();
    peer.serve().await;
    let own = stored.borrow().last().map(|event| event.source().to_owned()).unwrap_or_default();
    let id = own.strip_prefix("/clients/").expect("the peer attests it");
    assert!(stored.take().iter().all(|event| bridge.is_own(event)));

    let sources = [
        format!("/guests/{id}"),
        format!("/guests/../clients/{id}"),
        format!("/x/{id}"),
        format!("clients/x/{id}"),
        format!("{own}0"),
        own[..own.len() - 1].to_owned(),
        format!("/clients/other{own}"),
    ];
    for (number, source) in sources.iter().enumerate() {
        peer.append_from(source, "chat.a", &number.to_string(), "2");
    }
    peer.append_from(&format!("{own}/tab"), "chat.a", "own", "3");
    peer.serve().await;
    let own: Vec<bool> = stored.take().iter().map(|event| bridge.is_own(event)).collect();
    let expected: Vec<bool> = sources.iter().map(|_| false).chain([true]).collect();
    assert_eq!(own, expected);
}

#[wasm_bindgen_test]
async fn a_durable_publish_does_not_wait_for_room() {
    let (bus, _bridge, mut peer) = online([Rule::outbound("a").durable()]).await;
    let receipt = bus.publish_when_room("a", "x".to_owned()).await.unwrap();
    assert_eq!(receipt.status(), Status::Sent);
    peer.serve().await;
    assert!(matches!(receipt.status(), Status::Stored(_)));
}

#[wasm_bindgen_test]
async fn an_ephemeral_publish_is_sent_and_delivered_when_there_is_room_and_not_before() {
    let (bus, _bridge, mut peer) = online([Rule::outbound("a").ephemeral()]).await;
    let one = const { NonZeroUsize::new(1).unwrap() };
    let queue = bus.subscriber("a").queue(one, Overflow::wait()).unwrap();
    let (writer, done) = (bus.clone(), Log::default());
    let log = done.clone();
    spawn_local(async move {
        for text in ["one", "two"] {
            writer.publish_when_room("a", text.to_owned()).await.unwrap();
            log.borrow_mut().push(text.to_owned());
        }
    });
    peer.serve().await;
    assert!(matches!(bus.publish("a", "three".to_owned()), Err(PublishError::NoRoom(_))));
    peer.serve().await;
    assert_eq!((done.borrow().len(), peer.ephemeral.len()), (1, 1));
    for text in ["one ephemeral", "two ephemeral"] {
        assert_eq!(shown::line(&queue.pop().unwrap()).unwrap(), text);
        sleep(0).await;
    }
    peer.serve().await;
    assert_eq!(peer.ephemeral.len(), 2);
    assert_eq!(done.borrow().len(), 2);
}

#[wasm_bindgen_test]
async fn a_replay_goes_over_the_bridges_that_there_are() {
    let (bus, _bridge, mut peer) = online([Rule::both("chat.>").durable()]).await;
    let (_plain, plain) = listen(&bus, ">", false);
    let line = |topic: &str| {
        format!(r#"{{"specversion":"1.0","id":"1","source":"/","type":"{topic}","data":"again"}}"#)
    };
    let recording = ["chat.a", "local", "chat.b"].map(line).join("\n");
    let mut replay = Replay::parse(&recording).unwrap();
    assert_eq!(replay.step(&bus).unwrap().unwrap().status(), Status::Sent);
    replay.run(&bus, Pace::AsRecorded).await.unwrap();
    assert_eq!(plain.take(), ["again local"]);
    peer.serve().await;
    assert_eq!(plain.take(), ["again stored 1", "again stored 2"]);
}

#[wasm_bindgen_test]
async fn frames_that_waited_for_a_broken_socket_are_not_sent_on_the_next_one() {
    let (bus, bridge, mut peer) = online([Rule::both("chat.a").durable()]).await;
    socket::set_buffered(0, (1 << 20) + 1);
    let receipt = say(&bus, "chat.a", "hi");
    assert_eq!(receipt.status(), Status::Sent);
    peer.hang_up(1006, "");
    reconnected(&mut peer, 1).await;
    // The first frame is a hello: the peer would close the connection otherwise.
    assert_eq!((bridge.state(), socket::count()), (LinkState::Online, 2));
    assert_eq!(receipt.settled().await.unwrap().unwrap().offset, 1);
    assert_eq!(peer.log().len(), 1);
}

#[wasm_bindgen_test]
async fn handlers_of_all_reports_may_use_the_bridge() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let bridge = Rc::new(connect(&bus));
    let failures = Rc::new(Cell::new(0));
    let counted = failures.clone();
    let _errors = bus.subscribe(ERROR_TOPIC, move |_| {
        counted.set(counted.get() + 1);
        Ok(())
    });
    // Publishing changes the status, which is another report: a bound ends that.
    let calls = Rc::new(Cell::new(0));
    let _reports = ["$bus.>", "chat.>"].map(|pattern| {
        let (weak, own, calls) = (Rc::downgrade(&bridge), bus.clone(), calls.clone());
        bus.subscriber(pattern).echo().handle(move |event| {
            let Some(bridge) = weak.upgrade().filter(|_| calls.get() < 30) else { return Ok(()) };
            calls.set(calls.get() + 1);
            let _status = (bridge.status(), bridge.unanswered(), bridge.is_own(event));
            let rule = bridge.rule(Rule::both("side.a").durable())?;
            let joined = bridge.join("side.a", "me", 1)?;
            let watched = bridge.watch("side.b")?;
            own.publish("side.a", 1)?;
            drop((rule, joined, watched, bridge.history("side.a", None, 1)));
            bridge.reconnect();
            Ok(())
        })
    });
    let _rule = bridge.rule(Rule::both("chat.a").durable()).unwrap();
    peer.accept();
    let receipt = say(&bus, "chat.a", "hi");
    for _ in 0..3 {
        peer.serve().await;
    }
    assert!(receipt.settled().await.unwrap().is_some());
    assert_eq!((bridge.state(), bridge.unanswered()), (LinkState::Online, 0));
    assert_eq!((calls.get(), failures.get()), (30, 0));
}
