//! The hooks for the status of the link and its problems.

use std::rc::Rc;

use yew::prelude::*;

use super::use_retained::use_retained;
use crate::bridge::{GAP_TOPIC, Gap, LINK_TOPIC, LinkStatus, UNCERTAIN_TOPIC, Uncertain};
use crate::{Event, HandlerResult};

/// The status of the link of this bus and its outbox, or `None` while there is no bridge.
///
/// ```
/// use event_driven_kit::bridge::LinkState;
/// use event_driven_kit::hooks::use_link;
/// use yew::prelude::*;
///
/// #[component]
/// fn Lamp() -> Html {
///     let Some(link) = use_link() else { return html! { "no link" } };
///     match &link.state {
///         LinkState::Online if link.outbox > 0 => html! { <p>{ "sending " }{ link.outbox }</p> },
///         LinkState::Online => html! { <p>{ "connected" }</p> },
///         LinkState::Stopped { reason, .. } => html! { <p>{ "stopped: " }{ reason }</p> },
///         _ => html! { <p>{ "not connected; " }{ link.outbox }{ " will be sent" }</p> },
///     }
/// }
/// ```
#[hook]
pub fn use_link() -> Option<Rc<LinkStatus>> {
    use_retained(LINK_TOPIC, |newest: &mut Option<Rc<LinkStatus>>, event| {
        *newest = Some(event.data()?);
        Ok(())
    })
}

/// The events that the peer may or may not have stored, at most the newest hundred. The user has to decide about
/// them.
#[hook]
pub fn use_uncertain() -> Vec<Rc<Uncertain>> {
    use_retained(UNCERTAIN_TOPIC, last_hundred)
}

/// The ranges of events that a rule has requested but the peer's log no longer has, at most the newest hundred.
#[hook]
pub fn use_gaps() -> Vec<Rc<Gap>> {
    use_retained(GAP_TOPIC, last_hundred)
}

fn last_hundred<T: serde::de::DeserializeOwned + 'static>(
    all: &mut Vec<Rc<T>>,
    event: &Event,
) -> HandlerResult {
    all.push(event.data()?);
    all.drain(..all.len().saturating_sub(100));
    Ok(())
}
