//! The page's side of the tests.

use std::cell::{Cell, RefCell};
use std::num::{NonZeroU32, NonZeroUsize};
use std::rc::Rc;

use event_driven_kit::workers::{WorkerPool, Workers};
use event_driven_kit::{Bus, ERROR_TOPIC, Failure, Overflow, Queue, Subscription};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, BroadcastChannel, Url};

use crate::work::{Done, Work};

/// A bus and the outcomes of its events.
pub struct Page {
    pub bus: Bus,
    done: Queue,
    counts: Queue,
    failures: Queue,
    ids: Rc<RefCell<String>>,
    _ids: Subscription,
}

pub const fn members(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

pub const fn attempts(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// A module like that of wasm-bindgen for a binary: its default export runs `main`. The runner serves the wasm of this
/// test next to its page, but the test cannot have a `main`.
pub fn module() -> String {
    script(&format!("{}\nexport default start;", start()))
}

/// A script that loads everything itself.
pub fn loader() -> String {
    script(&format!("{}\nawait start();", start()))
}

fn start() -> String {
    let origin = web_sys::window().unwrap().location().origin().unwrap();
    format!(
        "import init, {{ serve_in_worker }} from '{origin}/wasm-bindgen-test.js';
         const start = async () => {{
           await init({{ module_or_path: '{origin}/wasm-bindgen-test_bg.wasm' }});
           serve_in_worker();
         }};"
    )
}

/// The URL of a script.
pub fn script(text: &str) -> String {
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let parts = js_sys::Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options).unwrap();
    Url::create_object_url_with_blob(&blob).unwrap()
}

impl Page {
    pub fn new() -> Self {
        let bus = Bus::new();
        let queue = |pattern| {
            let thousand = members(1_000);
            bus.subscriber(pattern).queue(thousand, Overflow::drop_newest()).unwrap()
        };
        let (done, counts, failures) = (queue("done"), queue("count"), queue(ERROR_TOPIC));
        let ids = Rc::new(RefCell::new(String::new()));
        let newest = ids.clone();
        let seen = bus.subscribe("work", move |event| {
            newest.replace(event.id().to_owned());
            Ok(())
        });
        Self { bus, done, counts, failures, ids, _ids: seen.unwrap() }
    }

    pub fn pool(&self, workers: Workers) -> WorkerPool {
        self.bus.subscriber("work").label("workers").workers(workers).unwrap()
    }

    /// Returns the event's id.
    pub fn publish(&self, work: Work) -> String {
        self.bus.publish("work", work).unwrap();
        self.ids.borrow().clone()
    }

    /// Waits for the next finished event.
    pub async fn done(&self) -> Done {
        self.until(|| !self.done.is_empty()).await;
        Done::clone(&self.done.pop().unwrap().data().unwrap())
    }

    /// Waits with a timeout that is long enough for a busy machine.
    pub async fn until(&self, is_so: impl Fn() -> bool) {
        let end = js_sys::Date::now() + 20_000.0;
        while !is_so() {
            assert!(js_sys::Date::now() < end, "it does not come: {:?}", self.failures());
            TimeoutFuture::new(5).await;
        }
    }

    pub fn counted(&self) -> Vec<u32> {
        std::iter::from_fn(|| self.counts.pop()).map(|event| *event.data().unwrap()).collect()
    }

    /// The failures since the last call: topic, label, and message.
    pub fn failures(&self) -> Vec<String> {
        let failures = std::iter::from_fn(|| self.failures.pop());
        let failures = failures.map(|event| event.data::<Failure>().unwrap());
        failures.map(|one| format!("{}|{}|{}", one.topic, one.label, one.message)).collect()
    }
}

/// Counts the heartbeats on a channel.
pub struct Beats {
    channel: BroadcastChannel,
    count: Rc<Cell<u32>>,
    _hear: Closure<dyn FnMut()>,
}

impl Beats {
    pub fn listen(channel: &str) -> Self {
        let (channel, count) = (BroadcastChannel::new(channel).unwrap(), Rc::new(Cell::new(0)));
        let counter = count.clone();
        let hear = Closure::<dyn FnMut()>::new(move || counter.set(counter.get() + 1));
        channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        Self { channel, count, _hear: hear }
    }

    pub fn count(&self) -> u32 {
        self.count.get()
    }

    /// Waits until there was none for half a second. Chromium terminates an endless loop after two seconds.
    pub async fn stop(&self) {
        for _ in 0..20 {
            let before = self.count();
            TimeoutFuture::new(500).await;
            if self.count() == before {
                return;
            }
        }
        panic!("it is not terminated");
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.channel.close();
    }
}
