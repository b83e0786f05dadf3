//! The bounds of a whole message.

use std::rc::Rc;

use super::{
    MOST_CHARACTERS, MOST_MENTIONS, MOST_OF_ID, MOST_OF_NAME, cut, first, is_visible, shown_name,
};
use crate::events::{Person, Reference, TextMessage};

/// The part of a message that is kept and shown. Empty if nothing is visible.
pub fn shown(message: Rc<TextMessage>) -> Option<Rc<TextMessage>> {
    let TextMessage { sender, text, reply_to, mentions } = &*message;
    if !is_visible(text) {
        return None;
    }
    let bounded = [first(MOST_CHARACTERS, text), first(MOST_OF_NAME, &sender.id)];
    let name = shown_name(&sender.name);
    let is_short = reply_to.as_ref().is_none_or(is_possible)
        && mentions.len() <= MOST_MENTIONS
        && mentions.iter().all(|id| id.len() <= MOST_OF_ID);
    if bounded == [text, &sender.id] && name == sender.name && is_short {
        return Some(message);
    }
    let [bounded, id] = bounded;
    let sender = Person { id: id.to_owned(), name };
    let reply_to = reply_to.clone().filter(is_possible);
    let mentions = mentions.iter().take(MOST_MENTIONS).filter(|id| id.len() <= MOST_OF_ID);
    let mentions = mentions.cloned().collect();
    Some(Rc::new(TextMessage { sender, text: cut(text, bounded), reply_to, mentions }))
}

/// Whether its parts are not longer than those of an event's id and position.
fn is_possible(reference: &Reference) -> bool {
    let Reference { id, epoch, offset } = reference;
    [id, epoch, offset].iter().all(|part| part.len() <= MOST_OF_ID)
}
