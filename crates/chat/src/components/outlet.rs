//! Publishes the outcome of each of the user's own messages: `TEXT_SUCCESS` when the log has stored it, `TEXT_ERROR`
//! when it was refused. Once a message is stored, it writes to the inbox of each person whom the message mentions. It
//! uses echoes and not receipts, because echoes also report messages from before a reload or from another tab.

use event_driven_kit::bridge::Position;
use event_driven_kit::hooks::{use_bus, use_subscription_with_echo};
use event_driven_kit::{Bus, Delivery, Event, HandlerResult};
use yew::prelude::*;

use crate::events::{Reference, Room, TextError, TextMessage, TextSuccess};

/// Publishes the outcomes of the user's own messages in `room`.
#[hook]
pub fn use_outlet(room: &Room) {
    let bus = use_bus();
    // Bounded by the bridge's outbox, which contains all pending messages.
    let pending = use_mut_ref(Vec::<String>::new);
    let room = room.clone();
    use_subscription_with_echo(room.text_message.clone().as_str(), move |event| {
        let id = event.id();
        let was_pending = {
            let mut pending = pending.borrow_mut();
            let at = pending.iter().position(|other| other == id);
            match (event.delivery(), at) {
                (Delivery::Pending(_), None) => pending.push(id.to_owned()),
                (Delivery::Stored(_) | Delivery::Rejected(_), Some(at)) => {
                    pending.swap_remove(at);
                }
                _ => {}
            }
            at.is_some()
        };
        let id = id.to_owned();
        match event.delivery() {
            Delivery::Stored(position) if was_pending => {
                let offset = position.offset.to_string();
                mention(&bus, &room, event, position)?;
                bus.publish(room.text_success.clone(), TextSuccess { id, offset })?;
            }
            Delivery::Rejected(rejection) => {
                let code = rejection.code.name().to_owned();
                let message = rejection.message.clone();
                bus.publish(room.text_error.clone(), TextError { id, code, message })?;
            }
            _ => {}
        }
        Ok(())
    });
}

/// Puts the message into the inboxes of the people whom it mentions.
fn mention(bus: &Bus, room: &Room, event: &Event, position: &Position) -> HandlerResult {
    for person in &event.data::<TextMessage>()?.mentions {
        let (epoch, offset) = (position.epoch.to_string(), position.offset.to_string());
        let message = Reference { id: event.id().to_owned(), epoch, offset };
        if let Some(topic) = room.mentioned(person) {
            bus.publish(topic, message)?;
        }
    }
    Ok(())
}
