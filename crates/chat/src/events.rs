//! The topics of the chat and their payloads. Components import from here and not from each other. This is only
//! data: nothing here publishes or subscribes.

use event_driven_kit::{Topic, TopicError, escape_token};
use serde::{Deserialize, Serialize};
use yew::AttrValue;

use crate::model::text;

/// Local, with a text for the composer.
pub const COMPOSE: &str = "ui.compose";
/// Local, with a text to show for some seconds.
pub const NOTICE: &str = "ui.notice";
/// The messages of all rooms.
pub const TEXT_MESSAGES: &str = "chat.*.TEXT_MESSAGE";

/// How many of the newest messages of a room a new client receives.
pub const HISTORY: u64 = 200;

/// A room: its name as users write it, and its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The name as it is shown.
    pub name: AttrValue,
    /// Durable, with [`TextMessage`].
    pub text_message: Topic,
    /// Ephemeral, with the [`Person`] who is typing.
    pub typing: Topic,
    /// Local, with [`TextSuccess`].
    pub text_success: Topic,
    /// Local, with [`TextError`].
    pub text_error: Topic,
}

/// Why a text is not a valid name of a room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// It has no visible characters.
    #[error("Give the room a name.")]
    Empty,
    /// It is too long for a topic once escaped.
    #[error("This name is too long for a room. Choose a shorter one.")]
    TooLong,
    /// It breaks a rule of topics, which the escape should prevent.
    #[error("This name can't be used for a room: {0}.")]
    Topic(TopicError),
}

impl Room {
    /// The room with this `name`. Characters that are not shown in a [line](text::line) are ignored.
    ///
    /// # Errors
    /// A [`RoomError`] with a text for the user.
    pub fn named(name: &str) -> Result<Self, RoomError> {
        let Some(name) = text::line(name) else {
            return Err(RoomError::Empty);
        };
        let token = escape_token(&name);
        let topic = |event: &str| {
            Topic::parse(&["chat", &token, event].join(".")).map_err(|error| match error {
                TopicError::TooLong(_) => RoomError::TooLong,
                other => RoomError::Topic(other),
            })
        };
        Ok(Self {
            name: AttrValue::from(name),
            text_message: topic("TEXT_MESSAGE")?,
            typing: topic("typing")?,
            text_success: topic("TEXT_SUCCESS")?,
            text_error: topic("TEXT_ERROR")?,
        })
    }
}

/// A user who writes or types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Does not change with the name.
    pub id: String,
    /// As the user wrote it; not unique.
    pub name: String,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextMessage {
    /// The author.
    pub sender: Person,
    /// Plain text, never markup.
    pub text: String,
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
