//! Opens the developer tools: if the address has `?inspect` or `?replay`, by Ctrl+Alt+E, and by `ui.inspect`. Their
//! file is loaded when they are opened for the first time.

use event_driven_kit::Bus;
use event_driven_kit::hooks::use_subscription;
use js_sys::Reflect;
use wasm_bindgen::JsCast;
use web_sys::{Document, KeyboardEvent, window};
use yew::prelude::*;

use crate::boxed::use_listener;
use crate::effect::use_effect_with;
use crate::events::INSPECT;

const ELEMENT: &str = "event-inspector";
const FILE: &str = "./inspector.js";
/// The address of the page that replays a recording.
const REPLAY: &str = "?replay";

/// Whether this page replays a recording: its bus is sealed.
pub fn is_replay() -> bool {
    search_is(REPLAY)
}

fn search_is(wanted: &str) -> bool {
    window().and_then(|window| window.location().search().ok()).is_some_and(|it| it == wanted)
}

/// Opens the developer tools of `bus` when they are asked for.
#[hook]
pub fn use_inspector(bus: &Bus) {
    let (asked, by_key) = (bus.clone(), bus.clone());
    use_subscription(INSPECT, move |_| {
        toggle(&asked);
        Ok(())
    });
    use_effect_with(bus.clone(), |bus| {
        if is_replay() || search_is("?inspect") {
            toggle(bus);
        }
    });
    use_listener("keydown", move |event| {
        let event: &KeyboardEvent = event.unchecked_ref();
        // AltGr, which some keyboards need for characters, counts as Ctrl+Alt.
        let is_asked = event.ctrl_key() && event.alt_key() && event.code() == "KeyE";
        if is_asked && !event.get_modifier_state("AltGraph") {
            toggle(&by_key);
        }
    });
}

fn document() -> Option<Document> {
    window()?.document()
}

/// Shows the inspector, or removes it.
fn toggle(bus: &Bus) -> Option<()> {
    let document = document()?;
    let body = document.body()?;
    if let Ok(Some(open)) = document.query_selector(ELEMENT) {
        open.remove();
        return None;
    }
    if document.query_selector("script[src$='inspector.js']").ok()?.is_none() {
        let script = document.create_element("script").ok()?;
        script.set_attribute("type", "module").ok()?;
        script.set_attribute("src", FILE).ok()?;
        body.append_child(&script).ok()?;
    }
    let element = document.create_element(ELEMENT).ok()?;
    element.set_attribute("replay", REPLAY).ok()?;
    Reflect::set(&element, &"bus".into(), &bus.inspect()).ok()?;
    body.append_child(&element).ok()?;
    Some(())
}
