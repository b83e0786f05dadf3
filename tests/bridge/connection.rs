//! A connection: how it opens, what it receives, and how it ends.

use std::cell::Cell;
use std::rc::Rc;

use event_driven_kit::bridge::{CloseCode, LinkState};
use event_driven_kit::{Bus, Rule};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::fake_socket::{self as socket, sleep};
use crate::peer::Peer;
use crate::{connect, online, reconnected};

#[wasm_bindgen(inline_js = r#"
const { CloseEvent } = globalThis;
const errors = [];
globalThis.addEventListener("error", ({ message }) => errors.push(message));
export function removeCloseEvent() {
  delete globalThis.CloseEvent;
  errors.length = 0;
}
export function restoreCloseEvent() {
  globalThis.CloseEvent = CloseEvent;
  return errors.splice(0);
}
"#)]
extern "C" {
    /// From here on this page is like Node before version 23.
    #[wasm_bindgen(js_name = removeCloseEvent)]
    fn remove_close_event();
    /// Returns the errors that listeners have thrown meanwhile.
    #[wasm_bindgen(js_name = restoreCloseEvent)]
    fn restore_close_event() -> Vec<String>;
}

/// `WebSocket.CLOSING`.
const CLOSING: u16 = 2;
/// `WebSocket.CLOSED`.
const CLOSED: u16 = 3;
const MIB: usize = 1 << 20;

/// The size of the module's memory, which never shrinks.
fn memory() -> usize {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length() as usize
}

#[wasm_bindgen_test]
async fn a_peer_that_speaks_another_subprotocol_is_a_stop() {
    socket::install();
    let bus = Bus::new();
    let bridge = connect(&bus);
    socket::accept(0, "");
    sleep(0).await;
    let code = CloseCode::UnsupportedSubprotocol.code();
    assert!(matches!(bridge.state(), LinkState::Stopped { code: stopped, .. } if stopped == code));
    assert_ne!(socket::state(0), socket::OPEN);
}

#[wasm_bindgen_test]
async fn a_refused_connection_is_tried_again() {
    socket::install();
    let (bus, mut peer) = (Bus::new(), Peer::default());
    let bridge = connect(&bus);
    socket::hang_up(0, 1006, "");
    sleep(0).await;
    assert_ne!(bridge.state(), LinkState::Online);
    reconnected(&mut peer, 1).await;
    assert_eq!(bridge.state(), LinkState::Online);
}

#[wasm_bindgen_test]
async fn waking_up_connects_at_once() {
    let (_bus, bridge, mut peer) = online([]).await;
    peer.hang_up(1006, "");
    sleep(0).await;
    let window = web_sys::window().unwrap();
    window.dispatch_event(&web_sys::Event::new("online").unwrap()).unwrap();
    assert_eq!(socket::count(), 2);
    peer.accept();
    peer.serve().await;
    assert_eq!(bridge.state(), LinkState::Online);
}

#[wasm_bindgen_test]
async fn garbage_from_the_peer_is_answered_by_a_new_connection() {
    let (_bus, bridge, mut peer) = online([]).await;
    socket::deliver(0, &[0xff, 0x00, 0x13]);
    sleep(0).await;
    assert_eq!(socket::closed_with(0), Some(CloseCode::OutOfStep.code()));
    reconnected(&mut peer, 1).await;
    assert_eq!(bridge.state(), LinkState::Online);
}

/// gloo-net's channel of messages has no bound, so nothing may stay in it. Not even a microtask runs in this burst.
#[wasm_bindgen_test]
async fn a_burst_of_64_mib_leaves_nothing_queued() {
    let (bus, _bridge, mut peer) = online([Rule::inbound("news")]).await;
    let received = Rc::new(Cell::new(0));
    let count = received.clone();
    let _news = bus.subscribe("news", move |event| {
        count.set(count.get() + event.data::<String>()?.len());
        Ok(())
    });
    let json = format!("{:?}", "x".repeat(MIB));
    let before = memory();
    for number in 1..=64 {
        // The peer reads the credit that the event before has given back.
        peer.step();
        peer.forward("news", &format!("id{number}"), &json);
        peer.step();
        assert_eq!(received.get(), number * MIB, "a message is handled within its event");
    }
    let grown = memory() - before;
    assert!(grown < 16 * MIB, "the module has grown by {grown} bytes");
}

#[wasm_bindgen_test]
async fn what_arrives_before_a_close_is_handled_before_it() {
    let (bus, bridge, mut peer) = online([Rule::inbound("news")]).await;
    let (_news, news) = crate::listen(&bus, "news", false);
    peer.forward("news", "id1", "\"last words\"");
    peer.step();
    peer.hang_up(CloseCode::Fenced.code(), "another tab has taken over");
    assert_eq!(*news.borrow(), ["last words ephemeral"]);
    let stopped = LinkState::Stopped {
        code: CloseCode::Fenced.code(),
        reason: "another tab has taken over".to_owned(),
    };
    assert_eq!(bridge.state(), stopped, "within the close event");
}

#[wasm_bindgen_test]
async fn a_socket_that_closes_after_its_link_was_dropped_finds_no_freed_listener() {
    let (_bus, bridge, _peer) = online([]).await;
    remove_close_event();
    drop(bridge);
    assert_eq!(socket::state(0), CLOSING);
    sleep(10).await;
    assert_eq!(socket::state(0), CLOSED);
    assert_eq!(restore_close_event(), [""; 0]);
}
