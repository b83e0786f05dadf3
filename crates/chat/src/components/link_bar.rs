//! The status of the link to the relay, and the button that connects now.

use std::rc::Rc;

use event_driven_kit::Bridge;
use event_driven_kit::bridge::{LINK_TOPIC, LinkState};
use event_driven_kit::hooks::use_subscription;
use yew::prelude::*;

use crate::model::link;

#[derive(Properties, PartialEq)]
pub struct LinkBarProps {
    /// `None` until there is one.
    pub bridge: Option<Rc<Bridge>>,
}

#[component]
pub fn LinkBar(props: &LinkBarProps) -> Html {
    let words = use_state_eq(|| link::words(&LinkState::Connecting, false, 0));
    let (set, shown) = (words.setter(), words.state);
    let bridge = props.bridge.clone();
    use_subscription(LINK_TOPIC, move |_| {
        // The event only says that there is news: reading its payload would need a deserializer.
        if let Some(bridge) = &bridge {
            let was_offline = shown == "offline";
            set.set(link::words(&bridge.state(), was_offline, bridge.unanswered()));
        }
        Ok(())
    });
    let onclick = {
        let bridge = props.bridge.clone();
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
