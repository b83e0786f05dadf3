//! The page: a frame with the link's state, and in it the join screen or a room. Only the page's address says
//! which room is open.

use event_driven_kit::Bus;
use event_driven_kit::hooks::BusProvider;
use gloo_events::EventListener;
use web_sys::window;
use yew::prelude::*;

use crate::address::Named;
use crate::components::{
    Join, Joined, LinkBar, RoomView, is_replay, menu, settings, use_failures, use_inspector,
    use_refused, use_regions, use_uplink,
};
use crate::effect::use_effect_with;
use crate::events::{Person, Room};
use crate::language::t;
use crate::shell::Typed;
use crate::{address, profile};

#[derive(Properties, PartialEq)]
pub struct AppProps {
    /// What was typed before the program had loaded.
    pub typed: Option<Typed>,
}

/// The whole application, with its own bus.
#[component]
pub fn App(props: &AppProps) -> Html {
    let bus = use_memo((), |()| if is_replay() { Bus::sealed() } else { Bus::new() });
    let me = use_state(profile::person);
    let asked = use_address();
    let typed = use_state(|| props.typed.clone());
    let room = use_memo(asked.room.clone(), |asked| asked.as_deref().map(Room::named));
    let open = match room.as_ref() {
        Some(Ok(room)) if !me.name.is_empty() => Some(room.clone()),
        _ => None,
    };
    use_failures(&bus);
    use_inspector(&bus);
    use_regions();
    use_refused(&bus);
    let (bridge, problem) = match use_uplink(&bus) {
        Some(Ok(bridge)) => (Some(bridge), None),
        Some(Err(_)) => (None, Some(t("This browser can't connect to the server."))),
        None => (None, None),
    };

    let on_join = {
        let (me, asked, typed) = (me.clone(), asked.clone(), typed.setter());
        Callback::from(move |Joined { name, room }: Joined| {
            profile::remember(&name, &room.name);
            me.set(Person { id: me.id.clone(), name });
            // The address may name a message of the room.
            if asked.room.as_deref() != Some(&*room.name) {
                address::go_to(&room.name);
                asked.set(Named { room: Some(room.name.to_string()), offset: None });
            }
            typed.set(None);
        })
    };
    let on_leave = {
        let asked = asked.clone();
        Callback::from(move |_: MouseEvent| {
            address::leave();
            asked.set(Named::default());
        })
    };

    html! {
        <BusProvider bus={(*bus).clone()}>
            <header class="top">
                { title(open.as_ref()) }
                <LinkBar bridge={bridge.clone()} />
                { settings() }
                if open.is_some() {
                    { menu(&bus, on_leave) }
                }
            </header>
            if let Some(room) = open {
                <RoomView
                    key={room.name.to_string()}
                    room={room.clone()}
                    me={(*me).clone()}
                    {bridge}
                    offset={asked.offset}
                />
            } else {
                <Join
                    name={me.name.clone()}
                    room={asked.room.clone().or_else(profile::last_room)}
                    typed={(*typed).clone()}
                    {on_join}
                />
            }
            if let Some(problem) = problem {
                <p class="problem" role="alert">{ problem }</p>
            }
        </BusProvider>
    }
}

fn title(open: Option<&Room>) -> Html {
    match open {
        Some(room) => html! {
            <h1><span class="mark" aria-hidden="true">{ "#" }</span><bdi>{ room.name.clone() }</bdi></h1>
        },
        None => html! { <h1>{ t("event-driven-kit chat") }</h1> },
    }
}

/// What the address names, updated when the user goes back or edits the address.
#[hook]
fn use_address() -> UseStateHandle<Named> {
    let asked = use_state_eq(address::named);
    let set = asked.setter();
    use_effect_with((), move |()| {
        let listener = window().map(|window| {
            EventListener::new(&window, "hashchange", move |_| set.set(address::named()))
        });
        move || drop(listener)
    });
    asked
}
