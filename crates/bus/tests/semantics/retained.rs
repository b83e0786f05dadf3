//! Retained topics (promise 8).

use std::cell::RefCell;
use std::rc::Rc;

use bus::{Subscription, VirtualTime};

use crate::stage::{Stage, n, pattern};

fn late(stage: &Stage, time: &VirtualTime, at: &str) -> Subscription {
    let log = stage.log.clone();
    stage.bus.subscriber(pattern(at)).label("late").replay(time, move |event| {
        log.borrow_mut().push(event.payload.0.clone());
        if event.payload.0 == "bad" { Err("no milk") } else { Ok(()) }
    })
}

#[test]
fn a_late_subscriber_receives_the_last_events_of_each_topic_in_order_and_then_new_ones() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _retention = stage.bus.retain(pattern("a.*"), n(2), n(10));
    for (at, text) in [("a.x", "x1"), ("a.y", "y1"), ("a.x", "x2"), ("a.x", "x3"), ("b", "b")] {
        stage.publish(at, text);
    }
    let _late = late(&stage, &time, "a.>");
    assert!(stage.logged().is_empty(), "never inside `subscribe`");
    time.settle();
    stage.publish("a.x", "x4");
    assert_eq!(stage.logged(), ["y1", "x2", "x3", "x4"]);
}

#[test]
fn an_event_before_the_turn_of_the_replay_leaves_no_gap_and_no_duplicate() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _retention = stage.bus.retain(pattern("a"), n(2), n(10));
    stage.publish("a", "1");
    stage.publish("a", "2");
    let _late = late(&stage, &time, ">");
    for text in ["3", "4", "5"] {
        stage.publish("a", text);
    }
    stage.publish("not.retained", "6");
    time.settle();
    assert_eq!(stage.logged(), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn a_late_subscription_made_inside_a_handler_receives_each_event_once() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let stage = Rc::new(stage);
    let made = Rc::new(RefCell::new(None));
    let (keep, inner, clock) = (made.clone(), stage.clone(), time.clone());
    let _maker = stage.bus.subscribe(pattern("a"), move |event| {
        if event.payload.0 == "2" {
            inner.publish("a", "3");
            keep.replace(Some(late(&inner, &clock, "a")));
            inner.publish("a", "4");
        }
        Ok(())
    });
    let _retention = stage.bus.retain(pattern("a"), n(9), n(10));
    stage.publish_all("a", &["1", "2", "5"]);
    time.settle();
    assert_eq!(stage.logged(), ["1", "2", "3", "4", "5"]);
    made.take();
}

#[test]
fn a_late_subscriber_that_ends_before_its_replay_receives_nothing() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _retention = stage.bus.retain(pattern("a"), n(2), n(10));
    stage.publish("a", "1");
    drop(late(&stage, &time, "a"));
    time.settle();
    assert!(stage.logged().is_empty());
}

#[test]
fn a_failure_in_a_replay_is_reported_and_does_not_stop_the_replay() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _retention = stage.bus.retain(pattern("a"), n(2), n(10));
    stage.publish("a", "bad");
    stage.publish("a", "2");
    let _late = late(&stage, &time, "a");
    time.settle();
    assert_eq!(stage.logged(), ["bad", "2"]);
    assert_eq!(stage.console.take(), ["subscription `late` failed on `a`: no milk"]);
}

#[test]
fn the_number_of_retained_topics_is_bounded_and_the_stalest_is_discarded() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let retention = stage.bus.retain(pattern(">"), n(1), n(2));
    for at in ["a", "b", "a", "c"] {
        stage.publish(at, at);
    }
    assert_eq!(retention.topics(), 2);
    let all = late(&stage, &time, ">");
    time.settle();
    assert_eq!(stage.logged(), ["a", "c"]);
    drop((all, retention));
    let _after = late(&stage, &time, ">");
    time.settle();
    assert!(stage.logged().is_empty());
}
