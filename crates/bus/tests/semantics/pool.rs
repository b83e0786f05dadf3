//! Worker pools: which worker gets an event, and what happens when workers die.

mod hall;
mod programs;

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bus::{Balance, NoReply, Overflow, PublishError, RequestError, Topic};

use crate::stage::{n, poll, topic};
use hall::{Job, Scene, members};

#[test]
fn an_event_goes_to_an_idle_worker_and_none_waits_behind_a_slow_one() {
    let scene = Scene::new();
    let pool = scene.pool(members(2));
    scene.publish(&["slow", "a", "b", "c"]);
    assert_eq!(pool.pending(), 4);
    for _ in 0..3 {
        scene.hall.finish(1);
    }
    assert_eq!(scene.hall.logged(), ["0:slow", "1:a", "1:b", "1:c"]);
    scene.hall.finish(0);
    assert_eq!((pool.pending(), pool.lost()), (0, 0));
}

#[test]
fn idle_workers_take_turns() {
    let scene = Scene::new();
    scene.hall.quick.set(true);
    let _pool = scene.pool(members(3));
    scene.publish(&["a", "b", "c", "d"]);
    assert_eq!(scene.hall.logged(), ["0:a", "1:b", "2:c", "0:d"]);
}

#[test]
fn events_wait_until_a_worker_is_ready() {
    let scene = Scene::new();
    scene.hall.eager.set(false);
    let pool = scene.pool(members(2));
    scene.publish(&["a", "b"]);
    assert_eq!((scene.hall.logged().len(), pool.pending()), (0, 2));
    scene.hall.ready(1);
    scene.hall.finish(1);
    assert_eq!(scene.hall.logged(), ["1:a", "1:b"]);
}

#[test]
fn a_hanging_worker_is_ended_at_its_deadline_and_its_event_is_redelivered() {
    let scene = Scene::new();
    let pool = scene.pool(members(2));
    scene.publish(&["hangs", "a", "b"]);
    scene.pass(999);
    scene.hall.finish(1);
    assert_eq!(scene.hall.logged(), ["0:hangs", "1:a", "1:b"]);
    scene.pass(1);
    assert_eq!(scene.hall.logged(), ["0 ends", "2:hangs again"]);
    scene.hall.finish(1);
    scene.hall.finish(2);
    assert_eq!((pool.pending(), pool.lost()), (0, 1));
    let end = "a worker has ended: it exceeded the deadline of 1000 ms";
    assert_eq!(*scene.ends.borrow(), [format!("$bus.worker|job|{end}; another starts in 0 ms")]);
    assert!(scene.failures.borrow().is_empty());
}

#[test]
fn the_deadline_of_an_event_begins_when_a_worker_receives_it() {
    let scene = Scene::new();
    let pool = scene.pool(members(1));
    scene.publish(&["a", "b"]);
    scene.pass(900);
    scene.hall.finish(0);
    scene.pass(900);
    scene.hall.finish(0);
    scene.pass(10_000);
    assert_eq!((pool.pending(), pool.lost()), (0, 0));
}

#[test]
fn a_worker_survives_the_suspension_of_its_page() {
    let scene = Scene::new();
    let pool = scene.pool(members(1));
    scene.publish(&["a"]);
    scene.slept.set(Duration::from_secs(600));
    scene.pass(1_999);
    assert_eq!(pool.lost(), 0);
    // Only once: a background page may be suspended again and again.
    scene.slept.set(Duration::from_secs(1_200));
    scene.pass(1);
    assert_eq!(pool.lost(), 1);
}

#[test]
fn a_worker_that_dies_is_replaced_at_once_and_its_event_precedes_younger_ones() {
    let scene = Scene::new();
    let pool = scene.pool(members(1));
    scene.publish(&["a", "b", "c"]);
    scene.hall.finish(0);
    scene.hall.die(0);
    assert_eq!(scene.hall.logged(), ["0:a", "0:b", "0 ends", "1:b again"]);
    scene.hall.finish(1);
    scene.hall.finish(1);
    assert_eq!((scene.hall.logged(), pool.pending()), (vec!["1:c".to_owned()], 0));
}

#[test]
fn a_worker_ends_before_another_receives_its_event() {
    let scene = Scene::new();
    let _pool = scene.pool(members(2));
    scene.publish(&["a"]);
    scene.hall.die(0);
    assert_eq!(scene.hall.logged(), ["0:a", "0 ends", "1:a again"]);
}

#[test]
fn replacements_that_finish_nothing_start_with_growing_delays() {
    let scene = Scene::new();
    scene.hall.broken.set(true);
    let pool = scene.pool(members(1));
    scene.publish(&["a"]);
    let mut starts = Vec::new();
    for second in 0..120 {
        let before = scene.hall.spawned.get();
        scene.pass(1_000);
        starts.extend((before..scene.hall.spawned.get()).map(|_| second));
    }
    // The first two start at 0 s, the next after delays of 0.1, 0.2, 0.4, ... up to 30 s.
    assert_eq!(starts, [0, 0, 0, 1, 3, 6, 12, 25, 51, 81, 111]);
    assert_eq!(pool.pending(), 1);
    scene.hall.broken.set(false);
    while scene.hall.standing.borrow().is_empty() {
        scene.pass(100);
    }
    let worker = scene.hall.spawned.get() - 1;
    scene.hall.finish(worker);
    scene.hall.logged();
    scene.publish(&["b"]);
    scene.hall.die(worker);
    let log = [format!("{worker}:b"), format!("{worker} ends"), format!("{}:b again", worker + 1)];
    assert_eq!(
        scene.hall.logged(),
        log,
        "a worker that has finished something is replaced at once"
    );
}

#[test]
fn a_worker_that_never_becomes_ready_is_replaced() {
    let scene = Scene::new();
    scene.hall.eager.set(false);
    let pool = scene.pool(members(1).startup(Duration::from_secs(5)));
    scene.pass(5_000);
    assert_eq!((pool.lost(), scene.hall.logged()), (1, vec!["0 ends".to_owned()]));
    scene.hall.ready(1);
    scene.pass(60_000);
    assert_eq!(pool.lost(), 1);
}

#[test]
fn a_poison_event_is_given_up_after_its_attempts_and_reported() {
    let scene = Scene::new();
    let pool = scene.pool(members(2));
    scene.publish(&["poison", "a"]);
    scene.hall.die(0);
    scene.hall.die(2);
    scene.pass(100);
    assert!(scene.failures.borrow().is_empty());
    scene.hall.die(3);
    let failure = "job|job|given up after 3 workers, the last of which ended: a trap";
    assert_eq!(*scene.failures.borrow(), [failure]);
    scene.hall.finish(1);
    scene.pass(60_000);
    assert_eq!((pool.pending(), pool.lost()), (0, 3));
    let given = scene.hall.logged();
    assert_eq!(given.iter().filter(|line| line.contains("poison")).count(), 3);
}

#[test]
fn a_failing_handler_in_a_worker_is_reported_and_its_event_is_not_redelivered() {
    let scene = Scene::new();
    let pool = scene.pool(members(1));
    scene.publish(&["a", "b"]);
    scene.hall.fail(0, "no such file");
    assert_eq!(*scene.failures.borrow(), ["job|job|no such file"]);
    assert_eq!((scene.hall.logged(), pool.lost()), (vec!["0:a".to_owned(), "0:b".to_owned()], 0));
}

#[test]
fn an_event_that_cannot_be_transferred_is_a_failure_and_the_next_one_follows() {
    let scene = Scene::new();
    let pool = scene.pool(members(1));
    scene.publish(&["unsendable", "a"]);
    assert_eq!(*scene.failures.borrow(), ["job|job|it cannot be sent"]);
    assert_eq!((scene.hall.logged(), pool.pending()), (vec!["0:a".to_owned()], 1));
    scene.pass(999);
    assert_eq!(pool.lost(), 0);
}

#[test]
fn a_full_pool_refuses_an_event_before_any_subscriber_receives_it() {
    let scene = Scene::new();
    let pool = scene.pool(members(1).capacity(n(1), Overflow::wait()));
    scene.publish(&["in work", "waits"]);
    let refused = scene.bus.publish(topic("job"), Job("refused".into()));
    assert!(matches!(refused, Err(PublishError::NoRoom(..))));
    let mut publish = pin!(scene.bus.publish_when_room(topic("job"), Job("later".into())));
    assert!(poll(&mut publish).is_pending());
    // A redelivered event takes no room from those that wait, and none is dropped.
    scene.hall.die(0);
    assert!(poll(&mut publish).is_pending());
    scene.hall.finish(1);
    assert!(matches!(poll(&mut publish), Poll::Ready(Ok(_))));
    assert_eq!((pool.pending(), pool.dropped()), (2, 0));
}

#[test]
fn a_full_pool_drops_and_counts_events_as_its_overflow_says() {
    for (overflow, kept) in [
        (Overflow::drop_oldest(), ["0:in work", "0:b", "0:c"]),
        (Overflow::drop_newest(), ["0:in work", "0:a", "0:b"]),
        (Overflow::conflate(|_, _| "one".into()), ["0:in work", "0:c", "0:d"]),
    ] {
        let scene = Scene::new();
        let pool = scene.pool(members(1).capacity(n(2), overflow));
        scene.publish(&["in work", "a", "b", "c"]);
        assert!(pool.dropped() > 0);
        scene.hall.finish(0);
        scene.publish(&["d"]);
        scene.hall.finish(0);
        assert_eq!(scene.hall.logged(), kept);
    }
}

#[test]
fn reports_of_a_replaced_worker_have_no_effect() {
    let scene = Scene::new();
    let pool = scene.pool(members(1));
    scene.publish(&["a"]);
    let (late, ticket) = (scene.hall.reports(0), scene.hall.given(0).ticket);
    scene.pass(1_000);
    late.done(ticket, Ok(()));
    late.died(hall::Why("late".into()));
    late.ready();
    assert_eq!((pool.pending(), pool.lost()), (1, 1));
    let given = scene.hall.given(1);
    scene.hall.reports(1).done(ticket, Ok(()));
    assert_eq!(pool.pending(), 1, "a ticket is of one giving");
    scene.hall.reports(1).done(given.ticket, Ok(()));
    assert_eq!(pool.pending(), 0);
}

#[test]
fn dropping_a_pool_ends_its_subscription_and_its_workers() {
    let scene = Scene::new();
    let before = scene.bus.subscriptions();
    let pool = scene.pool(members(2));
    let payload = Job("a".into());
    for _ in 0..3 {
        scene.bus.publish(topic("job"), payload.clone()).unwrap();
    }
    let late = scene.hall.reports(0);
    scene.hall.given(0);
    scene.hall.given(1);
    scene.hall.logged();
    drop(pool);
    assert_eq!(scene.hall.logged(), ["0 ends", "1 ends"]);
    assert_eq!(scene.bus.subscriptions(), before);
    late.died(hall::Why("late".into()));
    scene.pass(60_000);
    assert_eq!((scene.hall.spawned.get(), Rc::strong_count(&payload.0)), (2, 1));
}

#[test]
fn in_a_group_a_pool_is_one_member_with_all_its_pending_events() {
    let scene = Scene::new();
    let member = || scene.bus.subscriber("job".try_into().unwrap());
    let one = scene.pool_of(member().group("g", Balance::least_pending()), members(1));
    let two = scene.pool_of(member().group("g", Balance::least_pending()), members(1));
    scene.publish(&["a", "b", "c", "d"]);
    assert_eq!((one.pending(), two.pending()), (2, 2));
    scene.hall.finish(1);
    scene.hall.finish(1);
    scene.publish(&["e", "f"]);
    assert_eq!((one.pending(), two.pending()), (2, 2));
}

#[test]
fn a_serving_pool_replies_to_requests_even_after_a_redelivery() {
    let scene = Scene::new();
    let ask = || {
        let second = Duration::from_secs(10);
        scene.bus.request(topic("job"), Job("asks".into()), second, &*scene.time)
    };
    let deaf = scene.pool(members(1));
    assert!(matches!(ask(), Err(RequestError::NoResponder(..))));
    drop(deaf);
    let _pool = scene.pool(members(1).serving());
    let mut answered = pin!(ask().unwrap());
    scene.hall.die(1);
    let ticket = scene.hall.given(2).ticket;
    scene.hall.reports(2).reply(ticket, Job("an answer".into()));
    scene.hall.reports(2).done(ticket, Ok(()));
    assert_eq!(poll(&mut answered), Poll::Ready(Ok(Job("an answer".into()))));
    let mut ignored = pin!(ask().unwrap());
    scene.hall.finish(2);
    assert_eq!(poll(&mut ignored), Poll::Ready(Err(NoReply::Dropped)));
}

#[test]
fn a_worker_may_report_inside_hand() {
    let scene = Scene::new();
    scene.hall.eager.set(false);
    let pool = scene.pool(members(1).capacity(n(200_000), Overflow::wait()));
    for number in 0..100_000 {
        scene.bus.publish(Topic::parse("job").unwrap(), Job(number.to_string().into())).unwrap();
    }
    scene.hall.quick.set(true);
    scene.hall.ready(0);
    assert_eq!((pool.pending(), scene.hall.logged().len()), (0, 100_000));
}

#[test]
fn a_worker_may_publish_and_drop_the_pool_inside_hand() {
    let scene = Scene::new();
    scene.hall.quick.set(true);
    let pool = Rc::new(RefCell::new(Some(scene.pool(members(2)))));
    let bus = scene.bus.clone();
    scene.hall.meanwhile.replace(Some(Box::new(move || {
        bus.publish(topic("job"), Job("b".into())).unwrap();
    })));
    scene.publish(&["a"]);
    assert_eq!(scene.hall.logged(), ["0:a", "1:b"]);
    scene.hall.quick.set(false);
    scene.publish(&["c", "d", "e"]);
    let dropped = pool.clone();
    scene.hall.meanwhile.replace(Some(Box::new(move || drop(dropped.take()))));
    scene.hall.die(0);
    assert_eq!(scene.hall.logged(), ["0:c", "1:d", "0 ends", "2:c again", "1 ends", "2 ends"]);
    assert!(pool.borrow().is_none() && scene.hall.standing.borrow().is_empty());
}
