//! A chat on event-driven-kit.
//!
//! Components know topics but not each other: see [`events`] for the topics, [`components`] for their publishers
//! and subscribers, and [`model`] for the state that they show.

mod account;
mod address;
mod app;
mod clock;
mod components;
mod effect;
mod events;
mod language;
mod letters;
mod model;
mod profile;
mod shell;
mod storage;

use app::{App, AppProps};

fn main() {
    wasm_bindgen_futures::spawn_local(async {
        language::load().await;
        render();
    });
}

fn render() {
    let document = web_sys::window().and_then(|window| window.document());
    let root = document.as_ref().and_then(|document| document.get_element_by_id("app"));
    let props = AppProps { typed: document.as_ref().and_then(shell::typed) };
    match root {
        Some(root) => yew::Renderer::<App>::with_root_and_props(root, props).render(),
        None => yew::Renderer::<App>::with_props(props).render(),
    };
}
