//! The bridge's API for JavaScript.

use event_driven_kit::trust::CertifyError;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake_socket as socket;
use crate::peer::Peer;

#[wasm_bindgen_test]
async fn javascript_connects_publishes_and_closes() {
    socket::install();
    let mut peer = Peer::default();
    let bus = event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap();
    let reported = js_sys::Array::new();
    let link = socket::evaluate(
        r#"
        const { subscribe, publish, connect } = bus;
        subscribe("chat.a", (data, { delivery }) => {
          other.push(data + " " + delivery.status + " " + (delivery.position?.offset ?? ""));
        }, { echo: true });
        subscribe("$bus.link", ({ state, outbox, caughtUp }) => {
          other.push(`${state} ${outbox}${caughtUp ? " caught up" : ""}`);
        });
        const link = connect({
          url: "ws://peer.test/ws",
          storage: "memory",
          rules: [{ pattern: "chat.a", direction: "both", durable: true, from: { last: 5 } }],
        });
        const receipt = publish("chat.a", "hi");
        receipt.settled().then(({ offset, stream }) => other.push(`settled ${stream} ${offset}`));
        other.push(receipt.status.status + " " + receipt.id.length + " " + link.state.state);
        return link;
        "#,
        &bus,
        &reported,
    )
    .unwrap();
    peer.accept();
    peer.serve().await;
    socket::evaluate("bus.close(); bus.close(); other.push(bus.state.state)", &link, &reported)
        .unwrap();
    let reported: Vec<String> = reported.iter().filter_map(|text| text.as_string()).collect();
    assert_eq!(
        reported.join("|"),
        "connecting 0|hi queued |hi kept |connecting 1|kept 32 connecting|online 1|hi sent |online 0|online 0 caught up|hi stored 1|settled main 1|stopped 0|stopped"
    );
    assert_ne!(socket::state(0), socket::OPEN);
    let _unused: &JsValue = &link;
}

/// The texts of JavaScript are those of Rust.
#[wasm_bindgen_test]
async fn javascript_learns_why_a_certificate_is_not_sent() {
    socket::install();
    let bus = event_driven_kit::npm::create_bus(&JsValue::UNDEFINED).unwrap();
    let reported = js_sys::Array::new();
    let done = socket::evaluate(
        r#"
        const attempt = async (certify) => {
          const options = { url: "ws://peer.test/ws", storage: "memory", certify };
          if (certify === undefined) delete options.certify;
          const link = bus.connect(options);
          await link.sendCertificate().catch(({ code, message }) => other.push(`${code}: ${message}`));
          link.close();
        };
        const signedOut = () => {
          throw new Error("signed out");
        };
        const all = [undefined, signedOut, () => 7, ({ kty }) => kty];
        return all.reduce((before, certify) => before.then(() => attempt(certify)), Promise.resolve());
        "#,
        &bus,
        &reported,
    )
    .unwrap();
    wasm_bindgen_futures::JsFuture::from(js_sys::Promise::from(done)).await.unwrap();
    let reported: Vec<String> = reported.iter().filter_map(|text| text.as_string()).collect();
    let failed = |text: &str| CertifyError::Fetch(["Error: ", text].concat().into());
    let expected = [
        CertifyError::NotAvailable,
        failed("signed out"),
        failed("a credential or a certificate must be a string: return one"),
        CertifyError::Malformed("the certificate is not a JSON Web Token".to_owned()),
    ];
    assert_eq!(reported, expected.map(|error| format!("{}: {error}", error.code())));
}
