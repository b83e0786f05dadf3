//! The bus's API for JavaScript.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::Bus;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen(inline_js = r#"
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const evaluate = (code, ...values) => new Function("bus", "other", code)(...values);
"#)]
extern "C" {
    async fn sleep(ms: u32);
    #[wasm_bindgen(catch)]
    fn evaluate(code: &str, bus: &JsValue, other: &JsValue) -> Result<JsValue, JsValue>;
}

/// Runs `code` with `bus` as the JavaScript object of a new bus, and returns a text.
fn on_face(code: &str) -> String {
    let bus = event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap();
    let answer = evaluate(code, &bus, &JsValue::UNDEFINED);
    answer.map_or_else(
        |thrown| format!("thrown: {}", String::from(js_sys::JsString::from(thrown))),
        |value| value.as_string().unwrap_or_default(),
    )
}

#[wasm_bindgen_test]
fn the_face_works_destructured_and_its_disposer_ends_the_subscription() {
    let heard = on_face(
        r#"
        const { subscribe, publish } = bus;
        const heard = [];
        const dispose = subscribe("orders.*", (data, event) => heard.push(event.topic + data));
        const receipt = publish("orders.eu", 1);
        publish("orders.eu.late", 2);
        dispose();
        dispose();
        publish("orders.eu", 3);
        return heard.join() + "|" + receipt;
        "#,
    );
    assert_eq!(heard, "orders.eu1|undefined");
}

#[wasm_bindgen_test]
fn a_disposer_is_disposable_where_the_browser_has_that() {
    let heard = on_face(
        r#"
        let heard = 0;
        const dispose = bus.subscribe("a", () => (heard += 1));
        if (Symbol.dispose) dispose[Symbol.dispose](); else dispose();
        bus.publish("a");
        return String(heard);
        "#,
    );
    assert_eq!(heard, "0");
}

#[wasm_bindgen_test]
fn an_abort_signal_ends_a_subscription() {
    let heard = on_face(
        r#"
        const heard = [];
        const controller = new AbortController();
        bus.subscribe("a", (data) => heard.push(data), { signal: controller.signal });
        bus.publish("a", 1);
        controller.abort();
        bus.publish("a", 2);
        bus.subscribe("a", (data) => heard.push(data), { signal: controller.signal });
        bus.publish("a", 3);
        return heard.join();
        "#,
    );
    assert_eq!(heard, "1");
}

#[wasm_bindgen_test]
fn js_handlers_of_one_event_share_one_event_object_whose_fields_stay() {
    let reported = on_face(
        r#"
        const events = [];
        bus.subscribe("a", (data, event) => events.push(event));
        bus.subscribe("a", (data, event) => events.push(event), { priority: 1 });
        bus.publish("a", 1);
        const [one, two] = events;
        const near = Math.abs(Date.now() - one.time) < 5000;
        let changed = false;
        try { one.topic = "b"; changed = one.topic !== "a"; } catch {}
        return [one === two, !changed, /^[0-9a-f]{32}$/.test(one.id), one.id === one.id,
          one.source, near, one.delivery.status].join();
        "#,
    );
    assert_eq!(reported, "true,true,true,true,,true,local");
}

#[wasm_bindgen_test]
fn rust_and_js_read_the_same_id_in_either_order() {
    for js_first in [true, false] {
        let name = if js_first { "js first" } else { "rust first" };
        let bus = Bus::singleton(name);
        let face =
            event_driven_kit::npm::create_singleton(&JsValue::from_str(name), &JsValue::UNDEFINED)
                .unwrap();
        let priority = if js_first { "1" } else { "-1" };
        let ids = js_sys::Array::new();
        let code = format!(
            "bus.subscribe('a', (_, event) => other.push(event.id), {{ priority: {priority} }})"
        );
        evaluate(&code, &face, &ids).unwrap();
        let read: Rc<RefCell<Option<String>>> = Rc::default();
        let keep = read.clone();
        let _rust = bus.subscribe("a", move |event| {
            keep.replace(Some(event.id().to_owned()));
            Ok(())
        });
        bus.publish("a", ()).unwrap();
        assert_eq!(ids.get(0).as_string(), read.take(), "{name}");
    }
}

#[wasm_bindgen_test]
fn a_rust_event_reaches_js_as_plain_data() {
    #[derive(Serialize)]
    struct Person {
        name: &'static str,
        age: u32,
    }
    let bus = Bus::singleton("plain data");
    let face = event_driven_kit::npm::create_singleton(
        &JsValue::from_str("plain data"),
        &JsValue::UNDEFINED,
    )
    .unwrap();
    let reported = js_sys::Array::new();
    evaluate("bus.subscribe('a', (data) => other.push(JSON.stringify(data)))", &face, &reported)
        .unwrap();
    bus.publish("a", Person { name: "Ann", age: 7 }).unwrap();
    assert_eq!(reported.get(0).as_string().as_deref(), Some(r#"{"name":"Ann","age":7}"#));
}

#[wasm_bindgen_test]
fn a_js_handler_that_throws_stops_no_other_and_is_reported_with_what_it_threw() {
    let reported = on_face(
        r#"
        const reported = [];
        const thrown = new TypeError("broken");
        bus.subscribe("$bus.error", (failure) => reported.push(failure));
        bus.subscribe("a", () => { throw thrown }, { label: "bad" });
        bus.subscribe("a", () => reported.push("good"));
        bus.publish("a");
        const [good, { topic, label, message, cause }] = reported;
        return [good, topic, label, message, cause === thrown].join();
        "#,
    );
    assert_eq!(reported, "good,a,bad,TypeError: broken,true");
}

#[wasm_bindgen_test]
async fn a_rejected_promise_of_a_js_handler_is_reported_too() {
    let bus = event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap();
    let reported = js_sys::Array::new();
    evaluate(
        r#"
        bus.subscribe("$bus.error", (failure) => other.push(failure.label + ":" + failure.cause));
        bus.subscribe("a", async (data) => { if (data) throw "late" }, { label: "async" });
        bus.subscribe("a", () => ({ then: (_, reject) => reject("thenable") }), { label: "like" });
        bus.publish("a", 1);
        bus.publish("b", 1);
        "#,
        &bus,
        &reported,
    )
    .unwrap();
    assert_eq!(reported.length(), 0);
    sleep(20).await;
    assert_eq!(String::from(reported.sort().join(",")), "async:late,like:thenable");
}

#[wasm_bindgen_test]
fn js_may_subscribe_publish_and_dispose_inside_handlers() {
    let heard = on_face(
        r#"
        const heard = [];
        const dispose = bus.subscribe("a", (data) => {
          if (data === 1) {
            bus.publish("a", 2);
            bus.subscribe("a", (data) => heard.push("new" + data));
          } else {
            dispose();
          }
          heard.push(data);
        });
        bus.publish("a", 1);
        bus.publish("a", 3);
        return heard.join();
        "#,
    );
    assert_eq!(heard, "1,2,new2,new3");
}

#[wasm_bindgen_test]
fn errors_for_js_have_a_code_and_say_what_to_do() {
    for (code, wanted) in [
        ("bus.publish('a b', 1)", "illegal_topic"),
        ("bus.publish('$bus.link', 1)", "system_topic"),
        ("bus.publish(7, 1)", "illegal_argument"),
        ("bus.subscribe('a..b', () => {})", "illegal_topic"),
        ("bus.subscribe('a')", "illegal_argument"),
        ("bus.subscribe('a', () => {}, 7)", "illegal_argument"),
        ("bus.connect({})", "illegal_argument"),
        (
            "bus.connect({ url: 'ws://x', rules: [{ pattern: 'a', direction: 'up' }] })",
            "illegal_argument",
        ),
        (
            "bus.connect({ url: 'ws://x', rules: [{ pattern: 'a', from: 'then' }] })",
            "illegal_argument",
        ),
        ("bus.connect({ url: 'gopher://x' })", "illegal_address"),
        (
            "bus.connect({ url: 'ws://127.0.0.1:9', rules: [{ pattern: '$bus.>' }] })",
            "system_topic",
        ),
    ] {
        let reported = on_face(&format!(
            "try {{ {code}; return 'nothing thrown' }} catch (error) {{
               return error instanceof Error && error.message.length > 20 ? error.code : String(error);
             }}"
        ));
        assert_eq!(reported, wanted, "{code}");
    }
}
