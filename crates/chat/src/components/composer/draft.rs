//! Keeps the text of the composer over a reload and a visit to another room, in the browser's storage. Other tabs with
//! the room show the same text.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::Bus;
use event_driven_kit::hooks::{use_bus, use_subscription};
use gloo_timers::callback::Timeout;
use serde::{Deserialize, Serialize};
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use crate::boxed::{after, use_listener};
use crate::effect::use_effect_with;
use crate::events::Room;
use crate::state::use_memo;
use crate::storage;

/// How long the user pauses before the text is kept, in milliseconds.
const PAUSE_MS: u32 = 300;

/// The text of the composer, for the other tabs.
#[derive(Serialize, Deserialize)]
struct Shared {
    text: String,
}

/// The draft of a room.
#[derive(Clone)]
pub struct Draft {
    key: Rc<str>,
    /// Where the tabs share it.
    topic: Rc<str>,
    bus: Bus,
    field: NodeRef,
    timer: Rc<RefCell<Option<Timeout>>>,
}

/// Fills the field with the room's draft. The draft is kept when the user pauses, leaves the room, or leaves the page.
#[hook]
pub fn use_draft(room: &Room, field: &NodeRef) -> Draft {
    let (field, bus) = (field.clone(), use_bus());
    let draft = use_memo(room.clone(), move |room| Draft {
        key: ["draft.", room.text_message.as_str()].concat().into(),
        topic: room.draft().into(),
        bus,
        field,
        timer: Rc::default(),
    });
    let draft = (*draft).clone();
    let shared = draft.clone();
    use_subscription(&draft.topic, move |event| {
        shared.show(&event.data::<Shared>()?.text);
        Ok(())
    });
    let hiding = draft.clone();
    use_listener("pagehide", move |_| hiding.keep_if_changed());
    use_effect_with(draft.key.clone(), {
        let draft = draft.clone();
        move |key| {
            let area = draft.field.cast::<HtmlTextAreaElement>();
            if let (Some(area), Some(text)) = (&area, storage::read(key)) {
                area.set_value(&text);
            }
            move || {
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
        self.timer.replace(Some(after(PAUSE_MS, move || this.keep_now())));
    }

    /// Another tab may have a newer draft than a field that was not changed.
    fn keep_if_changed(&self) {
        if self.timer.borrow().is_some() {
            self.keep_now();
        }
    }

    /// Keeps the text now, and shows it in the other tabs.
    pub fn keep_now(&self) {
        drop(self.timer.take());
        if let Some(area) = self.field.cast::<HtmlTextAreaElement>() {
            let text = area.value();
            storage::write(&self.key, &text);
            // Without it, the other tabs show the draft once they are loaded again.
            let _ = self.bus.publish(&*self.topic, Shared { text });
        }
    }

    /// Shows the text of another tab, unless the user writes here.
    fn show(&self, text: &str) {
        let area =
            self.field.cast::<HtmlTextAreaElement>().filter(|_| self.timer.borrow().is_none());
        if let Some(area) = area.filter(|area| area.value() != text) {
            area.set_value(text);
        }
    }
}
