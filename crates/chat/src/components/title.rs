//! The title of the page: the room, and how many messages have arrived while the page was not in front.

use std::cell::Cell;

use event_driven_kit::hooks::use_subscription;
use gloo_events::EventListener;
use web_sys::{Document, window};
use yew::prelude::*;

use super::{Newest, Origin};
use crate::events::{Room, TextMessage};
use crate::language::{t, t_with};
use crate::model::text;

/// Shows the room's name and the count while the room is open. What the history brings does not count.
#[hook]
pub fn use_title(room: &Room, origin: &Origin, is_live: bool) {
    let unread = use_memo((), |()| Cell::new(0_u32));
    let newest = use_mut_ref(Newest::default);
    let (count, name, from) = (unread.clone(), room.name.clone(), origin.clone());
    use_subscription(room.text_message.as_str(), move |event| {
        // A part of the history may come again.
        let counts = newest.borrow_mut().is_new(event)
            && is_live
            && !from.client(event).is_empty()
            && is_away();
        if counts && text::is_visible(&event.data::<TextMessage>()?.text) {
            count.set(count.get() + 1);
            set_title(&name, count.get());
        }
        Ok(())
    });
    use_effect_with(room.name.clone(), move |name| {
        set_title(name, unread.get());
        let name = name.clone();
        let listener = window().map(|window| {
            EventListener::new(&window, "focus", move |_| {
                unread.set(0);
                set_title(&name, 0);
            })
        });
        move || {
            drop(listener);
            set(&t("event-driven-kit chat"));
        }
    });
}

/// Whether the user looks elsewhere.
fn is_away() -> bool {
    document().is_some_and(|document| !document.has_focus().unwrap_or(true))
}

fn set_title(room: &str, unread: u32) {
    let title = t_with("{room} - event-driven-kit chat", &[("room", room)]);
    match unread {
        0 => set(&title),
        unread => set(&["(", &unread.to_string(), ") ", &title].concat()),
    }
}

fn set(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

fn document() -> Option<Document> {
    window()?.document()
}
