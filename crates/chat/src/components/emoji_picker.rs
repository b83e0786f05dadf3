//! A small choice of emoji. It is a single tab stop; arrow keys move inside, and Escape closes it.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::effect::use_effect_with;

const CHOICE: [(&str, &str); 32] = [
    ("😀", "grinning"),
    ("😂", "tears of joy"),
    ("🙂", "smile"),
    ("😉", "wink"),
    ("😊", "blush"),
    ("😍", "heart eyes"),
    ("😎", "cool"),
    ("🤔", "thinking"),
    ("😐", "neutral"),
    ("🙄", "eye roll"),
    ("😴", "asleep"),
    ("😢", "crying"),
    ("😭", "sobbing"),
    ("😡", "angry"),
    ("😱", "screaming"),
    ("🤯", "mind blown"),
    ("👍", "thumbs up"),
    ("👎", "thumbs down"),
    ("👏", "applause"),
    ("🙏", "thank you"),
    ("💪", "strong"),
    ("👋", "wave"),
    ("🤝", "handshake"),
    ("🎉", "party"),
    ("❤️", "heart"),
    ("🔥", "fire"),
    ("✨", "sparkles"),
    ("✅", "done"),
    ("❌", "no"),
    ("☕", "coffee"),
    ("🍕", "pizza"),
    ("🚀", "rocket"),
];

#[derive(Properties, PartialEq)]
pub struct EmojiPickerProps {
    pub on_pick: Callback<&'static str>,
    pub on_close: Callback<()>,
}

#[component]
pub fn EmojiPicker(props: &EmojiPickerProps) -> Html {
    let panel = use_node_ref();
    let at = use_state_eq(|| 0);

    use_effect_with((panel.clone(), *at), |(panel, at)| {
        if let Some(button) = buttons(panel).get(*at) {
            // Fails only if the element has been removed.
            let _ = button.focus();
        }
    });

    let onkeydown = {
        let (panel, at, on_close) = (panel.clone(), at.clone(), props.on_close.clone());
        Callback::from(move |event: KeyboardEvent| {
            let last = CHOICE.len() - 1;
            let next = match event.key().as_str() {
                "ArrowLeft" => at.saturating_sub(1),
                "ArrowRight" => (*at + 1).min(last),
                "ArrowUp" => at.checked_sub(columns(&panel)).unwrap_or(*at),
                "ArrowDown" => Some(*at + columns(&panel)).filter(|&to| to <= last).unwrap_or(*at),
                "Home" => 0,
                "End" => last,
                "Escape" => {
                    event.prevent_default();
                    return on_close.emit(());
                }
                _ => return,
            };
            event.prevent_default();
            at.set(next);
        })
    };

    let button = |(index, (emoji, name)): (usize, &(&'static str, &'static str))| {
        let (emoji, on_pick) = (*emoji, props.on_pick.clone());
        html! {
            <button
                type="button"
                aria-label={*name}
                title={*name}
                tabindex={if index == *at { "0" } else { "-1" }}
                onclick={Callback::from(move |_: MouseEvent| on_pick.emit(emoji))}
                onmousedown={Callback::from(keep_focus)}
            >
                { emoji }
            </button>
        }
    };
    html! {
        <div ref={panel} class="emoji" role="group" aria-label="Emoji" {onkeydown}>
            { for CHOICE.iter().enumerate().map(button) }
        </div>
    }
}

/// Prevents browsers from moving the focus out of the panel when its button is pressed, which would close the panel.
fn keep_focus(event: MouseEvent) {
    event.prevent_default();
}

/// The number of emoji in a row, which depends on the width of the screen.
fn columns(panel: &NodeRef) -> usize {
    let tops: Vec<i32> = buttons(panel).iter().map(|button| button.offset_top()).collect();
    tops.iter().take_while(|&top| Some(top) == tops.first()).count().max(1)
}

fn buttons(panel: &NodeRef) -> Vec<HtmlElement> {
    let Some(panel) = panel.cast::<HtmlElement>() else {
        return Vec::new();
    };
    let children = panel.children();
    let child = |at| children.item(at).and_then(|child| child.dyn_into().ok());
    (0..children.length()).filter_map(child).collect()
}
