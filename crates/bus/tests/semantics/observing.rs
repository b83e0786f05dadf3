//! Observing the bus: notices, measurements and recordings (promise 10).

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use bus::{Measurement, Message, Recorded, Tape, VirtualTime};

use crate::stage::{Stage, Text, pattern, topic};

/// Publishes the events of `tape` on the stage's bus.
fn play(stage: &Stage, tape: &Tape<Text>, time: &Rc<VirtualTime>, speed: f64) {
    let bus = stage.bus.clone();
    tape.play(time.clone(), speed, move |Message { topic, payload }| {
        bus.publish(topic, payload).unwrap();
        ControlFlow::Continue(())
    });
}

/// A recording on topic `a`, with the seconds as texts.
fn recording(seconds: &[u64]) -> Vec<Recorded<Text>> {
    let recorded = |&seconds: &u64| Recorded {
        at: Duration::from_secs(seconds),
        event: Message { topic: topic("a"), payload: Text(seconds.to_string()) },
    };
    seconds.iter().map(recorded).collect()
}

fn again(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("again:{text}")).collect()
}

#[test]
fn notices_report_subscriptions_that_begin_and_end_while_notices_have_a_subscriber() {
    let stage = Stage::new();
    drop(stage.listen("before", "a"));
    let _told = stage.listen("reported", "$bus.>");
    let one = stage.bus.subscriber(pattern("a.*")).label("one").handle(|_| Ok(()));
    let two = stage.listen("two", "b");
    drop((one, two));
    assert_eq!(
        stage.logged(),
        ["reported:+a.* one", "reported:+b b", "reported:-a.* one", "reported:-b b"]
    );
}

#[test]
fn counters_and_handler_times_are_kept_while_a_measurement_exists() {
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
    for (at, text) in [("a.x", "1"), ("a.x", "bad"), ("a.y", "3"), ("unheard", "4")] {
        stage.publish(at, text);
    }
    let x = measurement.topic(&topic("a.x"));
    assert_eq!((x.events, x.deliveries), (2, 4));
    assert_eq!(measurement.topic(&topic("unheard")).events, 1);
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
fn counters_have_a_bound_and_count_all_other_topics_together() {
    let stage = Stage::new();
    let measurement = stage.bus.measure(VirtualTime::new(), 2);
    for at in ["a", "b", "c", "d", "a"] {
        stage.publish(at, "");
    }
    assert_eq!(measurement.topic(&topic("a")).events, 2);
    assert_eq!(measurement.topic(&topic("$bus.others")).events, 2);
}

#[test]
fn a_measurement_does_not_change_the_order() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _measurement = stage.bus.measure(time, 10);
    let _subscriptions = stage.cascade();
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
    let recorded = tape.take();
    let moments: Vec<_> = recorded.iter().map(|recorded| recorded.at).collect();
    assert_eq!(moments, [Duration::ZERO, second * 2, second * 3]);

    let _again = stage.listen("again", ">");
    let with_its_timing = Tape::new(recorded.clone());
    play(&stage, &with_its_timing, &time, 1.0);
    time.pass(second * 2);
    assert_eq!(stage.logged(), again(&["1", "2"]));
    with_its_timing.pause();
    time.pass(second * 9);
    assert!(stage.logged().is_empty());
    play(&stage, &with_its_timing, &time, 1.0);
    time.pass(second);
    assert_eq!((stage.logged(), with_its_timing.rest()), (again(&["3"]), 0));

    let faster = Tape::new(recorded.clone());
    play(&stage, &faster, &time, 2.0);
    time.pass(second * 3 / 2);
    assert_eq!(stage.logged(), again(&["1", "2", "3"]));

    let by_step = Tape::new(recorded);
    assert_eq!(by_step.step().map(|event| event.payload.0).as_deref(), Some("1"));
    assert_eq!(by_step.rest(), 2);
}

#[test]
fn a_tape_that_is_late_or_has_no_speed_catches_up_at_once() {
    let stage = Stage::new();
    let second = Duration::from_secs(1);
    let recording = recording(&[0, 1, 2, 9]);
    let _again = stage.listen("again", ">");
    let time = VirtualTime::new();
    let slow = time.clone();
    let holds = stage.bus.subscribe(pattern("a"), move |event| {
        if event.payload.0 == "0" {
            slow.pass(second * 3); // a handler that takes three seconds
        }
        Ok(())
    });
    let tape = Tape::new(recording.clone());
    play(&stage, &tape, &time, 1.0);
    time.pass(Duration::ZERO);
    assert_eq!((stage.logged(), tape.rest()), (again(&["0", "1", "2"]), 1));
    time.pass(second * 6);
    assert_eq!(stage.logged(), again(&["9"]));
    drop(holds);
    let slowest = Tape::new(recording.clone());
    play(&stage, &slowest, &time, f64::MIN_POSITIVE);
    time.pass(second * 1_000_000);
    assert_eq!(stage.logged(), again(&["0"]), "a wait too long for a `Duration` never ends");
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let tape = Tape::new(recording.clone());
        play(&stage, &tape, &time, speed);
        assert_eq!(tape.rest(), 4, "nothing is published inside the call");
        time.pass(Duration::ZERO);
        assert_eq!(stage.logged(), again(&["0", "1", "2", "9"]), "{speed}");
    }
}

#[test]
fn a_step_while_a_tape_plays_does_not_bring_later_events_forward() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _again = stage.listen("again", ">");
    let tape = Tape::new(recording(&[1, 2]));
    play(&stage, &tape, &time, 1.0);
    assert!(tape.step().is_some());
    time.pass(Duration::from_secs(1));
    assert!(stage.logged().is_empty());
    time.pass(Duration::from_secs(1));
    assert_eq!(stage.logged(), again(&["2"]));
}

#[test]
fn a_handler_may_restart_the_tape_that_plays_its_event() {
    let (stage, time) = (Rc::new(Stage::new()), VirtualTime::new());
    let _again = stage.listen("again", ">");
    let tape = Rc::new(Tape::new(recording(&[0, 1, 2])));
    let (inner, faster, clock) = (Rc::downgrade(&stage), Rc::downgrade(&tape), time.clone());
    let _restarts = stage.bus.subscribe(pattern("a"), move |event| {
        if let (Some(stage), Some(tape), "0") =
            (inner.upgrade(), faster.upgrade(), event.payload.0.as_str())
        {
            play(&stage, &tape, &clock, 10.0);
        }
        Ok(())
    });
    play(&stage, &tape, &time, 1.0);
    time.pass(Duration::from_millis(200));
    assert_eq!(stage.logged(), again(&["0", "1", "2"]));
}

#[test]
fn a_handler_may_pause_the_tape_that_plays_its_event() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let tape = Rc::new(Tape::new(recording(&[0, 0])));
    let paused = tape.clone();
    let _pauses = stage.bus.subscribe(pattern("a"), move |_| {
        paused.pause();
        Ok(())
    });
    play(&stage, &tape, &time, 1.0);
    time.pass(Duration::from_secs(1));
    assert_eq!(tape.rest(), 1);
}

#[test]
fn a_tape_stops_when_its_publisher_breaks() {
    let (tape, time) = (Tape::new(recording(&[0, 0, 1])), VirtualTime::new());
    tape.play(time.clone(), 1.0, |_| ControlFlow::Break(()));
    time.pass(Duration::from_secs(9));
    assert_eq!(tape.rest(), 2);
}
