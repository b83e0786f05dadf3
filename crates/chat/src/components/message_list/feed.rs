//! The timeline of the room, folded from its events, and the part of it that the reader has jumped to, if any.

mod quotes;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::{Rc, Weak};

use event_driven_kit::bridge::{Position, RuleGuard};
use event_driven_kit::{Delivery, Event, HandlerResult, Hold};

use super::super::Origin;
use super::changes;
use super::frames::Frames;
use super::viewport::Viewport;
use crate::events::Room;
use crate::model::refusal::Refusal;
use crate::model::timeline::{Change, Row, Timeline};
pub use quotes::Quote;
use quotes::Quotes;

/// The timelines of a room. This is a shared state of the message list, and not a property: copying it for each event
/// would take longer than drawing it.
pub struct Feed {
    pub(super) this: Weak<Self>,
    pub(super) room: Room,
    pub(super) origin: RefCell<Origin>,
    pub(super) frames: Rc<Frames>,
    pub(super) viewport: Rc<Viewport>,
    /// The newest messages.
    pub(super) live: RefCell<Timeline>,
    /// The messages around an older one that the reader has jumped to.
    pub(super) older: RefCell<Option<Older>>,
    /// The first page, until the relations of its messages are there, too.
    pub(super) held: RefCell<Option<FirstPage>>,
    /// The epoch, if it is known, and the offset of the message to show when the first page is there.
    pub(super) wanted: Cell<Option<(Option<u64>, u64)>>,
    pub(super) quotes: Quotes,
    /// The id of the message whose buttons are drawn.
    active: RefCell<Option<Rc<str>>>,
    /// The message for which the user chooses a reaction.
    pub(super) reacting: RefCell<Option<Rc<Row>>>,
    pub(super) paging: Cell<Paging>,
    /// Raised when another part is shown. A task for the part before ends then.
    pub(super) generation: Cell<u64>,
    /// Raised when the reader wants to go elsewhere. A jump that still reads its page ends then.
    pub(super) jumps: Cell<u64>,
    /// The position of the newest event.
    pub(super) newest: RefCell<Option<Position>>,
    pub(super) has_newer: Cell<bool>,
    pub(super) highlighted: RefCell<Option<Rc<str>>>,
    /// Shows a text to the user for some seconds.
    pub(super) notify: Box<dyn Fn(&str)>,
}

/// A part of the log of its own, read forward by a rule until it reaches the newest messages.
pub(super) struct Older {
    pub(super) timeline: Timeline,
    /// Reads forward for as long as this is here.
    pub(super) _rule: Option<RuleGuard>,
    /// Keeps the peer from sending more than the reader wants to see.
    pub(super) holds: Vec<Hold>,
    /// What has arrived, until the relations of its messages are there, too.
    pub(super) waiting: Vec<Change>,
    pub(super) is_reading: bool,
    /// It has reached the newest messages.
    pub(super) is_complete: bool,
}

#[derive(Default)]
pub(super) struct FirstPage {
    pub(super) changes: Vec<Change>,
    pub(super) events: u32,
    /// The epoch and the offset.
    pub(super) oldest: Option<(u64, u64)>,
}

/// Whether an older page is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Nothing is asked for.
    Idle,
    /// A page is on its way.
    Waiting,
    /// The page was refused.
    Failed,
}

impl Feed {
    pub fn new(
        room: &Room,
        origin: &Origin,
        (frames, viewport): (&Rc<Frames>, &Rc<Viewport>),
        timeline: Timeline,
        notify: impl Fn(&str) + 'static,
    ) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            room: room.clone(),
            origin: RefCell::new(origin.clone()),
            frames: frames.clone(),
            viewport: viewport.clone(),
            live: RefCell::new(timeline),
            older: RefCell::default(),
            held: RefCell::new(Some(FirstPage::default())),
            wanted: Cell::default(),
            quotes: Quotes::default(),
            active: RefCell::default(),
            reacting: RefCell::default(),
            paging: Cell::new(Paging::Idle),
            generation: Cell::default(),
            jumps: Cell::default(),
            newest: RefCell::default(),
            has_newer: Cell::new(false),
            highlighted: RefCell::default(),
            notify: Box::new(notify),
        })
    }

    /// The bridge, which may come after the first render.
    pub fn set_origin(&self, origin: &Origin) {
        self.origin.replace(origin.clone());
    }

    /// Calls `look` with the timeline that is shown.
    pub fn look<T>(&self, look: impl FnOnce(&Timeline) -> T) -> T {
        match &*self.older.borrow() {
            Some(older) => look(&older.timeline),
            None => look(&self.live.borrow()),
        }
    }

    /// Calls `change` with the timeline that is shown.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Timeline) -> T) -> T {
        match &mut *self.older.borrow_mut() {
            Some(older) => change(&mut older.timeline),
            None => change(&mut self.live.borrow_mut()),
        }
    }

    /// Whether newer messages exist than those that are shown.
    pub fn goes_on(&self) -> bool {
        self.older.borrow().is_some()
    }

    /// Whether there are new messages that the reader has not scrolled to.
    pub fn has_newer(&self) -> bool {
        self.has_newer.get()
    }

    /// Whether an older page is being read.
    pub fn paging(&self) -> Paging {
        self.paging.get()
    }

    /// Whether the newest page is there.
    pub fn is_ready(&self) -> bool {
        self.held.borrow().is_none()
    }

    /// The id of the message to highlight.
    pub fn highlighted(&self) -> Option<Rc<str>> {
        self.highlighted.borrow().clone()
    }

    /// The id of the message whose buttons are drawn.
    pub fn active(&self) -> Option<Rc<str>> {
        self.active.borrow().clone()
    }

    /// The reader points to a message, or has moved the focus into it.
    pub fn activate(&self, id: &str) {
        if self.active.borrow().as_deref() != Some(id) {
            self.active.replace(Some(id.into()));
            self.frames.render();
        }
    }

    /// The ids of the user's refused messages.
    pub fn refused(&self) -> Vec<Rc<str>> {
        self.live.borrow().refused()
    }

    /// Applies a change of this browser's own messages, and draws it.
    pub fn apply(&self, change: Change) {
        self.live.borrow_mut().apply(change);
        self.frames.render();
    }

    /// An event of the room's text.
    pub fn hear_message(&self, event: &Event) -> HandlerResult {
        let position = match event.delivery() {
            Delivery::Stored(position) => Some(position.clone()),
            _ => None,
        };
        let is_known = position.as_ref().is_some_and(|position| self.is_known(position));
        if let (Some(position), Some(first)) = (&position, &mut *self.held.borrow_mut()) {
            first.events += 1;
            let at = (position.epoch, position.offset);
            first.oldest = Some(first.oldest.map_or(at, |oldest| oldest.min(at)));
        }
        let change = changes::of_message(event, &self.origin.borrow())?;
        match (position, change) {
            (Some(position), change) => self.stored(event, &position, is_known, change),
            (None, Some(change)) => {
                let is_new = matches!(&change, Change::Pending { seen, .. } if !self.live.borrow().has(&seen.id));
                self.live.borrow_mut().apply(change);
                if is_new {
                    // Users want to see their own new message.
                    self.go_to_newest();
                } else {
                    self.frames.render();
                }
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// An event about a message.
    pub fn hear_relation(&self, event: &Event) -> HandlerResult {
        if let Delivery::Rejected(rejection) = event.delivery() {
            let refusal = Refusal::new(rejection.code.name());
            (self.notify)(&refusal.reason);
        }
        if let Some(change) = changes::of_relation(event, &self.origin.borrow())? {
            self.apply_elsewhere(&change);
            self.apply(change);
        }
        Ok(())
    }

    /// Applies a change to the messages that are not among the newest ones.
    fn apply_elsewhere(&self, change: &Change) {
        if let Some(older) = &mut *self.older.borrow_mut() {
            older.timeline.apply(change.clone());
        }
        self.quotes.apply(change);
    }

    /// Whether an event at or after this position was heard before. Remembers the position.
    fn is_known(&self, position: &Position) -> bool {
        let mut newest = self.newest.borrow_mut();
        let is_known = newest.as_ref().is_some_and(|newest| {
            newest.epoch == position.epoch && newest.offset >= position.offset
        });
        if !is_known {
            *newest = Some(position.clone());
        }
        is_known
    }

    fn stored(&self, event: &Event, position: &Position, is_known: bool, change: Option<Change>) {
        if let Some(first) = &mut *self.held.borrow_mut() {
            first.changes.extend(change);
            return;
        }
        if !self.live.borrow_mut().covers(position.epoch, position.offset) {
            return self.read_forward(event, change);
        }
        if is_known {
            // The rule that reads forward has brought the first of the newest messages.
            self.reach_newest();
        }
        let Some(change) = change else { return };
        let is_news = !is_known
            && matches!(&change, Change::Stored { seen, .. } if !seen.author.client.is_empty());
        if matches!(change, Change::Deleted { .. }) {
            self.apply_elsewhere(&change);
        }
        self.live.borrow_mut().apply(change);
        let is_reading = self.goes_on() || !self.viewport.is_at_end();
        if is_reading && is_news {
            self.has_newer.set(true);
        }
        self.make_room();
        self.frames.render();
    }

    /// Forgets old messages when there are too many.
    fn make_room(&self) {
        let read = if self.goes_on() { None } else { self.viewport.first_drawn() };
        let mut live = self.live.borrow_mut();
        live.trim(read);
        if live.is_overfull() {
            let older = live.split();
            drop(live);
            self.read_on(older);
        }
    }

    /// Goes to the newest messages, at the next render.
    pub fn go_to_newest(&self) {
        self.jumps.set(self.jumps.get() + 1);
        self.show_part(None);
        self.has_newer.set(false);
        self.viewport.stick_to_end();
        self.frames.render_now();
    }

    /// Shows a separate part, or the newest messages.
    pub(super) fn show_part(&self, older: Option<Older>) {
        if older.is_none() && !self.goes_on() {
            return;
        }
        self.generation.set(self.generation.get() + 1);
        self.paging.set(Paging::Idle);
        // Dropped without a borrow: the next events may come at once.
        drop(self.older.replace(older));
    }

    /// The separate part that was shown in this generation, if it still is.
    pub(super) fn older_of(&self, generation: u64) -> Option<RefMut<'_, Older>> {
        let older = RefMut::filter_map(self.older.borrow_mut(), Option::as_mut).ok();
        older.filter(|_| self.generation.get() == generation)
    }

    /// The reader has scrolled to the end.
    pub fn is_at_newest(&self) {
        if self.viewport.is_at_end() && self.has_newer.replace(false) {
            self.frames.render();
        }
    }

    /// The shown row at this offset, and the key of its chunk.
    pub fn row(&self, epoch: Option<u64>, offset: u64) -> Option<(u64, Rc<Row>)> {
        self.look(|timeline| {
            let (at, row) = timeline.find(epoch, offset)?;
            Some((timeline.chunks()[at].key, row.clone()))
        })
    }
}
