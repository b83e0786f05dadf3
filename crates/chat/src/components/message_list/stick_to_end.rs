//! Keeps the message list scrolled to its end while the reader is there. While the reader is further up, it leaves the
//! list alone and reports whether there are newer messages below.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

use crate::model::timeline::{State, Timeline};

/// Within this distance, in CSS pixels, the reader counts as being at the end.
const NEAR: i32 = 48;

/// The state that the list renders.
pub struct End {
    /// The scrolling element.
    pub scroller: NodeRef,
    /// The content of the scrolling element.
    pub content: NodeRef,
    pub onscroll: Callback<Event>,
    /// Whether there are new messages that the reader has not scrolled to.
    pub has_newer: bool,
    /// Scrolls to the end.
    pub jump: Callback<MouseEvent>,
}

#[hook]
pub fn use_stick_to_end(timeline: &UseReducerHandle<Timeline>) -> End {
    let scroller = use_node_ref();
    let content = use_node_ref();
    let has_newer = use_state_eq(|| false);
    // Not a state: it does not affect rendering, and effects need the current value.
    let is_at_end = use_memo((), |()| Cell::new(true));

    let newest = timeline.rows().last().map(|row| {
        let is_pending = matches!(row.state, State::Queued | State::Sent);
        (row.id.clone(), is_pending)
    });
    {
        let (is_at_end, scroller, has_newer) =
            (is_at_end.clone(), scroller.clone(), has_newer.setter());
        use_effect_with(newest, move |newest| {
            let Some((_, is_pending)) = newest else {
                return;
            };
            // Users want to see their own new message.
            if *is_pending {
                is_at_end.set(true);
            }
            if is_at_end.get() {
                scroll_to_end(&scroller);
            } else {
                has_newer.set(true);
            }
        });
    }
    use_size_watch(&scroller, &content, &is_at_end);

    let onscroll = {
        let (is_at_end, scroller, has_newer) =
            (is_at_end.clone(), scroller.clone(), has_newer.setter());
        Callback::from(move |_: Event| {
            let Some(element) = scroller.cast::<Element>() else {
                return;
            };
            let below = element.scroll_height() - element.scroll_top() - element.client_height();
            is_at_end.set(below < NEAR);
            if below < NEAR {
                has_newer.set(false);
            }
        })
    };
    let jump = {
        let (scroller, has_newer) = (scroller.clone(), has_newer.setter());
        Callback::from(move |_: MouseEvent| {
            is_at_end.set(true);
            has_newer.set(false);
            scroll_to_end(&scroller);
        })
    };
    End { scroller, content, onscroll, has_newer: *has_newer, jump }
}

/// The end also moves without a new message, for example when a phone's keyboard opens or the window narrows.
#[hook]
fn use_size_watch(scroller: &NodeRef, content: &NodeRef, is_at_end: &Rc<Cell<bool>>) {
    let (scroller, content, is_at_end) = (scroller.clone(), content.clone(), is_at_end.clone());
    use_effect_with((), move |()| {
        let watched = [scroller.cast::<Element>(), content.cast::<Element>()];
        let on_resize = Closure::<dyn FnMut()>::new(move || {
            if is_at_end.get() {
                scroll_to_end(&scroller);
            }
        });
        let observer = ResizeObserver::new(on_resize.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            watched.iter().flatten().for_each(|element| observer.observe(element));
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop(on_resize);
        }
    });
}

fn scroll_to_end(scroller: &NodeRef) {
    if let Some(element) = scroller.cast::<Element>() {
        element.set_scroll_top(element.scroll_height());
    }
}
