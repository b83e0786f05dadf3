//! Routes that JavaScript runs itself next to routes that wasm runs: there is one order for both.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::{Bus, HandlerResult, Subscription};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = r#"
export const evaluate = (code, bus, heard) => new Function("bus", "heard", code)(bus, heard);
"#)]
extern "C" {
    fn evaluate(code: &str, bus: &JsValue, heard: &Array);
}

/// One bus in Rust and JavaScript, and a log of the deliveries in order.
struct Stage {
    bus: Bus,
    face: JsValue,
    heard: Array,
    subscriptions: RefCell<Vec<Subscription>>,
    lent: RefCell<Vec<Closure<dyn Fn()>>>,
}

impl Stage {
    fn new(name: &str) -> Self {
        let bus = Bus::singleton(name);
        let name = JsValue::from_str(name);
        let face = event_driven_kit::npm::create_singleton(&name, &JsValue::UNDEFINED).unwrap();
        Self {
            bus,
            face,
            heard: Array::new(),
            subscriptions: RefCell::default(),
            lent: RefCell::default(),
        }
    }

    fn js(&self, code: &str) {
        evaluate(code, &self.face, &self.heard);
    }

    /// Publishes often enough for JavaScript to run the route itself. The log contains the deliveries of the last
    /// publish.
    fn js_until_hot(&self, code: &str) {
        self.js(&format!(
            "for (let round = 0; round < 5; round += 1) {{ heard.length = 0; {code} }}"
        ));
    }

    /// JavaScript can call the closure as `heard.name()`.
    fn lend(&self, name: &str, function: impl Fn() + 'static) {
        let function = Closure::new(function);
        js_sys::Reflect::set(&self.heard, &name.into(), function.as_ref()).unwrap();
        self.lent.borrow_mut().push(function);
    }

    fn rust(&self, pattern: &str, handler: impl Fn(&Bus) -> HandlerResult + 'static) {
        let (bus, heard) = (self.bus.clone(), self.heard.clone());
        let subscription = self.bus.subscribe(pattern, move |event| {
            heard.push(&format!("rust {}", event.topic()).into());
            handler(&bus)
        });
        self.subscriptions.borrow_mut().push(subscription.unwrap());
    }

    fn heard(&self) -> String {
        self.heard.join(", ").into()
    }
}

#[wasm_bindgen_test]
fn a_js_run_route_causes_a_rust_one_that_causes_a_js_run_one_in_one_order() {
    let stage = Stage::new("mixed");
    stage.rust("second", |bus| {
        bus.publish("third", ())?;
        Ok(())
    });
    stage.js(r#"
        for (const topic of ["first", "third"]) {
          bus.subscribe(topic, () => { heard.push("js one " + topic); if (topic === "first") bus.publish("second"); });
          bus.subscribe(topic, () => { heard.push("js two " + topic); });
        }
    "#);
    stage.js_until_hot("bus.publish('third'); bus.publish('first');");
    assert_eq!(
        stage.heard(),
        "js one third, js two third, \
         js one first, js two first, rust second, js one third, js two third"
    );
}

#[wasm_bindgen_test]
fn a_rust_subscriber_that_comes_is_in_the_next_event_and_gone_when_it_ends() {
    let stage = Stage::new("comes and goes");
    stage.js("bus.subscribe('a', (data) => { heard.push('js ' + data); });");
    stage.js_until_hot("bus.publish('a', round);");
    stage.rust("*", |_| Ok(()));
    stage.js("heard.length = 0; bus.publish('a', 5);");
    stage.subscriptions.borrow_mut().clear();
    stage.js("bus.publish('a', 6);");
    assert_eq!(stage.heard(), "js 5, rust a, js 6");
}

#[wasm_bindgen_test]
fn a_rust_publish_inside_a_js_run_route_waits_for_its_turn() {
    let stage = Stage::new("rust inside js");
    let bus = stage.bus.clone();
    stage.lend("publish", move || {
        bus.publish("inner", ()).unwrap();
    });
    stage.js(r#"
        bus.subscribe("outer", () => { heard.push("one"); heard.publish(); });
        bus.subscribe("outer", () => { heard.push("two"); });
        bus.subscribe("inner", () => { heard.push("inner"); });
    "#);
    stage.js_until_hot("bus.publish('outer');");
    assert_eq!(stage.heard(), "one, two, inner");
}

#[wasm_bindgen_test]
fn memory_that_grows_inside_a_handler_loses_neither_order_nor_events() {
    let stage = Stage::new("growth");
    let kept: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
    let grown = kept.clone();
    stage.lend("grow", move || grown.borrow_mut().push(vec![1; 8 << 20]));
    stage.js(r#"
        bus.subscribe("outer", () => { heard.grow(); bus.publish("inner"); heard.push("one"); });
        bus.subscribe("outer", () => { heard.push("two"); });
        bus.subscribe("inner", () => { heard.push("inner"); });
    "#);
    stage.js_until_hot("bus.publish('outer');");
    assert_eq!(stage.heard(), "one, two, inner");
    assert_eq!(kept.borrow().len(), 5);
}

#[wasm_bindgen_test]
fn a_subscriber_in_rust_keeps_its_place_among_those_of_javascript() {
    let stage = Stage::new("places");
    let subscribe = |names: &str| {
        stage.js(&format!(
            "for (const name of [{names}]) bus.subscribe('it', () => {{ heard.push(name); }});"
        ));
    };
    subscribe("'one', 'two'");
    stage.rust("it", |_| Ok(()));
    subscribe("'three', 'four'");
    stage.rust("*", |_| Ok(()));
    subscribe("'five'");
    stage.js("bus.publish('it');");
    assert_eq!(stage.heard(), "one, two, rust it, three, four, rust it, five");
    stage.subscriptions.borrow_mut().clear();
    stage.js_until_hot("bus.publish('it');");
    assert_eq!(stage.heard(), "one, two, three, four, five");
}
