//! Announces new messages to screen readers: one text for each message of another person, and none for the history,
//! for what was missed while the link was down, for edits and for states.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use web_sys::{Element, window};
use yew::prelude::*;

use event_driven_kit::hooks::use_subscription;

use super::{Newest, Origin};
use crate::boxed::after;
use crate::events::{Room, TextMessage};
use crate::model::text;
use crate::state::use_memo;

/// How many texts stay in the page. A screen reader reads each when it comes.
const MAX: usize = 8;
/// How long texts after the first one are gathered, in milliseconds: each change of the page makes the browser paint.
const GATHER_MS: u32 = 500;

/// The element that announces, and the texts that wait for it.
#[derive(Default)]
struct Announcer {
    place: NodeRef,
    texts: RefCell<Vec<String>>,
    is_gathering: Cell<bool>,
}

/// The element that announces, which is to be rendered without content. Rendering each text would render the room.
#[hook]
pub fn use_announcer(room: &Room, origin: &Origin, is_current: &Rc<Cell<bool>>) -> NodeRef {
    let announcer = use_memo((), |()| Announcer::default());
    let place = announcer.place.clone();
    let newest = use_mut_ref(Newest::default);
    let (origin, is_current) = (origin.clone(), is_current.clone());
    use_subscription(room.text_message.as_str(), move |event| {
        let is_new = newest.borrow_mut().is_new(event) && is_current.get();
        if is_new
            && !origin.client(event).is_empty()
            && let Some(message) = text::shown(event.data::<TextMessage>()?)
        {
            let text = text::folded(&message.text).unwrap_or(&message.text);
            let text = [&*origin.name(event, &message.sender.name), ": ", text].concat();
            announce(&announcer, text);
        }
        Ok(())
    });
    place
}

/// Announces a text now, or with others that come soon after another one.
fn announce(announcer: &Rc<Announcer>, text: String) {
    let mut texts = announcer.texts.borrow_mut();
    if texts.len() >= MAX {
        texts.remove(0);
    }
    texts.push(text);
    drop(texts);
    if !announcer.is_gathering.get() {
        add(announcer);
    }
}

fn add(announcer: &Rc<Announcer>) {
    let texts = announcer.texts.take();
    announcer.is_gathering.set(!texts.is_empty());
    if !texts.is_empty() {
        let next = announcer.clone();
        after(GATHER_MS, move || add(&next)).forget();
    }
    let page = window().and_then(|window| window.document());
    let (Some(place), Some(page)) = (announcer.place.cast::<Element>(), page) else { return };
    for text in &texts {
        if let Ok(line) = page.create_element("p") {
            line.set_text_content(Some(text));
            // Fails only for an element that must not be there.
            let _ = place.append_child(&line);
        }
    }
    while place.child_element_count() > MAX as u32
        && let Some(first) = place.first_element_child()
    {
        first.remove();
    }
}
