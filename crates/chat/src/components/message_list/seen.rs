//! Publishes the newest message that the user has seen as `ui.seen`. A message is seen if it is on the screen while the
//! page has the focus.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use event_driven_kit::Bus;
use event_driven_kit::hooks::use_bus;
use gloo_timers::callback::Timeout;
use web_sys::window;
use yew::prelude::*;

use super::feed::Feed;
use super::viewport::Viewport;
use crate::boxed::{after, use_listener};
use crate::clock;
use crate::events::{Room, SEEN, SeenUpTo};
use crate::state::use_memo;

/// The shortest time between two publishes while the user is not at the end, in milliseconds: finding the message takes
/// longer there. At the end a message is seen at once, so that none counts as unread for a moment.
const EVERY_MS: f64 = 500.0;

/// What the user has seen of a room.
pub struct Seen {
    room: AttrValue,
    feed: Rc<Feed>,
    viewport: Rc<Viewport>,
    bus: Bus,
    is_open: Cell<bool>,
    newest: Cell<(u64, u64)>,
    looked_ms: Cell<f64>,
    timer: RefCell<Option<Timeout>>,
}

#[hook]
pub fn use_seen(room: &Room, feed: &Rc<Feed>, viewport: &Rc<Viewport>, is_open: bool) -> Rc<Seen> {
    let bus = use_bus();
    let seen = use_memo((), |()| {
        Rc::new(Seen {
            room: room.key.clone(),
            feed: feed.clone(),
            viewport: viewport.clone(),
            bus,
            is_open: Cell::new(false),
            newest: Cell::default(),
            looked_ms: Cell::new(-EVERY_MS),
            timer: RefCell::default(),
        })
    });
    seen.is_open.set(is_open);
    let focused = (*seen).clone();
    use_listener("focus", move |_| focused.look_soon());
    (*seen).clone()
}

impl Seen {
    /// The screen may have changed.
    pub fn look_soon(self: &Rc<Self>) {
        if self.viewport.is_at_end() {
            // The list of rooms is drawn with the messages then: both are one frame for the browser.
            drop(self.timer.take());
            return self.look();
        }
        if !self.is_open.get() || self.timer.borrow().is_some() {
            return;
        }
        let since = clock::monotonic() - self.looked_ms.get();
        let wait = (EVERY_MS - since).clamp(0.0, EVERY_MS);
        let this = Rc::downgrade(self);
        let timer = after(wait as u32, move || {
            if let Some(this) = this.upgrade() {
                drop(this.timer.take());
                this.looked_ms.set(clock::monotonic());
                this.look();
            }
        });
        self.timer.replace(Some(timer));
    }

    fn look(&self) {
        let document = window().and_then(|window| window.document());
        let is_in_front = document
            .is_some_and(|document| !document.hidden() && document.has_focus().unwrap_or(false));
        if !is_in_front || !self.is_open.get() || !self.feed.is_ready() {
            return;
        }
        let newest = self.feed.look(|timeline| {
            let (epoch, end) = timeline.end()?;
            if self.viewport.is_at_end() && !self.feed.goes_on() {
                return Some((epoch, end));
            }
            let id = self.viewport.last_on_screen()?;
            let rows = timeline.chunks().iter().rev().flat_map(|chunk| chunk.rows.iter().rev());
            let row = rows.filter(|row| *row.seen.id == *id).find_map(|row| row.offset())?;
            Some((epoch, row))
        });
        let Some((epoch, offset)) = newest else { return };
        let (known, last) = self.newest.get();
        if epoch == known && offset <= last {
            return;
        }
        self.newest.set((epoch, offset));
        let room = self.room.to_string();
        let seen = SeenUpTo { room, epoch: epoch.to_string(), offset: offset.to_string() };
        // Nothing limits the number of events on this topic.
        let _ = self.bus.publish(SEEN, seen);
    }
}
