//! What the events of all rooms and of the user change in the list of rooms.

use std::rc::Rc;

use event_driven_kit::bridge::CaughtUp;
use event_driven_kit::{Delivery, Event, HandlerResult};
use yew::AttrValue;

use super::{MAX_NAMES, RoomList};
use crate::clock;
use crate::events::{
    Invited, Membership, PersonId, Profile, Reference, Room, SeenUpTo, TextMessage,
};
use crate::model::rooms::{At, Message};
use crate::model::text;

/// The most invitations that are shown.
const MAX_INVITATIONS: usize = 20;

impl RoomList {
    pub(super) fn hear_message(&self, event: &Event) -> HandlerResult {
        let Some(key) = Room::key_of(event.topic().as_str(), self.me().as_ref()) else {
            return Ok(());
        };
        match event.delivery() {
            Delivery::Pending(_) => self.writes(&key),
            Delivery::Stored(position) => {
                let at = (position.epoch, position.offset);
                if let Some(gone) = event.deletes() {
                    let gone = (gone.epoch, gone.offset);
                    if self.rooms.borrow_mut().deleted(&key, gone) {
                        self.count_again(&key);
                    }
                } else {
                    self.add_message(&key, event, at);
                }
                self.changed();
            }
            _ => {}
        }
        Ok(())
    }

    /// A message from the log. One that cannot be read counts as invisible: the message list reports it.
    pub(super) fn add_message(&self, key: &str, event: &Event, at: At) {
        let message = match event.is_deleted() {
            true => None,
            false => event.data::<TextMessage>().ok().and_then(text::shown),
        };
        let author = self.sender(event);
        let now_ms = js_sys::Date::now();
        let message = Message {
            at,
            is_own: author.is_some() && author == self.me(),
            time_ms: clock::sane(event.time().unwrap_or_default().min(now_ms)).unwrap_or_default(),
            name: message.as_ref().map(|message| &*message.sender.name).unwrap_or_default().into(),
            text: message.as_ref().map(|message| line(&message.text)),
            author,
        };
        if self.rooms.borrow_mut().message(key, &message) {
            self.has_read(key, event.id(), at);
        }
    }

    /// The user sends a message: all before it is read.
    fn writes(&self, key: &str) {
        let newest = self.rooms.borrow().get(key).and_then(|entry| entry.newest.clone());
        if let Some(newest) = newest
            && self.rooms.borrow_mut().read(key, newest.at)
        {
            self.changed();
        }
        if self.is_open(key) {
            self.remove_line();
            self.invite(key);
        }
    }

    /// Tells the other person of direct messages that there are some, once.
    fn invite(&self, key: &str) {
        let Some(me) = self.me() else { return };
        let other = Room::of_key(key, Some(&me)).ok().and_then(|room| room.other());
        let Some(other) = other.filter(|other| *other != me) else { return };
        if self.invited.borrow().iter().any(|known| *known == key) {
            return;
        }
        self.invited.borrow_mut().push(key.to_owned().into());
        if let Ok(theirs) = Room::direct(&other, &me) {
            let room = theirs.key.to_string();
            self.publish(&other.invited(&room), Invited { room, by: self.person(&me) });
        }
    }

    pub(super) fn hear_person(&self, event: &Event) -> HandlerResult {
        let mut tokens = event.topic().as_str().split('.').skip(1);
        let Some(id) = tokens.next().map(PersonId::of_token) else { return Ok(()) };
        let sender = self.sender(event);
        let is_attested = sender.as_ref() == Some(&id);
        let is_mine = Some(&id) == self.me().as_ref();
        let (kind, key, what) = (tokens.next(), tokens.next(), tokens.next());
        match (kind, key, what) {
            (Some("PROFILE"), None, None) if is_attested => {
                let name = text::shown_name(&event.data::<Profile>()?.name);
                let mut names = self.names.borrow_mut();
                names.retain(|(known, _)| *known != id);
                if names.len() < MAX_NAMES {
                    names.push((id, name.into()));
                }
                drop(names);
                self.call_page();
            }
            (Some("room"), Some(key), None) if is_attested && is_mine => {
                let membership = *event.data::<Membership>()?;
                // It answers all invitations before it in the log.
                self.invitations.borrow_mut().retain(|(known, _)| known != key);
                if self.rooms.borrow_mut().set_logged(key, membership) {
                    self.changed_rooms();
                }
            }
            (Some("read"), Some(key), None) if is_attested && is_mine => {
                let Some(at) = at(&*event.data::<Reference>()?) else { return Ok(()) };
                self.rooms.borrow_mut().read(key, at);
            }
            (Some("inbox"), Some(key), Some("MENTIONED")) if is_mine => {
                let Some(at) = at(&*event.data::<Reference>()?) else { return Ok(()) };
                self.rooms.borrow_mut().mentioned(key, at);
                if self.is_open(key) {
                    self.check_mentions();
                }
            }
            (Some("inbox"), Some(key), Some("INVITED")) if is_mine => {
                let invited = event.data::<Invited>()?;
                // Anyone may write here: the person who talks to the user has to be the one who invites.
                let room = Room::of_key(key, Some(&id)).ok();
                let is_theirs = room.and_then(|room| room.other()).is_some_and(|other| {
                    Some(&other) == sender.as_ref() && Some(&other) != self.me().as_ref()
                });
                if is_theirs {
                    let name = text::shown_name(&invited.by.name);
                    self.add_invitation(key.to_owned().into(), name.into());
                }
            }
            _ => return Ok(()),
        }
        self.changed();
        Ok(())
    }

    fn add_invitation(&self, key: AttrValue, name: AttrValue) {
        if self.rooms.borrow().get(&key).is_some_and(|entry| entry.membership.is_joined) {
            return;
        }
        let mut invitations = self.invitations.borrow_mut();
        invitations.retain(|(known, _)| *known != key);
        if invitations.len() < MAX_INVITATIONS {
            invitations.push((key, name));
        }
        drop(invitations);
        // There is no list to draw before there is a room.
        self.call_page();
    }

    pub(super) fn hear_caught_up(&self, event: &Event) -> HandlerResult {
        let pattern = &event.data::<CaughtUp>()?.pattern;
        let me = self.me();
        if let Some(me) = me.as_ref().filter(|me| me.all() == *pattern) {
            // Rooms of an earlier visit that the log does not know: this browser was another guest then.
            let rooms = self.rooms.borrow();
            let unknown = rooms.joined().into_iter().filter(|entry| !entry.is_in_log);
            let unknown: Vec<_> = unknown
                .map(|entry| (entry.key.clone(), entry.membership, entry.unread.read()))
                .collect();
            drop(rooms);
            for (key, membership, read) in unknown {
                self.publish(&me.room(&key), membership);
                if let Some(read) = read {
                    self.has_read(&key, "", read);
                }
            }
            return Ok(());
        }
        let Some(key) = Room::key_of(pattern, me.as_ref()) else { return Ok(()) };
        self.rooms.borrow_mut().caught_up(&key);
        self.count_unread();
        for kept in self.kept.borrow_mut().iter_mut().filter(|kept| *kept.room.key == *key) {
            kept.is_live = true;
        }
        if self.is_open(&key) {
            if self.line.get() == super::Line::Unknown {
                self.freeze_line();
                self.call_page();
            }
            if !self.is_settled.replace(true) {
                self.keep();
                self.call_page();
            }
        }
        self.changed();
        Ok(())
    }

    pub(super) fn hear_seen(&self, event: &Event) -> HandlerResult {
        let seen = event.data::<SeenUpTo>()?;
        if let (Ok(epoch), Ok(offset)) = (seen.epoch.parse(), seen.offset.parse()) {
            let at = (epoch, offset);
            if self.rooms.borrow_mut().read(&seen.room, at) {
                self.has_read(&seen.room, "", at);
                self.changed_with_messages();
            }
        }
        Ok(())
    }

    /// The sender of an event, as the relay attests it. `None` for an event of this browser before the relay has sent
    /// the user's id.
    pub(super) fn sender(&self, event: &Event) -> Option<PersonId> {
        let origin = self.origin.borrow();
        let client = origin.client(event);
        match (event.account(), client) {
            (None, "") => self.me(),
            (account, client) => Some(PersonId::of_sender(account, client)),
        }
    }
}

/// The first visible line.
pub(super) fn line(text: &str) -> Rc<str> {
    text::preview(text).into()
}

pub(super) fn at(reference: &Reference) -> Option<At> {
    Some((reference.epoch.parse().ok()?, reference.offset.parse().ok()?))
}
