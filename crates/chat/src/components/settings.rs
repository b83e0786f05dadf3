//! The settings of this browser: language, theme and contrast. The script in index.html applies them, also in other
//! tabs.

use web_sys::{HtmlInputElement, window};
use yew::prelude::*;

use crate::language::{self, LANGUAGE, t};
use crate::storage;

/// The button that opens the settings, and the settings. The browser opens and closes them, and moves the focus.
pub fn settings() -> Html {
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
                { choice(LANGUAGE, t("Language"), [system(), ("en", "English".into()), ("zh-CN", "简体中文".into())]) }
                { choice("theme", t("Theme"), [system(), ("light", t("Light")), ("dark", t("Dark"))]) }
                { choice("contrast", t("Contrast"), [system(), ("more", t("High"))]) }
            </div>
        </>
    }
}

fn choice<const N: usize>(
    setting: &'static str,
    legend: AttrValue,
    values: [(&'static str, AttrValue); N],
) -> Html {
    let chosen = storage::setting(setting);
    let one = |(value, name): (&'static str, AttrValue)| {
        html! {
            <label>
                <input type="radio" name={setting} {value} checked={chosen == value} />
                <span>{ name }</span>
            </label>
        }
    };
    html! {
        <fieldset>
            <legend>{ legend }</legend>
            <div>{ for values.into_iter().map(one) }</div>
        </fieldset>
    }
}
