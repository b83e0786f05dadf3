//! The rules of the user's own topics, and of the joined rooms whose messages are not in the page.

use event_driven_kit::Rule;
use event_driven_kit::bridge::{LinkState, RuleGuard, StartFrom};

use super::{PERSON, RoomList};
use crate::events::{INBOXES, PersonId, Room};
use crate::storage;

impl RoomList {
    /// The state of the link has changed: the relay may have sent the user's id.
    pub(super) fn look_at_link(&self) {
        let bridge = self.origin.borrow().0.clone();
        let Some(bridge) = bridge else { return };
        if let Some(subject) = bridge.subject() {
            let me = PersonId::of_subject(&subject);
            let is_other = self.me.borrow().as_ref() != Some(&me);
            if is_other {
                storage::write(PERSON, me.token());
                self.me.replace(Some(me.clone()));
                self.is_other_person();
            }
            if is_other || !self.is_attested.replace(true) {
                self.is_attested.set(true);
                self.set_person_rules(&me);
                self.publish_profile();
                self.keep();
                self.publish_read();
                self.call_page();
            }
        }
        if bridge.state() == LinkState::Online {
            self.count_unread();
        }
    }

    /// The user has another id than before: the client was renewed, or the account is another one. The rooms stay, and
    /// are published for the new id. Direct messages are on other topics then, because those contain the id.
    fn is_other_person(&self) {
        self.rooms.borrow_mut().forget_log();
        self.kept.borrow_mut().retain(|kept| kept.room.other().is_none());
        self.invited.take();
        self.counted.take();
        drop(self.room_rules.take());
    }

    fn set_person_rules(&self, me: &PersonId) {
        let rules = [
            Rule::both(me.all()).durable().from(StartFrom::Earliest),
            Rule::outbound(INBOXES).durable(),
        ];
        let guards = rules.into_iter().filter_map(|rule| self.rule(rule)).collect();
        drop(self.person_rules.replace(guards));
    }

    /// Brings the new messages of the joined rooms whose messages are not in the page. The other rooms have rules of
    /// their own, which also bring older messages.
    pub(super) fn set_room_rules(&self) {
        let me = self.me();
        let wanted: Vec<Room> = {
            let (rooms, kept) = (self.rooms.borrow(), self.kept.borrow());
            let joined = rooms.joined().into_iter();
            let joined = joined.filter_map(|entry| Room::of_key(&entry.key, me.as_ref()).ok());
            joined.filter(|room| kept.iter().all(|kept| kept.room != *room)).collect()
        };
        let mut before = self.room_rules.take();
        before.retain(|(key, _)| wanted.iter().any(|room| room.key == *key));
        for room in wanted {
            if before.iter().any(|(key, _)| *key == room.key) {
                continue;
            }
            let rules = [
                Rule::both(room.relations()).durable(),
                Rule::both(room.text_message.as_str()).durable(),
            ];
            let guards: Vec<RuleGuard> =
                rules.into_iter().filter_map(|rule| self.rule(rule)).collect();
            if !guards.is_empty() {
                before.push((room.key, guards));
            }
        }
        self.room_rules.replace(before);
        self.set_name_rules();
    }

    /// Brings the names of the people with whom the user talks.
    fn set_name_rules(&self) {
        let (rooms, me) = (self.rooms.borrow(), self.me.borrow());
        let others: Vec<PersonId> = rooms
            .joined()
            .into_iter()
            .filter_map(|entry| Room::of_key(&entry.key, me.as_ref()).ok()?.other())
            .collect();
        drop((rooms, me));
        let mut known = self.name_rules.take();
        known.retain(|(person, _)| others.contains(person));
        for person in others {
            if known.iter().all(|(other, _)| *other != person)
                && let Some(guard) =
                    self.rule(Rule::inbound(person.profile()).from(StartFrom::Earliest))
            {
                known.push((person, guard));
            }
        }
        self.name_rules.replace(known);
    }

    /// `None` without a bridge. The bridge itself never refuses these topics.
    pub(super) fn rule(&self, rule: Rule) -> Option<RuleGuard> {
        let bridge = self.origin.borrow().0.clone()?;
        bridge.rule(rule).ok()
    }
}
