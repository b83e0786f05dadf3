//! The bar over the field: the message that the user replies to or changes, with a button that ends it.

use std::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

use crate::boxed::use_listener;
use crate::events::Room;
use crate::language::{t, t_html};
use crate::model::purpose::Purpose;
use crate::model::text;
use crate::state::use_memo;
use crate::storage;

/// The purpose of the text in the field.
#[derive(Clone)]
pub struct PurposeHandle {
    key: Rc<str>,
    now: Rc<RefCell<Option<Purpose>>>,
    update: UseForceUpdateHandle,
}

/// The purpose that was kept, until it changes.
#[hook]
pub fn use_purpose(room: &Room) -> PurposeHandle {
    let update = use_force_update();
    let handle = use_memo(room.text_message.clone(), move |topic| {
        let key = ["purpose.", topic.as_str()].concat();
        let handle = PurposeHandle { key: key.into(), now: Rc::default(), update };
        handle.now.replace(handle.kept());
        handle
    });
    let shared = (*handle).clone();
    // Other tabs with the room have the same draft.
    use_listener("storage", move |_| shared.show(shared.kept()));
    (*handle).clone()
}

impl PurposeHandle {
    /// The purpose. `None` for a message of its own.
    pub fn get(&self) -> Option<Purpose> {
        self.now.borrow().clone()
    }

    /// Changes the purpose, and keeps it over a reload.
    pub fn set(&self, purpose: Option<Purpose>) {
        storage::write(&self.key, &purpose.as_ref().map(Purpose::write).unwrap_or_default());
        self.show(purpose);
    }

    fn kept(&self) -> Option<Purpose> {
        storage::read(&self.key).and_then(|kept| Purpose::read(&kept))
    }

    fn show(&self, purpose: Option<Purpose>) {
        if *self.now.borrow() != purpose {
            self.now.replace(purpose);
            self.update.force_update();
        }
    }

    /// The bar.
    pub fn view(&self, on_end: Callback<MouseEvent>) -> Html {
        let Some(Purpose { is_edit, subject, .. }) = self.get() else { return Html::default() };
        let name = html! { <bdi>{ subject.name }</bdi> };
        html! {
            <div class="purpose">
                <p class={if is_edit { "changes" } else { "replies" }}>
                    <strong>
                        if is_edit {
                            { t("Edit message") }
                        } else {
                            { t_html("Reply to {name}", &[("name", name)]) }
                        }
                    </strong>
                    <span class="line" dir="auto">{ text::preview(&subject.text) }</span>
                </p>
                <button type="button" class="end" aria-label={t("Cancel")} title={t("Cancel")} onclick={on_end} />
            </div>
        }
    }
}
