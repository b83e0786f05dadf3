//! Pools of real Web Workers, which load the wasm module of this test.
#![cfg(all(target_arch = "wasm32", feature = "workers"))]

#[path = "workers/page.rs"]
mod page;
#[path = "workers/work.rs"]
mod work;

use std::time::Duration;

use event_driven_kit::workers::Workers;
use event_driven_kit::{NoReply, Overflow, Payload, RequestError, Topic};
use gloo_timers::callback::Interval;
use js_sys::Reflect;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

use page::{Beats, Page, attempts, loader, members, module, script};
use work::Work;

wasm_bindgen_test_configure!(run_in_browser);

const SECOND: Duration = Duration::from_secs(1);
/// Longer than a test waits, so that nothing in a test depends on it.
const NEVER: Duration = Duration::from_secs(3_600);

#[wasm_bindgen_test]
async fn events_are_in_work_in_several_workers_at_once() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(3)).deadline(NEVER));
    for _ in 0..3 {
        page.publish(Work::MeetTwoOthers);
    }
    let (a, b, c) = (page.done().await, page.done().await, page.done().await);
    assert!(a.worker != b.worker && b.worker != c.worker && c.worker != a.worker);
    page.until(|| pool.pending() == 0).await;
    assert_eq!((pool.lost(), page.failures()), (0, vec![]));
}

#[wasm_bindgen_test]
async fn a_worker_that_hangs_is_terminated_and_its_event_is_redelivered_to_another() {
    let (page, beats) = (Page::new(), Beats::listen("hangs"));
    let pool = page.pool(Workers::loader(&loader()).members(members(2)).deadline(2 * SECOND));
    let id = page.publish(Work::HangOnce("hangs".into()));
    page.publish(Work::Name);
    let other = page.done().await;
    let again = page.done().await;
    assert_eq!((other.work, other.redelivered), (Work::Name, false));
    assert_eq!((again.redelivered, &again.id), (true, &id));
    page.until(|| pool.pending() == 0).await;
    assert_eq!(pool.lost(), 1);
    assert!(page.failures()[0].contains("exceeded the deadline of 2000 ms"));
    assert!(beats.count() > 0, "it was in its loop");
    beats.stop().await;
}

#[wasm_bindgen_test]
async fn a_worker_that_traps_is_replaced_at_once_and_events_that_wait_are_not_lost() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)).deadline(NEVER));
    page.publish(Work::TrapOnce);
    page.publish(Work::Name);
    let (first, second) = (page.done().await, page.done().await);
    assert_eq!((first.work, first.redelivered), (Work::TrapOnce, true));
    assert_eq!((second.work, second.redelivered), (Work::Name, false));
    page.until(|| pool.pending() == 0).await;
    assert_eq!((pool.lost(), page.failures().len()), (1, 1));
}

#[wasm_bindgen_test]
async fn an_uncaught_exception_after_an_await_ends_a_worker_too() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)).deadline(NEVER));
    page.publish(Work::TrapLaterOnce);
    assert!(page.done().await.redelivered);
    assert_eq!(pool.lost(), 1);
}

#[wasm_bindgen_test]
async fn a_poison_event_is_given_up_after_its_attempts() {
    let page = Page::new();
    let workers = Workers::loader(&loader()).members(members(1)).deadline(NEVER);
    let pool = page.pool(workers.attempts(attempts(2)));
    page.publish(Work::Trap);
    page.publish(Work::Name);
    let next = page.done().await;
    assert_eq!((next.work, next.redelivered), (Work::Name, false));
    let failures = page.failures();
    let given_up = failures.iter().find(|text| text.starts_with("work|")).unwrap();
    assert!(given_up.contains("given up after 2 workers"), "{given_up}");
    assert_eq!(pool.lost(), 2);
}

#[wasm_bindgen_test]
async fn a_handlers_err_is_a_failure_and_its_event_is_not_redelivered() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)));
    page.publish(Work::Fail("no such image".into()));
    page.publish(Work::Name);
    page.done().await;
    page.until(|| pool.pending() == 0).await;
    assert_eq!(page.failures(), ["work|workers|no such image"]);
    assert_eq!(pool.lost(), 0);
}

#[wasm_bindgen_test]
async fn what_a_worker_publishes_comes_in_its_order_before_the_event_is_done() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)));
    page.publish(Work::Count(100));
    page.until(|| pool.pending() == 0).await;
    assert_eq!(page.counted(), (0..100).collect::<Vec<u32>>());
    assert_eq!(page.done().await.work, Work::Count(100));
}

#[wasm_bindgen_test]
async fn a_refused_publish_of_a_worker_is_a_failure() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)));
    page.publish(Work::PublishOn("$bus.mine".into()));
    page.publish(Work::PublishOn("no topic".into()));
    page.until(|| pool.pending() == 0).await;
    let failures = page.failures();
    assert!(failures[0].starts_with("$bus.mine|workers|"), "{failures:?}");
    assert!(failures[1].starts_with("work|workers|invalid topic"), "{failures:?}");
}

#[wasm_bindgen_test]
async fn a_pool_that_is_dropped_terminates_its_workers() {
    let (page, beats) = (Page::new(), Beats::listen("beats"));
    let pool = page.pool(Workers::loader(&loader()).members(members(1)));
    page.publish(Work::BeatForEver("beats".into()));
    page.done().await;
    page.until(|| beats.count() > 2).await;
    drop(pool);
    beats.stop().await;
    assert_eq!(page.bus.publish("work", Work::Name).map(|_| page.failures()), Ok(vec![]));
}

#[wasm_bindgen_test]
async fn heavy_work_leaves_the_page_free() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)));
    page.publish(Work::Name);
    page.done().await;
    let ticks = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = ticks.clone();
    let _clock = Interval::new(10, move || count.set(count.get() + 1));
    page.publish(Work::Spin(1_000));
    page.done().await;
    assert!(ticks.get() >= 10, "the page's clock ticked {} times in a second", ticks.get());
    drop(pool);
}

#[wasm_bindgen_test]
async fn a_script_that_does_not_load_is_reported_at_once_and_events_wait() {
    let rejects = "export default async () => { throw new Error('no wasm'); };";
    for workers in [
        Workers::classic_loader("/there-is-no-such-script.js"),
        Workers::loader(&script("import '/there-is-no-such-module.js';")),
        Workers::loader(&script("throw new Error('it throws');")),
        Workers::module(&script(rejects)),
        Workers::loader("http://["),
    ] {
        let page = Page::new();
        let pool = page.pool(workers.members(members(1)).startup(NEVER));
        page.publish(Work::Name);
        page.until(|| pool.lost() > 1).await;
        let failures = page.failures();
        assert!(failures[0].starts_with("$bus.worker|workers|a worker has ended"), "{failures:?}");
        assert_eq!(pool.pending(), 1);
    }
}

#[wasm_bindgen_test]
async fn a_script_that_does_not_serve_is_reported() {
    let page = Page::new();
    let script = script("");
    let workers = Workers::classic_loader(&script).startup(Duration::from_millis(100));
    let pool = page.pool(workers.members(members(1)));
    page.until(|| pool.lost() > 0).await;
    assert!(page.failures()[0].contains("not ready after 100 ms"), "{:?}", page.failures());
}

#[wasm_bindgen_test]
async fn a_worker_with_an_unknown_message_is_ended_at_its_deadline() {
    let page = Page::new();
    let script = script("postMessage('hello'); onmessage = () => postMessage({ Strange: 1 });");
    let workers = Workers::classic_loader(&script).startup(Duration::from_millis(500));
    let pool = page.pool(workers.members(members(1)));
    page.publish(Work::Name);
    page.until(|| pool.lost() > 0).await;
    assert_eq!(pool.pending(), 1);
    assert!(page.bus.publish("other", 1).is_ok(), "the page goes on");
}

#[wasm_bindgen_test]
async fn a_loader_is_made_for_a_module() {
    let page = Page::new();
    let _pool = page.pool(Workers::module(&module()).members(members(1)));
    page.publish(Work::Name);
    assert_eq!(page.done().await.work, Work::Name);
}

#[wasm_bindgen_test]
async fn a_payload_that_cannot_be_copied_is_a_failure_and_the_next_one_follows() {
    let page = Page::new();
    let pool = page.pool(Workers::loader(&loader()).members(members(1)));
    let function = js_sys::Array::of1(&js_sys::Function::new_no_args("").into());
    page.bus.publish_payload("work", Payload::from_js(function.into())).unwrap();
    page.publish(Work::Name);
    page.done().await;
    let failures = page.failures();
    assert!(
        failures[0].starts_with("work|workers|the payload cannot be converted"),
        "{failures:?}"
    );
    assert_eq!(pool.lost(), 0);
}

#[wasm_bindgen_test]
async fn a_full_pool_drops_by_its_overflow_and_counts() {
    let page = Page::new();
    let workers = Workers::loader(&loader()).members(members(1));
    let pool = page.pool(workers.capacity(members(1), Overflow::drop_oldest()));
    page.publish(Work::Fail("dropped: no worker is ready yet".into()));
    page.publish(Work::Name);
    assert_eq!(page.done().await.work, Work::Name);
    assert_eq!((pool.dropped(), page.failures()), (1, vec![]));
}

#[wasm_bindgen_test]
async fn a_pool_that_serves_answers_requests() {
    let page = Page::new();
    let ask = |work| page.bus.request::<Work, u64>("work", work, 30 * SECOND);
    let deaf = page.pool(Workers::loader(&loader()).members(members(1)));
    let unanswered = ask(Work::Square(7)).await;
    assert_eq!(unanswered, Err(RequestError::NoResponder(Topic::parse("work").unwrap())));
    drop(deaf);
    let _pool = page.pool(Workers::loader(&loader()).members(members(1)).serving());
    assert_eq!(ask(Work::Square(7)).await.map(|square| *square), Ok(49));
    assert_eq!(ask(Work::Name).await, Err(RequestError::NoReply(NoReply::Dropped)));
}

#[wasm_bindgen_test]
fn the_pages_own_workers_are_made_as_before() {
    let constructor = || Reflect::get(&js_sys::global(), &JsValue::from_str("Worker")).unwrap();
    let before = constructor();
    let page = Page::new();
    let _pool = page.pool(Workers::loader(&loader()).members(members(1)));
    assert_eq!(constructor(), before);
}
