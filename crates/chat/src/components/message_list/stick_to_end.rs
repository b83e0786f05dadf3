//! Keeps the end of the message list in sight while the reader is there, leaves the list alone while they
//! read further up, and tells whether something newer waits below.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

use crate::model::timeline::{State, Timeline};

/// A reader this close to the end, in CSS pixels, is at the end.
const NEAR: i32 = 48;

/// What the list needs to draw.
pub struct End {
    /// The element that scrolls.
    pub scroller: NodeRef,
    /// What is scrolled in it.
    pub content: NodeRef,
    pub onscroll: Callback<Event>,
    /// Whether a message came that the reader has not scrolled to.
    pub has_newer: bool,
    /// Goes to the end.
    pub jump: Callback<MouseEvent>,
}

#[hook]
pub fn use_stick_to_end(timeline: &UseReducerHandle<Timeline>) -> End {
    let scroller = use_node_ref();
    let content = use_node_ref();
    let has_newer = use_state_eq(|| false);
    // Not state: nothing is drawn differently by it, and effects need it as it is now.
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
            // Who has just said something wants to see it.
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

/// The end also moves without a new message: a phone's keyboard opens, a window narrows, a text wraps.
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
