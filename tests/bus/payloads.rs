//! The bus in a browser: payloads in all forms, and failures.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use event_driven_kit::{
    Bus, Bytes, Cause, DataError, Delivery, ERROR_TOPIC, Event, Failure, Payload, PublishError,
    Status, Topic,
};
use serde::{Deserialize, Serialize, Serializer};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = r#"
export const evaluate = (code) => new Function(`return ${code}`)();
"#)]
extern "C" {
    #[wasm_bindgen(js_name = evaluate)]
    fn js(code: &str) -> JsValue;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    name: String,
    age: u32,
}

fn ann() -> Person {
    Person { name: "Ann".to_owned(), age: 7 }
}

type Log<T> = Rc<RefCell<Vec<T>>>;

/// Collects the results of `read` for the events of `pattern`.
fn listen<T: 'static>(
    bus: &Bus,
    pattern: &str,
    read: impl Fn(&Event) -> Result<T, Cause> + 'static,
) -> (event_driven_kit::Subscription, Log<T>) {
    let log: Log<T> = Rc::default();
    let kept = log.clone();
    let subscription = bus.subscribe(pattern, move |event| {
        let read = read(event)?;
        kept.borrow_mut().push(read);
        Ok(())
    });
    (subscription.unwrap(), log)
}

#[wasm_bindgen_test]
fn a_rust_value_reaches_a_rust_subscriber_as_it_is() {
    let bus = Bus::new();
    let seen = Rc::new(Cell::new(std::ptr::null::<Person>()));
    let addresses: Log<*const Person> = Rc::default();
    let kept = addresses.clone();
    let _first = bus.subscribe("a", {
        let seen = seen.clone();
        move |event| {
            seen.set(Rc::as_ptr(&event.data::<Person>()?));
            Ok(())
        }
    });
    let _second = bus.subscribe("a", move |event| {
        kept.borrow_mut().push(Rc::as_ptr(&event.data::<Person>()?));
        Ok(())
    });
    bus.publish("a", ann()).unwrap();
    assert_eq!(*addresses.borrow(), [seen.get()]);
}

#[wasm_bindgen_test]
fn a_rust_value_is_serialized_once_however_many_need_its_js_form() {
    struct Counted(Rc<Cell<u32>>);
    impl Serialize for Counted {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            serializer.serialize_str("counted")
        }
    }
    let bus = Bus::new();
    let count = Rc::new(Cell::new(0));
    bus.publish("a", Counted(count.clone())).unwrap();
    assert_eq!(count.get(), 0);
    let (_one, one) = listen(&bus, "a", |event| Ok(event.js()?.as_string()));
    let (_two, two) = listen(&bus, "a", |event| Ok((*event.data::<String>()?).clone()));
    bus.publish("a", Counted(count.clone())).unwrap();
    assert_eq!(count.get(), 1);
    assert_eq!(*one.borrow(), [Some("counted".to_owned())]);
    assert_eq!(*two.borrow(), ["counted"]);
}

#[wasm_bindgen_test]
fn a_js_value_is_the_same_object_for_js_and_a_struct_for_rust() {
    let bus = Bus::new();
    let value = js(r#"({ name: "Ann", age: 7 })"#);
    let (_js, objects) = listen(&bus, "a", |event| Ok(event.js()?));
    let (_rust, people) = listen(&bus, "a", |event| Ok(event.data::<Person>()?));
    bus.publish_payload("a", Payload::from_js(value.clone())).unwrap();
    assert!(js_sys::Object::is(&objects.borrow()[0], &value));
    assert_eq!(*people.borrow()[0], ann());
}

#[wasm_bindgen_test]
fn a_payload_of_another_type_is_the_handlers_failure() {
    let bus = Bus::new();
    let (_errors, errors) = listen(&bus, ERROR_TOPIC, |event| Ok(event.data::<Failure>()?));
    let (_wrong, wrong) = listen(&bus, "a", |event| Ok(event.data::<Person>()?));
    bus.publish("a", 5_u32).unwrap();
    assert!(wrong.borrow().is_empty());
    let failure = errors.borrow()[0].clone();
    assert_eq!((failure.topic.as_str(), failure.label.as_str()), ("a", "a"));
    assert!(
        failure.message.starts_with("the payload is not of the requested type"),
        "{}",
        failure.message
    );
}

#[wasm_bindgen_test]
fn bytes_are_json_or_a_uint8array_by_their_media_type() {
    let json = Payload::from_bytes(Bytes::json(*br#"{"name":"Ann","age":7}"#));
    assert_eq!(*json.to_rust::<Person>().unwrap(), ann());
    let raw = Bytes { content_type: "image/png".into(), data: Rc::new([1, 2, 3]) };
    let array = Payload::from_bytes(raw.clone()).to_js().unwrap();
    assert_eq!(array.unchecked_into::<js_sys::Uint8Array>().to_vec(), [1, 2, 3]);
    assert_eq!(Payload::from_bytes(raw.clone()).to_bytes().unwrap(), raw);
    let broken = Payload::from_bytes(Bytes::json(*b"{")).to_js();
    assert!(matches!(broken, Err(DataError::IllegalJson(_))), "{broken:?}");
    let not_utf8 = Payload::from_bytes(Bytes::json(*b"\"\xff\"")).to_js();
    assert!(matches!(not_utf8, Err(DataError::IllegalJson(_))), "{not_utf8:?}");
}

#[wasm_bindgen_test]
fn a_value_becomes_json_and_a_uint8array_stays_bytes() {
    let rust = Payload::new(ann()).to_bytes().unwrap();
    assert_eq!(rust, Bytes::json(*br#"{"name":"Ann","age":7}"#));
    let array = Payload::from_js(js("new Uint8Array([1, 2])")).to_bytes().unwrap();
    assert_eq!((&*array.content_type, &*array.data), ("application/octet-stream", &[1, 2][..]));
    let nothing = Payload::from_js(JsValue::UNDEFINED).to_bytes().unwrap();
    assert_eq!(nothing, Bytes::json(*b"null"));
}

#[wasm_bindgen_test]
fn what_json_cannot_say_is_a_typed_error() {
    for code in [
        "() => 1",
        "Symbol('s')",
        "10n",
        "(() => { const o = {}; o.o = o; return o })()",
        "({ toJSON() { throw null } })",
    ] {
        let bytes = Payload::from_js(js(code)).to_bytes();
        assert!(matches!(bytes, Err(DataError::NotJson(_))), "{code}: {bytes:?}");
    }
}

#[wasm_bindgen_test]
fn an_id_is_the_same_for_all_and_another_for_each_event() {
    let bus = Bus::new();
    let (_one, one) = listen(&bus, "a", |event| Ok(event.id().to_owned()));
    let (_two, two) = listen(&bus, ">", |event| Ok(event.id().to_owned()));
    let receipts: Vec<_> = (0..2).map(|n: u32| bus.publish("a", n).unwrap()).collect();
    let ids: Vec<_> = receipts.iter().map(|receipt| receipt.id().to_owned()).collect();
    assert_eq!(*one.borrow(), ids);
    assert_eq!(*two.borrow(), ids);
    assert_ne!(ids[0], ids[1]);
    assert!(ids[0].len() == 32 && ids[0].bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[wasm_bindgen_test]
async fn a_local_event_is_delivered_and_settled_at_once() {
    let bus = Bus::new();
    let before = js_sys::Date::now();
    let (_all, all) = listen(&bus, "a", |event| {
        Ok((event.time(), event.source().to_owned(), event.delivery().clone()))
    });
    let receipt = bus.publish("a", ()).unwrap();
    assert_eq!(receipt.status(), Status::Delivered);
    assert_eq!(receipt.settled().await, Ok(None));
    let (time, source, delivery) = all.borrow()[0].clone();
    assert!((before..=js_sys::Date::now()).contains(&time.unwrap()));
    assert_eq!((source.as_str(), delivery), ("", Delivery::Local));
}

#[wasm_bindgen_test]
fn an_event_published_inside_a_handler_follows_the_current_one() {
    let bus = Bus::new();
    let inner = bus.clone();
    let _first = bus.subscribe("a", move |event| {
        if *event.data::<u32>()? == 1 {
            inner.publish("a", 2_u32)?;
        }
        Ok(())
    });
    let (_second, second) = listen(&bus, "a", |event| Ok(*event.data::<u32>()?));
    bus.publish("a", 1_u32).unwrap();
    assert_eq!(*second.borrow(), [1, 2]);
}

#[wasm_bindgen_test]
fn a_topic_of_the_runtime_or_no_topic_at_all_is_an_error_to_the_publisher() {
    let bus = Bus::new();
    let system = bus.publish(ERROR_TOPIC, 1);
    assert_eq!(system.err(), Some(PublishError::SystemTopic(Topic::parse(ERROR_TOPIC).unwrap())));
    assert!(matches!(bus.publish("a b", 1), Err(PublishError::Topic(_))));
    assert!(bus.subscribe("a.>.b", |_| Ok(())).is_err());
}

#[wasm_bindgen_test]
fn a_name_is_one_bus() {
    assert_eq!(Bus::singleton("one"), Bus::singleton("one"));
    assert_ne!(Bus::singleton("one"), Bus::singleton("two"));
    assert_ne!(Bus::new(), Bus::new());
}

#[wasm_bindgen_test]
fn a_handler_that_fails_stops_no_other_and_its_cause_is_readable() {
    let bus = Bus::new();
    let (_errors, errors) = listen(&bus, ERROR_TOPIC, |event| Ok(event.data::<Failure>()?));
    let _bad = bus.subscriber("a").label("bad").handle(|_| Err(js("new RangeError('no')").into()));
    let (_good, good) = listen(&bus, "a", |_| Ok(()));
    bus.publish("a", ()).unwrap();
    assert_eq!(good.borrow().len(), 1);
    let failure = errors.borrow()[0].clone();
    assert_eq!((failure.topic.as_str(), failure.label.as_str()), ("a", "bad"));
    assert_eq!(failure.message, "RangeError: no");
    assert!(failure.cause.is_instance_of::<js_sys::RangeError>());
}

#[wasm_bindgen_test]
fn dropping_a_handler_that_owns_a_subscription_and_publishes_borrows_nothing() {
    struct Last(Bus);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.publish("gone", ()).unwrap();
        }
    }
    let bus = Bus::new();
    let (_gone, gone) = listen(&bus, "gone", |_| Ok(()));
    let last = Last(bus.clone());
    let inner = bus.subscribe("b", |_| Ok(())).unwrap();
    let outer = bus.subscribe("a", move |_| {
        let _owned = (&last, &inner);
        Ok(())
    });
    drop(outer);
    assert_eq!(gone.borrow().len(), 1);
    assert_eq!(bus.subscriptions(), 1);
}
