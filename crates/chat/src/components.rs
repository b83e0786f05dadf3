//! The components of the page, one per file. They communicate over the bus and do not know each other.
//!
//! | component | publishes | subscribes |
//! | --- | --- | --- |
//! | [`LinkBar`] | | `$bus.link` |
//! | [`MessageList`] | `TEXT_MESSAGE` (again, on retry) | `TEXT_MESSAGE` with echo, `TEXT_SUCCESS`, `TEXT_ERROR`, `$bus.caught_up` |
//! | [`TypingBar`] | | `typing`, `TEXT_MESSAGE` |
//! | [`Composer`] | `TEXT_MESSAGE`, `typing` | |
//! | [`use_outlet`] | `TEXT_SUCCESS`, `TEXT_ERROR` | `TEXT_MESSAGE` with echo |
//!
//! [`use_uplink`] owns the bridge, [`use_room_rules`] decides which topics of a room cross it, and [`Origin`]
//! determines who has sent an event.

mod composer;
mod emoji_picker;
mod join;
mod link_bar;
mod message_list;
mod message_row;
mod origin;
mod outlet;
mod room_rules;
mod room_view;
mod typing_bar;
mod uplink;

pub use join::{Join, Joined};
pub use link_bar::LinkBar;
pub use room_view::RoomView;
pub use uplink::use_uplink;

use composer::Composer;
use emoji_picker::EmojiPicker;
use message_list::MessageList;
use message_row::MessageRow;
use origin::Origin;
use outlet::use_outlet;
use room_rules::use_room_rules;
use typing_bar::TypingBar;
