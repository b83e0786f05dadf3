//! Queue groups (promise 5).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use bus::{Balance, Overflow, Published, Subscription};

use crate::stage::{Stage, Text, n, pattern, texts, topic};

fn member(stage: &Stage, name: &'static str, at: &str, balance: Balance<Text>) -> Subscription {
    let log = stage.log.clone();
    stage.bus.subscriber(pattern(at)).group("workers", balance).label(name).handle(move |event| {
        log.borrow_mut().push(format!("{name}:{}", event.payload.0));
        if event.payload.0 == "bad" { Err("no milk") } else { Ok(()) }
    })
}

#[test]
fn an_event_reaches_exactly_one_member_of_a_group_across_patterns() {
    let stage = Stage::new();
    let _logger = stage.listen("logger", ">");
    let _one = member(&stage, "one", "job.*", Balance::round_robin());
    let _two = member(&stage, "two", "job.>", Balance::round_robin());
    let _elsewhere = member(&stage, "three", "other", Balance::round_robin());
    for job in ["a", "b", "c"] {
        assert_eq!(stage.publish("job.x", job), Published::Delivered(2));
    }
    assert_eq!(stage.logged(), ["logger:a", "one:a", "logger:b", "two:b", "logger:c", "one:c"]);
    stage.publish("job.x.y", "d");
    assert_eq!(stage.logged(), ["logger:d", "two:d"]);
}

#[test]
fn the_share_of_a_member_that_ends_goes_to_the_others_even_in_flight() {
    let stage = Stage::new();
    let doomed = Rc::new(RefCell::new(None));
    let end = doomed.clone();
    let _first = stage.bus.subscriber(pattern("job")).priority(1).handle(move |_| {
        end.take();
        Ok(())
    });
    doomed.replace(Some(member(&stage, "doomed", "job", Balance::round_robin())));
    let _other = member(&stage, "other", "job", Balance::round_robin());
    stage.publish("job", "a");
    stage.publish("job", "b");
    assert_eq!(stage.logged(), ["other:a", "other:b"]);
}

#[test]
fn a_failing_member_is_named_and_its_event_goes_to_no_other() {
    let stage = Stage::new();
    let _errors = stage.listen("error", "$bus.error");
    let _one = member(&stage, "one", "job", Balance::round_robin());
    let _two = member(&stage, "two", "job", Balance::round_robin());
    stage.publish("job", "bad");
    assert_eq!(stage.logged(), ["one:bad", "error:job|one|no milk"]);
}

#[test]
fn least_pending_prefers_the_member_with_the_fewest_unfinished_events() {
    let stage = Stage::new();
    let queue = |name| {
        let queue = stage.bus.subscriber(pattern("job")).label(name);
        queue.group("workers", Balance::least_pending()).queue(n(8), Overflow::drop_newest())
    };
    let (slow, fast) = (queue("slow"), queue("fast"));
    let mut done = 0;
    for job in 0..8 {
        stage.publish("job", &job.to_string());
        done += texts(&fast).len();
    }
    assert_eq!((slow.len(), done), (1, 7));
}

#[test]
fn least_pending_counts_the_unfinished_events_of_handlers() {
    let stage = Stage::new();
    let unfinished = Rc::new(RefCell::new(Vec::new()));
    let keep = unfinished.clone();
    let busy = stage.bus.subscriber(pattern("job")).group("workers", Balance::least_pending());
    let _busy = busy.handle_pending(move |_, pending| {
        keep.borrow_mut().push(pending);
        Ok(())
    });
    let _idle = member(&stage, "idle", "job", Balance::least_pending());
    for job in ["a", "b", "c", "d"] {
        stage.publish("job", job);
    }
    assert_eq!(unfinished.borrow().len(), 1);
    unfinished.take();
    stage.publish("job", "e");
    stage.publish("job", "f");
    assert_eq!((unfinished.borrow().len(), stage.logged().len()), (1, 4));
}

#[test]
fn by_key_a_key_stays_with_its_member_and_only_one_share_moves() {
    let stage = Stage::new();
    let owner: Rc<RefCell<HashMap<String, usize>>> = Rc::default();
    let member = |number: usize| {
        let owner = owner.clone();
        let by_key = Balance::by_key(|_, text: &Text| text.0.clone());
        stage.bus.subscriber(pattern("job")).group("keyed", by_key).handle(move |event| {
            owner.borrow_mut().insert(event.payload.0.clone(), number);
            Ok(())
        })
    };
    let publish = || {
        for key in 0..1_000 {
            stage.publish("job", &format!("key{key}"));
        }
        owner.take()
    };
    let mut members: Vec<_> = (0..4).map(member).collect();
    let before = publish();
    assert_eq!(publish(), before);
    for number in 0..4 {
        let share = before.values().filter(|owner| **owner == number).count();
        assert!((150..350).contains(&share), "{share} of 1,000 keys");
    }
    drop(members.remove(2));
    let after = publish();
    assert!(before.iter().all(|(key, owner)| *owner == 2 || after[key] == *owner));
    members.push(member(4));
    let joined = publish();
    assert!(after.iter().all(|(key, owner)| joined[key] == 4 || joined[key] == *owner));
}

#[test]
fn the_member_is_chosen_at_the_events_turn() {
    let stage = Stage::new();
    let late = Rc::new(RefCell::new(None));
    let (made, bus, log) = (late.clone(), stage.bus.clone(), stage.log.clone());
    let published = Cell::new(false);
    let _maker = stage.bus.subscribe(pattern("start"), move |_| {
        if !published.replace(true) {
            bus.publish(topic("job"), Text("early".into())).unwrap();
            let log = log.clone();
            let subscriber = bus.subscriber(pattern("job"));
            made.replace(Some(subscriber.group("g", Balance::round_robin()).handle(
                move |event| {
                    log.borrow_mut().push(event.payload.0.clone());
                    Ok(())
                },
            )));
        }
        Ok(())
    });
    stage.publish("start", "");
    assert_eq!(stage.logged(), ["early"]);
}
