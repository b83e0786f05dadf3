//! The hook that folds retained and new events of a topic into a state.

use std::cell::RefCell;
use std::rc::Rc;

use yew::prelude::*;

use super::per_frame::PerFrame;
use super::use_bus;
use super::use_subscription::report;
use crate::{Event, HandlerResult};

/// The state that `fold` computes from the retained and the new events of a topic. The component renders again at
/// most once per animation frame.
#[hook]
pub(super) fn use_retained<S: Clone + Default + 'static>(
    topic: &str,
    fold: fn(&mut S, &Event) -> HandlerResult,
) -> S {
    let (bus, render) = (use_bus(), use_force_update());
    let folded = use_memo((bus, topic.to_owned()), move |(bus, topic)| {
        let (state, frames) = (Rc::new(RefCell::new(S::default())), PerFrame::new(render));
        let folds = state.clone();
        let subscription = bus.subscriber(topic).replay(move |event| {
            let result = fold(&mut folds.borrow_mut(), event);
            frames.render();
            result
        });
        let subscription =
            subscription.map_err(|error| report(bus, "$bus.subscribe", topic, error));
        (state, subscription.ok())
    });
    let (state, _subscription) = &*folded;
    S::clone(&state.borrow())
}
