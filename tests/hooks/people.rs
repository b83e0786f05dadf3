//! The hooks for presence and history, in components of two tabs that share a link.

use std::rc::Rc;

use event_driven_kit::bridge::{LinkState, Role};
use event_driven_kit::hooks::{BridgeProvider, BusProvider, use_history, use_join, use_presence};
use event_driven_kit::{Bridge, BridgeOptions, Bus};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use yew::prelude::*;

use crate::peer::Peer;
use crate::sharing::{URL, new_user, until};
use crate::{Stage, settled};

#[derive(Properties)]
struct Tab {
    bus: Bus,
    bridge: Rc<Bridge>,
    /// The occupants, if any.
    #[prop_or_default]
    key: Option<String>,
}

impl PartialEq for Tab {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.bridge, &other.bridge) && self.key == other.key
    }
}

impl Tab {
    /// The same component, for a user who is present with a key.
    fn of(&self, key: Option<&str>) -> Self {
        let (bus, bridge) = (self.bus.clone(), self.bridge.clone());
        Self { bus, bridge, key: key.map(str::to_owned) }
    }
}

/// A leader and its only follower.
async fn two(peer: &mut Peer) -> (Tab, Tab) {
    let user = new_user();
    let open = || {
        let bus = Bus::new();
        let bridge = Bridge::connect(&bus, BridgeOptions::new(URL).identity(&user)).unwrap();
        Tab { bus, bridge: bridge.into(), key: None }
    };
    let leader = open();
    until("a leader", peer, |_| leader.bridge.state() == LinkState::Online).await;
    let follower = open();
    until("a follower", peer, |_| follower.bridge.state() == LinkState::Online).await;
    assert_eq!(follower.bridge.status().role, Role::Follower);
    (leader, follower)
}

/// Serves until a component shows this text.
async fn shows<C: BaseComponent>(stage: &Stage<C>, text: &str, peer: &mut Peer) {
    let shown = || stage.element.text_content().unwrap_or_default();
    until(text, peer, |_| shown() == text).await;
}

#[component]
fn Lobby(props: &Tab) -> Html {
    #[component]
    fn Show() -> Html {
        let Some(here) = use_presence("lobby") else { return html! { "not known yet" } };
        let keys: Vec<_> = here.present.iter().map(|one| one.key.as_str()).collect();
        html! { keys.join(" ") }
    }
    #[derive(Properties, PartialEq)]
    struct As {
        key_of: String,
    }
    #[component]
    fn Present(props: &As) -> Html {
        use_join("lobby", &props.key_of, 1);
        Html::default()
    }
    html! {
        <BusProvider bus={props.bus.clone()}>
            <BridgeProvider bridge={Some(props.bridge.clone())}>
                <Show />
                if let Some(key) = &props.key {
                    <Present key_of={key.clone()} />
                }
            </BridgeProvider>
        </BusProvider>
    }
}

#[wasm_bindgen_test]
async fn a_member_that_joins_in_one_tab_is_shown_in_the_others_while_the_component_is_there() {
    let mut peer = Peer::default();
    let (leader, follower) = two(&mut peer).await;
    let of_leader = Stage::<Lobby>::mount(leader.of(None)).await;
    let mut of_follower = Stage::<Lobby>::mount(follower.of(None)).await;
    shows(&of_leader, "", &mut peer).await;
    shows(&of_follower, "", &mut peer).await;
    peer.join(77, "lobby", "bob", "1");
    shows(&of_follower, "bob", &mut peer).await;
    of_follower.app.update(follower.of(Some("ann")));
    shows(&of_leader, "bob ann", &mut peer).await;
    shows(&of_follower, "bob ann", &mut peer).await;
    of_follower.app.update(follower.of(None));
    shows(&of_leader, "bob", &mut peer).await;
    shows(&of_follower, "bob", &mut peer).await;
}

#[component]
fn Past(props: &Tab) -> Html {
    #[component]
    fn Show() -> Html {
        let history = use_history("chat.*", 2);
        let numbers = history.events().iter().map(|event| event.data::<u32>().unwrap().to_string());
        let mut text = numbers.collect::<Vec<_>>().join(" ");
        for (is_so, word) in
            [(history.is_waiting(), " waiting"), (history.is_complete(), " complete")]
        {
            text += if is_so { word } else { "" };
        }
        html! { <button onclick={move |_| history.more()}>{ text }</button> }
    }
    html! {
        <BusProvider bus={props.bus.clone()}>
            <BridgeProvider bridge={Some(props.bridge.clone())}><Show /></BridgeProvider>
        </BusProvider>
    }
}

/// Clicks the button of a component.
async fn click<C: BaseComponent>(stage: &Stage<C>) {
    let body = web_sys::window().unwrap().document().unwrap().body().unwrap();
    body.append_child(&stage.element).unwrap();
    let button = stage.element.query_selector("button").unwrap().unwrap();
    button.unchecked_into::<web_sys::HtmlElement>().click();
    stage.element.remove();
    settled().await;
}

#[wasm_bindgen_test]
async fn a_follower_shows_page_after_page_of_the_past_the_oldest_first() {
    let mut peer = Peer::default();
    for number in 1..=5 {
        peer.append("chat.a", &format!("id{number}"), &number.to_string());
    }
    let (leader, follower) = two(&mut peer).await;
    let of_follower = Stage::<Past>::mount(follower).await;
    let of_leader = Stage::<Past>::mount(leader).await;
    click(&of_follower).await;
    assert_eq!(of_follower.text().await, " waiting");
    shows(&of_follower, "4 5", &mut peer).await;
    click(&of_follower).await;
    shows(&of_follower, "2 3 4 5", &mut peer).await;
    click(&of_follower).await;
    shows(&of_follower, "1 2 3 4 5 complete", &mut peer).await;
    assert_eq!(of_leader.text().await, "");
    click(&of_leader).await;
    shows(&of_leader, "4 5", &mut peer).await;
}
