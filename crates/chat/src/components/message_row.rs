//! One message: author, text, time, and for the user's own messages the state and what can be done. Renders again only
//! when its row has changed.

use std::rc::Rc;

use yew::prelude::*;

use crate::clock;
use crate::model::refusal::Refusal;
use crate::model::timeline::{Row, State};
use crate::model::{emoji, text};

#[derive(Properties, PartialEq)]
pub struct MessageRowProps {
    pub row: Rc<Row>,
    /// Whether it is the user's own.
    pub own: bool,
    /// Whether it continues the message above.
    pub follows: bool,
    /// The [day](clock::today).
    pub today: f64,
    /// Whether it waits for the link, so that it can be taken back.
    pub is_waiting: bool,
    /// Called when the user presses a button.
    pub on_action: Callback<(Action, Rc<Row>)>,
}

/// What the user can do with a message that is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Retry,
    Edit,
    Delete,
    TakeBack,
}

#[component]
pub fn MessageRow(props: &MessageRowProps) -> Html {
    let MessageRowProps { row, own, follows, today, .. } = props;
    let (sender, text) = (&row.message.sender, &row.message.text);
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
            data-state={row.state.word()}
        >
            <span class={classes!("sender", tone(row), follows.then_some("aside"))}>
                <bdi>{ sender.name.clone() }</bdi>
            </span>
            <div class="bubble">
                <div class={classes!("text", emoji::is_few(text).then_some("few"))} dir="auto">
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
                        { sign(&row.state) }
                    }
                </span>
            </div>
            { actions(props) }
        </li>
    }
}

/// A sign for the state of one's own message: a clock, a tick or an exclamation mark, from the style sheet.
fn sign(state: &State) -> Html {
    let name = match state {
        State::Queued => "Waiting",
        State::Sent => "Sending",
        State::Stored => "Sent",
        State::Failed(_) => "Not sent",
    };
    html! { <span class="sign" role="img" aria-label={name} title={name} /> }
}

fn actions(props: &MessageRowProps) -> Html {
    let button = |action: Action, name: &'static str| {
        let (on_action, row) = (props.on_action.clone(), props.row.clone());
        let onclick = Callback::from(move |_: MouseEvent| on_action.emit((action, row.clone())));
        html! { <button type="button" {onclick}>{ name }</button> }
    };
    match &props.row.state {
        State::Failed(Refusal { reason, can_retry }) => html! {
            <p class="failure">
                <span>{ "Not sent. " }{ reason.clone() }</span>
                if *can_retry {
                    { button(Action::Retry, "Retry") }
                }
                { button(Action::Edit, "Edit") }
                { button(Action::Delete, "Delete") }
            </p>
        },
        _ if props.is_waiting => html! {
            <p class="failure waiting">{ button(Action::TakeBack, "Take back") }</p>
        },
        _ => Html::default(),
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
