//! The topics about rooms, and their payloads.

use serde::{Deserialize, Serialize};

/// Local, with the [path](super::Room::path) of a room to open.
pub const OPEN: &str = "ui.open";
/// Local, with [`SeenUpTo`].
pub const SEEN: &str = "ui.seen";
/// The drafts of all rooms, which the tabs share.
pub const DRAFTS: &str = "ui.draft.*";
/// What all rooms say about themselves.
pub const ROOMS: &str = "chat.*.ROOM";

/// The newest message of a room that the user has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenUpTo {
    /// The [key](super::Room::key) of the room.
    pub room: String,
    /// The epoch of the log, as a decimal number.
    pub epoch: String,
    /// The offset of the message, as a decimal number.
    pub offset: String,
}

/// What a room says about itself, which lists it in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// Its title.
    pub title: String,
    /// What it is about.
    #[serde(default)]
    pub about: String,
    /// The id of the person who has written this. A claim.
    #[serde(default)]
    pub by: String,
}
