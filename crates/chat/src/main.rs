//! A chat on event-driven-kit.
//!
//! Components know topics but not each other: see [`events`] for the topics, [`components`] for their publishers
//! and subscribers, and [`model`] for the state that they show.

mod account;
mod address;
mod app;
mod boxed;
mod clock;
mod components;
mod effect;
mod events;
mod language;
mod letters;
mod model;
mod profile;
mod shell;
mod state;
mod storage;

use app::Page;
use components::is_replay;
use event_driven_kit::Bus;
use event_driven_kit::hooks::{BusProvider, BusProviderProps};
use yew::{Renderer, html};

fn main() {
    boxed::spawn(async {
        language::load().await;
        // In a task of its own, as long tasks keep the browser from painting and from handling input.
        boxed::sleep(0).await;
        render();
    });
}

/// Draws the page, with its own bus.
fn render() {
    let document = web_sys::window().and_then(|window| window.document());
    let root = document.as_ref().and_then(|document| document.get_element_by_id("app"));
    let typed = document.as_ref().and_then(shell::typed);
    let bus = if is_replay() { Bus::sealed() } else { Bus::new() };
    let props = BusProviderProps { bus, children: html! { <Page {typed} /> } };
    match root {
        Some(root) => Renderer::<BusProvider>::with_root_and_props(root, props).render(),
        None => Renderer::<BusProvider>::with_props(props).render(),
    };
}
