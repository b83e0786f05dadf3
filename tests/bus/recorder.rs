//! Writing and replaying recordings.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::recorder::{Pace, Recorder, Replay, ReplayError};
use event_driven_kit::{Bus, Payload, PublishError, Subscription, Verdict};
use js_sys::{JSON, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

fn recorded(recorder: &Recorder) -> String {
    recorder.lines().collect::<Result<Vec<_>, _>>().unwrap().join("\n")
}

/// Collects the events of `pattern`: topics and payloads as JSON.
fn heard(bus: &Bus, pattern: &str) -> (Rc<RefCell<Vec<String>>>, Subscription) {
    let heard: Rc<RefCell<Vec<String>>> = Rc::default();
    let log = heard.clone();
    let subscription = bus.subscribe(pattern, move |event| {
        let data = JSON::stringify(&event.js()?).unwrap();
        log.borrow_mut().push(format!("{} {data}", event.topic()));
        Ok(())
    });
    (heard, subscription.unwrap())
}

#[wasm_bindgen_test]
fn a_recording_is_cloud_events_in_the_order_of_delivery() {
    let bus = Bus::new();
    let inner = bus.clone();
    let _answers = bus.subscribe("question", move |_| {
        inner.publish("answer", 42_u32)?;
        Ok(())
    });
    let recorder = Recorder::start(&bus, ">", 100).unwrap();
    bus.publish("question", "why?").unwrap();
    let lines: Vec<_> = recorder.lines().collect::<Result<_, _>>().unwrap();
    let topics = lines.iter().map(|line| {
        let line = JSON::parse(line).unwrap();
        let member = |name: &str| Reflect::get(&line, &name.into()).unwrap();
        assert_eq!(member("specversion"), "1.0");
        assert!(!member("source").as_string().unwrap().is_empty());
        assert_eq!(member("id").as_string().unwrap().len(), 32);
        assert!(js_sys::Date::parse(&member("time").as_string().unwrap()).is_finite());
        (member("type").as_string().unwrap(), member("data"))
    });
    let expected = [("question".to_owned(), "why?".into()), ("answer".to_owned(), 42.into())];
    assert_eq!(topics.collect::<Vec<_>>(), expected);
}

#[wasm_bindgen_test]
async fn a_recording_is_played_as_it_was() {
    let bus = Bus::new();
    let recorder = Recorder::start(&bus, "a.>", 100).unwrap();
    let (before, _before) = heard(&bus, "a.>");
    bus.publish("a.b", vec![1, 2, 3]).unwrap();
    bus.publish("a.c.d", "text with \"quotes\" and 🎉").unwrap();
    let bytes = Uint8Array::from(&[0_u8, 255, 7][..]);
    bus.publish_payload("a.bytes", Payload::from_js(bytes.into())).unwrap();
    bus.publish("elsewhere", 1).unwrap();

    let other = Bus::new();
    let (after, _after) = heard(&other, ">");
    let mut replay = Replay::parse(&recorded(&recorder)).unwrap();
    assert_eq!(replay.remaining(), 3);
    replay.step(&other).unwrap().unwrap();
    assert_eq!(after.borrow().len(), 1);
    replay.run(&other, Pace::AtOnce).await.unwrap();
    assert!(replay.step(&other).is_none());
    assert_eq!(after, before);
}

#[wasm_bindgen_test]
async fn a_replay_keeps_the_pauses_or_makes_them_shorter() {
    let line = |second: u32| {
        format!(
            r#"{{"specversion":"1.0","id":"{second}","source":"/","type":"a","time":"2026-01-01T00:00:{second:02}Z","data":{second}}}"#
        )
    };
    let bus = Bus::new();
    let (heard, _heard) = heard(&bus, "a");
    let mut replay = Replay::parse(&[line(1), line(3)].join("\n\n")).unwrap();
    let started = js_sys::Date::now();
    replay.run(&bus, Pace::Faster(20.0)).await.unwrap();
    let took = js_sys::Date::now() - started;
    assert!((90.0..1_900.0).contains(&took), "{took} ms");
    assert_eq!(*heard.borrow(), ["a 1", "a 3"]);
}

#[wasm_bindgen_test]
fn what_there_is_no_room_for_is_dropped_and_counted() {
    let bus = Bus::new();
    let recorder = Recorder::start(&bus, "a", 2).unwrap();
    for number in 0..5 {
        bus.publish("a", number).unwrap();
    }
    assert_eq!((recorder.len(), recorder.dropped()), (2, 3));
    let mut replay = Replay::parse(&recorded(&recorder)).unwrap();
    let other = Bus::new();
    let (heard, _heard) = heard(&other, "a");
    while replay.step(&other).is_some() {}
    assert_eq!(*heard.borrow(), ["a 3", "a 4"]);
}

#[wasm_bindgen_test]
fn a_payload_that_json_cannot_say_is_an_error_in_its_place() {
    let bus = Bus::new();
    let recorder = Recorder::start(&bus, "a", 10).unwrap();
    bus.publish_payload("a", Payload::from_js(js_sys::Symbol::iterator().into())).unwrap();
    bus.publish_payload("a", Payload::from_js(JsValue::TRUE)).unwrap();
    let written: Vec<bool> = recorder.lines().map(|line| line.is_ok()).collect();
    assert_eq!(written, [false, true]);
}

#[wasm_bindgen_test]
fn what_is_no_recording_is_an_error_that_names_the_line() {
    let good = r#"{"specversion":"1.0","id":"1","source":"/","type":"a"}"#;
    for (bad, line) in [
        ("no json", 2),
        (r#"{"specversion":"1.0"}"#, 2),
        (r#"{"specversion":"9","id":"1","source":"/","type":"a"}"#, 2),
    ] {
        let error = Replay::parse(&format!("{good}\n{bad}")).unwrap_err();
        assert!(matches!(error, ReplayError::Line { line: at, .. } if at == line), "{error}");
    }
    let no_topic = r#"{"specversion":"1.0","id":"1","source":"/","type":"a b"}"#;
    let error = Replay::parse(no_topic).unwrap_err();
    assert!(matches!(error, ReplayError::Topic { line: 1, .. }), "{error}");
}

fn lines(times: &[(&str, u32)]) -> String {
    let line = |(number, (time, elapsed)): (usize, &(&str, u32))| {
        format!(
            r#"{{"specversion":"1.0","id":"{number}","source":"/","type":"a","time":"{time}","elapsed":{elapsed},"data":{number}}}"#
        )
    };
    times.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

#[wasm_bindgen_test]
async fn the_pauses_are_those_that_the_recorder_has_measured() {
    let day = "2026-01-01T00:00:00Z";
    let (bus, text) = (Bus::new(), lines(&[("2026-02-01T00:00:00Z", 5_000), (day, 5_060)]));
    let (heard, _heard) = heard(&bus, "a");
    let started = js_sys::Date::now();
    Replay::parse(&text).unwrap().run(&bus, Pace::AsRecorded).await.unwrap();
    let took = js_sys::Date::now() - started;
    assert!((50.0..4_000.0).contains(&took), "{took} ms");
    assert_eq!(*heard.borrow(), ["a 0", "a 1"]);
}

#[wasm_bindgen_test]
fn a_line_tells_when_it_was_recorded() {
    let bus = Bus::new();
    let recorder = Recorder::start(&bus, "a", 10).unwrap();
    bus.publish("a", 1).unwrap();
    let line = JSON::parse(&recorder.lines().next().unwrap().unwrap()).unwrap();
    let elapsed = Reflect::get(&line, &"elapsed".into()).unwrap().as_f64().unwrap();
    assert!(elapsed.fract() == 0.0 && (0.0..60_000.0).contains(&elapsed), "{elapsed}");
}

#[wasm_bindgen_test]
async fn a_replay_that_is_given_up_stops_and_can_go_on() {
    let day = "2026-01-01T00:00:00Z";
    let (bus, text) = (Bus::new(), lines(&[(day, 0), (day, 60_000), (day, 120_000)]));
    let (heard, _heard) = heard(&bus, "a");
    let mut replay = Replay::parse(&text).unwrap();
    let gives_up = Box::pin(gloo_timers::future::TimeoutFuture::new(50));
    let run = Box::pin(replay.run(&bus, Pace::AsRecorded));
    drop(futures_util::future::select(run, gives_up).await);
    assert_eq!((heard.take(), replay.remaining()), (vec!["a 0".to_owned()], 2));
    replay.step(&bus).unwrap().unwrap();
    replay.run(&bus, Pace::Faster(10_000.0)).await.unwrap();
    assert_eq!((heard.take(), replay.remaining()), (vec!["a 1".to_owned(), "a 2".to_owned()], 0));
}

#[wasm_bindgen_test]
async fn a_replay_stops_at_what_is_refused_and_the_rest_remains() {
    let day = "2026-01-01T00:00:00Z";
    for pace in [Pace::AtOnce, Pace::Faster(2.0)] {
        let bus = Bus::new();
        let (heard, _heard) = heard(&bus, "a");
        let _denies = bus.intercept("a", |event| match *event.data::<u32>().unwrap() {
            1 => Verdict::Deny("not again".to_owned()),
            _ => Verdict::Pass,
        });
        let mut replay = Replay::parse(&lines(&[(day, 0), (day, 0), (day, 0)])).unwrap();
        let refused = replay.run(&bus, pace).await;
        assert!(matches!(refused, Err(PublishError::Denied(..))), "{refused:?}");
        assert_eq!((heard.take(), replay.remaining()), (vec!["a 0".to_owned()], 1));
        replay.run(&bus, pace).await.unwrap();
        assert_eq!(heard.take(), ["a 2"]);
    }
}

#[wasm_bindgen_test]
async fn a_replay_is_published_past_the_interceptors() {
    let bus = Bus::new();
    let (heard, _heard) = heard(&bus, "a");
    let _adds = bus
        .intercept("a", |event| Verdict::Replace(Payload::new(*event.data::<u32>().unwrap() + 10)));
    let text = lines(&[("2026-01-01T00:00:00Z", 0)]);
    Replay::parse(&text).unwrap().run(&bus, Pace::AsRecorded).await.unwrap();
    assert_eq!(heard.take(), ["a 10"]);
}
