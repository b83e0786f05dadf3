//! The input for messages. Publishes messages and changes of messages, and that the user is typing. Takes texts that
//! the user wants to write again, and the message that the user replies to or changes.

mod choices;
mod draft;
mod field;
mod purpose;

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::hooks::{use_bus, use_subscription};
use event_driven_kit::{Bus, PublishError};
use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::{EmojiPicker, leaves};
use crate::clock;
use crate::effect::use_effect_with;
use crate::events::{COMPOSE, EDIT, EDIT_LAST, Edited, Person, REPLY, Room, Subject, TextMessage};
use crate::language::{t, t_count};
use crate::model::purpose::Purpose;
use crate::model::refusal::unpublished;
use crate::model::text;
use crate::model::throttle::Throttle;
use crate::state::{StateHandle, use_node_ref, use_state_eq};
use choices::{Choices, use_choices};
use draft::{Draft, use_draft};
use purpose::{PurposeHandle, use_purpose};

/// The minimal interval between two `typing` events, in milliseconds.
const TYPING_EVERY_MS: f64 = 2_000.0;

/// The key code of keys that an input method handles.
const TAKEN_BY_INPUT_METHOD: u32 = 229;

#[derive(Properties, PartialEq)]
pub struct ComposerProps {
    pub room: Room,
    pub me: Person,
}

/// What the callbacks of the composer share.
struct Desk {
    bus: Bus,
    room: Room,
    me: Person,
    field: NodeRef,
    draft: Draft,
    purpose: PurposeHandle,
    choices: Choices,
    throttle: Rc<RefCell<Throttle>>,
    problem: StateHandle<Option<AttrValue>>,
    /// A text that is far too long does not size the field: that would need several layouts of it.
    is_long: StateHandle<bool>,
    /// The number of messages as which a text that is too long can be sent.
    parts: StateHandle<usize>,
    picking: StateHandle<bool>,
}

#[component]
pub fn Composer(props: &ComposerProps) -> Html {
    let field = use_node_ref();
    let desk = Rc::new(Desk {
        bus: use_bus(),
        room: props.room.clone(),
        me: props.me.clone(),
        draft: use_draft(&props.room, &field),
        purpose: use_purpose(&props.room),
        choices: use_choices(&props.room, &props.me, &field),
        throttle: use_mut_ref(|| Throttle::every(TYPING_EVERY_MS)),
        problem: use_state_eq(|| None),
        is_long: use_state_eq(|| false),
        parts: use_state_eq(|| 0),
        picking: use_state_eq(|| false),
        field,
    });
    let picking = *desk.picking;

    use_effect_with(desk.field.clone(), {
        let desk = desk.clone();
        move |field| {
            desk.check_length();
            field::focus(field);
            // A long text that is pasted does not size the field, before it is laid out for the first time.
            let sized = field.clone();
            let listener = field::listen(field, "beforeinput", move |event| {
                let text = event.dyn_ref::<InputEvent>().and_then(InputEvent::data);
                if text.is_some_and(|text| text::check_length(text.trim()).is_err()) {
                    field::set_long(&sized);
                }
            });
            move || drop(listener)
        }
    });
    let heard = desk.clone();
    use_subscription(COMPOSE, move |event| {
        field::add(&heard.field, &event.data::<String>()?);
        heard.has_text();
        Ok(())
    });
    let heard = desk.clone();
    use_subscription(REPLY, move |event| {
        heard.begin(false, &*event.data::<Subject>()?);
        Ok(())
    });
    let heard = desk.clone();
    use_subscription(EDIT, move |event| {
        heard.begin(true, &*event.data::<Subject>()?);
        Ok(())
    });

    let oninput = {
        let desk = desk.clone();
        Callback::from(move |event: InputEvent| {
            desk.has_input();
            if event.is_composing() { desk.choices.close() } else { desk.choices.look() }
        })
    };
    let send_parts = {
        let desk = desk.clone();
        Callback::from(move |_: MouseEvent| desk.send_parts())
    };
    let onkeydown = {
        let desk = desk.clone();
        Callback::from(move |event: KeyboardEvent| {
            let composes = event.is_composing() || event.key_code() == TAKEN_BY_INPUT_METHOD;
            if !composes && desk.takes_key(&event) {
                event.prevent_default();
            }
        })
    };
    let changed = {
        let desk = desk.clone();
        Callback::from(move |()| desk.has_input())
    };
    let onsubmit = {
        let desk = desk.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            desk.send();
        })
    };
    let on_end = {
        let desk = desk.clone();
        Callback::from(move |_: MouseEvent| {
            desk.end();
            field::focus(&desk.field);
        })
    };
    let toggle = {
        let desk = desk.clone();
        Callback::from(move |_: MouseEvent| desk.picking.set(!picking))
    };
    let on_close = {
        let desk = desk.clone();
        Callback::from(move |()| desk.stop_picking())
    };
    let on_pick = {
        let desk = desk.clone();
        Callback::from(move |emoji: String| {
            field::insert(&desk.field, &emoji, 0);
            desk.has_input();
            desk.stop_picking();
        })
    };
    let onfocusout = {
        let (picking, choices) = (desk.picking.setter(), desk.choices.clone());
        Callback::from(move |event: FocusEvent| {
            if leaves(&event) {
                picking.set(false);
                choices.close();
            }
        })
    };

    html! {
        <div class="write" {onfocusout}>
            if picking {
                <EmojiPicker {on_pick} {on_close} />
            }
            if let Some(problem) = &*desk.problem {
                <p class="problem" role="alert">
                    { problem.clone() }
                    if *desk.parts > 0 {
                        <button type="button" class="send-parts" onclick={send_parts}>
                            { t_count("Send {n} message", "Send {n} messages", *desk.parts as u64) }
                        </button>
                    }
                </p>
            }
            { desk.choices.view(&changed) }
            { desk.purpose.view(on_end) }
            <form {onsubmit}>
                <button
                    type="button"
                    class="open-emoji"
                    aria-label={t("Emoji")}
                    aria-expanded={if picking { "true" } else { "false" }}
                    onclick={toggle}
                >
                    { "🙂" }
                </button>
                <textarea
                    ref={desk.field.clone()}
                    id="composer"
                    class={desk.is_long.then_some("long")}
                    rows="1"
                    aria-label={t("Message")}
                    placeholder={t("Write a message")}
                    enterkeyhint="send"
                    autocomplete="off"
                    dir="auto"
                    aria-autocomplete="list"
                    aria-controls={desk.choices.active().map(|_| "choices")}
                    aria-activedescendant={desk.choices.active()}
                    {oninput}
                    {onkeydown}
                />
                <button id="send" class="primary">{ t("Send") }</button>
            </form>
        </div>
    }
}

impl Desk {
    /// Says whether the text in the field is too long.
    fn check_length(&self) {
        let text = field::value(&self.field);
        let too_long = text::check_length(text.trim()).err();
        self.is_long.set(too_long.is_some());
        let is_edit = self.purpose.get().is_some_and(|purpose| purpose.is_edit);
        self.parts.set(if is_edit { 0 } else { text::parts(&text).len() });
        self.problem.set(too_long.map(|error| error.text()));
    }

    /// The user has typed.
    fn has_input(&self) {
        self.draft.keep();
        self.check_length();
        let is_empty = field::value(&self.field).is_empty();
        if !is_empty && self.throttle.borrow_mut().admit(clock::monotonic()) {
            // Without it, others only miss that the user is typing.
            let _ = self.bus.publish(self.room.typing.clone(), self.me.clone());
        }
    }

    /// The page has changed the text in the field.
    fn has_text(&self) {
        self.check_length();
        self.draft.keep_now();
        field::focus(&self.field);
    }

    fn stop_picking(&self) {
        self.picking.set(false);
        field::focus(&self.field);
    }

    /// Acts on a key, and returns whether the browser must not.
    fn takes_key(&self, event: &KeyboardEvent) -> bool {
        if self.choices.takes_key(&event.key()) {
            self.has_input();
            return true;
        }
        match &*event.key() {
            "Enter" if !event.shift_key() => self.send(),
            "Escape" if self.purpose.get().is_some() => self.end(),
            "ArrowUp" if field::value(&self.field).is_empty() && self.purpose.get().is_none() => {
                // Nothing limits the number of events on this topic.
                let _ = self.bus.publish(EDIT_LAST, self.room.key.to_string());
            }
            _ => return false,
        }
        true
    }

    /// Begins a reply, or a change: then the text of the message is in the field, and what was in it comes back later.
    fn begin(&self, is_edit: bool, subject: &Subject) {
        let before = match self.purpose.get() {
            Some(Purpose { is_edit: true, before, .. }) => before,
            _ => field::value(&self.field),
        };
        field::set(&self.field, if is_edit { &subject.text } else { &before });
        self.purpose.set(Some(Purpose { is_edit, subject: subject.clone(), before }));
        self.has_text();
    }

    /// Ends a reply or a change.
    fn end(&self) {
        if let Some(Purpose { is_edit: true, before, .. }) = self.purpose.get() {
            field::set(&self.field, &before);
            self.draft.keep_now();
        }
        self.check_length();
        self.purpose.set(None);
    }

    /// Publishes the text.
    fn send(&self) {
        let text = field::value(&self.field).trim().to_owned();
        if text.is_empty() {
            return;
        }
        if let Err(error) = text::check(&text) {
            return self.problem.set(Some(error.text()));
        }
        self.has_sent(self.publish(text));
    }

    /// Publishes a text that is too long in parts.
    fn send_parts(&self) {
        let text = field::value(&self.field);
        let mut parts = text::parts(&text).into_iter();
        self.has_sent(parts.try_for_each(|part| self.publish_message(part.to_owned())));
    }

    fn publish(&self, text: String) -> Result<(), PublishError> {
        match self.purpose.get() {
            Some(Purpose { is_edit: true, subject, .. }) if text == subject.text => Ok(()),
            Some(Purpose { is_edit: true, subject: Subject { about, day, .. }, .. }) => {
                match self.room.edited(day) {
                    Some(topic) => self.bus.publish(topic, Edited { about, text }).map(drop),
                    None => Ok(()),
                }
            }
            _ => self.publish_message(text),
        }
    }

    /// Publishes a message, whose outcome is published as an event.
    fn publish_message(&self, text: String) -> Result<(), PublishError> {
        let reply_to = self.purpose.get().map(|purpose| purpose.subject.about);
        let mentions = self.choices.mentioned(&text);
        let message = TextMessage { sender: self.me.clone(), text, reply_to, mentions };
        self.bus.publish(self.room.text_message.clone(), message).map(drop)
    }

    fn has_sent(&self, published: Result<(), PublishError>) {
        match published {
            Ok(()) => {
                field::set(&self.field, "");
                self.draft.keep_now();
                self.throttle.borrow_mut().reset();
                self.end();
            }
            Err(error) => self.problem.set(Some(unpublished(&error))),
        }
        self.stop_picking();
    }
}
