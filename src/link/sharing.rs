//! How the tabs of an origin share a link: the tab that holds a lock leads, and all tabs listen to a channel.
//! `session`'s tab machine decides what to do with both.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use super::Link;
use super::wake::Patience;
use crate::js::{listen, object, spawn};

#[wasm_bindgen]
extern "C" {
    // web-sys has locks only in builds with `web_sys_unstable_apis`.
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request_lock(
        name: &str,
        options: &JsValue,
        granted: &Closure<dyn FnMut(JsValue) -> Promise>,
    ) -> Result<Promise, JsValue>;
}

/// A tab's lock and channel. Dropping it releases the lock and closes the channel.
pub(super) struct Sharing {
    link: Weak<Link>,
    /// The name of lock and channel.
    name: String,
    channel: RefCell<Option<(BroadcastChannel, EventListener)>>,
    lock: RefCell<Option<Lock>>,
    /// The number of the newest request. Results of older requests are ignored.
    number: Cell<u64>,
}

/// A request for the lock, and then the lock.
struct Lock {
    waiting: AbortController,
    /// Releases the lock.
    release: Rc<RefCell<Option<Function>>>,
    _granted: Closure<dyn FnMut(JsValue) -> Promise>,
    /// `None` if the request waits for another tab, however long.
    _patience: Option<Patience>,
}

/// How a tab requests the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Without waiting: a browser that does not answer at once never answers.
    IfFree,
    Steal,
    Wait,
}

/// How a request ended that the tab did not end itself.
pub(super) enum End {
    /// Another tab holds the lock.
    Taken,
    /// Another tab has stolen the lock from this one.
    Stolen,
    /// The browser gives the lock to no tab.
    Refused,
}

/// Whether the browser lets tabs share, which it does on secure pages.
pub(super) fn is_possible() -> bool {
    let get = |from: &JsValue, name: &str| Reflect::get(from, &name.into()).unwrap_or_default();
    let global = js_sys::global().into();
    get(&get(&global, "navigator"), "locks").is_object()
        && get(&global, "BroadcastChannel").is_function()
}

impl Sharing {
    pub(super) fn new(name: String, link: Weak<Link>) -> Self {
        let number = Cell::new(0);
        Self { link, name, channel: RefCell::default(), lock: RefCell::default(), number }
    }

    /// Opens the channel. False if the browser refuses that.
    pub(super) fn join(&self) -> bool {
        self.part();
        let Ok(channel) = BroadcastChannel::new(&self.name) else { return false };
        let link = self.link.clone();
        let listener = listen(&channel, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            if let (Some(link), Some(bytes)) = (link.upgrade(), data.dyn_ref::<Uint8Array>()) {
                link.heard(&bytes.to_vec());
            }
        });
        self.channel.replace(Some((channel, listener)));
        true
    }

    /// Closes the channel.
    pub(super) fn part(&self) {
        if let Some((channel, listener)) = self.channel.take() {
            drop(listener);
            channel.close();
        }
    }

    /// Posts a message to all other tabs.
    pub(super) fn post(&self, message: &[u8]) {
        if let Some((channel, _)) = &*self.channel.borrow() {
            // Fails only for values that cannot be cloned.
            let _ = channel.post_message(&Uint8Array::from(message));
        }
    }

    /// Requests the lock, or steals it from the tab that holds it.
    pub(super) fn request(&self, steal: bool) {
        self.ask(if steal { How::Steal } else { How::IfFree });
    }

    /// Waits until no other tab holds the lock.
    pub(super) fn wait(&self) {
        self.ask(How::Wait);
    }

    fn ask(&self, how: How) {
        self.release();
        let number = self.number.get() + 1;
        self.number.set(number);
        let Ok(waiting) = AbortController::new() else { return };
        let release: Rc<RefCell<Option<Function>>> = Rc::default();
        let (link, held) = (self.link.clone(), release.clone());
        let granted = Closure::new(move |lock: JsValue| {
            if lock.is_null() {
                return Promise::resolve(&lock);
            }
            // The lock is held as long as this promise is pending.
            let promise = Promise::new(&mut |resolve, _| drop(held.replace(Some(resolve))));
            if let Some(link) = link.upgrade() {
                link.lock_granted();
            }
            promise
        });
        let options = object(&[match how {
            How::IfFree => ("ifAvailable", true.into()),
            How::Steal => ("steal", true.into()),
            How::Wait => ("signal", waiting.signal().into()),
        }]);
        let requested = request_lock(&self.name, &options, &granted);
        let (link, held) = (self.link.clone(), release.clone());
        let _patience = (how != How::Wait).then(|| {
            let (link, held) = (link.clone(), held.clone());
            Patience::new(Box::new(move || {
                let is_held = held.borrow().is_some();
                if !is_held && let Some(link) = link.upgrade() {
                    link.lock_ended(number, End::Refused);
                }
            }))
        });
        self.lock.replace(Some(Lock { waiting, release, _granted: granted, _patience }));
        spawn(async move {
            let ended = match requested {
                Ok(promise) => JsFuture::from(Promise::resolve(&promise)).await,
                Err(thrown) => Err(thrown),
            };
            let is_held = held.borrow().is_some();
            let end = match ended {
                Ok(_) if how == How::IfFree => End::Taken,
                Err(_) if is_held => End::Stolen,
                _ => End::Refused,
            };
            if let Some(link) = link.upgrade() {
                link.lock_ended(number, end);
            }
        });
    }

    /// Whether the newest request has this number.
    pub(super) fn is_newest(&self, number: u64) -> bool {
        self.number.get() == number && self.lock.borrow().is_some()
    }

    /// Releases the lock, or ends the request for it.
    pub(super) fn release(&self) {
        let Some(Lock { waiting, release, .. }) = self.lock.take() else { return };
        match release.take() {
            Some(release) => _ = release.call0(&JsValue::UNDEFINED),
            None => waiting.abort(),
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.release();
        self.part();
    }
}
