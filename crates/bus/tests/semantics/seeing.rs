//! What can be seen of the bus from outside (semantic 11).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bus::{Message, Published, Recorded, VirtualTime};

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

#[test]
fn a_recording_plays_again_with_its_timing_faster_or_step_by_step() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let tape: Rc<RefCell<Vec<Recorded<Text>>>> = Rc::default();
    let write = tape.clone();
    let recorder = stage.bus.record(pattern("a.>"), time.clone(), move |event| {
        write.borrow_mut().push(event);
    });
    let second = Duration::from_secs(1);
    for (at, text) in [("a.x", "1"), ("b", "not this"), ("a.y", "2"), ("a.x", "3")] {
        stage.publish(at, text);
        time.pass(second);
    }
    drop(recorder);
    let recording = tape.take();
    let moments: Vec<_> = recording.iter().map(|recorded| recorded.at).collect();
    assert_eq!(moments, [Duration::ZERO, second * 2, second * 3]);

    let _again = stage.listen("again", ">");
    let with_its_timing = stage.bus.player(recording.clone());
    with_its_timing.play(time.clone(), 1.0);
    time.pass(second * 2);
    assert_eq!(stage.logged(), ["again:1", "again:2"]);
    with_its_timing.pause();
    time.pass(second * 9);
    assert!(stage.logged().is_empty());
    with_its_timing.play(time.clone(), 1.0);
    time.pass(second);
    assert_eq!((stage.logged(), with_its_timing.rest()), (vec!["again:3".to_owned()], 0));

    let faster = stage.bus.player(recording.clone());
    faster.play(time.clone(), 2.0);
    time.pass(second * 3 / 2);
    assert_eq!(stage.logged(), ["again:1", "again:2", "again:3"]);

    let by_step = stage.bus.player(recording);
    assert!(matches!(by_step.step(), Some(Ok(Published::Delivered(1)))));
    assert_eq!((stage.logged(), by_step.rest()), (vec!["again:1".to_owned()], 2));
}

#[test]
fn a_handler_may_pause_the_player_that_calls_it() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let message = |text: &str| Message { topic: topic("a"), payload: Text(text.into()) };
    let recording = ["1", "2"].map(|text| Recorded { at: Duration::ZERO, event: message(text) });
    let player = Rc::new(stage.bus.player(recording));
    let pause = player.clone();
    let _pauses = stage.bus.subscribe(pattern("a"), move |_| {
        pause.pause();
        Ok(())
    });
    player.play(time.clone(), 1.0);
    time.pass(Duration::from_secs(1));
    assert_eq!(player.rest(), 1);
}
