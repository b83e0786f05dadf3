//! Keeps the text of the composer over a reload and a visit to another room, in the browser's storage.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use web_sys::{HtmlTextAreaElement, window};
use yew::prelude::*;

use crate::effect::use_effect_with;
use crate::events::Room;
use crate::storage;

/// How long the user pauses before the text is kept, in milliseconds.
const PAUSE_MS: u32 = 300;

/// The draft of a room.
#[derive(Clone)]
pub struct Draft {
    key: Rc<str>,
    field: NodeRef,
    timer: Rc<RefCell<Option<Timeout>>>,
}

/// Fills the field with the room's draft. The draft is kept when the user pauses, leaves the room, or leaves the page.
#[hook]
pub fn use_draft(room: &Room, field: &NodeRef) -> Draft {
    let field = field.clone();
    let draft = use_memo(room.text_message.clone(), move |topic| Draft {
        key: ["draft.", topic.as_str()].concat().into(),
        field,
        timer: Rc::default(),
    });
    let draft = (*draft).clone();
    use_effect_with(draft.key.clone(), {
        let draft = draft.clone();
        move |key| {
            let area = draft.field.cast::<HtmlTextAreaElement>();
            if let (Some(area), Some(text)) = (&area, storage::read(key)) {
                area.set_value(&text);
            }
            let hiding = draft.clone();
            let listener = window().map(|window| {
                EventListener::new(&window, "pagehide", move |_| hiding.keep_if_changed())
            });
            move || {
                drop(listener);
                // The field is no longer in the page, so it is not reached by its reference.
                if let Some(area) = area.filter(|_| draft.timer.take().is_some()) {
                    storage::write(&draft.key, &area.value());
                }
            }
        }
    });
    draft
}

impl Draft {
    /// Keeps the text after a pause.
    pub fn keep(&self) {
        let this = self.clone();
        self.timer.replace(Some(Timeout::new(PAUSE_MS, move || this.keep_now())));
    }

    /// Another tab may have a newer draft than a field that was not changed.
    fn keep_if_changed(&self) {
        if self.timer.borrow().is_some() {
            self.keep_now();
        }
    }

    /// Keeps the text now.
    pub fn keep_now(&self) {
        drop(self.timer.take());
        if let Some(area) = self.field.cast::<HtmlTextAreaElement>() {
            storage::write(&self.key, &area.value());
        }
    }
}
