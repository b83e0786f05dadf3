//! One message: author, text, time, and for the user's own messages the state and what can be done. Renders again only
//! when its row has changed.

use std::rc::Rc;

use yew::prelude::*;

use super::author;
use crate::model::refusal::Refusal;
use crate::model::timeline::{Row, State};
use crate::model::{emoji, text};
use crate::{address, clock};

#[derive(Properties, PartialEq)]
pub struct MessageRowProps {
    pub row: Rc<Row>,
    /// Whether it is the user's own.
    pub own: bool,
    /// Whether it continues the message above.
    pub follows: bool,
    /// The path of the room, for the message's address.
    pub room: AttrValue,
    /// The [day](clock::today).
    pub today: f64,
    /// Whether it waits for the link, so that it can be taken back.
    pub is_waiting: bool,
    /// Whether the reader has jumped to it.
    pub is_highlighted: bool,
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
    let MessageRowProps { row, own, follows, is_highlighted, .. } = props;
    let text = row.text();
    let is_open = use_state_eq(|| false);
    let folded = text::folded(text).filter(|_| !row.is_deleted());
    let unfold = {
        let is_open = is_open.clone();
        Callback::from(move |_: MouseEvent| is_open.set(!*is_open))
    };
    html! {
        <li
            class={classes!("message", own.then_some("own"), follows.then_some("follows"), is_highlighted.then_some("target"))}
            data-id={row.seen.id.clone()}
            data-state={row.state.word()}
        >
            <span class={classes!("sender", tone(row), follows.then_some("aside"))}>
                { author(&row.seen) }
            </span>
            <div class="bubble">
                if row.is_deleted() {
                    <div class="text deleted">{ "This message was deleted." }</div>
                } else {
                    <div class={classes!("text", emoji::is_few(text).then_some("few"))} dir="auto">
                        { folded.filter(|_| !*is_open).unwrap_or(text).to_owned() }
                    </div>
                }
                if folded.is_some() {
                    <button type="button" class="unfold" aria-expanded={is_open.to_string()} onclick={unfold}>
                        { if *is_open { "Show less" } else { "Show all" } }
                    </button>
                }
                <span class="meta">
                    if row.is_edited() && !row.is_deleted() {
                        { "edited " }
                    }
                    { time(props) }
                    if *own {
                        { sign(&row.state) }
                    }
                </span>
            </div>
            { actions(props) }
        </li>
    }
}

/// When it was published, as a link to the message.
fn time(props: &MessageRowProps) -> Html {
    let MessageRowProps { row, room, today, .. } = props;
    let Some(time_ms) = row.seen.time_ms else { return Html::default() };
    let time = html! {
        <time datetime={clock::iso(time_ms)}>{ clock::local(time_ms, *today) }</time>
    };
    match row.offset() {
        // It is reached by the keyboard in another way than by a thousand stops.
        Some(offset) => {
            html! { <a href={address::hash_of(room, offset)} tabindex="-1">{ time }</a> }
        }
        None => time,
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

/// One of the stylesheet's eight colours for names. One who imitates another one's name most likely gets another colour.
fn tone(row: &Row) -> &'static str {
    const TONES: [&str; 8] =
        ["tone-0", "tone-1", "tone-2", "tone-3", "tone-4", "tone-5", "tone-6", "tone-7"];
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
    let author = &row.seen.author;
    let person = match (&author.account, &*author.client) {
        (Some(account), _) => &**account,
        (None, "") => &*row.seen.message.sender.id,
        (None, client) => client,
    };
    TONES[person.bytes().fold(0, mix) % TONES.len()]
}
