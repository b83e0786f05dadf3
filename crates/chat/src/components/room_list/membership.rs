//! The memberships of the user in rooms, and what the user publishes about themselves.

use super::{PROFILE, RoomList};
use crate::events::{Membership, Person, PersonId, Profile, Room};
use crate::storage;

impl RoomList {
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

    pub(super) fn join(&self, room: &Room) {
        let is_new = self.rooms.borrow_mut().join(&room.key);
        self.invitations.borrow_mut().retain(|(key, _)| *key != room.key);
        if is_new {
            let membership = self.membership(room);
            self.publish_membership(&room.key, membership);
            self.changed_rooms();
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
    pub(super) fn publish_profile(&self) {
        let name = self.name.borrow().clone();
        let Some(me) = self.me().filter(|_| !name.is_empty()) else { return };
        let published = [me.token(), " ", &name].concat();
        if storage::read(PROFILE).as_ref() != Some(&published) {
            storage::write(PROFILE, &published);
            self.publish(&me.profile(), Profile { name });
        }
    }

    /// The name and the id that the user's events carry for others.
    pub(super) fn person(&self, me: &PersonId) -> Person {
        Person { id: me.token().to_owned(), name: self.name.borrow().clone() }
    }

    /// Publishes durable state of the user. Without room in the outbox it is not kept.
    pub(super) fn publish<T: serde::Serialize + 'static>(&self, topic: &str, value: T) {
        let _ = self.bus.publish(topic, value);
    }
}
