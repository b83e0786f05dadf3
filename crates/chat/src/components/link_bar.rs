//! The status of the link to the relay, and the button that connects now.

use std::rc::Rc;

use event_driven_kit::Bridge;
use event_driven_kit::bridge::{LINK_TOPIC, LinkState};
use event_driven_kit::hooks::{use_bus, use_subscription};
use yew::prelude::*;

use crate::events::TEXT_MESSAGE;
use crate::model::link;
use crate::state::use_state_eq;

/// The status of the link of a bridge, once there is one. It rarely changes, so it is drawn with the whole page.
#[hook]
pub fn use_link_bar(bridge: &Option<Rc<Bridge>>) -> Html {
    let is_replay = use_bus().is_sealed();
    let words = use_state_eq(|| match is_replay {
        true => link::replay(),
        false => link::words(&LinkState::Connecting, false, 0),
    });
    let (set, shown) = (words.setter(), words.state);
    let linked = bridge.clone();
    use_subscription(LINK_TOPIC, move |_| {
        // The event only says that there is news: reading its payload would need a deserializer.
        if let Some(bridge) = &linked {
            let (state, was_offline) = (bridge.state(), shown == "offline");
            let waiting = if state == LinkState::Online { 0 } else { messages_in(bridge) };
            set.set(link::words(&state, was_offline, waiting));
        }
        Ok(())
    });
    let onclick = {
        let bridge = bridge.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(bridge) = &bridge {
                bridge.reconnect();
            }
        })
    };

    html! {
        <div id="link" data-state={words.state}>
            <span role="status">{ &words.word }</span>
            // Outside the status element, so that screen readers do not announce each change of the count.
            if let Some(detail) = &words.detail {
                <span class="detail">{ detail }</span>
            }
            if let Some(action) = &words.action {
                <button type="button" class="connect" {onclick}>{ action }</button>
            }
        </div>
    }
}

/// The number of messages that wait. Other events, such as read positions, do not count.
fn messages_in(bridge: &Bridge) -> usize {
    let outbox = bridge.outbox();
    outbox.iter().filter(|event| event.topic.ends_with(TEXT_MESSAGE)).count()
}
