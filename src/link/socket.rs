//! The socket of a connection. gloo-net's `WebSocket` reads it. Its channel of messages has no bound, so the listeners
//! here drain the channel within the event that filled it. They run after gloo-net's, which were added first.
//!
//! A second handle does what gloo-net cannot: it sends a view, and closes while the channel is still open.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use futures_util::{FutureExt, StreamExt};
use gloo_events::EventListener;
use gloo_net::websocket::events::CloseEvent;
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, WebSocketError};
use session::tabs::Lane;
use session::{CloseCode, SUBPROTOCOL};
use wasm_bindgen::JsValue;
use web_sys::WebSocket as SocketHandle;

use super::{Link, LinkOptions};
use crate::js::listen;

/// With more unsent bytes a socket gets no further message: those that wait elsewhere can still be dropped.
const MAX_BUFFERED: u32 = 1 << 20;

/// Dropping it closes the socket, and ends its events.
pub(super) struct Socket {
    handle: SocketHandle,
    reader: Rc<RefCell<WebSocket>>,
    /// It was opened with the subprotocol.
    asked: bool,
    listeners: Vec<EventListener>,
}

/// What a socket has received.
pub(super) enum Received {
    Message(Vec<u8>),
    Closed(CloseEvent),
}

impl Socket {
    /// Opens a socket whose events go to `link`.
    pub(super) fn open(
        options: &LinkOptions,
        lane: Lane,
        link: &Weak<Link>,
    ) -> Result<Self, JsValue> {
        let asked = options.subprotocol;
        let handle = if asked {
            SocketHandle::new_with_str(&options.url, SUBPROTOCOL)?
        } else {
            SocketHandle::new(&options.url)?
        };
        let reader = WebSocket::try_from(handle.clone()).map_err(|error| error.message)?;
        let on = |kind: &'static str, then: fn(&Link, Lane)| {
            let link = link.clone();
            listen(&handle, kind, move |_| {
                if let Some(link) = link.upgrade() {
                    then(&link, lane);
                }
            })
        };
        // The browser reports an error as a close, too.
        let listeners =
            vec![on("open", Link::opened), on("message", Link::read), on("close", Link::read)];
        Ok(Self { handle, reader: Rc::new(RefCell::new(reader)), asked, listeners })
    }

    /// Takes what the socket has received, or `None` if that is handled.
    pub(super) fn next(&self) -> Option<Received> {
        let mut reader = self.reader.borrow_mut();
        loop {
            match reader.next().now_or_never()?? {
                Ok(Message::Bytes(bytes)) => return Some(Received::Message(bytes)),
                Err(WebSocketError::ConnectionClose(event)) => {
                    return Some(Received::Closed(event));
                }
                // Frames are binary. A close follows each error.
                Ok(Message::Text(_)) | Err(_) => {}
            }
        }
    }

    /// Whether the peer has accepted the subprotocol, if it was asked to.
    pub(super) fn speaks_subprotocol(&self) -> bool {
        !self.asked || self.reader.borrow().protocol() == SUBPROTOCOL
    }

    pub(super) fn is_full(&self) -> bool {
        self.reader.borrow().buffered_amount() > MAX_BUFFERED
    }

    /// A closing socket drops the message; its close event follows.
    pub(super) fn send(&self, message: &[u8]) {
        let _not_open_yet = self.handle.send_with_u8_array(message);
    }

    /// Closes with a code of the application's range.
    pub(super) fn close(&self, code: CloseCode) {
        let _closed_already = self.handle.close_with_code(code.code());
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.listeners.clear();
        let _closed_already = self.handle.close();
        // Node before 23 has no `CloseEvent`. Without one gloo-net leaves its close listener on the socket, and a
        // listener that was freed throws when the socket closes. So the reader lives until then. A closing socket
        // delivers no messages that it would keep.
        if self.handle.ready_state() != SocketHandle::CLOSED {
            let reader = self.reader.clone();
            EventListener::once(&self.handle, "close", move |_| drop(reader)).forget();
        }
    }
}

impl Link {
    /// Handles what the socket has received. A handler may replace the socket: then the rest is dropped with it.
    fn read(&self, lane: Lane) {
        while let Some(received) = self.connection(lane).next() {
            match received {
                Received::Message(message) => self.received(lane, &message),
                Received::Closed(event) => self.closed(lane, event.code, &event.reason),
            }
        }
    }
}
