//! What can be seen of the bus from outside (semantic 11).

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bus::{Measurement, Message, Published, Recorded, VirtualTime};

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
fn several_measurements_count_independently() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _heard = stage.listen("one", "a");
    let first = stage.bus.measure(time.clone(), 10);
    stage.publish("a", "1");
    let second = stage.bus.measure(time, 10);
    stage.publish("a", "2");
    let calls = |measurement: &Measurement<Text>| measurement.handler("a").calls;
    assert_eq!((calls(&first), calls(&second)), (2, 1));
    drop(second);
    stage.publish("a", "3");
    assert_eq!((calls(&first), first.topic(&topic("a")).events), (3, 3));
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
fn a_player_that_is_late_or_has_no_speed_catches_up_at_once() {
    let stage = Stage::new();
    let second = Duration::from_secs(1);
    let at = |seconds: u32, text: &str| {
        let event = Message { topic: topic("a"), payload: Text(text.into()) };
        Recorded { at: second * seconds, event }
    };
    let recording = [at(0, "1"), at(1, "2"), at(2, "3"), at(9, "4")];
    let _again = stage.listen("again", ">");
    let time = VirtualTime::new();
    let slow = time.clone();
    let holds = stage.bus.subscribe(pattern("a"), move |event| {
        if event.payload.0 == "1" {
            slow.pass(second * 3); // a handler that takes three seconds
        }
        Ok(())
    });
    let player = stage.bus.player(recording.clone());
    player.play(time.clone(), 1.0);
    time.pass(Duration::ZERO);
    assert_eq!((stage.logged(), player.rest()), (told(&["1", "2", "3"]), 1));
    time.pass(second * 6);
    assert_eq!(stage.logged(), told(&["4"]));
    drop(holds);
    let slowest = stage.bus.player(recording.clone());
    slowest.play(time.clone(), f64::MIN_POSITIVE);
    time.pass(second * 1_000_000);
    assert_eq!(
        stage.logged(),
        told(&["1"]),
        "a pause that no number is long enough for never ends"
    );
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let player = stage.bus.player(recording.clone());
        player.play(time.clone(), speed);
        assert_eq!(player.rest(), 4, "nothing is published inside the call");
        time.pass(Duration::ZERO);
        assert_eq!(stage.logged(), told(&["1", "2", "3", "4"]), "{speed}");
    }
}

fn told(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("again:{text}")).collect()
}

#[test]
fn a_step_while_a_player_plays_does_not_bring_the_others_forward() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let recording = [1, 2].map(|seconds| {
        let event = Message { topic: topic("a"), payload: Text(seconds.to_string()) };
        Recorded { at: Duration::from_secs(seconds), event }
    });
    let _again = stage.listen("again", ">");
    let player = stage.bus.player(recording);
    player.play(time.clone(), 1.0);
    assert!(player.step().is_some());
    time.pass(Duration::from_secs(1));
    assert_eq!(stage.logged(), told(&["1"]));
    time.pass(Duration::from_secs(1));
    assert_eq!(stage.logged(), told(&["2"]));
}

#[test]
fn a_handler_may_play_anew_the_player_that_calls_it() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let recording = [0, 1, 2].map(|seconds| {
        let event = Message { topic: topic("a"), payload: Text(seconds.to_string()) };
        Recorded { at: Duration::from_secs(seconds), event }
    });
    let _again = stage.listen("again", ">");
    let player = Rc::new(stage.bus.player(recording));
    let (faster, clock) = (Rc::downgrade(&player), time.clone());
    let _restarts = stage.bus.subscribe(pattern("a"), move |event| {
        if let (Some(player), "0") = (faster.upgrade(), event.payload.0.as_str()) {
            player.play(clock.clone(), 10.0);
        }
        Ok(())
    });
    player.play(time.clone(), 1.0);
    time.pass(Duration::from_millis(200));
    assert_eq!(stage.logged(), told(&["0", "1", "2"]));
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
