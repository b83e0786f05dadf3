//! The smallest Yew app on event-driven-kit: a counter that all tabs share.
//!
//! The counter is the sum of its events. The relay keeps them, so that a reload, another tab and another browser come
//! to the same number.

use event_driven_kit::bridge::{BridgeError, RuleGuard, StartFrom};
use event_driven_kit::hooks::{BusProvider, use_publish, use_topic_with};
use event_driven_kit::{Bridge, BridgeOptions, Bus, Rule};
use yew::prelude::*;

const ADDED: &str = "counter.added";

#[component]
fn Counter() -> Html {
    let count = use_topic_with(
        ADDED,
        || 0,
        |count: &mut i32, event| {
            *count += *event.data::<i32>()?;
            Ok(())
        },
    );
    let add = use_publish(ADDED);
    html! {
        <main>
            <output>{ *count }</output>
            <button onclick={add.reform(|_| 1)}>{ "Add one" }</button>
        </main>
    }
}

#[component]
fn App() -> Html {
    let bus = use_memo((), |()| Bus::new());
    let link = use_state(|| None);
    let set = link.setter();
    // An effect comes after the first render: by then the counter has subscribed, and misses nothing.
    use_effect_with(bus.clone(), move |bus| set.set(Some(connect(bus))));
    html! {
        <BusProvider bus={(*bus).clone()}>
            <Counter />
            if let Some(Err(error)) = &*link {
                <p role="alert">{ error.to_string() }</p>
            }
        </BusProvider>
    }
}

/// Shares the counter's events with the relay that serves this page, from the first one on.
fn connect(bus: &Bus) -> Result<(Bridge, RuleGuard), BridgeError> {
    let host = web_sys::window().and_then(|window| window.location().host().ok());
    let relay = ["ws://", &host.unwrap_or_default(), "/ws"].concat();
    let bridge = Bridge::connect(bus, BridgeOptions::new(relay))?;
    let rule = bridge.rule(Rule::both(ADDED).durable().from(StartFrom::Earliest))?;
    Ok((bridge, rule))
}

fn main() {
    yew::Renderer::<App>::new().render();
}
