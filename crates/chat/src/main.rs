//! A chat on event-driven-kit.
//!
//! Components know topics but not each other: see [`events`] for the topics, [`components`] for their publishers
//! and subscribers, and [`model`] for the state that they show.

mod account;
mod address;
mod app;
mod clock;
mod components;
mod events;
mod model;
mod profile;

fn main() {
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id("app"));
    match root {
        Some(root) => yew::Renderer::<app::App>::with_root(root).render(),
        None => yew::Renderer::<app::App>::new().render(),
    };
}
