//! The browser's clock and timers, for the pure bus.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bus::{Job, Schedule};
use gloo_render::request_animation_frame;
use gloo_timers::callback::Timeout;

use crate::js::{after, monotonic_exactly, spawn};

/// The clock and timers of this window or worker.
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
        let timer = Rc::default();
        set(&timer, delay, job);
        Box::new(timer)
    }
}

/// The longest delay of a browser's timer. A longer one would fire at once.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Sets `timer`, repeatedly if `delay` exceeds the longest delay of a timer.
fn set(timer: &Rc<RefCell<Option<Timeout>>>, delay: Duration, job: Job) {
    let (now, rest) = (delay.min(LONGEST), delay.saturating_sub(LONGEST));
    let this = Rc::downgrade(timer);
    let set = after(now.as_millis() as u32, move || match this.upgrade() {
        Some(timer) if !rest.is_zero() => set(&timer, rest, job),
        _ => job(),
    });
    let before = timer.replace(Some(set));
    drop(before);
}
