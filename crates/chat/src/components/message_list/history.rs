//! Tells when a room's history has been replayed, for the message list: history is not to be read out.
//! The end is taken to be a pause, because nothing on the bus says that a replay is over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use event_driven_kit::{Delivery, LinkState, use_subscription};
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::events::Room;

/// How long the first message may take once the link is there, in milliseconds.
const FIRST_MS: u32 = 1_500;

/// How long a replay pauses at most, in milliseconds.
const PAUSE_MS: u32 = 300;

struct Watch {
    timer: RefCell<Option<Timeout>>,
    is_over: Cell<bool>,
    was_online: Cell<bool>,
    show: UseStateSetter<bool>,
}

/// Whether what comes now is news.
#[hook]
pub fn use_history_is_over(room: &Room) -> bool {
    let is_over = use_state_eq(|| false);
    let show = is_over.setter();
    let watch = use_memo((), |()| Watch {
        timer: RefCell::default(),
        is_over: Cell::new(false),
        was_online: Cell::new(false),
        show,
    });
    use_effect_with((), {
        let watch = watch.clone();
        move |()| watch.wait(FIRST_MS)
    });
    use_subscription("$bus.link", {
        let watch = watch.clone();
        move |event| {
            let is_online = *event.data::<LinkState>()? == LinkState::Online;
            if is_online && !watch.was_online.replace(true) {
                watch.is_over.set(false);
                watch.show.set(false);
                watch.wait(FIRST_MS);
            }
            Ok(())
        }
    });
    use_subscription(room.text_message.as_str(), move |event| {
        if matches!(event.delivery(), Delivery::Stored(_)) && !watch.is_over.get() {
            watch.wait(PAUSE_MS);
        }
        Ok(())
    });
    *is_over
}

impl Watch {
    /// History is over when nothing of it has come for `ms`.
    fn wait(self: &Rc<Self>, ms: u32) {
        let watch = Rc::downgrade(self);
        let timer = Timeout::new(ms, move || {
            if let Some(watch) = watch.upgrade() {
                watch.is_over.set(true);
                watch.show.set(true);
            }
        });
        let before = self.timer.borrow_mut().replace(timer);
        drop(before);
    }
}
