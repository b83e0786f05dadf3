//! One message: author, text, time, reactions and buttons, and for the user's own messages the state. Renders again
//! only when one of these has changed.

use std::rc::Rc;

use yew::prelude::*;

use super::{Quote, author, markdown};
use crate::language::t;
use crate::model::refusal::Refusal;
use crate::model::timeline::{Author, Row, State};
use crate::model::{emoji, text};
use crate::state::{StateHandle, use_state_eq};
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
    /// Whether the reader points to it, or the focus is in it.
    pub is_active: bool,
    /// The message that it replies to.
    pub quote: Option<Quote>,
    /// Called when the user presses a button.
    pub on_action: Callback<(Action, Rc<Row>)>,
}

/// What the user can do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Retry,
    Edit,
    Delete,
    TakeBack,
    Reply,
    /// Choose a reaction.
    React,
    /// Add or take back this reaction.
    Toggle(Rc<str>),
    /// Go to the message that it replies to.
    Quote,
}

#[component]
pub fn MessageRow(props: &MessageRowProps) -> Html {
    let MessageRowProps { row, own, follows, is_highlighted, .. } = props;
    let text = row.text();
    let is_open = use_state_eq(|| false);
    let is_sure = use_state_eq(|| false);
    let is_deleted = row.is_deleted();
    let folded = text::folded(text).filter(|_| !is_deleted);
    let shown = folded.filter(|_| !*is_open);
    let unfold = {
        let is_open = is_open.clone();
        Callback::from(move |_: MouseEvent| is_open.set(!*is_open))
    };
    html! {
        <li
            class={classes!("message", own.then_some("own"), follows.then_some("follows"), is_highlighted.then_some("target"))}
            data-id={row.seen.id.clone()}
            data-state={row.state.word()}
            tabindex="-1"
        >
            <span class={classes!("sender", tone(row), follows.then_some("aside"))}>
                { author(row) }
            </span>
            <div class="bubble">
                { quote(props) }
                if is_deleted {
                    <div class="text deleted">{ t("This message was deleted.") }</div>
                } else {
                    <div class={classes!("text", emoji::is_few(text).then_some("few"), shown.map(|_| "folded"))} dir="auto">
                        { markdown(shown.unwrap_or(text)) }
                    </div>
                }
                if folded.is_some() {
                    <button class="unfold" aria-expanded={is_open.to_string()} onclick={unfold}>
                        { if *is_open { t("Show less") } else { t("Show all") } }
                    </button>
                }
                <span class="meta">
                    if row.is_edited() && !is_deleted {
                        { t("edited") }{ " " }
                    }
                    { time(props) }
                    if *own && !is_deleted {
                        { sign(if row.waits() { &State::Queued } else { &row.state }) }
                    }
                </span>
            </div>
            { reactions(props) }
            { actions(props) }
            if row.offset().is_some() && !is_deleted {
                { tools(props, &is_sure) }
            }
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
        Some(offset) => {
            html! { <a href={address::hash_of(room, offset)} tabindex={stop(props)}>{ time }</a> }
        }
        None => time,
    }
}

/// A sign for the state of one's own message: a clock, a tick or an exclamation mark, from the style sheet.
fn sign(state: &State) -> Html {
    let name = match state {
        State::Queued => t("Waiting"),
        State::Sent => t("Sending"),
        State::Stored => t("Sent"),
        State::Failed(_) => t("Not sent"),
    };
    html! { <span class="sign" role="img" aria-label={name.clone()} title={name} /> }
}

/// A callback that asks for an action.
fn on_click(props: &MessageRowProps, action: Action) -> Callback<MouseEvent> {
    let (on_action, row) = (props.on_action.clone(), props.row.clone());
    Callback::from(move |_| on_action.emit((action.clone(), row.clone())))
}

/// The beginning of the message that it replies to.
fn quote(props: &MessageRowProps) -> Html {
    let Some(quote) = &props.quote else { return Html::default() };
    let (name, text) = match quote {
        Quote::Row(row) if row.is_deleted() => (None, t("This message was deleted.")),
        Quote::Row(row) => (Some((tone(row), row.seen.name())), text::preview(row.text()).into()),
        Quote::Reading => (None, "…".into()),
        Quote::Gone => (None, t("This message is not there.")),
    };
    html! {
        <button class="quote" tabindex="-1" onclick={on_click(props, Action::Quote)}>
            if let Some((tone, name)) = name {
                <span class={classes!("quoted", tone)} dir="auto">{ name }</span>
            }
            <span class="line" dir="auto">{ text }</span>
        </button>
    }
}

/// The reactions with their counts: buttons that add the user's own, or take it back.
fn reactions(props: &MessageRowProps) -> Html {
    let reactions = props.row.reactions();
    if reactions.is_empty() {
        return Html::default();
    }
    let button = |(emoji, people): (Rc<str>, Vec<Author>)| {
        let mine = people.iter().any(Author::is_me);
        html! {
            <button
                key={emoji.to_string()}
                class="reaction"
                tabindex={stop(props)}
                aria-pressed={if mine { "true" } else { "false" }}
                onclick={on_click(props, Action::Toggle(emoji.clone()))}
            >
                { emoji }{ " " }<span>{ people.len() }</span>
            </button>
        }
    };
    html! { <div class="reactions">{ for reactions.into_iter().map(button) }</div> }
}

/// Buttons and the link are tab stops in the message that the reader points to. A thousand others would be too many.
fn stop(props: &MessageRowProps) -> &'static str {
    if props.is_active { "0" } else { "-1" }
}

/// The buttons of a stored message. Of a message that the reader does not point to, only the first one is in the page,
/// which says that there are others.
fn tools(props: &MessageRowProps, is_sure: &StateHandle<bool>) -> Html {
    let is_active = props.is_active;
    let tool = |class: &'static str, name: AttrValue, onclick: Callback<MouseEvent>| {
        html! {
            <button key={class} {class} aria-label={name.clone()} title={name} {onclick} />
        }
    };
    let delete = on_click(props, Action::Delete);
    let (sure, unsure) = (is_sure.clone(), is_sure.setter());
    let delete =
        Callback::from(move |event| if *sure { delete.emit(event) } else { sure.set(true) });
    let unsure = Callback::from(move |_: FocusEvent| unsure.set(false));
    // Its name is what it shows, so that a screen reader asks, too.
    let name = if **is_sure { t("Delete?") } else { t("Delete") };
    html! {
        <div class="tools" role={is_active.then_some("toolbar")} aria-label={is_active.then(|| t("Actions"))}>
            // Focusing it draws the others.
            <button key="more" class="more" tabindex="-1" aria-expanded={is_active.to_string()} aria-label={t("Actions")} />
            if is_active {
                { tool("react", t("React"), on_click(props, Action::React)) }
                { tool("reply", t("Reply"), on_click(props, Action::Reply)) }
                if props.own {
                    { tool("edit", t("Edit"), on_click(props, Action::Edit)) }
                    <button
                        key="delete"
                        class={if **is_sure { "delete sure" } else { "delete" }}
                        aria-label={name.clone()}
                        title={name.clone()}
                        onclick={delete}
                        onblur={unsure}
                    >
                        if **is_sure {
                            { name }
                        }
                    </button>
                }
            }
        </div>
    }
}

fn actions(props: &MessageRowProps) -> Html {
    let button = |action: Action, name: AttrValue| {
        html! { <button onclick={on_click(props, action)}>{ name }</button> }
    };
    match &props.row.state {
        State::Failed(Refusal { reason, can_retry }) => html! {
            <p class="failure">
                <span>{ t("Not sent.") }{ " " }{ reason.clone() }</span>
                if *can_retry {
                    { button(Action::Retry, t("Retry")) }
                }
                { button(Action::Edit, t("Edit")) }
                { button(Action::Delete, t("Delete")) }
            </p>
        },
        _ if props.is_waiting => html! {
            <p class="failure waiting">{ button(Action::TakeBack, t("Take back")) }</p>
        },
        _ => Html::default(),
    }
}

/// One of the stylesheet's eight colours for names. A person who imitates another's name most likely gets another
/// colour.
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
