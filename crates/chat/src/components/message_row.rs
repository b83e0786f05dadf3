//! One message: who said what when, and for one's own how far it has come. Renders again only when its
//! row changed.

use std::rc::Rc;

use yew::prelude::*;

use crate::clock;
use crate::model::timeline::{Row, State};

#[derive(Properties, PartialEq)]
pub struct MessageRowProps {
    pub row: Rc<Row>,
    /// Whether the reader said it.
    pub own: bool,
    /// Whether it goes on with the message above.
    pub follows: bool,
    /// Asked to say a failed message again.
    pub on_retry: Callback<Rc<Row>>,
}

#[component]
pub fn MessageRow(props: &MessageRowProps) -> Html {
    let MessageRowProps { row, own, follows, .. } = props;
    let sender = &row.message.sender;
    let state = row.state.word();
    html! {
        <li
            class={classes!("message", own.then_some("own"), follows.then_some("follows"))}
            data-id={row.id.clone()}
            data-state={state}
        >
            <span class={classes!("sender", tone(&sender.id), follows.then_some("aside"))}>
                <bdi>{ sender.name.clone() }</bdi>
            </span>
            <div class="bubble">
                <div class="text" dir="auto">{ row.message.text.clone() }</div>
                <span class="meta">
                    <time datetime={clock::iso(row.time_ms)}>{ clock::local(row.time_ms) }</time>
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

/// One of the stylesheet's eight colours for names, the same for a person everywhere.
fn tone(id: &str) -> &'static str {
    const TONES: [&str; 8] =
        ["tone-0", "tone-1", "tone-2", "tone-3", "tone-4", "tone-5", "tone-6", "tone-7"];
    let mix = |sum: usize, byte: u8| sum.wrapping_mul(31).wrapping_add(usize::from(byte));
    TONES[id.bytes().fold(0, mix) % TONES.len()]
}
