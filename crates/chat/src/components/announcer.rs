//! Announces new messages to screen readers: one text for each message of another person, and none for the history,
//! for what was missed while the link was down, for edits and for states.

use std::cell::Cell;
use std::rc::Rc;

use web_sys::{Element, window};
use yew::prelude::*;

use event_driven_kit::hooks::use_subscription;

use super::{Newest, Origin};
use crate::events::{Room, TextMessage};
use crate::model::text;
use crate::state::use_node_ref;

/// How many texts stay in the page. A screen reader reads each when it comes.
const MAX: u32 = 8;

/// The element that announces, which is to be rendered without content. Rendering each text would render the room.
#[hook]
pub fn use_announcer(room: &Room, origin: &Origin, is_current: &Rc<Cell<bool>>) -> NodeRef {
    let place = use_node_ref();
    let newest = use_mut_ref(Newest::default);
    let (announcer, origin, is_current) = (place.clone(), origin.clone(), is_current.clone());
    use_subscription(room.text_message.as_str(), move |event| {
        let is_new = newest.borrow_mut().is_new(event) && is_current.get();
        if is_new
            && !origin.client(event).is_empty()
            && let Some(message) = text::shown(event.data::<TextMessage>()?)
        {
            let text = text::folded(&message.text).unwrap_or(&message.text);
            announce(
                &announcer,
                &[&*origin.name(event, &message.sender.name), ": ", text].concat(),
            );
        }
        Ok(())
    });
    place
}

fn announce(place: &NodeRef, text: &str) {
    let Some(place) = place.cast::<Element>() else { return };
    let page = window().and_then(|window| window.document());
    if let Some(line) = page.and_then(|page| page.create_element("p").ok()) {
        line.set_text_content(Some(text));
        // Fails only for an element that must not be there.
        let _ = place.append_child(&line);
    }
    if place.child_element_count() > MAX
        && let Some(first) = place.first_element_child()
    {
        first.remove();
    }
}
