//! Reports what handlers could not handle, such as a malformed event of another program, in a line of the console.
//! There is one line for the failures of a second, and then at most one each minute: a history full of malformed events
//! must not fill the console at each load.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use event_driven_kit::hooks::use_subscription;
use event_driven_kit::{ERROR_TOPIC, Failure};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::boxed::after;
use crate::state::use_memo;

const FIRST_MS: u32 = 1_000;
const NEXT_MS: u32 = 60_000;

#[derive(Default)]
struct Failures {
    count: Cell<u32>,
    /// Of those that are not reported yet.
    first: RefCell<String>,
    timer: RefCell<Option<Timeout>>,
    has_reported: Cell<bool>,
}

/// Reports the failures of the bus.
#[hook]
pub fn use_failures() {
    let failures = use_memo((), |()| Failures::default());
    use_subscription(ERROR_TOPIC, move |event| {
        let failure = event.data::<Failure>()?;
        failures.add(&failure);
        Ok(())
    });
}

impl Failures {
    fn add(self: &Rc<Self>, failure: &Failure) {
        self.count.set(self.count.get() + 1);
        if self.count.get() == 1 {
            self.first.replace([&*failure.topic, ": ", &failure.message].concat());
            let (this, wait) =
                (self.clone(), if self.has_reported.get() { NEXT_MS } else { FIRST_MS });
            let timer = after(wait, move || this.report());
            self.timer.replace(Some(timer));
        }
    }

    fn report(&self) {
        self.has_reported.set(true);
        let (count, first) = (self.count.take().to_string(), self.first.take());
        let line = ["event-driven-kit chat: ", &count, " failed, the first one on ", &first];
        web_sys::console::warn_1(&line.concat().into());
    }
}
