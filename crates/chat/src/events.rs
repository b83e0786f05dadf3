//! The topics of the chat and their payloads. Components import from here and not from each other. This is only
//! data: nothing here publishes or subscribes.

mod people;
mod rooms;

pub use people::{Here, INBOXES, Invited, Membership, PersonId, Profile};
pub use rooms::{DRAFTS, Described, OPEN, ROOMS, SEEN, SeenUpTo};

use event_driven_kit::{Topic, TopicError, escape_token, unescape_token};
use serde::{Deserialize, Serialize};
use yew::AttrValue;

use crate::address::DIRECT;
use crate::language::t;
use crate::model::text;

/// Local, with a text for the composer.
pub const COMPOSE: &str = "ui.compose";
/// Local, with the [`Reference`] to a message that is to be shown.
pub const JUMP: &str = "ui.jump";
/// Local, without data: opens or closes the developer tools.
pub const INSPECT: &str = "ui.inspect";
/// Local, with the [`Subject`] that the user replies to.
pub const REPLY: &str = "ui.reply";
/// Local, with the [`Subject`] whose text the user changes.
pub const EDIT: &str = "ui.edit";
/// Local, with the [key](Room::key) of a room: the user wants to change their newest message in it.
pub const EDIT_LAST: &str = "ui.edit_last";
/// Local, with a text to show for some seconds.
pub const NOTICE: &str = "ui.notice";
/// Ends the topics of messages.
pub const TEXT_MESSAGE: &str = ".TEXT_MESSAGE";
/// The last token of the topics of edits.
pub const EDITED: &str = "EDITED";
/// The messages of all rooms, and those of all direct messages.
pub const TEXT_MESSAGES: [&str; 2] = ["chat.*.TEXT_MESSAGE", "dm.*.*.TEXT_MESSAGE"];

/// The edits of messages of all rooms, and of all direct messages.
pub const EDITS: [&str; 2] = ["chat.*.on.*.EDITED", "dm.*.*.on.*.EDITED"];

/// How many messages of a room are read at a time, beginning with the newest ones.
pub const PAGE: u32 = 64;

/// A room: its name as users write it, and its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The name as it is shown: of a direct message, that of the other person.
    pub name: AttrValue,
    /// What names it in the page's address, and in [`OPEN`]: its name, or [`DIRECT`] and the id of the other person.
    pub path: AttrValue,
    /// The token that names it in the topics of a person.
    pub key: AttrValue,
    /// Durable, with [`TextMessage`].
    pub text_message: Topic,
    /// Ephemeral, with the [`Person`] who is typing.
    pub typing: Topic,
    /// Begins all topics of the room.
    prefix: String,
    /// Local, with [`TextSuccess`].
    pub text_success: Topic,
    /// Local, with [`TextError`].
    pub text_error: Topic,
}

/// Why a text is not a valid name of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomError {
    /// It has no visible characters.
    Empty,
    /// It is too long for a topic once escaped.
    TooLong,
    /// It needs the user's own id, which the relay has not sent yet.
    Unknown,
    /// It breaks a rule of topics, which the escape should prevent.
    Topic,
}

impl RoomError {
    /// A text for the user.
    pub fn text(&self) -> AttrValue {
        match self {
            Self::Empty => t("Give the room a name."),
            Self::TooLong => t("This name is too long for a room. Choose a shorter one."),
            Self::Unknown => t("This room can be opened once the page is online."),
            Self::Topic => t("This name can't be used for a room."),
        }
    }
}

/// Begins the [key](Room::key) of direct messages. No escaped name begins like this.
const DIRECT_KEY: &str = "%dm-";

impl Room {
    /// The room with this `name`. Characters that are not shown in a [line](text::line) are ignored.
    ///
    /// # Errors
    /// A [`RoomError`], which has a text for the user.
    pub fn named(name: &str) -> Result<Self, RoomError> {
        let Some(name) = text::line(name) else {
            return Err(RoomError::Empty);
        };
        let token = escape_token(&name);
        let (prefix, name) = (["chat.", &token, "."].concat(), AttrValue::from(name));
        Self::at(prefix, name.clone(), name, token)
    }

    /// The direct messages of `me` and another person.
    ///
    /// # Errors
    /// A [`RoomError`] if `other` is not the id of a person.
    pub fn direct(me: &PersonId, other: &PersonId) -> Result<Self, RoomError> {
        let (first, second) = if me < other { (me, other) } else { (other, me) };
        let prefix = ["dm.", first.token(), ".", second.token(), "."].concat();
        let key = [DIRECT_KEY, other.token()].concat();
        Self::at(prefix, other.short().into(), other.path().into(), key)
    }

    /// The room with this [path](Self::path). `me` is needed for direct messages.
    ///
    /// # Errors
    /// A [`RoomError`].
    pub fn of_path(path: &str, me: Option<&PersonId>) -> Result<Self, RoomError> {
        match (path.strip_prefix(DIRECT), me) {
            (None, _) => Self::named(path),
            (Some(_), None) => Err(RoomError::Unknown),
            (Some(other), Some(me)) => Self::direct(me, &PersonId::of_token(other)),
        }
    }

    /// The room with this [key](Self::key). `me` is needed for direct messages.
    ///
    /// # Errors
    /// A [`RoomError`].
    pub fn of_key(key: &str, me: Option<&PersonId>) -> Result<Self, RoomError> {
        match (key.strip_prefix(DIRECT_KEY), me) {
            (None, _) => Self::named(&unescape_token(key)),
            (Some(_), None) => Err(RoomError::Unknown),
            (Some(other), Some(me)) => Self::direct(me, &PersonId::of_token(other)),
        }
    }

    /// The key of the room of a topic. `me` is needed for direct messages.
    pub fn key_of(topic: &str, me: Option<&PersonId>) -> Option<String> {
        let mut tokens = topic.split('.');
        match (tokens.next()?, tokens.next()?, tokens.next()?) {
            ("chat", room, _) => Some(room.to_owned()),
            ("dm", one, other) => {
                let me = me?.token();
                let other = if one == me { other } else { one };
                Some([DIRECT_KEY, other].concat())
            }
            _ => None,
        }
    }

    fn at(
        prefix: String,
        name: AttrValue,
        path: AttrValue,
        key: String,
    ) -> Result<Self, RoomError> {
        let topic = |event: &str| {
            Topic::parse(&[&prefix, event].concat()).map_err(|error| match error {
                TopicError::TooLong(_) => RoomError::TooLong,
                _ => RoomError::Topic,
            })
        };
        // The longest one: all topics of a room have to be possible.
        topic("on.00000000.REACTED")?;
        Ok(Self {
            name,
            path,
            key: key.into(),
            text_message: topic("TEXT_MESSAGE")?,
            typing: topic("typing")?,
            text_success: topic("TEXT_SUCCESS")?,
            text_error: topic("TEXT_ERROR")?,
            prefix,
        })
    }

    /// The other person of direct messages.
    pub fn other(&self) -> Option<PersonId> {
        self.key.strip_prefix(DIRECT_KEY).map(PersonId::of_token)
    }

    /// The topic at which people are present.
    pub fn presence(&self) -> &str {
        &self.prefix[..self.prefix.len() - 1]
    }

    /// Durable state, with [`Described`].
    pub fn described(&self) -> String {
        [&*self.prefix, "ROOM"].concat()
    }

    /// Tabs only, with the text of the composer.
    pub fn draft(&self) -> String {
        ["ui.draft.", &*self.key].concat()
    }
}

impl Room {
    /// The pattern of all events that are about messages: [`Edited`] and [`Reacted`].
    pub fn relations(&self) -> String {
        [&*self.prefix, "on.>"].concat()
    }

    /// The pattern of the events that are about the messages of a [day](crate::model::timeline::utc_day): of all kinds
    /// with `*`, or of one.
    pub fn relations_of(&self, day: u32, kind: &str) -> String {
        [&*self.prefix, "on.", &day.to_string(), ".", kind].concat()
    }

    /// Durable, with [`Edited`], about a message of this day.
    pub fn edited(&self, day: u32) -> Option<Topic> {
        self.relation(day, EDITED)
    }

    /// Durable, with [`Reacted`], about a message of this day.
    pub fn reacted(&self, day: u32) -> Option<Topic> {
        self.relation(day, "REACTED")
    }

    fn relation(&self, day: u32, kind: &str) -> Option<Topic> {
        Topic::parse(&[&*self.prefix, "on.", &day.to_string(), ".", kind].concat()).ok()
    }

    /// Durable state in the inbox of a person, with the [`Reference`] to the newest message that mentions them. None
    /// for direct messages, which are all meant for their reader.
    pub fn mentioned(&self, person: &str) -> Option<Topic> {
        let is_direct = self.other().is_some();
        let topic = ["person.", person, ".inbox.", &*self.key, ".MENTIONED"].concat();
        if is_direct { None } else { Topic::parse(&topic).ok() }
    }

    /// A pattern that brings messages like `TEXT_MESSAGE`, with a subscription of its own.
    pub fn messages_again(&self) -> String {
        [&*self.prefix, "*"].concat()
    }
}

/// A user who writes or types.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Does not change with the name.
    pub id: String,
    /// As the user wrote it; not unique.
    pub name: String,
}

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextMessage {
    /// The author.
    pub sender: Person,
    /// Markdown, never HTML.
    pub text: String,
    /// The message that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Reference>,
    /// The ids of the people whom it mentions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
}

/// A message that another event is about: the id of its event, and its position in the log as decimal numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The id of its event.
    pub id: String,
    /// The epoch of the log.
    pub epoch: String,
    /// Its offset in the log.
    pub offset: String,
}

/// A message that the user replies to, or whose text the user changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The message.
    pub about: Reference,
    /// The [day](crate::model::timeline::utc_day) of the message, for the topic of an edit.
    pub day: u32,
    /// The name of the author.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The author of a message has changed its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The message.
    pub about: Reference,
    /// The whole new text.
    pub text: String,
}

/// A person has reacted to a message, or has taken a reaction back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reacted {
    /// The message.
    pub about: Reference,
    /// The emoji.
    pub emoji: String,
    /// Whether the reaction holds from now on.
    pub is_on: bool,
    /// The [id](Person::id) of the person. A claim: reactions are counted by the client or account that the relay
    /// attests.
    pub person: String,
}

/// The log has stored a message of this browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSuccess {
    /// The id of the event with the [`TextMessage`].
    pub id: String,
    /// Its position in the log, as a decimal number.
    pub offset: String,
}

/// A message of this browser was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextError {
    /// The id of the event with the [`TextMessage`].
    pub id: String,
    /// The reason as the protocol names it.
    pub code: String,
    /// The reason as a text.
    pub message: String,
}
