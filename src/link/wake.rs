//! The life of the page. When the page or the network is back, the link is probed at once: a hidden page may have
//! missed its timers. While the page is suspended, the link holds nothing.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use web_sys::VisibilityState;

use super::Link;
use crate::js::listen;

/// Listens until the returned listeners are dropped. A worker has neither a window nor a document.
pub(super) fn watch(link: &Weak<Link>) -> Vec<EventListener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let mut listeners: Vec<_> = ["online", "pageshow"]
        .into_iter()
        .map(|event| {
            let link = link.clone();
            listen(&window, event, move |_| wake(&link))
        })
        .collect();
    listeners.push(listen(&window, "pagehide", {
        let link = link.clone();
        move |_| suspend(&link)
    }));
    if let Some(document) = window.document() {
        // Only Chromium reports that it freezes a page in the background.
        for (event, then) in [("freeze", suspend as fn(&_)), ("resume", wake)] {
            let link = link.clone();
            listeners.push(listen(&document, event, move |_| then(&link)));
        }
        let (page, link) = (document.clone(), link.clone());
        listeners.push(listen(&document, "visibilitychange", move |_| {
            if page.visibility_state() == VisibilityState::Visible {
                wake(&link);
            }
        }));
    }
    listeners
}

/// A timeout of 750 ms for an answer of the browser. Dropping it ends the wait.
pub(super) struct Patience(Rc<RefCell<Option<Interval>>>);

impl Patience {
    /// Calls `late` when the time is over. The wait has three turns, between which a page that was blocked handles
    /// the answers that have arrived meanwhile.
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

fn suspend(link: &Weak<Link>) {
    if let Some(link) = link.upgrade() {
        link.suspend();
    }
}

fn wake(link: &Weak<Link>) {
    if let Some(link) = link.upgrade() {
        link.wake();
    }
}
