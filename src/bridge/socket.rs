//! One WebSocket of a link. gloo listens to its events; its stream would cost a browser more, bounds nothing
//! and hides what is needed: to send a view, close with a code, ask how much is buffered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Weak;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Uint8Array};
use session::tabs::Lane;
use session::{CloseCode, SUBPROTOCOL};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::BridgeOptions;
use super::link::Link;
use crate::js::{after, listen};

/// A connection, while there is one.
#[derive(Default)]
pub(super) struct LinkConnection {
    pub(super) socket: RefCell<Option<Socket>>,
    pub(super) send_queue: SendQueue,
}

/// Dropping it closes the socket, and what it still brings reaches nobody.
pub(super) struct Socket {
    handle: WebSocket,
    /// It was asked for the subprotocol.
    asked: bool,
    _listeners: [EventListener; 3],
}

/// What waits for a socket to send what it has. Bounded by what the machine sends on one connection
/// before it has answers: the outbox, and a few control frames.
#[derive(Default)]
pub(super) struct SendQueue {
    messages: RefCell<VecDeque<Vec<u8>>>,
    timer: RefCell<Option<Timeout>>,
}

/// Above so many unsent bytes a socket is given no more: what waits here can still be thrown away.
const MAX_BUFFERED: u32 = 1 << 20;
/// How often a socket that is full is looked at: no event says that it has sent something.
const LOOK_MS: u32 = 50;

impl SendQueue {
    /// Sends a message after those before it.
    pub(super) fn send(&self, socket: &Socket, message: Vec<u8>, link: &Weak<Link>) {
        self.messages.borrow_mut().push_back(message);
        self.go_on(socket, link);
    }

    pub(super) fn go_on(&self, socket: &Socket, link: &Weak<Link>) {
        let mut messages = self.messages.borrow_mut();
        while socket.handle.buffered_amount() <= MAX_BUFFERED {
            let Some(message) = messages.pop_front() else {
                self.timer.take();
                return;
            };
            socket.send(&message);
        }
        let link = link.clone();
        let timer = after(LOOK_MS, move || {
            if let Some(link) = link.upgrade() {
                link.go_on_sending();
            }
        });
        self.timer.replace(Some(timer));
    }

    /// Whether a message would have to wait.
    pub(super) fn waits(&self, socket: &Socket) -> bool {
        !self.messages.borrow().is_empty() || socket.handle.buffered_amount() > MAX_BUFFERED
    }

    /// Its socket is gone.
    pub(super) fn forget(&self) {
        self.messages.take();
        self.timer.take();
    }
}

impl Socket {
    /// Opens a socket whose events go to `link`.
    pub(super) fn open(
        options: &BridgeOptions,
        lane: Lane,
        link: &Weak<Link>,
    ) -> Result<Self, JsValue> {
        let asked = options.subprotocol;
        let handle = if asked {
            WebSocket::new_with_str(&options.url, SUBPROTOCOL)?
        } else {
            WebSocket::new(&options.url)?
        };
        handle.set_binary_type(BinaryType::Arraybuffer);
        let on = |kind: &'static str, then: fn(&Link, Lane, &Event)| {
            let link = link.clone();
            listen(&handle, kind, move |event| {
                if let Some(link) = link.upgrade() {
                    then(&link, lane, event);
                }
            })
        };
        let listeners = [
            // An error is followed by its close.
            on("close", |link, lane, event| {
                let event: &CloseEvent = event.unchecked_ref();
                link.closed(lane, event.code(), &event.reason());
            }),
            on("message", |link, lane, event| {
                let data = event.unchecked_ref::<MessageEvent>().data();
                // Frames are binary.
                if let Some(bytes) = data.dyn_ref::<ArrayBuffer>() {
                    link.received(lane, &Uint8Array::new(bytes).to_vec());
                }
            }),
            on("open", |link, lane, _| link.opened(lane)),
        ];
        Ok(Self { handle, asked, _listeners: listeners })
    }

    /// Whether the peer speaks what was asked for. One that ignores it is not refused by every browser.
    pub(super) fn is_understood(&self) -> bool {
        !self.asked || self.handle.protocol() == SUBPROTOCOL
    }

    /// Sends a message. A socket that is closing throws it away, and its close event is on the way.
    fn send(&self, message: &[u8]) {
        let _not_open_yet = self.handle.send_with_u8_array(message);
    }

    /// Closes with a code of the application's range.
    pub(super) fn close(self, code: CloseCode) {
        let _closed_already = self.handle.close_with_code(code.code());
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _closed_already = self.handle.close();
    }
}
