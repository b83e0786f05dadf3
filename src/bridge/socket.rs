//! One WebSocket of a link: gloo reads it as a stream, and a kept handle does what that cannot: send a
//! view, close with a code, say how much it has buffered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Weak;

use futures_util::StreamExt;
use gloo_events::EventListener;
use gloo_net::websocket::{Message, WebSocketError, futures::WebSocket};
use gloo_timers::callback::Timeout;
use session::{CloseCode, SUBPROTOCOL};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::BridgeOptions;
use super::link::Link;

/// Dropping it closes the socket. What it still brings has a number that the link ignores.
pub(super) struct Socket {
    handle: web_sys::WebSocket,
    _opened: EventListener,
}

/// What waits for a socket to send what it has. Bounded by what the machine sends on one connection
/// before it has answers: the outbox, and a few control frames.
#[derive(Default)]
pub(super) struct Unsent {
    messages: RefCell<VecDeque<Vec<u8>>>,
    timer: RefCell<Option<Timeout>>,
}

/// Above so many unsent bytes a socket is given no more: what waits here can still be thrown away.
const MAX_BUFFERED: u32 = 1 << 20;
/// How often a socket that is full is looked at: no event says that it has sent something.
const LOOK_MS: u32 = 50;

impl Unsent {
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
        let timer = Timeout::new(LOOK_MS, move || {
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
    /// Opens a socket whose events go to `link` under `number`.
    pub(super) fn open(
        options: &BridgeOptions,
        link: Weak<Link>,
        number: u64,
    ) -> Result<Self, JsValue> {
        let asked = options.subprotocol;
        let handle = if asked {
            web_sys::WebSocket::new_with_str(&options.url, SUBPROTOCOL)?
        } else {
            web_sys::WebSocket::new(&options.url)?
        };
        let stream = WebSocket::try_from(handle.clone())
            .map_err(|error| JsValue::from(js_sys::Error::new(&error.message)))?;
        let opened = EventListener::once(&handle, "open", {
            let (link, handle) = (link.clone(), handle.clone());
            move |_| {
                let Some(link) = link.upgrade() else { return };
                // A peer that ignores what was asked for is not refused by every browser.
                if !asked || handle.protocol() == SUBPROTOCOL {
                    link.opened(number);
                } else {
                    let code = CloseCode::UnsupportedSubprotocol.code();
                    link.closed(number, code, "the peer does not speak event-driven-kit.v1");
                }
            }
        });
        spawn_local(read(stream, link, number));
        Ok(Self { handle, _opened: opened })
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

async fn read(mut stream: WebSocket, link: Weak<Link>, number: u64) {
    while let Some(message) = stream.next().await {
        let Some(link) = link.upgrade() else { return };
        match message {
            Ok(Message::Bytes(bytes)) => link.received(number, &bytes),
            Err(WebSocketError::ConnectionClose(close)) => {
                link.closed(number, close.code, &close.reason);
            }
            // Frames are binary. An error is followed by its close.
            Ok(Message::Text(_)) | Err(_) => {}
        }
    }
}
