//! The status of the link to the relay.

use event_driven_kit::bridge::{LINK_TOPIC, LinkState};
use event_driven_kit::hooks::use_subscription;
use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::clock;
use crate::model::link;

#[component]
pub fn LinkBar() -> Html {
    let heard = use_state(|| (LinkState::Connecting, clock::monotonic()));
    let set = heard.setter();
    use_subscription(LINK_TOPIC, move |event| {
        set.set((event.data::<LinkState>()?.as_ref().clone(), clock::monotonic()));
        Ok(())
    });
    let (state, since) = &*heard;
    let tick = use_force_update();
    let counts_down = matches!(state, LinkState::Offline { .. });
    use_effect_with(counts_down, move |&counts_down| {
        let timer = counts_down.then(|| Interval::new(1_000, move || tick.force_update()));
        move || drop(timer)
    });

    let words = link::words(state, clock::monotonic() - since);
    html! {
        <div id="link" data-state={words.state}>
            <span role="status">{ words.word }</span>
            // Outside the status element, so that screen readers do not announce each second.
            if let Some(detail) = words.detail {
                <span class="detail">{ detail }</span>
            }
        </div>
    }
}
