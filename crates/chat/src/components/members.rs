//! The people in the open room: joins and watches it, and lists them.

use std::rc::Rc;

use event_driven_kit::Bridge;
use event_driven_kit::bridge::{Occupants, PRESENCE_TOPIC};
use event_driven_kit::hooks::use_subscription;
use web_sys::window;
use yew::prelude::*;

use crate::address;
use crate::boxed::use_listener;
use crate::effect::use_effect_with;
use crate::events::{Here, PersonId, Room};
use crate::language::{t, t_count};
use crate::model::members::{Member, members};
use crate::state::use_state_eq;

/// Joins the room that is open, and returns the people in it, once they are known.
#[hook]
pub fn use_members(
    room: Option<&Room>,
    bridge: &Option<Rc<Bridge>>,
    me: Option<PersonId>,
    name: &str,
) -> Vec<Member> {
    let here = use_state_eq(|| (String::new(), Vec::new()));
    let is_away = use_is_away();
    // While no room is open, it watches a topic that no page joins.
    let topic = room.map_or("$none", |room| room.presence()).to_owned();
    let (set, myself) = (here.setter(), me.clone());
    use_subscription(&[PRESENCE_TOPIC, &topic].concat(), move |event| {
        let occupants = event.data::<Occupants>()?;
        // What others have joined with may be anything.
        let of_chat = occupants.present.iter().filter_map(|occupant| {
            Some((PersonId::of_token(&occupant.key), occupant.data::<Here>().ok()?))
        });
        set.set((occupants.topic.clone(), members(of_chat, myself.as_ref())));
        Ok(())
    });
    use_effect_with((bridge.clone(), topic.clone()), |(bridge, topic)| {
        // Fails only for a topic that is not valid.
        let watched = bridge.as_ref().and_then(|bridge| bridge.watch(topic).ok());
        move || drop(watched)
    });
    let mine = me.map(|me| (me, Here { name: name.to_owned(), is_away }));
    use_effect_with((bridge.clone(), topic.clone(), mine), |(bridge, topic, mine)| {
        let joined = bridge
            .as_ref()
            .zip(mine.as_ref())
            .and_then(|(bridge, (me, here))| bridge.join(topic, me.token(), here.clone()).ok());
        move || drop(joined)
    });
    if here.0 == topic { here.1.clone() } else { Vec::new() }
}

/// Whether the page is hidden.
#[hook]
fn use_is_away() -> bool {
    let is_hidden =
        || window().and_then(|window| window.document()).is_some_and(|document| document.hidden());
    let is_away = use_state_eq(is_hidden);
    let set = is_away.setter();
    use_listener("visibilitychange", move |_| set.set(is_hidden()));
    *is_away
}

/// The button that opens the list of people, and the list.
pub fn member_list(members: &[Member], is_direct: bool) -> Html {
    if members.is_empty() {
        return Html::default();
    }
    let row = |member: &Member| {
        let state = match (member.is_me, member.is_away) {
            (true, _) => Some(t("you")),
            (false, true) => Some(t("away")),
            (false, false) => None,
        };
        html! {
            <li key={member.id.token().to_owned()} class={classes!(member.is_away.then_some("away"))}>
                <span class="name"><bdi>{ member.name.to_string() }</bdi></span>
                <span class="state">{ state }</span>
                if !member.is_me && !is_direct {
                    <a href={address::hash(&member.id.path())}>{ t("Talk") }</a>
                }
            </li>
        }
    };
    html! {
        <>
            <button type="button" class="open-members" popovertarget="members">
                { t_count("{n} here", "{n} here", members.len() as u64) }
            </button>
            <div id="members" popover="auto" role="group" aria-label={t("Who is here")}>
                <ul>{ for members.iter().map(row) }</ul>
            </div>
        </>
    }
}
