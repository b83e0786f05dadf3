//! The components of the page, one per file. They communicate over the bus and do not know each other.
//!
//! | component | publishes | subscribes |
//! | --- | --- | --- |
//! | [`use_link_bar`] | | `$bus.link` |
//! | [`MessageList`] | `TEXT_MESSAGE` (again, on retry), `REACTED`, `ui.compose`, `ui.reply`, `ui.edit`, `ui.jump`, `ui.notice`, `ui.seen` | `TEXT_MESSAGE` and `on.>` with echo, `TEXT_SUCCESS`, `TEXT_ERROR`, `ui.jump`, `ui.edit_last`, `$bus.link`, `$bus.gap` |
//! | [`TypingBar`] | | `typing`, `TEXT_MESSAGE` |
//! | [`Composer`] | `TEXT_MESSAGE`, `EDITED`, `typing`, `ui.edit_last`, `ui.draft.*` | `TEXT_MESSAGE`, `ui.compose`, `ui.reply`, `ui.edit`, `ui.draft.*` |
//! | [`menu`], [`invite`] | `ui.notice` | |
//! | [`RoomList`] | `person.*` (room, read position, profile, `INVITED`), `ROOM`, `ui.notice` | `TEXT_MESSAGE` and `EDITED` of all rooms, the former with echo, `person.>`, `ROOM`, `ui.seen`, `ui.open`, `$bus.caught_up`, `$bus.link` |
//! | [`use_members`] | | `$bus.presence.*` |
//! | [`use_notice`] | | `ui.notice` |
//! | [`use_outlet`] | `TEXT_SUCCESS`, `TEXT_ERROR`, `person.*` (`MENTIONED`) | `TEXT_MESSAGE` with echo |
//! | [`use_history`] | | `$bus.caught_up` of `TEXT_MESSAGE`, `$bus.link` |
//! | [`use_announcer`] | | `TEXT_MESSAGE` |
//! | [`use_refused`] | | `TEXT_MESSAGE` of all rooms, with echo |
//! | [`use_failures`] | | `$bus.error` |
//! | [`settings`] | `ui.inspect` | |
//! | [`use_inspector`] | | `ui.inspect` |
//!
//! [`use_uplink`] owns the bridge, [`use_room_rules`] decides which topics of a room cross it, [`Origin`] determines
//! the sender of an event, [`author`] shows it, and [`Newest`] tells which events come again. [`Sidebar`] draws the
//! [`RoomList`],
//! [`settings`] changes language, theme and contrast of this browser, and [`use_regions`] moves the focus by F6. A test
//! holds the table against the code.
//!
//! The message list reads older messages from the bridge in pages, and not as events: they are news to no other
//! component.

mod announcer;
mod author;
mod composer;
mod emoji_picker;
mod emoji_table;
mod failures;
mod history;
mod inspector;
mod join;
mod link_bar;
mod markdown;
mod members;
mod menu;
mod message_list;
mod message_row;
mod newest;
mod notice;
mod origin;
mod outlet;
mod refused;
mod regions;
mod room_list;
mod room_row;
mod room_rules;
mod room_view;
mod settings;
mod sidebar;
#[cfg(all(test, not(target_family = "wasm")))]
mod table;
mod typing_bar;
mod uplink;

pub use failures::use_failures;
pub use inspector::{is_replay, use_inspector};
pub use join::{Join, Joined};
pub use link_bar::use_link_bar;
pub use members::{member_list, use_members};
pub use menu::menu;
pub use notice::use_notice;
pub use refused::use_refused;
pub use regions::use_regions;
pub use room_list::RoomList;
pub use room_view::RoomView;
pub use settings::settings;
pub use sidebar::{Sidebar, use_switcher_key};
pub use uplink::use_uplink;

use announcer::use_announcer;
use author::author;
use composer::Composer;
use emoji_picker::{EmojiPicker, leaves};
use history::use_history;
use markdown::markdown;
use menu::invite;
use message_list::{MessageList, Quote};
use message_row::{Action, MessageRow};
use newest::Newest;
use origin::Origin;
use outlet::use_outlet;
use room_rules::use_room_rules;
use typing_bar::TypingBar;
