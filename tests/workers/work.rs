//! The workers' side of the tests.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use event_driven_kit::workers::{Job, serve};
use event_driven_kit::{Cause, HandlerResult};
use gloo_timers::callback::Interval;
use gloo_timers::future::TimeoutFuture;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Does nothing.
    Name,
    /// Returns once it has run in parallel with two others.
    MeetTwoOthers,
    /// Sends heartbeats on this channel in an endless loop, unless redelivered.
    HangOnce(String),
    Trap,
    TrapOnce,
    TrapLaterOnce,
    Fail(String),
    /// Publishes all smaller numbers.
    Count(u32),
    PublishOn(String),
    /// Sends heartbeats on this channel, even after it is done.
    BeatForEver(String),
    /// Computes for a number of milliseconds.
    Spin(u32),
    /// Replies.
    Square(u64),
}

/// The payload on `done`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Done {
    pub work: Work,
    pub redelivered: bool,
    pub id: String,
    /// Different in each worker.
    pub worker: f64,
}

/// The `main` of the workers.
#[wasm_bindgen]
pub fn serve_in_worker() {
    serve(work);
}

thread_local! {
    static NAME: f64 = js_sys::Math::random();
}

async fn work(job: Job) -> HandlerResult {
    let work = job.data::<Work>()?;
    match &*work {
        Work::HangOnce(channel) if !job.redelivered() => hang(channel),
        Work::Trap => panic!("a trap"),
        Work::TrapOnce if !job.redelivered() => panic!("a trap"),
        Work::TrapLaterOnce if !job.redelivered() => {
            TimeoutFuture::new(1).await;
            panic!("a late trap");
        }
        Work::MeetTwoOthers => meet_two_others().await,
        Work::Fail(why) => return Err(Cause::from(why.as_str())),
        Work::Count(end) => (0..*end).try_for_each(|number| job.publish("count", number))?,
        Work::PublishOn(topic) => job.publish(topic.as_str(), ())?,
        Work::BeatForEver(channel) => beat_for_ever(channel),
        Work::Spin(millis) => spin(f64::from(*millis)),
        Work::Square(number) => job.reply(number * number)?,
        _ => {}
    }
    let done = Done {
        work: (*work).clone(),
        redelivered: job.redelivered(),
        id: job.id().to_owned(),
        worker: NAME.with(|name| *name),
    };
    Ok(job.publish("done", done)?)
}

fn spin(millis: f64) {
    let end = js_sys::Date::now() + millis;
    while js_sys::Date::now() < end {
        std::hint::spin_loop();
    }
}

fn hang(channel: &str) {
    let channel = BroadcastChannel::new(channel).unwrap();
    loop {
        let _ = channel.post_message(&JsValue::NULL);
        spin(50.0);
    }
}

fn beat_for_ever(channel: &str) {
    thread_local! {
        static BEATING: RefCell<Option<Interval>> = const { RefCell::new(None) };
    }
    let channel = BroadcastChannel::new(channel).unwrap();
    let beating = Interval::new(20, move || {
        let _ = channel.post_message(&JsValue::NULL);
    });
    BEATING.set(Some(beating));
}

/// Sends messages until it has received those of two others, which therefore run at the same time.
async fn meet_two_others() {
    let (channel, me) = (BroadcastChannel::new("meeting").unwrap(), NAME.with(|name| *name));
    let heard = Rc::new(RefCell::new(BTreeSet::new()));
    let ears = heard.clone();
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let name = event.data().as_f64().unwrap_or_default();
        ears.borrow_mut().insert(name.to_bits());
    });
    channel.set_onmessage(Some(hear.as_ref().unchecked_ref()));
    loop {
        let all_are_there = heard.borrow().len() == 2;
        // Sends a last time, because another may not have listened before.
        let _ = channel.post_message(&me.into());
        if all_are_there {
            channel.set_onmessage(None);
            return;
        }
        TimeoutFuture::new(20).await;
    }
}
