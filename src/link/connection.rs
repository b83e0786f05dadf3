//! One connection of a link: a WebSocket, and the messages that wait for it. gloo listens to the socket's events. Its
//! stream of messages is not used: it has no bound, and hides what a link needs, which is to send a view, to close with a
//! code, and to ask how much is buffered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Uint8Array};
use session::tabs::Lane;
use session::{CloseCode, SUBPROTOCOL};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

use super::{Link, LinkOptions};
use crate::js::{after, listen};

/// A connection, while there is one.
#[derive(Default)]
pub(super) struct LinkConnection {
    socket: RefCell<Option<Rc<Socket>>>,
    queue: SendQueue,
}

/// Dropping it closes the socket, and ends its events.
struct Socket {
    handle: WebSocket,
    /// It was opened with the subprotocol.
    asked: bool,
    _listeners: [EventListener; 3],
}

/// The messages that wait until the socket has sent what it holds. Bounded by what the machine sends on one
/// connection before it has answers: the outbox, and a few control frames.
#[derive(Default)]
struct SendQueue {
    messages: RefCell<VecDeque<Vec<u8>>>,
    timer: RefCell<Option<Timeout>>,
}

/// With more unsent bytes a socket gets no further message: those that wait here can still be dropped.
const MAX_BUFFERED: u32 = 1 << 20;
/// How often a full socket is polled, in milliseconds: no event reports that it has sent something.
const POLL_MS: u32 = 50;

impl LinkConnection {
    /// Opens a socket whose events go to `link`.
    pub(super) fn open(
        &self,
        options: &LinkOptions,
        lane: Lane,
        link: &Weak<Link>,
    ) -> Result<(), JsValue> {
        let socket = Socket::open(options, lane, link)?;
        let before = self.socket.replace(Some(Rc::new(socket)));
        drop(before);
        Ok(())
    }

    /// Whether the peer has accepted the subprotocol. Not every browser refuses a peer that ignores it.
    pub(super) fn speaks_subprotocol(&self) -> bool {
        let socket = self.socket();
        socket.is_some_and(|socket| !socket.asked || socket.handle.protocol() == SUBPROTOCOL)
    }

    /// Sends a message after those before it.
    pub(super) fn send(&self, message: Vec<u8>, lane: Lane, link: &Weak<Link>) {
        if let Some(socket) = self.socket() {
            self.queue.messages.borrow_mut().push_back(message);
            self.queue.send_to(&socket, lane, link);
        }
    }

    /// Sends the messages that the socket had no room for.
    fn resume(&self, lane: Lane, link: &Weak<Link>) {
        if let Some(socket) = self.socket() {
            self.queue.send_to(&socket, lane, link);
        }
    }

    /// Whether a message would have to wait.
    pub(super) fn is_congested(&self) -> bool {
        self.socket()
            .is_some_and(|socket| !self.queue.messages.borrow().is_empty() || socket.is_full())
    }

    /// Closes the socket with a code of the application's range.
    pub(super) fn close(&self, code: CloseCode) {
        let socket = self.socket();
        self.forget();
        if let Some(socket) = socket {
            let _closed_already = socket.handle.close_with_code(code.code());
        }
    }

    /// Drops the socket and the messages that wait for it.
    pub(super) fn forget(&self) {
        drop(self.queue.messages.take());
        drop(self.queue.timer.take());
        drop(self.socket.take());
    }

    fn socket(&self) -> Option<Rc<Socket>> {
        self.socket.borrow().clone()
    }
}

impl SendQueue {
    /// Sends as much as the socket has room for, and the rest later.
    fn send_to(&self, socket: &Socket, lane: Lane, link: &Weak<Link>) {
        let mut messages = self.messages.borrow_mut();
        while !socket.is_full() {
            let Some(message) = messages.pop_front() else {
                drop(self.timer.take());
                return;
            };
            socket.send(&message);
        }
        let link = link.clone();
        let timer = after(POLL_MS, move || {
            if let Some(link) = link.upgrade() {
                link.connection(lane).resume(lane, &link.this);
            }
        });
        let before = self.timer.replace(Some(timer));
        drop(before);
    }
}

impl Socket {
    fn open(options: &LinkOptions, lane: Lane, link: &Weak<Link>) -> Result<Self, JsValue> {
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
            // The browser reports an error as a close, too.
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

    fn is_full(&self) -> bool {
        self.handle.buffered_amount() > MAX_BUFFERED
    }

    /// A closing socket drops the message; its close event follows.
    fn send(&self, message: &[u8]) {
        let _not_open_yet = self.handle.send_with_u8_array(message);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _closed_already = self.handle.close();
    }
}
