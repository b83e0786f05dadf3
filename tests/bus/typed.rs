//! Typed topics next to untyped publishers and subscribers.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::{
    Bus, Bytes, ERROR_TOPIC, Failure, Payload, PublishError, Subscription, Topic, Typed,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

type Log = Rc<RefCell<Vec<String>>>;

#[derive(Serialize, Deserialize)]
struct Score {
    player: String,
    points: u32,
}

/// A bus with a topic of scores, and the events of its typed subscriber and of `$bus.error`.
struct Stage {
    bus: Bus,
    scores: Typed<Score>,
    seen: Log,
    reported: Log,
    _subscriptions: [Subscription; 2],
}

impl Stage {
    fn new() -> Self {
        let bus = Bus::new();
        let scores = Typed::<Score>::new(Topic::parse("game.score").unwrap());
        let (seen, reported) = (Log::default(), Log::default());
        let (see, tell) = (seen.clone(), reported.clone());
        let typed = scores.subscribe(&bus, move |score| {
            see.borrow_mut().push(format!("{} {}", score.player, score.points));
            Ok(())
        });
        let errors = bus.subscribe(ERROR_TOPIC, move |event| {
            let failure = event.data::<Failure>()?;
            tell.borrow_mut().push(format!("{}: {}", failure.topic, failure.message));
            Ok(())
        });
        let _subscriptions = [typed, errors.unwrap()];
        Self { bus, scores, seen, reported, _subscriptions }
    }
}

fn ann() -> Score {
    Score { player: "Ann".to_owned(), points: 7 }
}

#[wasm_bindgen_test]
fn typed_and_untyped_live_together() {
    let stage = Stage::new();
    let all = Log::default();
    let log = all.clone();
    let _untyped = stage.bus.subscribe("game.*", move |event| {
        log.borrow_mut().push(String::from(js_sys::JSON::stringify(&event.js()?)?));
        Ok(())
    });
    stage.scores.publish(&stage.bus, ann()).unwrap();
    let object = js_sys::JSON::parse(r#"{"player":"Bob","points":1}"#).unwrap();
    stage.bus.publish_payload("game.score", Payload::from_js(object)).unwrap();
    let bytes = Bytes::json(*br#"{"player":"Cyd","points":2,"more":true}"#);
    stage.bus.publish_payload("game.score", Payload::from_bytes(bytes)).unwrap();
    assert_eq!(stage.seen.take(), ["Ann 7", "Bob 1", "Cyd 2"]);
    assert_eq!(
        (all.borrow().len(), all.borrow()[0].as_str()),
        (3, r#"{"player":"Ann","points":7}"#)
    );
    assert!(stage.reported.take().is_empty());
}

#[wasm_bindgen_test]
fn a_value_reaches_a_typed_subscriber_as_it_is() {
    let stage = Stage::new();
    let addresses: Rc<RefCell<Vec<*const Score>>> = Rc::default();
    let (typed, untyped) = (addresses.clone(), addresses.clone());
    let _typed = stage.scores.subscribe(&stage.bus, move |score| {
        typed.borrow_mut().push(score);
        Ok(())
    });
    let _untyped = stage.bus.subscribe("game.score", move |event| {
        untyped.borrow_mut().push(Rc::as_ptr(&event.data::<Score>()?));
        Ok(())
    });
    stage.scores.publish(&stage.bus, ann()).unwrap();
    assert!(matches!(addresses.borrow()[..], [one, two] if one == two));
}

#[wasm_bindgen_test]
fn a_type_mismatch_is_an_error_event_that_names_both_types() {
    let stage = Stage::new();
    let mismatch = |publish: &dyn Fn(&Bus)| {
        publish(&stage.bus);
        stage.reported.take().join("|")
    };
    let expected = std::any::type_name::<Score>();
    let reported = mismatch(&|bus| drop(bus.publish("game.score", 5_u32).unwrap()));
    let starts = format!("game.score: `{expected}` was expected and `u32` came: ");
    assert!(reported.starts_with(&starts), "{reported}");
    for (value, form) in [
        (JsValue::from(5), "JS number"),
        (JsValue::from("five"), "JS string"),
        (JsValue::NULL, "JS null"),
        (JsValue::UNDEFINED, "JS undefined"),
        (JsValue::TRUE, "JS boolean"),
        (js_sys::Array::new().into(), "JS array"),
        (js_sys::Uint8Array::new_with_length(3).into(), "JS Uint8Array"),
        (js_sys::Function::new_no_args("").into(), "JS function"),
        (js_sys::Object::new().into(), "JS object"),
    ] {
        let reported = mismatch(&|bus| {
            bus.publish_payload("game.score", Payload::from_js(value.clone())).unwrap();
        });
        let both = format!("`{expected}` was expected and `{form}` came");
        assert!(reported.contains(&both), "{form}: {reported}");
    }
    let reported = mismatch(&|bus| {
        let short = Bytes::json(*br#"{"player":"Ann"}"#);
        bus.publish_payload("game.score", Payload::from_bytes(short)).unwrap();
    });
    assert!(reported.contains("`JS object` came") && reported.contains("points"), "{reported}");
    assert!(stage.seen.borrow().is_empty());
    stage.scores.publish(&stage.bus, ann()).unwrap();
    assert_eq!(stage.seen.take(), ["Ann 7"]);
}

#[wasm_bindgen_test]
fn a_typed_topic_of_the_runtime_reads_and_does_not_publish() {
    let bus = Bus::new();
    let errors = Typed::<Failure>::new(Topic::parse(ERROR_TOPIC).unwrap());
    let seen = Log::default();
    let keep = seen.clone();
    let _errors = errors.subscribe(&bus, move |failure| {
        keep.borrow_mut().push(failure.message.clone());
        Ok(())
    });
    let _fails = bus.subscribe("a", |_| Err("no milk".into()));
    bus.publish("a", ()).unwrap();
    assert_eq!(seen.take(), ["no milk"]);
    let refused = Typed::<u32>::new(Topic::parse(ERROR_TOPIC).unwrap()).publish(&bus, 1);
    assert!(matches!(refused, Err(PublishError::SystemTopic(_))));
}
