//! The state behind the list of rooms: it folds the events of all rooms and of the user, and lasts as long as the page.
//! Components read it, and render again when it calls them.
//!
//! It is neither a component nor a hook: each room would need one of its own, whether it is shown or not.

mod count;
mod directory;
mod heard;
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
use crate::events::{
    DRAFTS, Membership, OPEN, Person, PersonId, Profile, ROOMS as DESCRIBED, Reference, Room, SEEN,
    TEXT_MESSAGES,
};
use crate::language::{t, t_with};
use crate::model::rooms::Rooms;
use crate::{address, storage};

/// The number of rooms whose messages stay in the page, so that opening one of them draws it at once.
const MOST_KEPT: usize = 8;
/// The most persons whose names are remembered.
const MOST_NAMES: usize = 200;

/// How long changes are gathered before the list and the title are drawn, in milliseconds. A message that is seen at once
/// is no longer unread by then.
const DRAW_MS: u32 = 100;

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
    title: RefCell<String>,
    /// Calls the list of rooms, and the page.
    pub on_change: RefCell<Option<Callback<()>>>,
    on_page: RefCell<Option<Callback<()>>>,
    _subscriptions: RefCell<Vec<Subscription>>,
    _listeners: RefCell<Vec<EventListener>>,
}

/// A room whose messages are in the page.
struct Kept {
    room: Room,
    /// When it was last open.
    opened: u32,
    is_live: bool,
}

/// The line above the messages that were new when the room was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The history has not arrived yet.
    Unknown,
    After(Option<u64>),
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
                let subscriber = self.bus.subscriber(pattern);
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
            let target = window.document();
            let flush = move |_: &web_sys::Event| {
                if let Some(this) = this.upgrade() {
                    this.publish_read();
                }
            };
            let listener = match target.filter(|_| event == "visibilitychange") {
                Some(document) => EventListener::new(&document, event, flush),
                None => EventListener::new(&window, event, flush),
            };
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

    /// Opens a room, which the user joins by that.
    pub fn open(&self, room: Option<&Room>) {
        let is_other = self.open.borrow().as_ref() != room;
        if is_other {
            self.open.replace(room.cloned());
            self.line.set(Line::Unknown);
        }
        if let Some(room) = room {
            self.clock.set(self.clock.get() + 1);
            let opened = self.clock.get();
            let mut kept = self.kept.borrow_mut();
            match kept.iter_mut().find(|kept| kept.room == *room) {
                Some(known) => known.opened = opened,
                None => kept.push(Kept { room: room.clone(), opened, is_live: false }),
            }
            let is_live = kept.iter().any(|kept| kept.room == *room && kept.is_live);
            drop(kept);
            if is_other {
                if is_live {
                    self.freeze_line();
                }
                self.join(room);
            }
        }
        self.keep();
        self.show_title();
    }

    /// The rooms whose messages are to be in the page.
    pub fn kept(&self) -> Vec<Room> {
        self.kept.borrow().iter().map(|kept| kept.room.clone()).collect()
    }

    /// Whether there is a room, or an invitation to one.
    pub fn has_any(&self) -> bool {
        !self.rooms.borrow().joined().is_empty() || !self.invitations.borrow().is_empty()
    }

    /// The offset after which the messages were new when the open room was entered.
    pub fn new_after(&self) -> Option<u64> {
        match self.line.get() {
            Line::After(after) => after,
            Line::Unknown => None,
        }
    }

    /// Changes the membership of the user in a room.
    pub fn set_membership(&self, room: &Room, membership: Membership) {
        self.rooms.borrow_mut().set(&room.key, membership);
        self.publish_membership(&room.key, membership);
        self.changed_rooms();
    }

    /// Leaves a room. Its messages leave the page.
    pub fn leave(&self, room: &Room) {
        self.kept.borrow_mut().retain(|kept| kept.room != *room);
        self.set_membership(room, Membership::default());
    }

    /// The membership of the user in a room.
    pub fn membership(&self, room: &Room) -> Membership {
        self.rooms.borrow().get(&room.key).map(|entry| entry.membership).unwrap_or_default()
    }

    /// Does not show an invitation again.
    pub fn decline(&self, key: &str) {
        self.invitations.borrow_mut().retain(|(other, _)| other != key);
        self.rooms.borrow_mut().set(key, Membership::default());
        self.publish_membership(key, Membership::default());
        self.changed();
    }

    fn join(&self, room: &Room) {
        let is_new = self.rooms.borrow_mut().join(&room.key);
        self.invitations.borrow_mut().retain(|(key, _)| *key != room.key);
        if is_new {
            let membership = self.membership(room);
            self.publish_membership(&room.key, membership);
            self.changed_rooms();
        }
    }

    /// Chooses the rooms whose messages are in the page: those that were open, and the first ones of the list.
    fn keep(&self) {
        let mut kept = self.kept.borrow_mut();
        if self.is_settled.get() {
            let (rooms, me) = (self.rooms.borrow(), self.me.borrow());
            for entry in rooms.joined() {
                let is_known = kept.iter().any(|kept| *kept.room.key == *entry.key);
                if !is_known
                    && kept.len() < MOST_KEPT
                    && let Ok(room) = Room::of_key(&entry.key, me.as_ref())
                {
                    kept.push(Kept { room, opened: 0, is_live: false });
                }
            }
        }
        while kept.len() > MOST_KEPT {
            let oldest = kept.iter().enumerate().min_by_key(|(_, kept)| kept.opened);
            let Some((oldest, _)) = oldest else { break };
            kept.remove(oldest);
        }
        drop(kept);
        self.set_room_rules();
    }

    fn freeze_line(&self) {
        let open = self.open.borrow();
        let Some(open) = &*open else { return };
        let after = self.rooms.borrow().get(&open.key).and_then(|entry| entry.unread.line());
        self.line.set(Line::After(after));
    }

    /// The user writes in the open room, or has left it.
    fn remove_line(&self) {
        if self.new_after().is_some() {
            self.line.set(Line::After(None));
            self.call_page();
        }
    }

    fn is_open(&self, key: &str) -> bool {
        self.open.borrow().as_ref().is_some_and(|open| *open.key == *key)
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
        let this = self.this.clone();
        let timer = Timeout::new(DRAW_MS, move || {
            if let Some(this) = this.upgrade() {
                drop(this.drawing.take());
                this.draw();
            }
        });
        self.drawing.replace(Some(timer));
    }

    fn draw(&self) {
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

    fn publish_membership(&self, key: &str, membership: Membership) {
        if self.is_attested.get()
            && let Some(me) = self.me()
        {
            self.publish(&me.room(key), membership);
        }
    }

    /// Publishes the user's name, unless that was done before.
    fn publish_profile(&self) {
        let name = self.name.borrow().clone();
        let Some(me) = self.me().filter(|_| !name.is_empty()) else { return };
        let published = [me.token(), " ", &name].concat();
        if storage::read(PROFILE).as_ref() != Some(&published) {
            storage::write(PROFILE, &published);
            self.publish(&me.profile(), Profile { name });
        }
    }

    /// The name and the id that the user's events carry for others.
    fn person(&self, me: &PersonId) -> Person {
        Person { id: me.token().to_owned(), name: self.name.borrow().clone() }
    }

    /// Publishes durable state of the user. Without room in the outbox it is not kept.
    fn publish<T: serde::Serialize + 'static>(&self, topic: &str, value: T) {
        let _ = self.bus.publish(topic, value);
    }
}
