//! The page: the list of rooms, and beside it a header with the join screen or a room. Only the page's address says
//! which room is open.

use std::rc::Rc;

use event_driven_kit::hooks::use_bus;
use event_driven_kit::{Bridge, Bus};
use yew::prelude::*;

use crate::address::DIRECT;
use crate::address::Named;
use crate::boxed::use_listener;
use crate::components::{
    Join, Joined, RoomList, RoomView, Sidebar, member_list, menu, settings, use_failures,
    use_inspector, use_link_bar, use_members, use_notice, use_refused, use_regions,
    use_switcher_key, use_uplink,
};
use crate::effect::use_effect_with;
use crate::events::{Person, Room};
use crate::language::t;
use crate::shell::Typed;
use crate::state::{StateHandle, use_memo, use_state_eq};
use crate::{address, profile};

#[derive(Properties, PartialEq)]
pub struct PageProps {
    /// What was typed before the program had loaded.
    pub typed: Option<Typed>,
}

/// The whole page.
#[component]
pub fn Page(props: &PageProps) -> Html {
    let bus = use_bus();
    let me = use_state_eq(profile::person);
    let asked = use_address();
    let typed = use_state_eq(|| props.typed.clone());
    use_failures();
    use_inspector(&bus);
    use_regions();
    use_refused();
    use_switcher_key();
    let notice = use_notice();
    let (bridge, problem) = match use_uplink(&bus) {
        Some(Ok(bridge)) => (Some(bridge), None),
        Some(Err(_)) => (None, Some(t("This browser can't connect to the server."))),
        None => (None, None),
    };
    let link = use_link_bar(&bridge);
    let rooms = use_room_list(&bus, &bridge, &me.name);
    let myself = rooms.me();
    let room = use_memo((asked.room.clone(), myself.clone()), |(asked, myself)| {
        asked.as_deref().and_then(|asked| Room::of_path(asked, myself.as_ref()).ok())
    });
    let open = (*room).clone().filter(|_| !me.name.is_empty());
    use_memo(open.clone(), |open| rooms.open(open.as_ref()));
    let members = use_members(open.as_ref(), &bridge, myself.clone(), &me.name);

    let on_join = {
        let (me, asked, typed) = (me.clone(), asked.clone(), typed.setter());
        Callback::from(move |Joined { name, room }: Joined| {
            profile::remember(&name, &room.path);
            me.set(Person { id: me.id.clone(), name });
            // The address may name a message of the room.
            if asked.room.as_deref() != Some(&*room.path) {
                address::go_to(&room.path);
                asked.set(Named { room: Some(room.path.to_string()), offset: None });
            }
            typed.set(None);
        })
    };
    let close = {
        let asked = asked.clone();
        Callback::from(move |_: MouseEvent| {
            address::leave();
            asked.set(Named::default());
        })
    };
    let on_leave = {
        let (rooms, room, close) = (rooms.clone(), open.clone(), close.clone());
        Callback::from(move |event: MouseEvent| {
            close.emit(event);
            if let Some(room) = &room {
                rooms.leave(room);
            }
        })
    };
    // Direct messages need the user's own id, which the relay has not sent yet.
    let waits_for_me = !me.name.is_empty()
        && myself.is_none()
        && asked.room.as_ref().is_some_and(|asked| asked.starts_with(DIRECT));
    let has_list = !me.name.is_empty() && rooms.has_any();
    let key = open.as_ref().map(|open| open.key.clone());
    // Without accounts, names are not checked.
    let is_guest = myself.is_some_and(|myself| myself.is_guest());
    let hint =
        || t("Not private: this server has no accounts, so anyone on it can read these messages.");
    let views = rooms.kept().into_iter().map(|kept| {
        let is_open = key.as_ref() == Some(&kept.key);
        let hint = (is_guest && kept.other().is_some()).then(hint);
        html! {
            <RoomView
                key={kept.key.to_string()}
                room={kept.clone()}
                {is_open}
                me={(*me).clone()}
                bridge={bridge.clone()}
                offset={asked.offset.filter(|_| is_open)}
                new_after={rooms.new_after().filter(|_| is_open)}
                {hint}
            />
        }
    });

    html! {
        <>
            if has_list {
                <Sidebar rooms={rooms.clone()} open={key.clone()} />
            }
            <header class={classes!("top", open.is_some().then_some("in-room"))}>
                if let Some(room) = &open {
                    <button type="button" class="back" aria-label={t("Back to the rooms")} onclick={close}>{ "‹" }</button>
                    { title(room, rooms.title_of(room)) }
                    { member_list(&members, room.other().is_some()) }
                } else {
                    <h1>{ t("event-driven-kit chat") }</h1>
                }
                { link }
                { settings(&bus) }
                if let Some(room) = &open {
                    { menu(&bus, &rooms, room, on_leave) }
                }
            </header>
            { for views }
            if open.is_none() && !waits_for_me {
                <Join
                    name={me.name.clone()}
                    room={asked.room.clone().filter(|asked| !asked.starts_with(DIRECT)).or_else(profile::last_room)}
                    typed={(*typed).clone()}
                    {on_join}
                />
            }
            { notice }
            if let Some(problem) = problem {
                <p class="problem" role="alert">{ problem }</p>
            }
        </>
    }
}

fn title(room: &Room, title: AttrValue) -> Html {
    html! {
        <h1>
            if room.other().is_none() {
                <span class="mark" aria-hidden="true">{ "#" }</span>
            }
            <bdi>{ title }</bdi>
        </h1>
    }
}

/// The rooms of the user, for as long as the page is open.
#[hook]
fn use_room_list(bus: &Bus, bridge: &Option<Rc<Bridge>>, name: &str) -> Rc<RoomList> {
    let render = use_force_update();
    let rooms =
        use_memo((), |()| RoomList::new(bus, Callback::from(move |()| render.force_update())));
    let rooms = (*rooms).clone();
    let linked = rooms.clone();
    use_effect_with((bridge.clone(), name.to_owned()), move |(bridge, name)| {
        linked.set_link(bridge.clone(), name);
    });
    rooms
}

/// What the address names, updated when the user goes back or edits the address.
#[hook]
fn use_address() -> StateHandle<Named> {
    let asked = use_state_eq(address::named);
    let set = asked.setter();
    use_listener("hashchange", move |_| set.set(address::named()));
    asked
}
