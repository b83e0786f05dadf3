//! Tells when a room's history has been replayed, for the message list: history is not to be read out.
//! The end is taken to be a pause, because nothing on the bus says that a replay is over.

use std::cell::RefCell;
use std::rc::Rc;

use event_driven_kit::{Delivery, LinkState, use_subscription, use_subscription_with_echo};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::events::Room;

/// How long the first message may take once the link is there, in milliseconds.
const FIRST_MS: u32 = 1_500;

/// How long a replay pauses at most, in milliseconds.
const PAUSE_MS: u32 = 300;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History {
    /// Whether what comes now is news.
    pub is_over: bool,
}

#[hook]
pub fn use_history(room: &Room) -> History {
    let is_over = use_state_eq(|| false);
    let timer = use_mut_ref(|| None::<Timeout>);
    let has_linked = use_mut_ref(|| false);
    let set = is_over.setter();
    let wait = move |ms: u32| {
        let set = set.clone();
        let fresh = Timeout::new(ms, move || set.set(true));
        // Taken out first: a timer is not dropped while its place is borrowed.
        let old = timer.borrow_mut().replace(fresh);
        drop(old);
    };

    todo_replace(room, is_over, wait, has_linked)
}
