//! Turns the outcome of each of one's own messages into an event of its own: `TEXT_SUCCESS` when the log
//! holds it, `TEXT_ERROR` when it was refused. It follows the echoes and not the receipts that publishing
//! returned: echoes also tell of messages that were published before a reload, or in another tab.

use std::collections::HashSet;

use event_driven_kit::{Delivery, Event, HandlerResult, use_bus, use_subscription_with_echo};
use yew::prelude::*;

use crate::events::{Room, TextError, TextSuccess};

#[derive(Properties, PartialEq)]
pub struct OutletProps {
    pub room: Room,
}

#[component]
pub fn Outlet(props: &OutletProps) -> Html {
    let bus = use_bus();
    // Bounded by the bridge's outbox: what is pending stands there.
    let pending = use_mut_ref(HashSet::<String>::new);
    let room = props.room.clone();
    use_subscription_with_echo(
        props.room.text_message.as_str(),
        move |event: &Event| -> HandlerResult {
            let id = event.id().to_owned();
            match event.delivery() {
                Delivery::Pending(_) => {
                    pending.borrow_mut().insert(id);
                }
                Delivery::Stored(position) if pending.borrow_mut().remove(&id) => {
                    let offset = position.offset.to_string();
                    bus.publish(room.text_success.clone(), TextSuccess { id, offset })?;
                }
                Delivery::Rejected(rejection) => {
                    pending.borrow_mut().remove(&id);
                    let (code, message) =
                        (rejection.code.name().to_owned(), rejection.message.clone());
                    bus.publish(room.text_error.clone(), TextError { id, code, message })?;
                }
                _ => {}
            }
            Ok(())
        },
    );
    Html::default()
}
