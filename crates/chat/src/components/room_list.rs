//! The state behind the list of rooms: it folds the events of all rooms and of the user, and lasts as long as the page.
//! Components read it, and render again when it calls `on_change` and `on_page`.
//!
//! It is neither a component nor a hook: each room would need one of its own, whether it is shown or not.

mod count;
mod directory;
mod edits;
mod heard;
mod kept;
mod membership;
mod mentions;
mod read;
mod rules;

use std::cell::{Cell, Ref, RefCell};
use std::rc::{Rc, Weak};

use event_driven_kit::bridge::{CAUGHT_UP_TOPIC, LINK_TOPIC, RuleGuard};
use event_driven_kit::{Bridge, Bus, Event, HandlerResult, Rule, Subscription};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use web_sys::window;
use yew::{AttrValue, Callback};

use super::Origin;
use crate::boxed::{after, listen};
use crate::events::{
    DRAFTS, EDITS, OPEN, PersonId, ROOMS as DESCRIBED, Reference, Room, SEEN, TEXT_MESSAGES,
};
use crate::language::{t, t_with};
use crate::model::rooms::Rooms;
use crate::{address, clock, storage};
use kept::{Kept, Line};

/// The most persons whose names are remembered.
const MAX_NAMES: usize = 200;

/// How long changes are gathered before the list and the title are drawn, in milliseconds. A message that is seen at
/// once is no longer unread by then.
const DRAW_MS: f64 = 100.0;
/// The shortest time between two draws, in milliseconds: after the user has seen messages, and otherwise.
const DRAW_SEEN_MS: f64 = 250.0;
const DRAW_EVERY_MS: f64 = 400.0;

/// Where the browser keeps the rooms and the user's id over a reload.
const ROOMS: &str = "rooms";
const PERSON: &str = "person";
/// Where it keeps the profile that was published last.
const PROFILE: &str = "profile";

/// The rooms of the user, and what is known about them.
pub struct RoomList {
    this: Weak<Self>,
    bus: Bus,
    origin: RefCell<Origin>,
    /// The user's id, as the relay attests it. Remembered from the last visit until the link is up.
    me: RefCell<Option<PersonId>>,
    name: RefCell<String>,
    /// Whether the relay has sent the user's id since the page was loaded.
    is_attested: Cell<bool>,
    rooms: RefCell<Rooms>,
    names: RefCell<Vec<(PersonId, AttrValue)>>,
    invitations: RefCell<Vec<(AttrValue, AttrValue)>>,
    /// The rooms of the directory: the key, and the description.
    directory: RefCell<Vec<(AttrValue, AttrValue)>>,
    directory_rule: RefCell<Option<RuleGuard>>,
    open: RefCell<Option<Room>>,
    kept: RefCell<Vec<Kept>>,
    clock: Cell<u32>,
    /// Whether the room that is open has its first page, so that the others may load theirs.
    is_settled: Cell<bool>,
    line: Cell<Line>,
    /// The direct messages to which the other person was invited.
    invited: RefCell<Vec<AttrValue>>,
    draft_rule: RefCell<Option<RuleGuard>>,
    person_rules: RefCell<Vec<RuleGuard>>,
    room_rules: RefCell<Vec<(AttrValue, Vec<RuleGuard>)>>,
    name_rules: RefCell<Vec<(PersonId, RuleGuard)>>,
    counted: RefCell<Vec<Rc<str>>>,
    due: RefCell<Vec<(AttrValue, Reference)>>,
    timer: RefCell<Option<Timeout>>,
    drawing: RefCell<Option<Timeout>>,
    drawn_ms: Cell<f64>,
    title: RefCell<String>,
    /// Draw the list of rooms, and the page.
    pub on_change: RefCell<Option<Callback<()>>>,
    on_page: RefCell<Option<Callback<()>>>,
    _subscriptions: RefCell<Vec<Subscription>>,
    _listeners: RefCell<Vec<EventListener>>,
}

impl PartialEq for RoomList {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl RoomList {
    /// The rooms of the last visit. `on_page` is called when other rooms are to be kept, and when the line goes.
    pub fn new(bus: &Bus, on_page: Callback<()>) -> Rc<Self> {
        let list = Rc::new_cyclic(|this| Self {
            this: this.clone(),
            bus: bus.clone(),
            origin: RefCell::new(Origin(None)),
            me: RefCell::new(storage::read(PERSON).map(|token| PersonId::of_token(&token))),
            name: RefCell::default(),
            is_attested: Cell::new(false),
            rooms: RefCell::new(Rooms::of_text(&storage::read(ROOMS).unwrap_or_default())),
            names: RefCell::default(),
            invitations: RefCell::default(),
            directory: RefCell::default(),
            directory_rule: RefCell::default(),
            open: RefCell::default(),
            kept: RefCell::default(),
            clock: Cell::new(0),
            is_settled: Cell::new(false),
            line: Cell::new(Line::Unknown),
            invited: RefCell::default(),
            draft_rule: RefCell::default(),
            person_rules: RefCell::default(),
            room_rules: RefCell::default(),
            name_rules: RefCell::default(),
            counted: RefCell::default(),
            due: RefCell::default(),
            timer: RefCell::default(),
            drawing: RefCell::default(),
            drawn_ms: Cell::new(-DRAW_EVERY_MS),
            title: RefCell::default(),
            on_change: RefCell::default(),
            on_page: RefCell::new(Some(on_page)),
            _subscriptions: RefCell::default(),
            _listeners: RefCell::default(),
        });
        list.listen();
        list
    }

    fn listen(&self) {
        let subscribe =
            |pattern: &str, has_echo: bool, heard: fn(&Self, &Event) -> HandlerResult| {
                let this = self.this.clone();
                let label = ["room_list ", pattern].concat();
                let subscriber = self.bus.subscriber(pattern).label(&label);
                let subscriber = if has_echo { subscriber.echo() } else { subscriber };
                let subscription = subscriber.handle(move |event| match this.upgrade() {
                    Some(this) => heard(&this, event),
                    None => Ok(()),
                });
                // Fails only for a pattern that is not valid.
                self._subscriptions.borrow_mut().extend(subscription);
            };
        for pattern in TEXT_MESSAGES {
            subscribe(pattern, true, Self::hear_message);
        }
        for pattern in EDITS {
            subscribe(pattern, false, |this, event| {
                this.hear_edit(event);
                Ok(())
            });
        }
        subscribe("person.>", false, Self::hear_person);
        subscribe(CAUGHT_UP_TOPIC, false, Self::hear_caught_up);
        subscribe(LINK_TOPIC, false, |this, _| {
            this.look_at_link();
            Ok(())
        });
        subscribe(SEEN, false, Self::hear_seen);
        subscribe(DESCRIBED, false, Self::hear_description);
        subscribe(OPEN, false, |_, event| {
            address::go_to(&event.data::<String>()?);
            Ok(())
        });
        let Some(window) = window() else { return };
        for event in ["pagehide", "visibilitychange"] {
            let this = self.this.clone();
            let listener = listen(&window, event, move |_| {
                if let Some(this) = this.upgrade() {
                    this.publish_read();
                }
            });
            self._listeners.borrow_mut().push(listener);
        }
    }

    /// The bridge, and the user's name.
    pub fn set_link(&self, bridge: Option<Rc<Bridge>>, name: &str) {
        self.origin.replace(Origin(bridge));
        if self.draft_rule.borrow().is_none() {
            let rule = self.rule(Rule::tabs(DRAFTS));
            self.draft_rule.replace(rule);
        }
        let is_renamed = self.name.replace(name.to_owned()) != name;
        if is_renamed && self.is_attested.get() {
            self.publish_profile();
        }
        self.look_at_link();
    }

    /// The user's id, if it is known.
    pub fn me(&self) -> Option<PersonId> {
        self.me.borrow().clone()
    }

    /// The rooms.
    pub fn rooms(&self) -> Ref<'_, Rooms> {
        self.rooms.borrow()
    }

    /// The rooms of others to which the user is invited: the key, and the name of the person.
    pub fn invitations(&self) -> Vec<(AttrValue, AttrValue)> {
        self.invitations.borrow().clone()
    }

    /// The name of a room, which for direct messages is that of the other person.
    pub fn title_of(&self, room: &Room) -> AttrValue {
        let names = self.names.borrow();
        let other = room.other();
        let known = names.iter().find(|(person, _)| other.as_ref() == Some(person));
        known.map_or_else(|| room.name.clone(), |(_, name)| name.clone())
    }

    /// Whether there is a room, or an invitation to one.
    pub fn has_any(&self) -> bool {
        !self.rooms.borrow().joined().is_empty() || !self.invitations.borrow().is_empty()
    }

    /// The joined rooms, or the membership of the user in one, have changed.
    fn changed_rooms(&self) {
        storage::write(ROOMS, &self.rooms.borrow().to_text());
        self.keep();
        self.call_page();
        self.changed();
    }

    /// Draws the list and the title soon.
    fn changed(&self) {
        if self.drawing.borrow().is_some() {
            return;
        }
        let wait = (DRAW_EVERY_MS + self.drawn_ms.get() - clock::monotonic()).max(DRAW_MS);
        let this = self.this.clone();
        let timer = after(wait as u32, move || {
            if let Some(this) = this.upgrade() {
                this.draw();
            }
        });
        self.drawing.replace(Some(timer));
    }

    /// Draws the list and the title with the messages that were drawn just now: both are one frame for the browser.
    fn changed_with_messages(&self) {
        if clock::monotonic() - self.drawn_ms.get() < DRAW_SEEN_MS {
            self.changed()
        } else {
            self.draw()
        }
    }

    fn draw(&self) {
        drop(self.drawing.take());
        self.drawn_ms.set(clock::monotonic());
        self.show_title();
        let call = self.on_change.borrow().clone();
        if let Some(call) = call {
            call.emit(());
        }
    }

    fn call_page(&self) {
        let call = self.on_page.borrow().clone();
        if let Some(call) = call {
            call.emit(());
        }
    }

    /// The page's title: the room that is open, and the number of unread messages.
    fn show_title(&self) {
        let mut title = String::new();
        if let Some(open) = &*self.open.borrow() {
            let unread = self.rooms.borrow().total();
            if unread > 0 {
                title.push('(');
                title.push_str(&if unread > 99 { "99+".to_owned() } else { unread.to_string() });
                title.push_str(") ");
            }
            let room = self.title_of(open);
            title.push_str(&t_with("{room} - event-driven-kit chat", &[("room", &room)]));
        } else {
            title.push_str(&t("event-driven-kit chat"));
        }
        if *self.title.borrow() != title
            && let Some(document) = window().and_then(|window| window.document())
        {
            document.set_title(&title);
            self.title.replace(title);
        }
    }
}
