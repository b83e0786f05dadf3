//! The chat's vocabulary: its topics and what is published on them. Every component imports from here
//! and none from another. Only data: nothing here publishes or subscribes.

use event_driven_kit::{Topic, TopicError, escape_token};
use serde::{Deserialize, Serialize};
use yew::AttrValue;

use crate::model::text;

/// How many of a room's newest messages a newcomer gets.
pub const HISTORY: u64 = 200;

/// A room: its name as people write it, and the topics that stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The name as its members read it.
    pub name: AttrValue,
    /// Durable: carries [`TextMessage`].
    pub text_message: Topic,
    /// Ephemeral: carries [`Person`], the one who is typing.
    pub typing: Topic,
    /// Local: carries [`TextSuccess`].
    pub text_success: Topic,
    /// Local: carries [`TextError`].
    pub text_error: Topic,
}

/// Why a text is no room's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// Nothing that a reader would see.
    #[error("Give the room a name.")]
    Empty,
    /// More than a topic holds, once escaped.
    #[error("This name is too long for a room. Choose a shorter one.")]
    TooLong,
    /// A rule of topics that the escape should have met.
    #[error("This name can't be a room's: {0}.")]
    Topic(TopicError),
}

impl Room {
    /// The room that goes by `name`. What does not show in a [line](text::line) does not count.
    ///
    /// # Errors
    /// A [`RoomError`], whose text is for the person who typed the name.
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

/// Who speaks or types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Stays the same when the name changes.
    pub id: String,
    /// As they wrote it; not unique.
    pub name: String,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextMessage {
    /// Who said it.
    pub sender: Person,
    /// What they said: text, never markup.
    pub text: String,
}

/// One's own message stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSuccess {
    /// The id of the [`TextMessage`]'s event.
    pub id: String,
    /// Its place in the log, decimal.
    pub offset: String,
}

/// One's own message was refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextError {
    /// The id of the [`TextMessage`]'s event.
    pub id: String,
    /// The protocol's name for the reason.
    pub code: String,
    /// The reason in words.
    pub message: String,
}
