//! Notices of the bus on its own topics.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use event_driven_kit::bridge::LINK_TOPIC;
use event_driven_kit::notice::{
    DROPPED_TOPIC, Dropped, SUBSCRIBED_TOPIC, Subscribed, UNSUBSCRIBED_TOPIC,
};
use event_driven_kit::{Bus, Event, HandlerResult, Overflow};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = r#"
export const evaluate = (code, bus, reported) => new Function("bus", "reported", code)(bus, reported);
"#)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn evaluate(code: &str, bus: &JsValue, reported: &js_sys::Array) -> Result<JsValue, JsValue>;
}

#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn subscribed(&self, sign: &'static str) -> impl Fn(&Event) -> HandlerResult + 'static {
        let log = self.0.clone();
        move |event| {
            let Subscribed { pattern, label } = &*event.data()?;
            log.borrow_mut().push(format!("{sign}{pattern} {label}"));
            Ok(())
        }
    }
}

#[wasm_bindgen_test]
fn subscriptions_that_start_and_end_are_reported_while_there_is_a_listener() {
    let (bus, log) = (Bus::new(), Log::default());
    drop(bus.subscribe("before", |_| Ok(())));
    let come = bus.subscribe(SUBSCRIBED_TOPIC, log.subscribed("+")).unwrap();
    let gone = bus.subscribe(UNSUBSCRIBED_TOPIC, log.subscribed("-")).unwrap();
    let one = bus.subscriber("a.*").label("one").handle(|_| Ok(())).unwrap();
    let two = bus.subscribe("b", |_| Ok(())).unwrap();
    drop((one, two));
    assert_eq!(
        log.0.take(),
        ["+$bus.unsubscribed $bus.unsubscribed", "+a.* one", "+b b", "-a.* one", "-b b"]
    );
    drop((come, gone));
    drop(bus.subscribe("after", |_| Ok(())));
    assert!(log.0.take().iter().all(|reported| reported.contains("$bus.")));
}

#[wasm_bindgen_test]
fn a_subscription_with_echo_is_reported_once() {
    let (bus, log) = (Bus::new(), Log::default());
    let _come = bus.subscribe(SUBSCRIBED_TOPIC, log.subscribed("+"));
    let _gone = bus.subscribe(UNSUBSCRIBED_TOPIC, log.subscribed("-"));
    log.0.take();
    drop(bus.subscriber("a").echo().handle(|_| Ok(())));
    assert_eq!(log.0.take(), ["+a a", "-a a"]);
}

#[wasm_bindgen_test]
fn a_drop_is_reported_with_the_topic_and_the_label_of_the_queue() {
    let (bus, log) = (Bus::new(), Log::default());
    let reported = log.0.clone();
    let _dropped = bus.subscribe(DROPPED_TOPIC, move |event| {
        let Dropped { topic, label } = &*event.data()?;
        reported.borrow_mut().push(format!("{topic} {label}"));
        Ok(())
    });
    let one = const { NonZeroUsize::new(1).unwrap() };
    let queue = bus.subscriber("a.>").label("slow").queue(one, Overflow::drop_oldest()).unwrap();
    for number in 1..=3 {
        bus.publish("a.b", number).unwrap();
    }
    assert_eq!(log.0.take(), ["a.b slow", "a.b slow"]);
    assert_eq!(queue.dropped(), 2);
}

#[wasm_bindgen_test]
fn a_drop_of_an_event_of_the_runtime_is_only_counted() {
    let bus = Bus::new();
    let one = const { NonZeroUsize::new(1).unwrap() };
    let reported = bus.subscriber("$bus.>").queue(one, Overflow::drop_newest()).unwrap();
    let _subscriptions = ["a", "b", "c"].map(|pattern| bus.subscribe(pattern, |_| Ok(())));
    assert_eq!((reported.len(), reported.dropped()), (1, 2));
}

#[wasm_bindgen_test]
fn a_subscriber_of_another_runtime_topic_receives_no_notices_of_subscriptions() {
    let (bus, log) = (Bus::new(), Log::default());
    let _link = bus.subscribe(LINK_TOPIC, log.subscribed("?"));
    drop(bus.subscribe("a", |_| Ok(())));
    assert!(log.0.take().is_empty());
}

#[wasm_bindgen_test]
fn javascript_reads_the_same() {
    let (bus, reported) =
        (event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap(), js_sys::Array::new());
    let code = r#"
        for (const what of ["subscribed", "unsubscribed"]) {
          bus.subscribe("$bus." + what, ({ pattern, label }, event) => {
            if (pattern === "a") reported.push([event.topic, pattern, label].join(" "));
          });
        }
        bus.subscribe("a", () => {}, { label: "mine" })();
    "#;
    evaluate(code, &bus, &reported).unwrap();
    let reported: Vec<_> = reported.iter().filter_map(|line| line.as_string()).collect();
    assert_eq!(reported, ["$bus.subscribed a mine", "$bus.unsubscribed a mine"]);
}
