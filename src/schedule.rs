//! The browser's clock and timers, for what the pure bus does later.

use std::any::Any;
use std::rc::Rc;
use std::time::Duration;

use bus::{Job, Schedule};
use gloo_render::request_animation_frame;
use gloo_timers::callback::Timeout;

use crate::js::{monotonic_exactly, spawn};

/// The time of this window or worker.
#[derive(Debug)]
pub(crate) struct Browser;

impl Browser {
    pub(crate) fn schedule() -> Rc<dyn Schedule> {
        Rc::new(Self)
    }
}

impl Schedule for Browser {
    fn now(&self) -> Duration {
        monotonic_exactly()
    }

    fn soon(&self, job: Job) {
        spawn(async move { job() });
    }

    fn frame(&self, job: Job) {
        // The frame is cancelled when its handle is dropped, so the job owns it until it runs.
        let handle = Rc::new(std::cell::Cell::new(None));
        let own = handle.clone();
        handle.set(Some(request_animation_frame(move |_| {
            drop(own.take());
            job();
        })));
    }

    fn after(&self, delay: Duration, job: Job) -> Box<dyn Any> {
        let millis = u32::try_from(delay.as_millis()).unwrap_or(u32::MAX).min(i32::MAX as u32);
        Box::new(Timeout::new(millis, job))
    }
}
