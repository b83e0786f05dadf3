//! The page's wake-ups: the network or the page is back, so the link is probed now instead of at a
//! timer that a hidden page may have missed. And its rests: it is put away, and holds nothing meanwhile.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use web_sys::VisibilityState;

use super::link::Link;
use crate::js::listen;

/// Listens while the answer lives; a worker has neither window nor document.
pub(super) fn watch(link: &Rc<Link>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let weak = Rc::downgrade(link);
    let mut listeners: Vec<_> = ["online", "pageshow"]
        .into_iter()
        .map(|event| {
            let link = weak.clone();
            listen(&window, event, move |_| wake(&link))
        })
        .collect();
    listeners.push(listen(&window, "pagehide", {
        let link = weak.clone();
        move |_| rest(&link)
    }));
    if let Some(document) = window.document() {
        // Chromium alone tells when it freezes a page in the background.
        for (event, then) in [("freeze", rest as fn(&_)), ("resume", wake)] {
            let link = weak.clone();
            listeners.push(listen(&document, event, move |_| then(&link)));
        }
        let page = document.clone();
        listeners.push(listen(&document, "visibilitychange", move |_| {
            if page.visibility_state() == VisibilityState::Visible {
                wake(&weak);
            }
        }));
    }
    listeners
}

/// Waits three quarters of a second for an answer of the browser. Dropping it ends the wait.
pub(super) struct Patience(Rc<RefCell<Option<Interval>>>);

impl Patience {
    /// Calls `late` when the time is over. In three turns: if the page itself was blocked, answers that came meanwhile
    /// are handled between them.
    pub(super) fn new(late: Box<dyn Fn()>) -> Self {
        let this = Self(Rc::default());
        let (interval, mut turns) = (Rc::downgrade(&this.0), 0);
        this.0.replace(Some(Interval::new(250, move || {
            turns += 1;
            if turns == 3 {
                drop(interval.upgrade().and_then(|interval| interval.take()));
                late();
            }
        })));
        this
    }
}

fn rest(link: &Weak<Link>) {
    if let Some(link) = link.upgrade() {
        link.rest();
    }
}

fn wake(link: &Weak<Link>) {
    if let Some(link) = link.upgrade() {
        link.wake();
    }
}
