//! Keeps the user's refused messages over a reload, of all rooms: a message may be refused while its room is not open.

use event_driven_kit::hooks::use_subscription_with_echo;
use event_driven_kit::{Delivery, Event, HandlerResult};
use yew::prelude::*;

use crate::clock;
use crate::events::{Room, TEXT_MESSAGES, TextMessage};
use crate::model::refusal::{CANCELLED, Refusal};
use crate::model::refused::{self, Refused};
use crate::storage;

/// Keeps each message that is refused from now on.
#[hook]
pub fn use_refused() {
    let [of_rooms, direct] = TEXT_MESSAGES;
    use_subscription_with_echo(of_rooms, keep);
    use_subscription_with_echo(direct, keep);
}

fn keep(event: &Event) -> HandlerResult {
    let Delivery::Rejected(rejection) = event.delivery() else { return Ok(()) };
    let code = rejection.code.name();
    if code == CANCELLED {
        return Ok(());
    }
    let new = Refused {
        id: event.id().to_owned(),
        time_ms: clock::sane(event.time().unwrap_or_default()),
        refusal: Refusal::new(code),
        message: event.data::<TextMessage>()?.as_ref().clone(),
    };
    change(event.topic().as_str(), |kept| refused::with(kept, new));
    Ok(())
}

/// The kept messages of a room.
pub fn kept(room: &Room) -> Vec<Refused> {
    let kept = storage::read(&key(room.text_message.as_str()));
    refused::read(kept.as_deref().unwrap_or_default())
}

/// Forgets a message that is no longer refused, or that the user has removed.
pub fn forget(room: &Room, id: &str) {
    change(room.text_message.as_str(), |kept| refused::without(kept, id));
}

fn change(topic: &str, change: impl FnOnce(&str) -> String) {
    let key = key(topic);
    storage::write(&key, &change(&storage::read(&key).unwrap_or_default()));
}

fn key(topic: &str) -> String {
    ["refused.", topic].concat()
}
