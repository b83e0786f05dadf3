//! The settings of this browser: language, theme and contrast. The script in index.html applies them, also in other
//! tabs. Below them, a button opens the developer tools.

use event_driven_kit::{Bus, Payload};
use wasm_bindgen::JsValue;
use web_sys::{HtmlInputElement, window};
use yew::prelude::*;

use crate::events::INSPECT;
use crate::language::{self, LANGUAGE, t};
use crate::storage;

/// The button that opens the settings, and the settings. The browser opens and closes them, and moves the focus.
pub fn settings(bus: &Bus) -> Html {
    let bus = bus.clone();
    let inspect = Callback::from(move |_: MouseEvent| {
        // Nothing limits the number of events on this topic.
        let _ = bus.publish_payload(INSPECT, Payload::from_js(JsValue::UNDEFINED));
    });
    let onchange = Callback::from(|event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let (name, value) = (input.name(), input.value());
        if name == LANGUAGE {
            return language::change(&value);
        }
        storage::set(&name, &value);
        // Other tabs get it from the browser.
        if let (Some(window), Ok(event)) = (window(), Event::new("storage")) {
            let _ = window.dispatch_event(&event);
        }
    });
    let system = || ("", t("System"));
    html! {
        <>
            <button type="button" class="open-settings" aria-label={t("Settings")} popovertarget="settings" />
            <div id="settings" popover="auto" role="dialog" aria-label={t("Settings")} {onchange}>
                // Languages are named in themselves.
                { choice(LANGUAGE, t("Language"), &[system(), ("en", "English".into()), ("zh-CN", "简体中文".into())]) }
                { choice("theme", t("Theme"), &[system(), ("light", t("Light")), ("dark", t("Dark"))]) }
                { choice("contrast", t("Contrast"), &[system(), ("more", t("High"))]) }
                <button
                    type="button"
                    class="open-inspector"
                    aria-keyshortcuts="Control+Alt+E"
                    popovertarget="settings"
                    popovertargetaction="hide"
                    onclick={inspect}
                >
                    { t("Inspector") }
                </button>
            </div>
        </>
    }
}

fn choice(setting: &'static str, legend: AttrValue, values: &[(&'static str, AttrValue)]) -> Html {
    let chosen = storage::setting(setting);
    let one = |(value, name): &(&'static str, AttrValue)| {
        html! {
            <label>
                <input type="radio" name={setting} value={*value} checked={chosen == *value} />
                <span>{ name }</span>
            </label>
        }
    };
    html! {
        <fieldset>
            <legend>{ legend }</legend>
            <div>{ for values.iter().map(one) }</div>
        </fieldset>
    }
}
