//! The choice of emoji, with search, groups and skin tones. The emoji are a single tab stop: arrow keys move between
//! them, and to the search. Escape closes it.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, Node};
use yew::prelude::*;

use super::emoji_table::{recent, remember, set_tone, table, tone, use_table};
use crate::effect::use_effect_with;
use crate::language::t;
use crate::model::emoji::{TONES, Table};
use crate::state::{use_node_ref, use_state_eq};

/// The most emoji that a search shows.
const MAX_FOUND: usize = 96;

/// The signs of the groups in the table.
const SIGNS: [&str; 9] = ["😀", "👋", "🐻", "🍎", "🚀", "⚽", "💡", "💠", "🏁"];

#[derive(Properties, PartialEq)]
pub struct EmojiPickerProps {
    pub on_pick: Callback<String>,
    pub on_close: Callback<()>,
}

#[component]
pub fn EmojiPicker(props: &EmojiPickerProps) -> Html {
    let is_there = use_table();
    let panel = use_node_ref();
    let query = use_state_eq(String::new);
    // The number of the group, or `None` for those that the user has chosen last.
    let group = use_state_eq(|| None);
    let skin = use_state_eq(tone);
    // The emoji that has the focus. `None` for the search.
    let at = use_state_eq(|| None::<usize>);

    let shown = shown(table(), &query, *group, TONES[*skin]);
    let last = shown.len().saturating_sub(1);

    use_effect_with((panel.clone(), *at), |(panel, at)| {
        let target = match at {
            Some(at) => buttons(panel).into_iter().nth(*at),
            None => find(panel, "input"),
        };
        if let Some(target) = target {
            // Fails only if the element has been removed.
            let _ = target.focus();
        }
    });

    let pick = {
        let on_pick = props.on_pick.clone();
        Callback::from(move |emoji: String| {
            remember(&emoji);
            on_pick.emit(emoji);
        })
    };
    let onkeydown = {
        let (panel, at, on_close) = (panel.clone(), at.clone(), props.on_close.clone());
        let (pick, first) = (pick.clone(), shown.first().map(|(emoji, _)| emoji.clone()));
        Callback::from(move |event: KeyboardEvent| {
            if event.is_composing() {
                return;
            }
            let is_reversed = find(&panel, ":scope:dir(rtl) .grid").is_some();
            let key = match &*event.key() {
                "ArrowLeft" if is_reversed => "ArrowRight".to_owned(),
                "ArrowRight" if is_reversed => "ArrowLeft".to_owned(),
                key => key.to_owned(),
            };
            let next = match (&*key, *at) {
                ("Escape", _) => {
                    event.prevent_default();
                    return on_close.emit(());
                }
                ("Enter", None) if is_search(&event) => {
                    event.prevent_default();
                    return first.clone().into_iter().for_each(|first| pick.emit(first));
                }
                ("ArrowDown", None) => Some(0),
                ("ArrowLeft", Some(at)) => Some(at.saturating_sub(1)),
                ("ArrowRight", Some(at)) => Some((at + 1).min(last)),
                ("ArrowUp", Some(at)) => at.checked_sub(columns(&panel)),
                ("ArrowDown", Some(at)) => {
                    Some(at + columns(&panel)).filter(|to| *to <= last).or(Some(at))
                }
                ("Home", Some(_)) => Some(0),
                ("End", Some(_)) => Some(last),
                _ => return,
            };
            event.prevent_default();
            at.set(next);
        })
    };
    let oninput = {
        let (query, at) = (query.setter(), at.setter());
        Callback::from(move |event: InputEvent| {
            if let Some(field) = event.target_dyn_into::<HtmlInputElement>() {
                query.set(field.value());
                at.set(None);
            }
        })
    };
    let tab = |number: Option<usize>, sign: &'static str, name: AttrValue| {
        let is_chosen = query.trim().is_empty() && *group == number;
        let (group, query, at) = (group.setter(), query.setter(), at.setter());
        let onclick = Callback::from(move |_: MouseEvent| {
            group.set(number);
            query.set(String::new());
            at.set(None);
        });
        html! {
            <button
                type="button"
                aria-label={name.clone()}
                title={name}
                aria-pressed={if is_chosen { "true" } else { "false" }}
                onmousedown={Callback::from(keep_focus)}
                {onclick}
            >
                { sign }
            </button>
        }
    };
    let next_tone = {
        let skin = skin.clone();
        Callback::from(move |_: MouseEvent| {
            let next = (*skin + 1) % TONES.len();
            set_tone(next);
            skin.set(next);
        })
    };
    let button = |(index, (emoji, name)): (usize, &(String, AttrValue))| {
        let (emoji, pick) = (emoji.clone(), pick.clone());
        let picked = emoji.clone();
        html! {
            <button
                key={emoji.clone()}
                type="button"
                aria-label={name.clone()}
                title={name.clone()}
                data-emoji={emoji.clone()}
                tabindex={if index == at.unwrap_or_default() { "0" } else { "-1" }}
                onclick={Callback::from(move |_: MouseEvent| pick.emit(picked.clone()))}
                onmousedown={Callback::from(keep_focus)}
            >
                { emoji }
            </button>
        }
    };
    let groups = table().map(|table| &*table.groups).unwrap_or_default();
    let groups = groups.iter().zip(SIGNS).enumerate();
    html! {
        <div ref={panel} class="emoji" role="group" aria-label={t("Emoji")} {onkeydown}>
            <div class="find">
                <input
                    type="search"
                    aria-label={t("Search emoji")}
                    placeholder={t("Search")}
                    autocomplete="off"
                    value={(*query).clone()}
                    {oninput}
                />
                <button type="button" aria-label={t("Skin tone")} title={t("Skin tone")} onclick={next_tone} onmousedown={Callback::from(keep_focus)}>
                    { ["✋", TONES[*skin]].concat() }
                </button>
            </div>
            <div class="groups">
                { tab(None, "🕘", t("Last used")) }
                { for groups.map(|(number, (name, sign))| tab(Some(number), sign, (*name).into())) }
            </div>
            if is_there == Some(false) {
                <p role="status">{ t("The emoji could not be loaded.") }</p>
            } else if shown.is_empty() {
                <p role="status">{ if is_there.is_some() { t("Nothing found") } else { t("Loading…") } }</p>
            }
            <div class="grid">{ for shown.iter().enumerate().map(button) }</div>
        </div>
    }
}

/// The emoji to show, with their names.
fn shown(
    table: Option<&Table>,
    query: &str,
    group: Option<usize>,
    tone: &str,
) -> Vec<(String, AttrValue)> {
    let named = |text: String| {
        let same = table.and_then(|table| table.emoji.iter().find(|emoji| emoji.text == text));
        let name = same.map_or_else(|| AttrValue::from(text.clone()), |emoji| emoji.name.into());
        (text, name)
    };
    let is_search = !query.trim().is_empty();
    match (table, group) {
        (Some(table), _) if is_search => {
            let found = table.search(query, MAX_FOUND);
            found.iter().map(|emoji| (emoji.with_tone(tone), emoji.name.into())).collect()
        }
        (Some(table), Some(group)) => {
            let all = table.emoji.iter().filter(|emoji| emoji.group == group);
            all.map(|emoji| (emoji.with_tone(tone), emoji.name.into())).collect()
        }
        _ if is_search => Vec::new(),
        _ => recent().into_iter().map(named).collect(),
    }
}

/// Prevents browsers from moving the focus out of the search when a button is pressed.
fn keep_focus(event: MouseEvent) {
    event.prevent_default();
}

fn is_search(event: &KeyboardEvent) -> bool {
    event.target_dyn_into::<HtmlInputElement>().is_some()
}

/// Whether the focus leaves an element, such as one around a picker.
pub fn leaves(event: &FocusEvent) -> bool {
    let inside = event.current_target().and_then(|whole| whole.dyn_into::<Node>().ok());
    let next = event.related_target().and_then(|next| next.dyn_into::<Node>().ok());
    !inside.is_some_and(|inside| inside.contains(next.as_ref()))
}

/// The number of emoji in a row, which depends on the width of the screen.
fn columns(panel: &NodeRef) -> usize {
    let tops: Vec<i32> = buttons(panel).iter().map(|button| button.offset_top()).collect();
    tops.iter().take_while(|&top| Some(top) == tops.first()).count().max(1)
}

fn find(panel: &NodeRef, css: &str) -> Option<HtmlElement> {
    let panel = panel.cast::<HtmlElement>()?;
    panel.query_selector(css).ok()??.dyn_into().ok()
}

fn buttons(panel: &NodeRef) -> Vec<HtmlElement> {
    let Some(grid) = find(panel, ".grid") else { return Vec::new() };
    let children = grid.children();
    let child = |at| children.item(at).and_then(|child| child.dyn_into().ok());
    (0..children.length()).filter_map(child).collect()
}
