//! Checks mentions: anyone may write to an inbox, so only the message itself shows that it mentions the user.

use event_driven_kit::Bridge;
use event_driven_kit::bridge::{HistoryError, Position};

use super::super::message_list::stored_at;
use super::RoomList;
use crate::boxed::spawn;
use crate::events::{Room, TextMessage};
use crate::model::rooms::At;

impl RoomList {
    /// Reads the messages of the open room that are said to mention the user, and forgets what is not true.
    pub(super) fn check_mentions(&self) {
        let (open, bridge) = (self.open.borrow().clone(), self.origin.borrow().0.clone());
        let (Some(room), Some(bridge), Some(me)) = (open, bridge, self.me()) else { return };
        let mentions = self.rooms.borrow().get(&room.key).map(|entry| entry.unread.mentions());
        let this = self.this.clone();
        spawn(async move {
            for at in mentions.unwrap_or_default() {
                let is_said = is_said(&bridge, &room, at, me.token()).await;
                let Some(this) = this.upgrade() else { return };
                if is_said == Some(false) {
                    this.rooms.borrow_mut().not_mentioned(&room.key, at);
                    this.changed();
                }
            }
        });
    }
}

/// Whether the message at this position mentions a person. `None` if it cannot be read.
async fn is_said(bridge: &Bridge, room: &Room, (epoch, offset): At, person: &str) -> Option<bool> {
    let topic = room.text_message.as_str();
    // The newest message names the stream.
    let page = bridge.history(topic, None, 1).await.ok()?;
    let Some(newest) = page.events.first().and_then(stored_at) else { return Some(false) };
    let next = Position { epoch, offset: offset.saturating_add(1), id: None, ..newest.clone() };
    match bridge.history(topic, Some(next), 1).await {
        Ok(page) => Some(page.events.first().is_some_and(|event| {
            stored_at(event).is_some_and(|position| position.offset == offset)
                && event.data::<TextMessage>().is_ok_and(|message| {
                    message.mentions.iter().any(|mentioned| mentioned == person)
                })
        })),
        // The position is of another log.
        Err(HistoryError::Reset) => Some(false),
        Err(_) => None,
    }
}
