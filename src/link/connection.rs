//! One connection of a link: a socket, and the messages that wait for it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use session::CloseCode;
use session::tabs::Lane;
use wasm_bindgen::JsValue;

use super::socket::{Received, Socket};
use super::{Link, LinkOptions};
use crate::js::after;

/// A connection, while there is one.
#[derive(Default)]
pub(super) struct LinkConnection {
    socket: RefCell<Option<Rc<Socket>>>,
    queue: SendQueue,
}

/// The messages that wait until the socket has sent what it holds. Bounded by what the machine sends on one
/// connection before it has answers: the outbox, and a few control frames.
#[derive(Default)]
struct SendQueue {
    messages: RefCell<VecDeque<Vec<u8>>>,
    timer: RefCell<Option<Timeout>>,
}

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
        self.socket().is_some_and(|socket| socket.speaks_subprotocol())
    }

    /// Takes what the socket has received, or `None` if that is handled.
    pub(super) fn next(&self) -> Option<Received> {
        self.socket()?.next()
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
            socket.close(code);
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
