//! Order, priorities, failures and the runtime's topics (promises 1 to 4 and 11).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bus::{MAX_QUEUED, PublishError, Published};

use crate::stage::{Stage, Text, pattern, publish, topic};

#[test]
fn an_event_published_inside_a_handler_follows_the_current_one_for_all_subscribers() {
    let stage = Stage::new();
    let bus = stage.bus.clone();
    let answers = Rc::new(Cell::new(None));
    let answer = answers.clone();
    let _first = stage.bus.subscribe(pattern("a"), move |event| {
        if event.payload.0 == "one" {
            answer.set(Some(publish(&bus, "a", "two")));
        }
        Ok(())
    });
    let _second = stage.listen("second", "a");
    let _third = stage.listen("third", ">");

    assert_eq!(stage.publish("a", "one"), Published::Delivered(3));
    assert_eq!(answers.get(), Some(Published::Queued));
    assert_eq!(stage.logged(), ["second:one", "third:one", "second:two", "third:two"]);
}

#[test]
fn outside_a_handler_publish_returns_when_the_event_has_been_delivered() {
    let stage = Stage::new();
    let _one = stage.listen("one", "a");
    assert_eq!(stage.publish("a", "x"), Published::Delivered(1));
    assert_eq!(stage.logged(), ["one:x"]);
    assert_eq!(stage.publish("not.subscribed", "x"), Published::Delivered(0));
}

#[test]
fn higher_priority_comes_first_then_the_older_subscription_whatever_the_pattern() {
    let stage = Stage::new();
    let listen = |name: &'static str, at: &str, priority| {
        let log = stage.log.clone();
        stage.bus.subscriber(pattern(at)).priority(priority).handle(move |_| {
            log.borrow_mut().push(name.into());
            Ok(())
        })
    };
    let _subscriptions = [
        listen("old wildcard", "a.>", 0),
        listen("exact", "a.b", 0),
        listen("late", "a.*", -1),
        listen("first", "a.b", 7),
        listen("young wildcard", "*.b", 0),
    ];
    stage.publish("a.b", "");
    assert_eq!(stage.logged(), ["first", "old wildcard", "exact", "young wildcard", "late"]);
}

#[test]
fn a_subscription_made_inside_a_handler_sees_the_next_event() {
    let stage = Stage::new();
    let made = Rc::new(RefCell::new(Vec::new()));
    let (bus, log, keep) = (stage.bus.clone(), stage.log.clone(), made.clone());
    let _maker = stage.bus.subscribe(pattern("a"), move |_| {
        let log = log.clone();
        keep.borrow_mut().push(bus.subscribe(pattern("a"), move |event| {
            log.borrow_mut().push(event.payload.0.clone());
            Ok(())
        }));
        Ok(())
    });
    stage.publish("a", "one");
    assert!(stage.logged().is_empty());
    stage.publish("a", "two");
    assert_eq!(stage.logged(), ["two"]);
}

#[test]
fn a_subscription_ended_inside_a_handler_misses_the_event_in_flight() {
    let stage = Stage::new();
    let doomed = Rc::new(RefCell::new(None));
    let end = doomed.clone();
    let _killer = stage.bus.subscribe(pattern("a"), move |_| {
        end.take();
        Ok(())
    });
    doomed.replace(Some(stage.listen("doomed", "a")));
    let _after = stage.listen("after", "a");
    assert_eq!(stage.publish("a", "x"), Published::Delivered(2));
    assert_eq!(stage.logged(), ["after:x"]);
}

#[test]
fn a_handler_may_end_its_own_subscription_and_those_it_owns() {
    let stage = Stage::new();
    let own = Rc::new(RefCell::new(None));
    let inner = RefCell::new(Some(stage.listen("inner", "b")));
    let (end, log) = (own.clone(), stage.log.clone());
    own.replace(Some(stage.bus.subscribe(pattern("a"), move |_| {
        let _owned = &inner;
        end.take();
        log.borrow_mut().push("once".into());
        Ok(())
    })));
    stage.publish("a", "");
    stage.publish("a", "");
    assert_eq!(stage.logged(), ["once"]);
    assert_eq!(stage.bus.subscriptions(), 0);
}

#[test]
fn dropping_a_handler_that_owns_subscriptions_ends_them_too() {
    let stage = Stage::new();
    let inner = stage.listen("inner", ">");
    let outer = stage.bus.subscribe(pattern("a.*"), move |_| {
        let _owned = &inner;
        Ok(())
    });
    stage.publish("a.b", "x");
    drop(outer);
    assert_eq!(stage.bus.subscriptions(), 0);
    assert_eq!(stage.publish("a.b", "y"), Published::Delivered(0));
    assert_eq!(stage.logged(), ["inner:x"]);
}

#[test]
fn a_failing_handler_does_not_stop_the_others() {
    let stage = Stage::new();
    let _errors = stage.listen("error", "$bus.error");
    let _bad = stage.bus.subscriber(pattern("a.*")).label("bad").handle(|_| Err("no milk"));
    let _good = stage.listen("good", "a.b");
    stage.publish("a.b", "x");
    assert_eq!(stage.logged(), ["good:x", "error:a.b|bad|no milk"]);
    assert!(stage.console.take().is_empty());
}

#[test]
fn a_failure_of_an_error_handler_or_without_one_goes_to_the_last_resort() {
    let stage = Stage::new();
    let _bad = stage.bus.subscribe(pattern("a"), |_| Err("no milk"));
    stage.publish("a", "x");
    assert_eq!(stage.console.take(), ["subscription `a` failed on `a`: no milk"]);

    let _worse = stage.bus.subscribe(pattern("$bus.error"), |_| Err("no cup"));
    stage.publish("a", "x");
    assert_eq!(stage.console.take(), ["subscription `$bus.error` failed on `$bus.error`: no cup"]);
}

#[test]
fn topics_of_the_runtime_refuse_publishers_and_match_no_leading_wildcard() {
    let stage = Stage::new();
    let _all = stage.listen("all", ">");
    let refused = stage.bus.publish(topic("$bus.error"), Text("forged".into()));
    assert!(matches!(refused, Err(PublishError::SystemTopic(_, Text(text))) if text == "forged"));
    stage.bus.announce(topic("$bus.link"), Text("online".into()));
    assert!(stage.logged().is_empty());
}

#[test]
fn the_queue_of_turns_has_a_bound_beyond_which_publish_returns_the_event() {
    let stage = Stage::new();
    let bus = stage.bus.clone();
    let refused = Rc::new(Cell::new(0));
    let count = refused.clone();
    let _flood = stage.bus.subscribe(pattern("a"), move |_| {
        for number in 0..=MAX_QUEUED {
            match bus.publish(topic("b"), Text(number.to_string())) {
                Err(PublishError::QueueFull(_, Text(text))) => {
                    assert_eq!(text, MAX_QUEUED.to_string());
                    count.set(count.get() + 1);
                }
                published => assert_eq!(published.unwrap(), Published::Queued),
            }
        }
        Ok(())
    });
    let _listener = stage.listen("b", "b");
    stage.publish("a", "");
    assert_eq!((refused.get(), stage.logged().len()), (1, MAX_QUEUED));
}

#[test]
fn a_subscription_may_outlive_its_bus() {
    let stage = Stage::new();
    let late = stage.listen("late", "a");
    drop(stage);
    drop(late);
}

#[test]
fn the_bus_works_after_a_panic_in_a_handler() {
    let stage = Stage::new();
    let bus = stage.bus.clone();
    let panics = Cell::new(true);
    let _panicking = stage.bus.subscribe(pattern("a"), move |_| {
        publish(&bus, "b", "waiting");
        assert!(!panics.replace(false), "on purpose");
        Ok(())
    });
    let _listener = stage.listen("b", "b");
    let publish = std::panic::AssertUnwindSafe(|| stage.publish("a", ""));
    assert!(std::panic::catch_unwind(publish).is_err());
    stage.publish("b", "next");
    assert_eq!(stage.logged(), ["b:waiting", "b:next"]);
}

#[test]
fn a_change_invalidates_the_matching_routes_and_no_others() {
    let stage = Stage::new();
    let _everywhere = stage.listen("everywhere", "room.>");
    let handles: Vec<_> = (0..100_000)
        .map(|number| stage.bus.topic(&topic(&format!("room.{number}.message"))).unwrap())
        .collect();
    let heat = || handles.iter().for_each(|handle| drop(handle.publish(Text(String::new()))));
    let invalidated = |change: &mut dyn FnMut()| {
        heat();
        let before = stage.bus.routes_invalidated();
        change();
        stage.bus.routes_invalidated() - before
    };
    let mut kept = Vec::new();
    assert_eq!(invalidated(&mut || kept.push(stage.listen("one", "room.77.message"))), 1);
    assert_eq!(invalidated(&mut || kept.push(stage.listen("one", "room.77.*"))), 1);
    assert_eq!(invalidated(&mut || kept.push(stage.listen("one", "*.78.>"))), 1);
    assert_eq!(invalidated(&mut || kept.push(stage.listen("none", "hall.>"))), 0);
    assert_eq!(invalidated(&mut || drop(kept.remove(0))), 1);
    assert_eq!(invalidated(&mut || kept.push(stage.listen("all", ">"))), 100_000);
}

#[test]
fn a_handle_sees_subscriptions_begin_and_end() {
    let stage = Stage::new();
    let handle = stage.bus.topic(&topic("a.b")).unwrap();
    let say = |text: &str| handle.publish(Text(text.into())).unwrap();
    assert_eq!(say("0"), Published::Delivered(0));
    let exact = stage.listen("exact", "a.b");
    assert_eq!(say("1"), Published::Delivered(1));
    let wild = stage.listen("wild", "*.b");
    assert_eq!(say("2"), Published::Delivered(2));
    drop(exact);
    assert_eq!(say("3"), Published::Delivered(1));
    drop(wild);
    assert_eq!(say("4"), Published::Delivered(0));
    assert_eq!(stage.logged(), ["exact:1", "exact:2", "wild:2", "wild:3"]);
    assert!(matches!(stage.bus.topic(&topic("$bus.x")), Err(PublishError::SystemTopic(..))));
}
