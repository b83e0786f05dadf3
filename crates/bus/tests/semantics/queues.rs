//! Queued subscriptions and their bounds (promise 6).

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bus::{Balance, Overflow, PublishError, Published, Queue};
use futures_core::Stream;

use crate::stage::{Stage, Text, n, pattern, poll, texts, topic};

fn queue(stage: &Stage, at: &str, capacity: usize, overflow: Overflow<Text>) -> Queue<Text> {
    stage.bus.subscriber(pattern(at)).queue(n(capacity), overflow)
}

#[test]
fn drop_oldest_keeps_the_newest_and_counts_the_rest() {
    let stage = Stage::new();
    let queue = queue(&stage, "a", 2, Overflow::drop_oldest());
    stage.publish_all("a", &["1", "2", "3", "4"]);
    assert_eq!(queue.dropped(), 2);
    assert_eq!(texts(&queue), ["3", "4"]);
}

#[test]
fn drop_newest_keeps_the_oldest_and_counts_the_rest() {
    let stage = Stage::new();
    let queue = queue(&stage, "a", 2, Overflow::drop_newest());
    stage.publish_all("a", &["1", "2", "3", "4"]);
    assert_eq!(queue.dropped(), 2);
    assert_eq!(texts(&queue), ["1", "2"]);
}

#[test]
fn conflate_keeps_the_newest_of_each_key() {
    let stage = Stage::new();
    let queue = queue(&stage, "a.*", 2, Overflow::conflate(|topic, _| topic.as_str().into()));
    stage.publish("a.x", "x1");
    stage.publish("a.y", "y1");
    stage.publish("a.x", "x2");
    assert_eq!((queue.dropped(), queue.len()), (1, 2));
    stage.publish("a.z", "z1");
    assert_eq!(texts(&queue), ["y1", "z1"]);
    assert_eq!(queue.dropped(), 2);
}

#[test]
fn wait_refuses_an_event_before_any_subscriber_receives_it() {
    let stage = Stage::new();
    let _listener = stage.listen("listener", "a");
    let queue = queue(&stage, "a", 1, Overflow::wait());
    stage.publish("a", "1");
    let refused = stage.bus.publish(topic("a"), Text("2".into()));
    assert!(matches!(refused, Err(PublishError::NoRoom(_, Text(text))) if text == "2"));
    assert_eq!(stage.logged(), ["listener:1"]);
    assert_eq!(texts(&queue), ["1"]);
    stage.publish("a", "3");
    assert_eq!((texts(&queue), queue.dropped()), (vec!["3".to_owned()], 0));
}

#[test]
fn has_room_reports_the_room_in_waiting_queues_and_room_waits_for_it() {
    let stage = Stage::new();
    let queue = queue(&stage, "a", 1, Overflow::wait());
    assert!(stage.bus.has_room(&topic("a")));
    stage.publish("a", "1");
    assert!(!stage.bus.has_room(&topic("a")) && stage.bus.has_room(&topic("b")));
    let (bus, a) = (stage.bus.clone(), topic("a"));
    let mut room = pin!(bus.room(&a));
    assert!(poll(&mut room).is_pending());
    assert_eq!(texts(&queue), ["1"]);
    assert!(poll(&mut room).is_ready());
}

#[test]
fn publish_regardless_skips_a_full_waiting_queue_which_counts_the_event_as_dropped() {
    let stage = Stage::new();
    let _listener = stage.listen("listener", "a");
    let queue = queue(&stage, "a", 1, Overflow::wait());
    stage.publish("a", "1");
    let published = stage.bus.publish_regardless(topic("a"), Text("2".into()));
    assert_eq!(published.ok(), Some(Published::Delivered(2)));
    assert_eq!(stage.logged(), ["listener:1", "listener:2"]);
    assert_eq!((texts(&queue), queue.dropped()), (vec!["1".to_owned()], 1));
    stage.bus.publish_regardless(topic("a"), Text("3".into())).unwrap();
    assert_eq!((texts(&queue), queue.dropped()), (vec!["3".to_owned()], 1));
}

#[test]
fn publish_held_drops_the_held_value_after_the_handlers_have_returned() {
    let stage = Stage::new();
    let held = Rc::new(());
    let (bus, kept, seen) = (stage.bus.clone(), held.clone(), Rc::new(Cell::new(0)));
    let (counted, count) = (held.clone(), seen.clone());
    let _inner = stage.bus.subscribe(pattern("inner"), move |_| {
        count.set(Rc::strong_count(&counted));
        Ok(())
    });
    let _outer = stage.bus.subscribe(pattern("outer"), move |_| {
        let held: Box<dyn std::any::Any> = Box::new(kept.clone());
        bus.publish_held(topic("inner"), Text("1".into()), Some(held)).unwrap();
        Ok(())
    });
    let without = Rc::strong_count(&held);
    stage.publish("outer", "");
    assert_eq!((seen.get(), Rc::strong_count(&held)), (without + 1, without));
}

#[test]
fn publish_regardless_takes_no_reserved_room() {
    let stage = Stage::new();
    let queue = queue(&stage, "a", 1, Overflow::wait());
    let bus = stage.bus.clone();
    let _publishes = stage.bus.subscribe(pattern("start"), move |_| {
        bus.publish(topic("a"), Text("reserved".into())).unwrap();
        bus.publish_regardless(topic("a"), Text("late".into())).unwrap();
        let refused = bus.publish(topic("a"), Text("refused".into()));
        assert!(matches!(refused, Err(PublishError::NoRoom(..))));
        Ok(())
    });
    stage.publish("start", "");
    assert_eq!((texts(&queue), queue.dropped()), (vec!["reserved".to_owned()], 1));
    let bus = stage.bus.clone();
    let _again = stage.bus.subscribe(pattern("again"), move |_| {
        bus.publish_regardless(topic("a"), Text("early".into())).unwrap();
        Ok(())
    });
    stage.publish("again", "");
    assert_eq!((texts(&queue), queue.dropped()), (vec!["early".to_owned()], 1));
    stage.publish("a", "after");
    assert_eq!(texts(&queue), ["after"]);
}

#[test]
fn wait_reserves_room_for_queued_events() {
    let stage = Stage::new();
    let queue = queue(&stage, "b", 2, Overflow::wait());
    let (bus, refused) = (stage.bus.clone(), Rc::new(Cell::new(0)));
    let count = refused.clone();
    let _burst = stage.bus.subscribe(pattern("a"), move |_| {
        for text in ["1", "2", "3"] {
            if let Err(PublishError::NoRoom(..)) = bus.publish(topic("b"), Text(text.into())) {
                count.set(count.get() + 1);
            }
        }
        Ok(())
    });
    stage.publish("a", "");
    assert_eq!((refused.get(), texts(&queue)), (1, vec!["1".to_owned(), "2".to_owned()]));
}

#[test]
fn an_unused_reservation_is_given_back() {
    let stage = Stage::new();
    let full = queue(&stage, "a.*", 1, Overflow::wait());
    let other = queue(&stage, "*.b", 1, Overflow::wait());
    stage.publish("x.b", "fills the other");
    assert!(stage.bus.publish(topic("a.b"), Text("refused".into())).is_err());
    assert!(full.is_empty());
    stage.publish("a.c", "taken");
    assert_eq!((texts(&full).len(), texts(&other).len()), (1, 1));
}

#[test]
fn waiting_queues_share_work_in_a_group() {
    let stage = Stage::new();
    let member = || {
        let member = stage.bus.subscriber(pattern("job")).group("g", Balance::round_robin());
        member.queue(n(1), Overflow::wait())
    };
    let (one, two) = (member(), member());
    stage.publish("job", "a");
    assert_eq!((texts(&one), texts(&two).len()), (vec!["a".to_owned()], 0));
    stage.publish("job", "b");
    assert_eq!((texts(&one).len(), texts(&two)), (0, vec!["b".to_owned()]));
}

struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_async_publish_waits_until_there_is_room() {
    let stage = Stage::new();
    let queue = queue(&stage, "a", 1, Overflow::wait());
    stage.publish("a", "1");
    let mut publish = pin!(stage.bus.publish_when_room(topic("a"), Text("2".into())));
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut context = Context::from_waker(&waker);
    assert!(publish.as_mut().poll(&mut context).is_pending());
    assert_eq!((texts(&queue), wakes.0.load(Ordering::Relaxed)), (vec!["1".to_owned()], 1));
    assert!(matches!(
        publish.as_mut().poll(&mut context),
        Poll::Ready(Ok(Published::Delivered(1)))
    ));
    assert_eq!(texts(&queue), ["2"]);
}

#[test]
fn an_async_publish_continues_when_the_full_queue_is_dropped() {
    let stage = Stage::new();
    let queue = queue(&stage, "a", 1, Overflow::wait());
    stage.publish("a", "1");
    let mut publish = pin!(stage.bus.publish_when_room(topic("a"), Text("2".into())));
    assert!(poll(&mut publish).is_pending());
    drop(queue);
    assert!(matches!(poll(&mut publish), Poll::Ready(Ok(Published::Delivered(0)))));
}

#[test]
fn a_waiting_queue_made_inside_a_handler_receives_later_events_only() {
    let stage = Stage::new();
    let made = Rc::new(std::cell::RefCell::new(None));
    let (bus, keep) = (stage.bus.clone(), made.clone());
    let _maker = stage.bus.subscribe(pattern("a"), move |_| {
        bus.publish(topic("b"), Text("before".into())).unwrap();
        keep.replace(Some(bus.subscriber(pattern("b")).queue(n(1), Overflow::wait())));
        bus.publish(topic("b"), Text("after".into())).unwrap();
        Ok(())
    });
    stage.publish("a", "");
    assert_eq!(made.borrow().as_ref().map(texts), Some(vec!["after".to_owned()]));
}

#[test]
fn every_drop_is_reported_except_of_the_runtimes_own_events() {
    let stage = Stage::new();
    let _told = stage.listen("reported", "$bus.dropped");
    let _small =
        stage.bus.subscriber(pattern("a")).label("small").queue(n(1), Overflow::drop_newest());
    let system = queue(&stage, "$bus.link", 1, Overflow::wait());
    stage.publish("a", "1");
    stage.publish("a", "2");
    assert_eq!(stage.logged(), ["reported:lost a small"]);
    stage.bus.announce(topic("$bus.link"), Text("up".into()));
    stage.bus.announce(topic("$bus.link"), Text("down".into()));
    assert_eq!((system.dropped(), stage.logged().len()), (1, 0));
}

#[test]
fn a_queue_is_a_stream_that_ends_with_its_bus() {
    let stage = Stage::new();
    let mut queue = queue(&stage, "a", 2, Overflow::drop_oldest());
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut context = Context::from_waker(&waker);
    let mut next = |queue: &mut Queue<Text>| Pin::new(queue).poll_next(&mut context);
    assert!(next(&mut queue).is_pending());
    stage.publish("a", "1");
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert!(matches!(next(&mut queue), Poll::Ready(Some(message)) if message.payload.0 == "1"));
    assert!(next(&mut queue).is_pending());
    drop(stage);
    assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    assert!(matches!(next(&mut queue), Poll::Ready(None)));
}

#[test]
fn dropping_a_queue_ends_its_subscription() {
    let stage = Stage::new();
    drop(queue(&stage, "a", 2, Overflow::wait()));
    assert_eq!(stage.bus.subscriptions(), 0);
    assert_eq!(stage.publish("a", ""), Published::Delivered(0));
}
