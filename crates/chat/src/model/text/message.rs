//! The bounds of a whole message.

use std::rc::Rc;

use super::{
    MAX_CHARACTERS, MAX_ID_BYTES, MAX_MENTIONS, MAX_NAME_CHARACTERS, cut, first, is_visible,
    shown_name,
};
use crate::events::{Person, Reference, TextMessage};

/// The part of a message that is kept and shown. Empty if nothing is visible.
pub fn shown(message: Rc<TextMessage>) -> Option<Rc<TextMessage>> {
    let TextMessage { sender, text, reply_to, mentions } = &*message;
    if !is_visible(text) {
        return None;
    }
    let (bounded, id) = (cut(MAX_CHARACTERS, text), first(MAX_NAME_CHARACTERS, &sender.id));
    let name = shown_name(&sender.name);
    let is_short = reply_to.as_ref().is_none_or(is_possible)
        && mentions.len() <= MAX_MENTIONS
        && mentions.iter().all(|id| id.len() <= MAX_ID_BYTES);
    if bounded == *text && id == sender.id && name == sender.name && is_short {
        return Some(message);
    }
    let sender = Person { id: id.to_owned(), name };
    let reply_to = reply_to.clone().filter(is_possible);
    let mentions = mentions.iter().take(MAX_MENTIONS).filter(|id| id.len() <= MAX_ID_BYTES);
    let mentions = mentions.cloned().collect();
    Some(Rc::new(TextMessage { sender, text: bounded.into_owned(), reply_to, mentions }))
}

/// Whether its parts are not longer than those of an event's id and position.
pub fn is_possible(reference: &Reference) -> bool {
    let Reference { id, epoch, offset } = reference;
    [id, epoch, offset].iter().all(|part| part.len() <= MAX_ID_BYTES)
}
