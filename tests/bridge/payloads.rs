//! Which payloads travel over a link, from JavaScript and from Rust.

use event_driven_kit::DataError;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::faces::Stage;
use crate::fake_socket as socket;

#[wasm_bindgen_test]
async fn bytes_travel_as_bytes_whatever_holds_them() {
    let mut stage = Stage::connected(&[], "{ pattern: 't.>', durable: true }").await;
    stage.js(
        r#"
        const frame = document.body.appendChild(document.createElement("iframe"));
        const foreign = frame.contentWindow;
        const bytes = new Uint8Array([1, 2, 3, 4]);
        for (const payload of [
          bytes, bytes.buffer, bytes.subarray(1, 3), new DataView(bytes.buffer, 2), new Uint16Array(bytes.buffer),
          new Float32Array(bytes.buffer), new Uint8Array(), new ArrayBuffer(0), new foreign.Uint8Array([9]),
          new foreign.Uint8Array([8]).buffer, new foreign.DataView(new foreign.Uint8Array([7]).buffer),
        ]) bus.publish("t.x", payload);
        frame.remove();
        "#,
    );
    stage.serve().await;
    let stored = stage.stored();
    assert!(
        stored.iter().all(|body| body.content_type.as_deref() == Some("application/octet-stream"))
    );
    let all = [1, 2, 3, 4];
    let data: Vec<_> = stored.iter().map(|body| &body.data[..]).collect();
    assert_eq!(data, [&all[..], &all, &[2, 3], &[3, 4], &all, &all, &[], &[], &[9], &[8], &[7]]);
}

#[wasm_bindgen_test]
async fn what_json_would_empty_is_refused_and_all_else_travels() {
    let mut stage = Stage::connected(&[], "{ pattern: 't.>', durable: true }").await;
    stage.js(
        r#"
        const cycle = {};
        cycle.self = cycle;
        const unfit = [
          new Map([[1, 2]]), new Set([1]), new Blob(["a"]), new Error("no"), /a/, new WeakMap(), Promise.resolve(1), () => {},
          Symbol("a"), 1n, NaN, -Infinity, cycle, { inner: new Map() }, [new Set()], { bytes: new Uint8Array(1) },
          { list: [{ call() {} }] }, { big: 1n }, [NaN], new Headers(), document.body,
        ];
        for (const payload of unfit) {
          try {
            bus.publish("t.x", payload);
            other.push(`taken: ${Object.prototype.toString.call(payload)}`);
          } catch (error) {
            if (error.code !== "illegal_data") other.push(`${error.code}: ${error.message}`);
          }
        }
        class Point { constructor() { this.x = 1; } get y() { return 2; } }
        const fit = [
          undefined, null, true, 0, -1.5, "text", "\ud800", [1, [undefined]], { a: undefined, b: 1 }, new Date(0), new Point(),
          Object.assign(Object.create(null), { n: 1 }), { at: new Date(0) }, Object("boxed"), { toJSON: () => "own" },
        ];
        for (const payload of fit) bus.publish("t.x", payload);
        "#,
    );
    stage.serve().await;
    assert_eq!(stage.reported(), Vec::<String>::new());
    let stored = stage.stored();
    let data: Vec<_> = stored.iter().map(|body| String::from_utf8_lossy(&body.data)).collect();
    assert_eq!(
        data,
        [
            "null",
            "null",
            "true",
            "0",
            "-1.5",
            "\"text\"",
            "\"\\ud800\"",
            "[1,[null]]",
            "{\"b\":1}",
            "\"1970-01-01T00:00:00.000Z\"",
            "{\"x\":1}",
            "{\"n\":1}",
            "{\"at\":\"1970-01-01T00:00:00.000Z\"}",
            "\"boxed\"",
            "\"own\"",
        ]
    );
}

#[wasm_bindgen_test]
fn rust_refuses_the_same_payloads() {
    for code in [
        "new Map([[1, 2]])",
        "{ inner: new Set() }",
        "[NaN]",
        "new Error('no')",
        "{ bytes: new Uint8Array(1) }",
    ] {
        let value = socket::evaluate(&format!("return ({code});"), &JsValue::NULL, &JsValue::NULL);
        let bytes = event_driven_kit::Payload::from_js(value.unwrap()).to_bytes();
        assert!(matches!(bytes, Err(DataError::NotJson(_))), "{code}: {bytes:?}");
    }
}
