//! Tells new events of a topic from those that come again: the message list reads old messages forward by a rule of its
//! own, and the bus brings them to all subscribers.

use event_driven_kit::{Delivery, Event};

/// The newest position of a topic.
#[derive(Default)]
pub struct Newest(Option<(u64, u64)>);

impl Newest {
    /// Whether a stored event is newer than all before.
    pub fn is_new(&mut self, event: &Event) -> bool {
        let Delivery::Stored(position) = event.delivery() else { return false };
        if event.is_deleted() || event.deletes().is_some() {
            // Neither is a new message.
            return false;
        }
        let (epoch, offset) = (position.epoch, position.offset);
        let is_new = self.0.is_none_or(|(known, newest)| known != epoch || newest < offset);
        if is_new {
            self.0 = Some((epoch, offset));
        }
        is_new
    }
}
