//! The Rust test that README.md shows. A test of `crates/xtask` compares the two.
#![cfg(target_arch = "wasm32")]

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use std::{cell::RefCell, rc::Rc};

use event_driven_kit::Bus;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_log_hears_every_room() {
    let bus = Bus::new();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = heard.clone();
    let subscription = bus.subscribe("chat.*.TEXT_MESSAGE", move |event| {
        log.borrow_mut().push(event.data::<String>()?.to_string());
        Ok(()) // an error is reported on `$bus.error`, and the other handlers run
    });
    bus.publish("chat.lobby.TEXT_MESSAGE", "hi".to_owned()).unwrap();
    drop(subscription); // ends it
    assert_eq!(*heard.borrow(), ["hi"]);
}
