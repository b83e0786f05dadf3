//! What developer tools ask of a bus with a bridge, in Rust and in JavaScript.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::bridge::{BridgeError, StartFrom};
use event_driven_kit::recorder::{Recorder, Replay};
use event_driven_kit::{Bridge, BridgeOptions, Bus, Rule, Stage};
use js_sys::{Array, Function, JSON, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{listen, online, say};

#[wasm_bindgen_test]
async fn a_bridge_reports_its_rules_with_positions_and_credit_its_outbox_and_what_it_has_carried() {
    let news = Rule::inbound("news.*").from(StartFrom::Earliest).window(10, 1 << 20);
    let (bus, bridge, mut peer) = online([Rule::outbound("chat.a").durable(), news]).await;
    let (_news, _) = listen(&bus, "news.*", false);
    peer.append("news.a", "1", "\"one\"");
    peer.serve().await;
    let rules = bridge.rules();
    let [chat, news] = &rules[..] else { panic!("{rules:?}") };
    assert!(chat.outbound && !chat.inbound && chat.durability.is_some());
    assert_eq!((chat.positions.len(), chat.credit), (0, None));
    assert!(news.inbound && !news.outbound && news.has_caught_up);
    assert_eq!(news.positions.iter().map(|at| at.offset).collect::<Vec<_>>(), [1]);
    let credit = news.credit.unwrap();
    assert_eq!((credit.max_events, credit.events), (10, 9));

    let before = bridge.counters();
    assert_eq!(before.connections, 1);
    say(&bus, "chat.a", "hi");
    let outbox = bridge.outbox();
    let [row] = &outbox[..] else { panic!("{outbox:?}") };
    assert_eq!((&*row.topic, row.stage, row.expires), ("chat.a", Stage::Sent, None));
    assert!(row.bytes > 0);
    assert_eq!(bridge.round_trip(), None, "it has only begun to measure");
    peer.serve().await;
    assert!(bridge.outbox().is_empty());
    assert!(bridge.round_trip().is_some());
    let after = bridge.counters();
    assert!(after.messages_out > before.messages_out && after.bytes_out > before.bytes_out);
    assert!(after.messages_in > before.messages_in && after.bytes_in > before.bytes_in);
}

/// Asks as `inspection.js` does, and returns the answer as JSON.
fn ask(ask: &JsValue, question: u32, given: &JsValue) -> String {
    let ask: &Function = ask.unchecked_ref();
    let answer = ask.call2(&JsValue::UNDEFINED, &question.into(), given).unwrap();
    JSON::stringify(&answer).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

#[wasm_bindgen_test]
async fn javascript_sees_each_stage_of_a_durable_event_and_the_calls_of_its_handlers() {
    let (bus, _bridge, mut peer) = online([Rule::both("chat.a").durable()]).await;
    let (_plain, _) = listen(&bus, "chat.*", false);
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let log = seen.clone();
    let see = Closure::<dyn Fn(JsValue, JsValue, JsValue)>::new(
        move |first: JsValue, _, failed: JsValue| {
            let reported = match first.as_string() {
                Some(label) => format!("{label} {failed:?}"),
                None => {
                    let row: Array = first.unchecked_into();
                    let text = |at| row.get(at).as_string().unwrap_or_default();
                    format!("{} {} {}", text(0), text(1), text(10))
                }
            };
            log.borrow_mut().push(reported);
        },
    );
    let inspect = bus.inspect();
    ask(&inspect, 0, see.as_ref());
    say(&bus, "chat.a", "hi");
    peer.serve().await;
    ask(&inspect, 0, &JsValue::UNDEFINED);
    let chat: Vec<String> =
        seen.take().into_iter().filter(|reported| reported.starts_with("chat")).collect();
    let expected = [
        "chat.a queued ",
        "chat.a kept ",
        "chat.a sent ",
        "chat.a stored 1",
        "chat.* JsValue(false)",
    ];
    assert_eq!(chat, expected);
    say(&bus, "chat.a", "after the end");
    peer.serve().await;
    assert!(seen.borrow().is_empty());

    let subscriptions = ask(&inspect, 1, &JsValue::UNDEFINED);
    assert!(
        subscriptions.contains(r#""pattern":"chat.*","label":"chat.*","priority":0"#),
        "{subscriptions}"
    );
    let links = ask(&inspect, 2, &JsValue::UNDEFINED);
    for part in [
        r#""url":"ws://peer.test/ws""#,
        r#""state":"online""#,
        r#""positions":["main 7 2"]"#,
        r#""outbox":[]"#,
    ] {
        assert!(links.contains(part), "{part} is not in {links}");
    }
    assert_eq!(
        ask(&inspect, 4, &Array::of2(&"a".into(), &"local".into())),
        r#""only a sealed bus delivers recorded events""#
    );
}

#[wasm_bindgen_test]
async fn a_recording_is_replayed_on_a_sealed_bus_as_it_was_and_never_crosses_a_bridge() {
    let (bus, _bridge, mut peer) = online([Rule::both("chat.a").durable()]).await;
    let recorder = Recorder::start(&bus, ">", 100).unwrap();
    say(&bus, "chat.a", "hi");
    say(&bus, "here", "local");
    peer.serve().await;
    let lines = recorder.lines().collect::<Result<Vec<_>, _>>().unwrap().join("\n");
    let line = JSON::parse(lines.lines().last().unwrap()).unwrap();
    let member = |name: &str| Reflect::get(&line, &name.into()).unwrap().as_string();
    let place =
        ["stage", "stream", "epoch", "sequence"].map(|name| member(name).unwrap_or_default());
    assert_eq!(place, ["stored", "main", "7", "1"]);

    let sealed = Bus::sealed();
    let refused = Bridge::connect(&sealed, BridgeOptions::new("ws://peer.test/ws").in_memory());
    assert!(matches!(refused, Err(BridgeError::Sealed)));
    let (_all, all) = listen(&sealed, ">", false);
    let ids: Rc<RefCell<Vec<String>>> = Rc::default();
    let kept = ids.clone();
    let _ids = sealed.subscribe("chat.a", move |event| {
        kept.borrow_mut().push(event.id().to_owned());
        Ok(())
    });
    let mut replay = Replay::parse(&lines).unwrap();
    while let Some(delivered) = replay.step(&sealed) {
        delivered.unwrap();
    }
    assert_eq!(*all.borrow(), ["local local", "hi stored 1"]);
    assert_eq!(*ids.borrow(), [member("id").unwrap()]);

    // On a bus with a bridge, the same recording is published anew.
    let mut replay = Replay::parse(&lines).unwrap();
    while let Some(published) = replay.step(&bus) {
        published.unwrap();
    }
    peer.serve().await;
    assert_eq!(peer.log().len(), 2);
}
