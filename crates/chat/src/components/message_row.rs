//! One message: author, text, time, and for the user's own messages the state. Renders again only when its row has
//! changed.

use std::rc::Rc;

use yew::prelude::*;

use crate::clock;
use crate::model::text;
use crate::model::timeline::{Row, State};

#[derive(Properties, PartialEq)]
pub struct MessageRowProps {
    pub row: Rc<Row>,
    /// Whether it is the user's own.
    pub own: bool,
    /// Whether it continues the message above.
    pub follows: bool,
    /// The [day](clock::today).
    pub today: f64,
    /// Called to publish a failed message again.
    pub on_retry: Callback<Rc<Row>>,
}

#[component]
pub fn MessageRow(props: &MessageRowProps) -> Html {
    let MessageRowProps { row, own, follows, today, .. } = props;
    let (sender, text) = (&row.message.sender, &row.message.text);
    let state = row.state.word();
    let is_open = use_state_eq(|| false);
    let folded = text::folded(text);
    let unfold = {
        let is_open = is_open.clone();
        Callback::from(move |_: MouseEvent| is_open.set(!*is_open))
    };
    html! {
        <li
            class={classes!("message", own.then_some("own"), follows.then_some("follows"))}
            data-id={row.id.clone()}
            data-state={state}
        >
            <span class={classes!("sender", tone(row), follows.then_some("aside"))}>
                <bdi>{ sender.name.clone() }</bdi>
            </span>
            <div class="bubble">
                <div class="text" dir="auto">
                    { folded.filter(|_| !*is_open).unwrap_or(text).to_owned() }
                </div>
                if folded.is_some() {
                    <button type="button" class="unfold" aria-expanded={is_open.to_string()} onclick={unfold}>
                        { if *is_open { "Show less" } else { "Show all" } }
                    </button>
                }
                <span class="meta">
                    if let Some(time_ms) = row.time_ms {
                        <time datetime={clock::iso(time_ms)}>{ clock::local(time_ms, *today) }</time>
                    }
                    if *own {
                        { " " }
                        <span class="state">{ state }</span>
                    }
                </span>
            </div>
            if let State::Failed(reason) = &row.state {
                { failure(reason, props) }
            }
        </li>
    }
}

fn failure(reason: &str, props: &MessageRowProps) -> Html {
    let (on_retry, row) = (props.on_retry.clone(), props.row.clone());
    let onclick = Callback::from(move |_: MouseEvent| on_retry.emit(row.clone()));
    html! {
        <p class="failure">
            <span>{ "Failed: " }{ reason.to_owned() }</span>
            <button type="button" class="retry" {onclick}>{ "Try again" }</button>
        </p>
    }
}

/// One of the stylesheet's eight colours for names. A client that imitates another one's name most likely gets another
/// colour.
fn tone(row: &Row) -> &'static str {
    const TONES: [&str; 8] =
        ["tone-0", "tone-1", "tone-2", "tone-3", "tone-4", "tone-5", "tone-6", "tone-7"];
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
    let client = if row.client.is_empty() { &row.message.sender.id } else { &*row.client };
    TONES[client.bytes().fold(0, mix) % TONES.len()]
}
