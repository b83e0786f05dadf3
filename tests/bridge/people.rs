//! Credentials, history and presence through the API for applications.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use event_driven_kit::bridge::{
    CAUGHT_UP_TOPIC, CaughtUp, CloseCode, DeleteError, HistoryError, LINK_TOPIC, LinkState,
    Occupants, Position, RejectCode, Right, StartFrom,
};
use event_driven_kit::{
    Bridge, BridgeOptions, Bus, Cause, Delivery, ERROR_TOPIC, Rule, Topic, Typed,
};
use session::rights::PatternLists;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake_socket as socket;
use crate::peer::Peer;
use crate::{online, reconnected};

/// A bridge with numbered credentials.
fn with_credentials(bus: &Bus) -> Bridge {
    let count = Rc::new(Cell::new(0));
    let options = BridgeOptions::new("ws://peer.test/ws").in_memory().credentials(move || {
        let number = count.get() + 1;
        count.set(number);
        async move {
            match number {
                2 => Err(Cause::from("signed out")),
                _ => Ok(format!("pass {number}")),
            }
        }
    });
    Bridge::connect(bus, options).unwrap()
}

async fn accept(peer: &mut Peer) {
    for _ in 0..200 {
        if socket::count() > 0 && socket::state(socket::count() - 1) == 0 {
            peer.accept();
            return peer.serve().await;
        }
        socket::sleep(10).await;
    }
    panic!("it does not connect");
}

#[wasm_bindgen_test]
async fn credentials_are_fetched_for_each_connection_and_refreshed_on_it() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let failures = Rc::new(RefCell::new(Vec::new()));
    let kept = failures.clone();
    let _errors = bus.subscribe(ERROR_TOPIC, move |event| {
        kept.borrow_mut().push(event.data::<event_driven_kit::Failure>()?.label.clone());
        Ok(())
    });
    let bridge = with_credentials(&bus);
    accept(&mut peer).await;
    assert_eq!(peer.credentials, ["pass 1"]);
    peer.hang_up(1006, "");
    // Fetching the second one fails, the third succeeds.
    accept(&mut peer).await;
    assert_eq!(
        (peer.credentials[1].as_str(), failures.borrow().join(" ")),
        ("pass 3", "credentials".into())
    );
    let expires_in = Some(100);
    let granted = session::server::Granted { expires_in, ..Default::default() };
    peer.server().granted(granted, 0);
    peer.server().tick(60);
    peer.serve().await;
    assert_eq!(peer.credentials[2], "pass 4");
    assert_eq!(bridge.state(), LinkState::Online);
}

#[wasm_bindgen_test]
async fn rights_that_change_are_news_of_the_link() {
    let (bus, bridge, mut peer) = online([]).await;
    let granted = |publish: &str| {
        let lists = PatternLists { publish: Some(vec![publish.to_owned()]), ..Default::default() };
        session::server::Granted { rights: lists.parse().unwrap(), ..Default::default() }
    };
    let seen = Rc::new(RefCell::new(Vec::new()));
    let bridge = Rc::new(bridge);
    let (asked, kept) = (bridge.clone(), seen.clone());
    let _news = bus.subscribe(LINK_TOPIC, move |_| {
        let rights = asked.rights().unwrap();
        let publish = rights.patterns(Right::Publish).map(|all| all[0].as_str().to_owned());
        kept.borrow_mut().push(publish);
        Ok(())
    });
    assert!(bridge.rights().unwrap().are_all());
    for publish in ["a.*", "a.*", "b"] {
        peer.server().granted(granted(publish), 0);
        peer.serve().await;
    }
    assert_eq!(*seen.borrow(), [Some("b".to_owned())], "the welcome has the first ones");
}

#[wasm_bindgen_test]
async fn a_refused_credential_stops_the_link_until_the_application_acts() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let count = Rc::new(Cell::new(0));
    let asked = count.clone();
    let options = BridgeOptions::new("ws://peer.test/ws").in_memory().credentials(move || {
        asked.set(asked.get() + 1);
        std::future::ready(Ok("pass".to_owned()))
    });
    let bridge = Bridge::connect(&bus, options).unwrap();
    socket::sleep(0).await;
    peer.accept();
    peer.server().credential_refused("unknown account");
    peer.serve().await;
    let code = CloseCode::CredentialRefused.code();
    assert!(
        matches!(bridge.state(), LinkState::Stopped { code: reported, .. } if reported == code)
    );
    bridge.reconnect();
    accept(&mut peer).await;
    assert_eq!((bridge.state(), count.get()), (LinkState::Online, 2));
}

#[wasm_bindgen_test]
async fn reconnect_does_not_wait_for_the_next_attempt() {
    let (_bus, bridge, mut peer) = online([]).await;
    peer.hang_up(1006, "");
    socket::sleep(0).await;
    bridge.reconnect();
    assert_eq!((bridge.state(), socket::count()), (LinkState::Connecting, 2));
    accept(&mut peer).await;
    assert_eq!(bridge.state(), LinkState::Online);
}

#[wasm_bindgen_test]
async fn the_past_is_read_page_by_page_from_the_newest_on() {
    let (_bus, bridge, mut peer) = online([Rule::inbound("chat.>")]).await;
    for number in 1..=5 {
        peer.append("chat.a", &format!("id{number}"), &number.to_string());
    }
    let pages = Rc::new(RefCell::new(Vec::new()));
    let (read, bridge) = (pages.clone(), Rc::new(bridge));
    let reader = bridge.clone();
    spawn_local(async move {
        let mut before = None;
        loop {
            let page = reader.history("chat.*", before, 2).await.unwrap();
            let numbers = page.events.iter().map(|event| *event.data::<u32>().unwrap());
            read.borrow_mut().push(numbers.collect::<Vec<_>>());
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let place = Position { offset: 4, ..Position::start_of(1) };
        let reset = reader.history("chat.*", Some(place), 2).await;
        assert_eq!(reset.unwrap_err(), HistoryError::Reset);
        read.borrow_mut().push(vec![]);
    });
    for _ in 0..6 {
        peer.serve().await;
    }
    assert_eq!(*pages.borrow(), [vec![5, 4], vec![3, 2], vec![1], vec![]]);
    let after = bridge.history("chat.*", None, 1);
    drop(Rc::into_inner(bridge));
    assert_eq!(after.await.unwrap_err(), HistoryError::Closed);
}

#[wasm_bindgen_test]
async fn a_deleted_event_is_reported_to_subscribers_and_empty_in_history() {
    let (bus, bridge, mut peer) = online([Rule::both("chat.>").durable()]).await;
    let (reported, values) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
    let (kept, counted) = (reported.clone(), values.clone());
    let _subscription = bus.subscribe("chat.a", move |event| {
        let deletes = event.deletes().map(|position| position.offset);
        kept.borrow_mut().push((deletes, event.is_deleted()));
        Ok(())
    });
    let failures = Rc::new(Cell::new(0));
    let failed = failures.clone();
    let _errors = bus.subscribe(ERROR_TOPIC, move |_| {
        failed.set(failed.get() + 1);
        Ok(())
    });
    let typed = Typed::<u32>::new(Topic::parse("chat.a").unwrap());
    let _typed = typed.subscribe(&bus, move |_| {
        counted.set(counted.get() + 1);
        Ok(())
    });
    bus.publish("chat.a", 7_u32).unwrap();
    peer.serve().await;
    peer.append("chat.a", "of another", "8");
    peer.serve().await;
    let outcomes = Rc::new(RefCell::new(Vec::new()));
    let (said, bridge) = (outcomes.clone(), Rc::new(bridge));
    let author = bridge.clone();
    spawn_local(async move {
        let position = |offset| Position { offset, ..Position::start_of(7) };
        for offset in [1, 1, 2, 9] {
            let deleted = author.delete(&position(offset)).await;
            said.borrow_mut().push(deleted.map(|position| position.offset));
        }
        let page = author.history("chat.a", None, 9).await.unwrap();
        let past = page.events.iter().map(|event| {
            let Delivery::Stored(position) = event.delivery() else { panic!() };
            let deletes = event.deletes().map(|position| position.offset);
            (position.offset, deletes, event.is_deleted(), event.data::<u32>().is_ok())
        });
        let past: Vec<_> = past.collect();
        assert_eq!(
            past,
            [(3, Some(1), false, false), (2, None, false, true), (1, None, true, false)]
        );
        said.borrow_mut().push(Ok(0));
    });
    for _ in 0..6 {
        peer.serve().await;
    }
    let refused = |code| Err(DeleteError::Refused(code));
    let expected =
        [Ok(3), Ok(3), refused(RejectCode::NotAllowed), refused(RejectCode::NotFound), Ok(0)];
    assert_eq!(*outcomes.borrow(), expected);
    assert_eq!(*reported.borrow(), [(None, false), (None, false), (Some(1), false)]);
    assert_eq!((values.get(), failures.get()), (2, 0));
    let after = bridge.delete(&Position::start_of(7));
    drop(Rc::into_inner(bridge));
    assert_eq!(after.await, Err(DeleteError::Closed));
}

/// Subscribes to the occupants of the lobby: their keys, and the numbers of joined and left ones.
fn lobby(bus: &Bus) -> (event_driven_kit::Subscription, Rc<RefCell<Vec<String>>>) {
    let reported = Rc::new(RefCell::new(Vec::new()));
    let kept = reported.clone();
    let subscription = bus.subscriber("$bus.presence.lobby").replay(move |event| {
        let Occupants { present, joined, left, .. } = &*event.data()?;
        let keys: Vec<_> = present
            .iter()
            .map(|one| format!("{}={}", one.key, one.data::<u32>().unwrap()))
            .collect();
        kept.borrow_mut().push(format!("{} +{} -{}", keys.join(" "), joined.len(), left.len()));
        Ok(())
    });
    (subscription.unwrap(), reported)
}

#[wasm_bindgen_test]
async fn the_occupants_of_a_topic_are_a_state_and_its_changes_also_for_late_subscribers() {
    let (bus, bridge, mut peer) = online([]).await;
    peer.join(77, "lobby", "bob", "1");
    let (_early, early) = lobby(&bus);
    let watched = bridge.watch("lobby").unwrap();
    peer.serve().await;
    assert_eq!(*early.borrow(), ["bob=1 +1 -0"]);
    let joined = bridge.join("lobby", "ann", 2_u32).unwrap();
    peer.serve().await;
    let newer = bridge.join("lobby", "ann", 3_u32).unwrap();
    peer.serve().await;
    drop(newer);
    peer.serve().await;
    let (_late, late) = lobby(&bus);
    let again = bridge.watch("lobby").unwrap();
    drop(watched);
    drop(joined);
    peer.serve().await;
    assert_eq!(
        early.borrow()[1..],
        ["bob=1 ann=2 +1 -0", "bob=1 ann=3 +1 -0", "bob=1 ann=2 +1 -0", "bob=1 +0 -1"]
    );
    assert_eq!(*late.borrow(), ["bob=1 ann=2 +1 -0", "bob=1 +0 -1"]);
    drop(again);
    peer.join(78, "lobby", "cleo", "4");
    peer.serve().await;
    assert_eq!(early.borrow().len(), 5);
}

#[wasm_bindgen_test]
async fn one_is_present_again_after_a_reconnect() {
    let (_bus, bridge, mut peer) = online([]).await;
    let _joined = bridge.join("lobby", "ann", ()).unwrap();
    peer.serve().await;
    let sockets = socket::count();
    peer.hang_up(1006, "");
    peer.model.presence = Default::default();
    reconnected(&mut peer, sockets).await;
    let lobby = event_driven_kit::Topic::parse("lobby").unwrap();
    peer.model.presence.watch(99, &lobby);
    let news = peer.model.presence.news(99);
    let Some((_, session::server::News::State(all))) = news else { panic!("{news:?}") };
    assert_eq!(all.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["ann"]);
}

#[wasm_bindgen_test]
async fn a_rule_that_has_brought_everything_that_was_there_is_reported() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    peer.append("chat.a", "id1", "1");
    let reported = Rc::new(RefCell::new(Vec::new()));
    let (events, notices) = (reported.clone(), reported.clone());
    let _events = bus.subscribe("chat.a", move |event| {
        events.borrow_mut().push(event.id().to_owned());
        Ok(())
    });
    let _notices = bus.subscribe(CAUGHT_UP_TOPIC, move |event| {
        notices.borrow_mut().push(event.data::<CaughtUp>()?.pattern.clone());
        Ok(())
    });
    let bridge = crate::connect(&bus);
    let _rule = bridge.rule(Rule::inbound("chat.>").from(StartFrom::Earliest)).unwrap();
    assert!(!bridge.status().caught_up);
    peer.accept();
    peer.serve().await;
    assert_eq!(*reported.borrow(), ["id1", "chat.>"]);
    assert!(bridge.status().caught_up);
    peer.hang_up(1006, "");
    socket::sleep(0).await;
    assert!(!bridge.status().caught_up);
}

#[wasm_bindgen_test]
async fn javascript_shows_credentials_reads_the_past_and_sees_the_occupants() {
    socket::install();
    let mut peer = Peer::default();
    peer.append("chat.a", "id1", "1");
    peer.append("chat.a", "id2", "2");
    peer.join(77, "lobby", "bob", "1");
    let bus = event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap();
    let reported = js_sys::Array::new();
    socket::evaluate(
        r#"
        const link = bus.connect({
          url: "ws://peer.test/ws",
          storage: "memory",
          credentials: async () => "pass",
          rules: [{ pattern: "chat.>", direction: "in", window: { events: 10 } }],
        });
        const keys = ({ present, joined, left }) =>
          `${present.map(({ key, data }) => `${key}=${data}`)} +${joined.length} -${left.length}`;
        link.watch("lobby", (occupants) => other.push(keys(occupants)));
        const leave = link.join("lobby", "ann", 2);
        (async () => {
          const first = await link.history("chat.*", { limit: 1 });
          const second = await link.history("chat.*", { before: first.next, limit: 1 });
          for (const { events: [event], next } of [first, second]) {
            other.push(`${event.topic} ${event.id} ${event.data} ${next === undefined}`);
          }
          await link.history("a..b").catch(({ code }) => other.push(code));
          leave();
        })();
        "#,
        &bus,
        &reported,
    )
    .unwrap();
    socket::sleep(0).await;
    peer.accept();
    for _ in 0..6 {
        peer.serve().await;
    }
    assert_eq!(peer.credentials, ["pass"]);
    let mut reported: Vec<_> = reported.iter().filter_map(|line| line.as_string()).collect();
    reported.sort();
    assert_eq!(
        reported,
        [
            "bob=1 +0 -1",
            "bob=1,ann=2 +2 -0",
            "chat.a id1 1 true",
            "chat.a id2 2 false",
            "illegal_topic",
        ]
    );
}
