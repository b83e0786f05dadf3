//! F6 moves the focus to the next region of the page, and Shift and F6 to the one before.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, window};
use yew::prelude::*;

use crate::boxed::use_listener;

/// The regions, which follow each other as in the page. The inspector has a shadow tree.
const REGIONS: &str = ".top, nav, .join, .log, .write, event-inspector";

/// What gets the focus in a region: the region itself, its chosen tab, its field, or else its first control.
const TARGETS: [&str; 4] =
    ["[role='tab'][tabindex='0']", "[tabindex='0']", "textarea", "input, button, a"];

/// Listens for F6 while the page is open.
#[hook]
pub fn use_regions() {
    use_listener("keydown", |event| {
        let event: &KeyboardEvent = event.unchecked_ref();
        if event.key() == "F6" {
            event.prevent_default();
            go_on(event.shift_key());
        }
    });
}

/// Moves the focus to the next region that can have it.
fn go_on(is_back: bool) -> Option<()> {
    let document = window()?.document()?;
    let regions = document.query_selector_all(REGIONS).ok()?;
    let count = regions.length();
    let focused = document.active_element()?;
    let here = (0..count)
        .find(|at| regions.item(*at).is_some_and(|region| region.contains(Some(&focused))));
    for step in 1..=count {
        let next = match (here, is_back) {
            (Some(here), false) => here + step,
            (Some(here), true) => here + count - step,
            (None, false) => step - 1,
            (None, true) => count - step,
        };
        let region: HtmlElement = regions.item(next % count)?.unchecked_into();
        let shadow = region.shadow_root();
        let inside = |css: &&str| match &shadow {
            Some(shadow) => shadow.query_selector(css).ok().flatten(),
            None => region.query_selector(css).ok().flatten(),
        };
        let target = if region.tab_index() == 0 {
            Some(region.clone())
        } else {
            TARGETS.iter().find_map(inside).map(JsCast::unchecked_into)
        };
        if let Some(target) = target {
            // Does nothing where the region is hidden.
            let _ = target.focus();
            let focused = match &shadow {
                Some(shadow) => shadow.active_element(),
                None => document.active_element(),
            };
            if focused.as_ref() == Some(&target) {
                return Some(());
            }
        }
    }
    None
}
