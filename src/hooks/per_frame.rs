//! Limits a component to one render per animation frame.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_render::{AnimationFrame, request_animation_frame};
use yew::functional::UseForceUpdateHandle;

/// Renders at once at the first request, and at the next frame if there was another request by then. A hidden
/// page has no frames and needs no renders.
pub(super) struct PerFrame {
    this: Weak<Self>,
    render: UseForceUpdateHandle,
    asked_again: Cell<bool>,
    /// Dropping it with the component cancels the frame.
    frame: RefCell<Option<AnimationFrame>>,
}

impl PerFrame {
    pub(super) fn new(render: UseForceUpdateHandle) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            render,
            asked_again: Cell::new(false),
            frame: RefCell::default(),
        })
    }

    pub(super) fn render(&self) {
        if self.frame.borrow().is_some() {
            return self.asked_again.set(true);
        }
        self.render.force_update();
        let this = self.this.clone();
        let frame = request_animation_frame(move |_| {
            let Some(this) = this.upgrade() else { return };
            let passed = this.frame.take();
            drop(passed);
            if this.asked_again.take() {
                this.render();
            }
        });
        self.frame.replace(Some(frame));
    }
}
