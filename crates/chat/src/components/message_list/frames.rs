//! Limits the list to one render per animation frame.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_render::{AnimationFrame, request_animation_frame};
use gloo_timers::callback::Timeout;
use web_sys::window;
use yew::prelude::*;

/// How often a page that is hidden renders, in milliseconds: it has no frames.
const HIDDEN_MS: u32 = 250;

/// Renders at once at the first request, and at the next frame if there was another request by then.
pub struct Frames {
    this: Weak<Self>,
    update: UseForceUpdateHandle,
    is_waiting: Cell<bool>,
    is_asked_again: Cell<bool>,
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
            is_waiting: Cell::new(false),
            is_asked_again: Cell::new(false),
            wait: RefCell::default(),
        })
    });
    (*frames).clone()
}

impl Frames {
    /// Renders the component soon.
    pub fn render(&self) {
        if self.is_waiting.replace(true) {
            return self.is_asked_again.set(true);
        }
        self.update.force_update();
        let this = self.this.clone();
        let pass = move || {
            let Some(this) = this.upgrade() else { return };
            this.is_waiting.set(false);
            if this.is_asked_again.take() {
                this.render();
            }
        };
        let is_hidden =
            window().and_then(|window| window.document()).is_some_and(|page| page.hidden());
        let wait = if is_hidden {
            Wait::Timer { _timer: Timeout::new(HIDDEN_MS, pass) }
        } else {
            Wait::Frame { _frame: request_animation_frame(move |_| pass()) }
        };
        let passed = self.wait.replace(Some(wait));
        drop(passed);
    }
}
