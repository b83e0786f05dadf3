//! The topics of a person, and their payloads.

use std::rc::Rc;

use event_driven_kit::escape_token;
use serde::{Deserialize, Serialize};

use super::Person;
use crate::address::DIRECT;

/// A person as the relay attests it: the token of an account's name, or `~` and the client id of a guest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonId(Rc<str>);

/// How many characters of a guest's id are shown.
const SHOWN: usize = 7;

impl PersonId {
    /// The person whose link it is, by the [subject](event_driven_kit::Bridge::subject).
    pub fn of_subject(subject: &str) -> Self {
        Self(escape_token(subject).into())
    }

    /// The person with this id.
    pub fn of_token(token: &str) -> Self {
        Self(token.into())
    }

    /// The sender of an event: the account, or the guest with this client, such as `/clients/7f`.
    pub fn of_sender(account: Option<&str>, client: &str) -> Self {
        match account {
            Some(account) => Self::of_subject(account),
            None => Self(["~", client.rsplit('/').next().unwrap_or_default()].concat().into()),
        }
    }

    /// The id, which is one token of a topic.
    pub fn token(&self) -> &str {
        &self.0
    }

    /// Whether the person has no account.
    pub fn is_guest(&self) -> bool {
        self.0.starts_with('~')
    }

    /// Shown while the name is not known.
    pub fn short(&self) -> String {
        self.0.chars().take(if self.is_guest() { SHOWN } else { usize::MAX }).collect()
    }

    /// What names the direct messages with the person in an address.
    pub fn path(&self) -> String {
        [DIRECT.encode_utf8(&mut [0; 1]), &*self.0].concat()
    }

    /// The pattern of all topics of the person.
    pub fn all(&self) -> String {
        self.topic(">", "")
    }

    /// Durable state, with a [`Profile`].
    pub fn profile(&self) -> String {
        self.topic("PROFILE", "")
    }

    /// Durable state, with a [`Membership`] in the room with this [key](super::Room::key).
    pub fn room(&self, key: &str) -> String {
        self.topic("room.", key)
    }

    /// Durable state, with the [`Reference`](super::Reference) of the last message that was read in a room.
    pub fn read(&self, key: &str) -> String {
        self.topic("read.", key)
    }

    /// Durable state, with [`Invited`].
    pub fn invited(&self, key: &str) -> String {
        [&*self.topic("inbox.", key), ".INVITED"].concat()
    }

    fn topic(&self, kind: &str, key: &str) -> String {
        ["person.", &*self.0, ".", kind, key].concat()
    }
}

/// The topics on which anyone may write to a person.
pub const INBOXES: &str = "person.*.inbox.>";

/// What a person says about themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name, which is not unique.
    pub name: String,
}

/// The membership of a person in a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whether it is in the list of rooms.
    pub is_joined: bool,
    /// Whether its unread messages don't count in the page's title.
    pub is_muted: bool,
    /// Whether it stands first in the list.
    pub is_pinned: bool,
}

/// Another person wants to talk in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The [key](super::Room::key) of the room for the person who is invited.
    pub room: String,
    /// The person who invites. A claim.
    pub by: Person,
}

/// What the others see of a person who is in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// The name.
    pub name: String,
    /// Whether the page is hidden.
    #[serde(default)]
    pub is_away: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Room, RoomError};

    #[test]
    fn a_guest_is_known_by_the_client_and_an_account_by_its_name() {
        let guest = PersonId::of_sender(None, "/clients/7f");
        assert_eq!(guest, PersonId::of_subject("~7f"));
        assert_eq!(guest.read("tea"), "person.~7f.read.tea");
        let ann = PersonId::of_sender(Some("ann@example.org"), "/clients/7f");
        assert_eq!(ann.profile(), "person.ann@example%2Eorg.PROFILE");
        assert_eq!(ann.invited("tea"), "person.ann@example%2Eorg.inbox.tea.INVITED");
    }

    #[test]
    fn both_persons_of_direct_messages_use_the_same_topics_and_each_has_a_key_of_its_own() {
        let (ann, bob) = (PersonId::of_subject("ann"), PersonId::of_subject("bob"));
        let (of_ann, of_bob) =
            (Room::direct(&ann, &bob).unwrap(), Room::direct(&bob, &ann).unwrap());
        assert_eq!(of_ann.text_message.as_str(), "dm.ann.bob.TEXT_MESSAGE");
        assert_eq!(of_ann.text_message, of_bob.text_message);
        assert_eq!(of_ann.presence(), "dm.ann.bob");
        assert_eq!((of_ann.other(), of_bob.other()), (Some(bob), Some(ann.clone())));
        assert_eq!(Room::of_key(&of_ann.key, Some(&ann)), Ok(of_ann.clone()));
        assert_eq!(Room::of_path(&of_ann.path, Some(&ann)), Ok(of_ann));
        let name = Room::named("%dm-bob").unwrap();
        assert_eq!((name.other(), &*name.key), (None, "%25dm-bob"));
        assert_eq!(Room::of_key(&name.key, Some(&ann)), Ok(name));
    }

    #[test]
    fn a_room_is_found_by_its_key_and_its_path() {
        let room = Room::named("tea & cake. *").unwrap();
        assert_eq!(Room::of_key(&room.key, None), Ok(room.clone()));
        assert_eq!(Room::of_path(&room.path, None), Ok(room));
    }

    #[test]
    fn a_room_without_a_visible_name_is_refused() {
        for name in ["", " ", "\u{200b}", "\u{3164}", "\u{2800}", "\u{feff}", "\u{202e}", "\u{ad}"]
        {
            assert_eq!(Room::named(name), Err(RoomError::Empty), "{name:?}");
        }
        assert_eq!(Room::named("tea\u{202e}"), Room::named("tea"));
    }
}
