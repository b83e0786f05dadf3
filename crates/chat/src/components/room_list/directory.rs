//! The directory: the rooms that are listed publicly. It is read when the switcher is opened for the first time.

use event_driven_kit::bridge::StartFrom;
use event_driven_kit::{Event, HandlerResult, Rule};
use yew::AttrValue;

use super::RoomList;
use crate::events::{Described, NOTICE, ROOMS, Room};
use crate::language::t;
use crate::model::text;

/// The maximum number of rooms that are remembered.
const MAX: usize = 500;
/// The maximum number of characters of a description.
const MAX_ABOUT_CHARACTERS: usize = 120;

impl RoomList {
    /// Reads the directory, unless it was read before.
    pub fn read_directory(&self) {
        if self.directory_rule.borrow().is_none() {
            let rule = Rule::both(ROOMS).durable().from(StartFrom::Earliest);
            let guard = self.rule(rule);
            self.directory_rule.replace(guard);
        }
    }

    /// The rooms of the directory: the key, and the description.
    pub fn directory(&self) -> Vec<(AttrValue, AttrValue)> {
        self.directory.borrow().clone()
    }

    /// Lists a room in the directory.
    pub fn list_publicly(&self, room: &Room) {
        self.read_directory();
        let by = self.me().map(|me| me.token().to_owned()).unwrap_or_default();
        let title = room.name.to_string();
        self.publish(&room.described(), Described { title, about: String::new(), by });
        // Nothing limits the number of events on this topic.
        let _ = self.bus.publish(NOTICE, t("Everyone can find this room now.").to_string());
    }

    pub(super) fn hear_description(&self, event: &Event) -> HandlerResult {
        let Some(key) = Room::key_of(event.topic().as_str(), None) else { return Ok(()) };
        let about = text::line(&event.data::<Described>()?.about).unwrap_or_default();
        let about: String = about.chars().take(MAX_ABOUT_CHARACTERS).collect();
        let mut directory = self.directory.borrow_mut();
        directory.retain(|(known, _)| **known != *key);
        if directory.len() < MAX {
            directory.push((key.into(), about.into()));
        }
        drop(directory);
        self.changed();
        Ok(())
    }
}
