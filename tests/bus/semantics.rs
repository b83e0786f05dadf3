//! The promises of the pure bus through the API for applications, with the browser's own timers.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use event_driven_kit::{
    Balance, Bus, Cause, ERROR_TOPIC, Event, HandlerResult, NoReply, Overflow, Payload,
    PublishError, Queue, RequestError, Subscription, Topic, Window,
};
use futures_util::StreamExt;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_test::wasm_bindgen_test;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn note(&self, name: &str) -> impl Fn(&Event) -> HandlerResult + 'static {
        let (log, name) = (self.0.clone(), name.to_owned());
        move |event| {
            log.borrow_mut().push(format!("{name}{}", event.data::<u32>()?));
            Ok(())
        }
    }

    fn read(&self) -> String {
        self.0.take().join(" ")
    }
}

const fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

#[wasm_bindgen_test]
fn each_event_reaches_one_member_of_a_group_and_all_other_subscribers() {
    let (bus, log) = (Bus::new(), Log::default());
    let member = |name| {
        let subscriber = bus.subscriber("job").group("workers", Balance::round_robin());
        subscriber.handle(log.note(name)).unwrap()
    };
    let (_a, b) = (member("a"), member("b"));
    let _all = bus.subscribe("job", log.note("all")).unwrap();
    for number in 1..=2_u32 {
        bus.publish("job", number).unwrap();
    }
    assert_eq!(log.read(), "a1 all1 b2 all2");
    drop(b);
    bus.publish("job", 3_u32).unwrap();
    assert_eq!(log.read(), "a3 all3");
}

fn batches(bus: &Bus, window: Window) -> (Log, Subscription) {
    let log = Log::default();
    let batches = log.0.clone();
    let subscription = bus.subscriber("point").batch(window, move |events| {
        let numbers: Result<Vec<_>, _> = events.iter().map(|event| event.data::<u32>()).collect();
        batches.borrow_mut().push(format!("{:?}", numbers?));
        Ok(())
    });
    (log, subscription.unwrap())
}

#[wasm_bindgen_test]
async fn a_batch_is_what_comes_in_a_microtask_a_frame_an_interval_or_a_count() {
    let bus = Bus::new();
    let windows = [
        Window::microtask(),
        Window::frame(),
        Window::interval(Duration::from_millis(20)),
        Window::interval(SECOND).at_most(count(3)),
    ];
    let batches = windows.map(|window| batches(&bus, window));
    for number in 1..=3_u32 {
        bus.publish("point", number).unwrap();
    }
    let read = || batches.each_ref().map(|(log, _)| log.read());
    assert_eq!(read(), ["", "", "", "[1, 2, 3]"]);
    wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&wasm_bindgen::JsValue::NULL))
        .await
        .unwrap();
    assert_eq!(read()[0], "[1, 2, 3]");
    // A busy browser may paint its next frame late.
    let mut late = [String::new(), String::new()];
    for _ in 0..2_000 {
        let [_, frame, interval, _] = read();
        late = [late[0].clone() + &frame, late[1].clone() + &interval];
        if late.iter().all(|batch| !batch.is_empty()) {
            break;
        }
        TimeoutFuture::new(10).await;
    }
    assert_eq!(late, ["[1, 2, 3]", "[1, 2, 3]"]);
}

#[wasm_bindgen_test]
async fn a_late_subscriber_gets_what_is_retained_and_then_what_comes() {
    let (bus, log) = (Bus::new(), Log::default());
    let _kept = bus.retain("state.*", count(2), count(10)).unwrap();
    for number in 1..=3_u32 {
        bus.publish("state.a", number).unwrap();
    }
    let _late = bus.subscriber("state.>").replay(log.note("")).unwrap();
    assert_eq!(log.read(), "");
    bus.publish("state.a", 4_u32).unwrap();
    assert_eq!(log.read(), "2 3 4");
    TimeoutFuture::new(1).await;
    assert_eq!(log.read(), "");
}

#[wasm_bindgen_test]
async fn a_request_gets_one_reply() {
    let bus = Bus::new();
    let _doubles = bus.respond("double", |event| Ok(Payload::new(*event.data::<u32>()? * 2)));
    let _never = bus.respond("double", |_| Ok(Payload::new("a second reply")));
    let reply = bus.request::<u32, u32>("double", 21, SECOND).await;
    assert_eq!(reply.map(|reply| *reply), Ok(42));
}

#[wasm_bindgen_test]
async fn a_request_without_a_responder_fails_at_once() {
    let (bus, log) = (Bus::new(), Log::default());
    let _logger = bus.subscribe(">", log.note("")).unwrap();
    let reply = bus.request::<u32, u32>("double", 21, Duration::MAX).await;
    assert!(matches!(reply, Err(RequestError::NoResponder(topic)) if topic.as_str() == "double"));
    assert_eq!(log.read(), "");
}

#[wasm_bindgen_test]
async fn a_request_whose_responder_fails_or_answers_another_type_has_an_error() {
    let bus = Bus::new();
    let reported = Log::default();
    let log = reported.0.clone();
    let _errors = bus.subscribe(ERROR_TOPIC, move |event| {
        log.borrow_mut().push(event.data::<event_driven_kit::Failure>()?.message.clone());
        Ok(())
    });
    let _fails = bus.respond("fails", |_| Err(Cause::new("out of order")));
    let reply = bus.request::<u32, u32>("fails", 1, SECOND).await;
    assert!(matches!(reply, Err(RequestError::NoReply(NoReply::Dropped))), "{reply:?}");
    assert_eq!(reported.read(), "out of order");

    let _text = bus.respond("text", |_| Ok(Payload::new("no number")));
    let reply = bus.request::<u32, u32>("text", 1, SECOND).await;
    assert!(matches!(reply, Err(RequestError::Data(_))), "{reply:?}");
}

#[wasm_bindgen_test]
async fn events_wait_in_a_queue_within_its_bound_and_are_a_stream() {
    let bus = Bus::new();
    let queue = |overflow| bus.subscriber("a").queue(count(2), overflow).unwrap();
    let (mut oldest, newest) = (queue(Overflow::drop_oldest()), queue(Overflow::drop_newest()));
    let conflated = queue(Overflow::conflate(|topic, _| topic.as_str().into()));
    for number in 1..=3_u32 {
        bus.publish("a", number).unwrap();
    }
    let read = |queue: &Queue| {
        let events = std::iter::from_fn(|| queue.pop());
        events.map(|event| *event.data::<u32>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((read(&newest), newest.dropped()), (vec![1, 2], 1));
    assert_eq!((read(&conflated), conflated.dropped()), (vec![3], 2));
    assert_eq!(oldest.len(), 2);
    let first = oldest.next().await.unwrap();
    assert_eq!(*first.data::<u32>().unwrap(), 2);
    assert_eq!((oldest.next().await.is_some(), oldest.is_empty()), (true, true));
    drop((oldest, newest, conflated));
    assert_eq!(bus.subscriptions(), 0);
}

#[wasm_bindgen_test]
fn a_queue_that_waits_refuses_a_publish_for_which_it_has_no_room() {
    let bus = Bus::new();
    let queue = bus.subscriber("a").queue(count(1), Overflow::wait()).unwrap();
    bus.publish("a", 1_u32).unwrap();
    assert!(
        matches!(bus.publish("a", 2_u32), Err(PublishError::NoRoom(topic)) if topic.as_str() == "a")
    );
    assert!(queue.pop().is_some());
    bus.publish("a", 3_u32).unwrap();
    assert_eq!(queue.dropped(), 0);
}

#[wasm_bindgen_test]
fn a_measurement_counts_by_topic_and_by_label_until_it_is_dropped() {
    let (bus, log) = (Bus::new(), Log::default());
    let _fine = bus.subscriber("a").label("fine").handle(log.note("")).unwrap();
    let _fails = bus.subscriber("a").label("fails").handle(|_| Err(Cause::new("no"))).unwrap();
    let _silent = bus.subscribe(ERROR_TOPIC, |_| Ok(())).unwrap();
    bus.publish("a", 1_u32).unwrap();
    let measured = bus.measure(10);
    bus.publish("a", 2_u32).unwrap();
    bus.publish("a", 3_u32).unwrap();
    let a = measured.topic(&Topic::parse("a").unwrap());
    assert_eq!((a.events, a.deliveries), (2, 4));
    let (fine, fails) = (measured.handler("fine"), measured.handler("fails"));
    assert_eq!((fine.calls, fine.failures), (2, 0));
    assert_eq!((fails.calls, fails.failures), (2, 2));
    assert_eq!(fails.histogram.iter().sum::<u64>(), 2);
}
