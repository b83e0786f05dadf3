//! The hook for requests and their replies.

use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::use_bus;
use crate::{Bus, RequestError};

/// The state of the newest request of a component.
pub struct UseRequest<T, R> {
    ask: Callback<T>,
    asked: UseStateHandle<Asked<R>>,
}

enum Asked<R> {
    Nothing,
    Waiting,
    Answered(Result<Rc<R>, RequestError>),
}

impl<T, R> UseRequest<T, R> {
    /// Sends a request. The reply to the previous one is discarded.
    pub fn ask(&self, value: T) {
        self.ask.emit(value);
    }

    /// Whether the newest request is waiting for its reply.
    pub fn is_waiting(&self) -> bool {
        matches!(*self.asked, Asked::Waiting)
    }

    /// The reply to the newest request, or its error. `None` before that.
    pub fn reply(&self) -> Option<&Result<Rc<R>, RequestError>> {
        match &*self.asked {
            Asked::Answered(reply) => Some(reply),
            Asked::Nothing | Asked::Waiting => None,
        }
    }
}

impl<T, R> std::fmt::Debug for UseRequest<T, R> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("UseRequest").field("is_waiting", &self.is_waiting()).finish()
    }
}

/// Sends requests on `topic` with [`UseRequest::ask`], and renders the component again with the reply.
///
/// ```
/// use event_driven_kit::hooks::use_request;
/// use std::time::Duration;
/// use yew::prelude::*;
///
/// #[component]
/// fn Doubler() -> Html {
///     let double = use_request::<u32, u32>("double", Duration::from_secs(5));
///     let text = match double.reply() {
///         None if double.is_waiting() => "...".to_owned(),
///         None => "not asked".to_owned(),
///         Some(Ok(doubled)) => doubled.to_string(),
///         Some(Err(error)) => error.to_string(),
///     };
///     html! { <button onclick={move |_| double.ask(21)}>{ text }</button> }
/// }
/// ```
#[hook]
pub fn use_request<T, R>(topic: &str, timeout: Duration) -> UseRequest<T, R>
where
    T: Serialize + 'static,
    R: DeserializeOwned + 'static,
{
    let bus = use_bus();
    let asked = use_state(|| Asked::Nothing);
    let newest = use_mut_ref(|| 0_u64);
    let set = asked.setter();
    let deps = (bus, topic.to_owned(), timeout);
    let ask = use_memo(deps, move |(bus, topic, timeout): &(Bus, String, Duration)| {
        let (bus, topic, timeout) = (bus.clone(), topic.clone(), *timeout);
        Callback::from(move |value: T| {
            let number = {
                let mut newest = newest.borrow_mut();
                *newest += 1;
                *newest
            };
            set.set(Asked::Waiting);
            let (bus, topic, set) = (bus.clone(), topic.clone(), set.clone());
            let newest = newest.clone();
            spawn_local(async move {
                let reply = bus.request(topic.as_str(), value, timeout).await;
                if *newest.borrow() == number {
                    set.set(Asked::Answered(reply));
                }
            });
        })
    });
    UseRequest { ask: (*ask).clone(), asked }
}
