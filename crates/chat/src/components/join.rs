//! The join screen: asks for a name and a room.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::address;
use crate::effect::use_effect_with;
use crate::events::{Room, RoomError};
use crate::language::t;
use crate::model::text;
use crate::shell::Typed;
use crate::state::{use_node_ref, use_state_eq};

/// The user's choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The user's name, which is visible.
    pub name: String,
    /// The room.
    pub room: Room,
}

#[derive(Properties, PartialEq)]
pub struct JoinProps {
    /// The last name; may be empty.
    pub name: String,
    /// The room in the address, or the last room.
    pub room: Option<String>,
    /// What was typed before the program had loaded.
    pub typed: Option<Typed>,
    pub on_join: Callback<Joined>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Problems {
    name: Option<AttrValue>,
    room: Option<AttrValue>,
}

#[component]
pub fn Join(props: &JoinProps) -> Html {
    let name = use_node_ref();
    let room = use_node_ref();
    let problems = use_state_eq(Problems::default);

    // The fields are filled once, and again only if the address names another room. So they keep the user's input.
    use_effect_with((name.clone(), props.name.clone()), |(field, text)| fill(field, text));
    use_effect_with((room.clone(), props.room.clone()), |(field, text)| {
        fill(field, text.as_deref().unwrap_or("lobby"));
    });

    let submit = {
        let (name, room, problems) = (name.clone(), room.clone(), problems.clone());
        let on_join = props.on_join.clone();
        Callback::from(move |()| {
            let typed = text::name(&value(&name));
            let named = Room::named(&address::composed(&value(&room)));
            let found = Problems {
                name: typed.is_none().then(|| t("Say who you are.")),
                room: named.as_ref().err().map(RoomError::text),
            };
            if found.name.is_some() {
                focus(&name);
            } else if found.room.is_some() {
                focus(&room);
            }
            match (typed, named) {
                (Some(name), Ok(room)) => on_join.emit(Joined { name, room }),
                _ => problems.set(found),
            }
        })
    };

    use_effect_with((name.clone(), room.clone()), {
        let (typed, submit) = (props.typed.clone(), submit.clone());
        move |(name, room)| {
            let Some(typed) = typed else {
                return focus(if value(name).is_empty() { name } else { room });
            };
            if !typed.name.is_empty() {
                fill(name, &typed.name);
            }
            fill(room, &typed.room);
            focus(if typed.is_in_room { room } else { name });
            if typed.asked {
                submit.emit(());
            }
        }
    });
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        submit.emit(());
    });

    // index.html has the same elements, which are shown until the program has loaded.
    html! {
        <main class="join">
            <form {onsubmit} novalidate=true>
                <h2>{ t("Join a room") }</h2>
                <p class="lead">{ t("Anyone who knows a room's name can read and write in it.") }</p>
                <div>
                    <label for="name">{ t("Your name") }</label>
                    <input
                        ref={name}
                        id="name"
                        autocomplete="nickname"
                        maxlength={text::MAX_NAME_CHARACTERS.to_string()}
                        dir="auto"
                        aria-invalid={problems.name.as_ref().map(|_| "true")}
                        aria-describedby="name-problem"
                    />
                    { problem("name-problem", &problems.name) }
                </div>
                <div>
                    <label for="room">{ t("Room") }</label>
                    <input
                        ref={room}
                        id="room"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        dir="auto"
                        aria-invalid={problems.room.as_ref().map(|_| "true")}
                        aria-describedby="room-problem"
                    />
                    { problem("room-problem", &problems.room) }
                </div>
                <button id="join" class="primary">{ t("Join") }</button>
            </form>
        </main>
    }
}

/// Rendered from the start, so that screen readers announce its text.
fn problem(id: &'static str, text: &Option<AttrValue>) -> Html {
    html! { <p {id} class="problem" role="alert">{ text.clone().unwrap_or_default() }</p> }
}

fn value(field: &NodeRef) -> String {
    field.cast::<HtmlInputElement>().map(|field| field.value()).unwrap_or_default()
}

fn fill(field: &NodeRef, text: &str) {
    if let Some(field) = field.cast::<HtmlInputElement>() {
        field.set_value(text);
    }
}

fn focus(field: &NodeRef) {
    if let Some(field) = field.cast::<HtmlInputElement>() {
        // Fails only if the element has been removed.
        let _ = field.focus();
    }
}
