//! Batched subscriptions (promise 7).

use std::rc::Rc;
use std::time::Duration;

use bus::{Subscription, VirtualTime, Window};

use crate::stage::{Stage, n, pattern};

fn batch(stage: &Stage, time: &Rc<VirtualTime>, window: Window) -> Subscription {
    let log = stage.log.clone();
    stage.bus.subscriber(pattern("a")).label("batch").batch(window, time.clone(), move |batch| {
        let texts: Vec<_> = batch.iter().map(|message| message.payload.0.as_str()).collect();
        log.borrow_mut().push(texts.join(" "));
        if texts.contains(&"bad") { Err("no milk") } else { Ok(()) }
    })
}

#[test]
fn a_microtask_batch_holds_the_events_of_one_task() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _batch = batch(&stage, &time, Window::microtask());
    stage.publish("a", "1");
    stage.publish("a", "2");
    assert!(stage.logged().is_empty());
    time.settle();
    stage.publish("a", "3");
    time.settle();
    assert_eq!(stage.logged(), ["1 2", "3"]);
}

#[test]
fn a_frame_batch_waits_for_the_frame() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _batch = batch(&stage, &time, Window::frame());
    stage.publish("a", "1");
    time.settle();
    stage.publish("a", "2");
    time.next_frame();
    time.next_frame();
    assert_eq!(stage.logged(), ["1 2"]);
}

#[test]
fn a_batch_is_complete_after_its_interval_or_count_whichever_comes_first() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let second = Duration::from_secs(1);
    let _batch = batch(&stage, &time, Window::interval(second).at_most(n(3)));
    stage.publish_all("a", &["1", "2", "3", "4"]);
    assert_eq!(stage.logged(), ["1 2 3"]);
    time.pass(second / 2);
    stage.publish("a", "5");
    time.pass(second / 2);
    assert_eq!(stage.logged(), ["4 5"]);
    stage.publish("a", "6");
    time.pass(second / 2);
    assert!(stage.logged().is_empty());
    time.pass(second / 2);
    assert_eq!(stage.logged(), ["6"]);
}

#[test]
fn a_failing_batch_is_reported_like_a_failing_handler() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let _errors = stage.listen("error", "$bus.error");
    let _batch = batch(&stage, &time, Window::frame().at_most(n(2)));
    stage.publish("a", "bad");
    time.next_frame();
    stage.publish("a", "bad");
    stage.publish("a", "2");
    assert_eq!(stage.logged(), ["bad", "error:a|batch|no milk", "bad 2", "error:a|batch|no milk"]);
}

#[test]
fn an_incomplete_batch_is_dropped_when_its_subscription_ends() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let batch = batch(&stage, &time, Window::frame());
    stage.publish("a", "1");
    drop(batch);
    time.next_frame();
    assert!(stage.logged().is_empty());
}

#[test]
fn a_batch_has_its_turn_in_the_order() {
    let (stage, time) = (Stage::new(), VirtualTime::new());
    let (bus, log) = (stage.bus.clone(), stage.log.clone());
    let _answers =
        stage.bus.subscriber(pattern("a")).batch(Window::microtask(), time.clone(), move |_| {
            bus.publish(crate::stage::topic("b"), crate::stage::Text("answer".into())).unwrap();
            log.borrow_mut().push("batch is done".into());
            Ok(())
        });
    let _b = stage.listen("b", "b");
    stage.publish("a", "1");
    time.settle();
    assert_eq!(stage.logged(), ["batch is done", "b:answer"]);
}
