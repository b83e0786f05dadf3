//! What can be seen of the bus from outside (semantic 11).

use std::time::Duration;

use bus::VirtualTime;

use crate::stage::{Stage, Text, pattern, topic};

#[test]
fn subscriptions_that_come_and_go_are_told_while_somebody_listens() {
    let stage = Stage::new();
    drop(stage.listen("before", "a"));
    let _told = stage.listen("told", "$bus.>");
    let one = stage.bus.subscriber(pattern("a.*")).label("one").handle(|_| Ok(()));
    let two = stage.listen("two", "b");
    drop((one, two));
    assert_eq!(stage.logged(), ["told:+a.* one", "told:+b b", "told:-a.* one", "told:-b b"]);
}

#[test]
fn counters_and_handler_times_are_kept_while_asked_for() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let clock = time.clone();
    let slow = stage.bus.subscriber(pattern("a.*")).label("slow");
    let _slow = slow.handle(move |event| {
        clock.pass(Duration::from_micros(5));
        if event.payload.0 == "bad" { Err("no milk") } else { Ok(()) }
    });
    let _other = stage.listen("other", "a.x");
    stage.publish("a.x", "before");
    let measurement = stage.bus.measure(time.clone(), 10);
    for (at, text) in [("a.x", "1"), ("a.x", "bad"), ("a.y", "3"), ("nobody", "4")] {
        stage.publish(at, text);
    }
    let x = measurement.topic(&topic("a.x"));
    assert_eq!((x.events, x.deliveries), (2, 4));
    assert_eq!(measurement.topic(&topic("nobody")).events, 1);
    let slow = measurement.handler("slow");
    assert_eq!((slow.calls, slow.failures, slow.total), (3, 1, Duration::from_micros(15)));
    assert_eq!((slow.histogram[2], slow.histogram.iter().sum()), (3, 3), "4 to 8 microseconds");
    drop(measurement);
    let next = stage.bus.measure(time, 10);
    assert!(next.topics().is_empty());
}

#[test]
fn counters_have_a_bound_and_count_the_rest_together() {
    let stage = Stage::new();
    let measurement = stage.bus.measure(VirtualTime::new(), 2);
    for at in ["a", "b", "c", "d", "a"] {
        stage.publish(at, "");
    }
    assert_eq!(measurement.topic(&topic("a")).events, 2);
    assert_eq!(measurement.topic(&topic("$bus.others")).events, 2);
}

#[test]
fn seeing_changes_no_order() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _measurement = stage.bus.measure(time, 10);
    let bus = stage.bus.clone();
    let _first = stage.bus.subscribe(pattern("a"), move |event| {
        if event.payload.0 == "one" {
            bus.publish(topic("a"), Text("two".into())).unwrap();
        }
        Ok(())
    });
    let _second = stage.listen("second", "a");
    stage.publish("a", "one");
    assert_eq!(stage.logged(), ["second:one", "second:two"]);
}
