//! Holds a component to one render per animation frame, however many events come.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_render::{AnimationFrame, request_animation_frame};
use yew::functional::UseForceUpdateHandle;

/// Renders at once when it is asked first, and then at the next frame if it was asked again until then.
/// In a page that is not shown there are no frames, and nobody who looks.
pub(super) struct PerFrame {
    this: Weak<Self>,
    render: UseForceUpdateHandle,
    asked_again: Cell<bool>,
    /// Dropped with the component, the frame is not waited for any more.
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
