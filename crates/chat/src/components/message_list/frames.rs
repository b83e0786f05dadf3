//! Limits how often the list renders: once per animation frame, and less often while many messages arrive.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_render::{AnimationFrame, request_animation_frame};
use gloo_timers::callback::Timeout;
use web_sys::window;
use yew::prelude::*;

use crate::boxed::after;
use crate::state::use_memo;

/// How often a page that is hidden renders, in milliseconds: it has no frames.
const HIDDEN_MS: u32 = 250;
/// How often it renders while many messages arrive, in milliseconds. Most of a render takes the same time for one new
/// message and for twenty, and seven renders per second are faster than anyone reads.
const BUSY_MS: u32 = 140;
/// How many frames that is.
const BUSY_FRAMES: u32 = 8;

/// Renders at once at the first request, and later if there were others by then: at the next frame, or if there was
/// more than one request per frame, after [`BUSY_MS`].
pub struct Frames {
    this: Weak<Self>,
    update: UseForceUpdateHandle,
    /// The requests since it has rendered.
    requests: Cell<u32>,
    /// Whether there was more than one request per frame.
    is_busy: Cell<bool>,
    /// Dropped with the component.
    wait: RefCell<Option<Wait>>,
}

enum Wait {
    Frame { _frame: AnimationFrame },
    Timer { _timer: Timeout },
}

/// The frames of this component.
#[hook]
pub fn use_frames() -> Rc<Frames> {
    let update = use_force_update();
    let frames = use_memo((), move |()| {
        Rc::new_cyclic(|this| Frames {
            this: this.clone(),
            update,
            requests: Cell::new(0),
            is_busy: Cell::new(false),
            wait: RefCell::default(),
        })
    });
    (*frames).clone()
}

impl Frames {
    /// Renders the component soon.
    pub fn render(&self) {
        self.requests.set(self.requests.get() + 1);
        if self.wait.borrow().is_none() {
            self.render_and_wait();
        }
    }

    /// Renders the component at once, also while it waits.
    pub fn render_now(&self) {
        if self.wait.borrow().is_none() {
            return self.render_and_wait();
        }
        self.requests.set(0);
        self.update.force_update();
    }

    fn render_and_wait(&self) {
        self.requests.set(0);
        self.update.force_update();
        let this = self.this.clone();
        let pass = move || {
            let Some(this) = this.upgrade() else { return };
            let passed = this.wait.take();
            let usual = if this.is_busy.get() { BUSY_FRAMES } else { 1 };
            this.is_busy.set(this.requests.get() > usual);
            if this.requests.get() > 0 {
                this.render_and_wait();
            }
            drop(passed);
        };
        let is_hidden =
            window().and_then(|window| window.document()).is_some_and(|page| page.hidden());
        let wait = match (is_hidden, self.is_busy.get()) {
            (true, _) => Wait::Timer { _timer: after(HIDDEN_MS, pass) },
            (_, true) => Wait::Timer { _timer: after(BUSY_MS, pass) },
            _ => Wait::Frame { _frame: request_animation_frame(move |_| pass()) },
        };
        self.wait.replace(Some(wait));
    }
}
