//! The input for messages. Publishes messages, and that the user is typing. Takes texts that the user wants to write
//! again.

mod draft;

use event_driven_kit::hooks::{use_bus, use_publish, use_subscription};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlTextAreaElement, Node};
use yew::prelude::*;

use super::EmojiPicker;
use crate::clock;
use crate::events::{COMPOSE, Person, Room, TextMessage};
use crate::model::refusal::unpublished;
use crate::model::text;
use crate::model::throttle::Throttle;
use draft::use_draft;

/// The minimal interval between two `typing` events, in milliseconds.
const TYPING_EVERY_MS: f64 = 2_000.0;

/// The key code of keys that an input method handles.
const TAKEN_BY_INPUT_METHOD: u32 = 229;

#[derive(Properties, PartialEq)]
pub struct ComposerProps {
    pub room: Room,
    pub me: Person,
}

#[component]
pub fn Composer(props: &ComposerProps) -> Html {
    let bus = use_bus();
    let say_typing = use_publish::<Person>(props.room.typing.as_str());
    let throttle = use_mut_ref(|| Throttle::every(TYPING_EVERY_MS));
    let field = use_node_ref();
    let problem = use_state_eq(|| None);
    // A text that is far too long does not size the field: that would need several layouts of it.
    let is_long = use_state_eq(|| false);
    let picking = use_state_eq(|| false);

    let draft = use_draft(&props.room, &field);

    let check_length = {
        let (field, problem, is_long) = (field.clone(), problem.setter(), is_long.setter());
        Callback::from(move |()| {
            let text = field.cast::<HtmlTextAreaElement>().map(|area| area.value());
            let too_long = text.and_then(|text| text::check_length(text.trim()).err());
            is_long.set(too_long.is_some());
            problem.set(too_long.map(|error| error.text()));
        })
    };

    use_effect_with(field.clone(), {
        let check_length = check_length.clone();
        move |field| {
            check_length.emit(());
            focus(field);
        }
    });

    let again = (field.clone(), draft.clone(), check_length.clone());
    use_subscription(COMPOSE, move |event| {
        let (field, draft, check_length) = &again;
        write_again(field, &event.data::<String>()?);
        check_length.emit(());
        draft.keep_now();
        Ok(())
    });

    let send = {
        let (field, throttle, problem, picking) =
            (field.clone(), throttle.clone(), problem.setter(), picking.setter());
        let (room, me, draft) = (props.room.clone(), props.me.clone(), draft.clone());
        Callback::from(move |()| {
            let Some(area) = field.cast::<HtmlTextAreaElement>() else {
                return;
            };
            let text = area.value().trim().to_owned();
            if text.is_empty() {
                return;
            }
            if let Err(error) = text::check(&text) {
                return problem.set(Some(error.text()));
            }
            let sender = me.clone();
            match bus.publish(room.text_message.clone(), TextMessage { sender, text }) {
                // Its outcome is published as an event.
                Ok(_receipt) => {
                    area.set_value("");
                    draft.keep_now();
                    throttle.borrow_mut().reset();
                    problem.set(None);
                }
                Err(error) => problem.set(Some(unpublished(&error))),
            }
            picking.set(false);
            focus(&field);
        })
    };

    let oninput = {
        let (field, me) = (field.clone(), props.me.clone());
        Callback::from(move |_: InputEvent| {
            draft.keep();
            check_length.emit(());
            let is_empty =
                field.cast::<HtmlTextAreaElement>().is_none_or(|area| area.value().is_empty());
            if !is_empty && throttle.borrow_mut().admit(clock::monotonic()) {
                say_typing.emit(me.clone());
            }
        })
    };
    let onkeydown = {
        let send = send.clone();
        Callback::from(move |event: KeyboardEvent| {
            let composes = event.is_composing() || event.key_code() == TAKEN_BY_INPUT_METHOD;
            if event.key() == "Enter" && !event.shift_key() && !composes {
                event.prevent_default();
                send.emit(());
            }
        })
    };
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        send.emit(());
    });

    let toggle = {
        let picking = picking.clone();
        Callback::from(move |_: MouseEvent| picking.set(!*picking))
    };
    let on_close = {
        let (picking, field) = (picking.setter(), field.clone());
        Callback::from(move |()| {
            picking.set(false);
            focus(&field);
        })
    };
    let on_pick = {
        let (on_close, field) = (on_close.clone(), field.clone());
        Callback::from(move |emoji: &'static str| {
            insert(&field, emoji);
            on_close.emit(());
        })
    };
    let onfocusout = {
        let picking = picking.setter();
        Callback::from(move |event: FocusEvent| {
            let inside = event.current_target().and_then(|whole| whole.dyn_into::<Node>().ok());
            let next = event.related_target().and_then(|next| next.dyn_into::<Node>().ok());
            if !inside.is_some_and(|inside| inside.contains(next.as_ref())) {
                picking.set(false);
            }
        })
    };

    html! {
        <div class="write" {onfocusout}>
            if *picking {
                <EmojiPicker {on_pick} {on_close} />
            }
            if let Some(problem) = &*problem {
                <p class="problem" role="alert">{ problem.clone() }</p>
            }
            <form {onsubmit}>
                <button
                    type="button"
                    class="open-emoji"
                    aria-label="Emoji"
                    aria-expanded={if *picking { "true" } else { "false" }}
                    onclick={toggle}
                >
                    { "🙂" }
                </button>
                <textarea
                    ref={field}
                    id="composer"
                    class={is_long.then_some("long")}
                    rows="1"
                    aria-label="Message"
                    placeholder="Write a message"
                    enterkeyhint="send"
                    autocomplete="off"
                    dir="auto"
                    {oninput}
                    {onkeydown}
                />
                <button id="send" class="primary">{ "Send" }</button>
            </form>
        </div>
    }
}

fn focus(field: &NodeRef) {
    if let Some(field) = field.cast::<HtmlElement>() {
        // Fails only if the element has been removed.
        let _ = field.focus();
    }
}

/// Puts `text` after what is in the field, and the focus into the field.
fn write_again(field: &NodeRef, text: &str) {
    if let Some(area) = field.cast::<HtmlTextAreaElement>() {
        let before = area.value();
        match (&*before, text) {
            (_, "") => {}
            ("", text) => area.set_value(text),
            (before, text) => area.set_value(&[before, "\n", text].concat()),
        }
        focus(field);
    }
}

/// Inserts `text` at the caret and replaces the selection.
fn insert(field: &NodeRef, text: &str) {
    let Some(area) = field.cast::<HtmlTextAreaElement>() else {
        return;
    };
    let caret = |at: Result<Option<u32>, _>| at.ok().flatten().unwrap_or(u32::MAX);
    let (start, end) = (caret(area.selection_start()), caret(area.selection_end()));
    // Fails only if the start is after the end, which is impossible for a caret.
    let _ = area.set_range_text_with_start_and_end_and_mode(text, start, end, "end");
}
