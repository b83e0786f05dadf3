//! The bus's memory, counted by the allocator, natively and in a browser's wasm.

use std::cell::Cell;
use std::rc::Rc;

use allocation_counter::measure;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bus::{
    Balance, Bus, Failure, Overflow, Pattern, Payload, Subscription, Topic, VirtualTime, Window,
};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

#[derive(Clone, Debug, PartialEq)]
struct Nothing;

impl Payload for Nothing {
    type Cause = &'static str;
    fn failure(_: Failure<&'static str>) -> Self {
        Self
    }
}

/// A bound in bytes. One in 2^21 one-off topics is mistaken for a topic that was looked up before, and is
/// kept. A leak of one byte per topic would be a hundred times as much.
const A_FEW_HOT_TOPICS: i64 = 10_000;

fn bus() -> Bus<Nothing> {
    Bus::new(|_| {})
}

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

/// Subscribes counting handlers to patterns of several shapes.
fn subscribe_many(
    bus: &Bus<Nothing>,
    patterns: usize,
    counter: &Rc<Cell<usize>>,
) -> Vec<Subscription> {
    let mut subscriptions = Vec::with_capacity(patterns);
    subscriptions.extend((0..patterns).map(|number| {
        let pattern = match number % 4 {
            0 => format!("device.{number}.heat"),
            1 => format!("device.{number}.*"),
            2 => format!("room.{number}.>"),
            _ => format!("sensor.{number}.*.low"),
        };
        let counter = counter.clone();
        bus.subscribe(Pattern::parse(&pattern).unwrap(), move |_| {
            counter.set(counter.get() + 1);
            Ok(())
        })
    }));
    subscriptions
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pattern_with_its_handler_takes_at_most_200_bytes() {
    let counter = Rc::default();
    for patterns in [1_000, 100_000, 1_000_000] {
        let bus = bus();
        let mut kept = Vec::new();
        let taken = measure(|| kept = subscribe_many(&bus, patterns, &counter)).bytes_current;
        let each = taken as f64 / patterns as f64;
        assert!(each <= 200.0, "{each} bytes for each of {patterns} patterns");
        let given_back = measure(|| drop(kept)).bytes_current;
        assert_eq!(taken + given_back, 0, "{patterns} ended subscriptions leak memory");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_million_one_off_topics_leave_nothing_behind() {
    let (bus, counter) = (bus(), Rc::default());
    let _standing = subscribe_many(&bus, 1_000, &counter);
    bus.publish(topic("device.1.first"), Nothing).unwrap();
    let publish = |number: usize| {
        let topic = topic(&format!("device.{}.once{number}", number % 1_000));
        bus.publish(topic, Nothing).unwrap();
    };
    let left = measure(|| (0..1_000_000).for_each(publish));
    assert!(left.bytes_current < A_FEW_HOT_TOPICS);
    assert_eq!(counter.get(), 250_001, "one of four devices has a subscription");
}

#[wasm_bindgen_test(unsupported = test)]
fn handles_of_one_off_topics_leave_nothing_behind() {
    let bus = bus();
    drop(bus.topic(&topic("the.first")).unwrap());
    let left = measure(|| {
        for number in 0..100_000 {
            let handle = bus.topic(&topic(&format!("once.{number}"))).unwrap();
            handle.publish(Nothing).unwrap();
        }
    });
    assert_eq!(left.bytes_current, 0);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_publish_by_handle_allocates_nothing() {
    let (bus, counter) = (bus(), Rc::default());
    let _standing = subscribe_many(&bus, 10, &counter);
    let handle = bus.topic(&topic("device.4.heat")).unwrap();
    handle.publish(Nothing).unwrap();
    let publishing = measure(|| (0..1_000).for_each(|_| drop(handle.publish(Nothing))));
    assert_eq!((publishing.count_total, counter.get()), (0, 1_001));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_million_requests_and_replies_leave_nothing_behind() {
    let (bus, time) = (bus(), VirtualTime::new());
    let _server = bus.respond(Pattern::parse("serve.*").unwrap(), |_| Ok(Nothing));
    let mut context = Context::from_waker(Waker::noop());
    let mut ask = |number: usize| {
        let topic = topic(&format!("serve.{number}"));
        let request = bus.request(topic, Nothing, Duration::from_secs(1), &*time).unwrap();
        assert_eq!(pin!(request).poll(&mut context), Poll::Ready(Ok(Nothing)));
        // Passing time frees the timers that were dropped.
        time.pass(Duration::from_secs(1));
    };
    ask(0);
    let left = measure(|| (1..=1_000_000).for_each(ask));
    assert!(left.bytes_current < A_FEW_HOT_TOPICS);
}

#[wasm_bindgen_test(unsupported = test)]
fn dropped_features_leave_nothing_behind() {
    let (bus, time) = (bus(), VirtualTime::new());
    let three = const { std::num::NonZeroUsize::new(3).unwrap() };
    let every = || Pattern::parse("a.>").unwrap();
    let use_every_feature = || {
        let retention = bus.retain(every(), three, three);
        let grouped = bus.subscriber(every()).group("group", Balance::least_pending());
        let queue = grouped.queue(three, Overflow::wait());
        let measurement = bus.measure(time.clone(), 10);
        let batch = bus.subscriber(every()).batch(Window::frame(), time.clone(), |_| Ok(()));
        let replay = bus.subscriber(every()).replay(&*time, |_| Ok(()));
        for number in 0..10 {
            bus.publish(topic(&format!("a.{number}")), Nothing).ok();
        }
        time.next_frame();
        drop((retention, queue, measurement, batch, replay));
    };
    (0..3).for_each(|_| use_every_feature());
    let left = measure(|| (0..1_000).for_each(|_| use_every_feature()));
    assert_eq!(left.bytes_current, 0);
}
