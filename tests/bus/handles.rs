//! Handles of topics, and publishing that waits for room.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;

use event_driven_kit::{
    Bus, Event, HandlerResult, Overflow, Payload, PublishError, Status, Verdict,
};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_test::wasm_bindgen_test;

#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<u32>>>);

impl Log {
    fn keep(&self) -> impl Fn(&Event) -> HandlerResult + 'static {
        let log = self.0.clone();
        move |event| {
            log.borrow_mut().push(*event.data::<u32>()?);
            Ok(())
        }
    }
}

#[wasm_bindgen_test]
fn a_handle_publishes_to_the_current_subscribers() {
    let (bus, log) = (Bus::new(), Log::default());
    let cursor = bus.topic("board.7.cursor").unwrap();
    cursor.publish(0_u32).unwrap();
    let one = bus.subscribe("board.*.cursor", log.keep()).unwrap();
    assert_eq!(cursor.publish(1_u32).unwrap().status(), Status::Delivered);
    let _two = bus.subscribe("board.7.cursor", log.keep()).unwrap();
    cursor.clone().publish_payload(Payload::new(2_u32)).unwrap();
    drop(one);
    cursor.publish(3_u32).unwrap();
    assert_eq!(log.0.take(), [1, 2, 2, 3]);
    assert_eq!(cursor.topic().as_str(), "board.7.cursor");
}

#[wasm_bindgen_test]
fn a_handle_keeps_the_order_inside_handlers() {
    let (bus, log) = (Bus::new(), Log::default());
    let a = bus.topic("a").unwrap();
    let again = a.clone();
    let _first = bus.subscribe("a", move |event| {
        if *event.data::<u32>()? == 1 {
            again.publish(2_u32)?;
        }
        Ok(())
    });
    let _second = bus.subscribe("a", log.keep());
    a.publish(1_u32).unwrap();
    assert_eq!(log.0.take(), [1, 2]);
}

#[wasm_bindgen_test]
fn what_is_no_topic_of_an_application_has_no_handle() {
    let bus = Bus::new();
    assert!(matches!(bus.topic("a b").err(), Some(PublishError::Topic(_))));
    assert!(matches!(bus.topic("$bus.error").err(), Some(PublishError::SystemTopic(_))));
}

#[wasm_bindgen_test]
fn interceptors_have_their_say_to_a_handle() {
    let (bus, log) = (Bus::new(), Log::default());
    let _all = bus.subscribe("a", log.keep());
    let a = bus.topic("a").unwrap();
    let guard = bus.intercept("a", |event| match *event.data::<u32>().unwrap() {
        1 => Verdict::Drop,
        2 => Verdict::Deny("no".to_owned()),
        other => Verdict::Replace(Payload::new(other * 10)),
    });
    assert_eq!(a.publish(1_u32).unwrap().status(), Status::Dropped);
    assert!(matches!(a.publish(2_u32), Err(PublishError::Denied(..))));
    a.publish(3_u32).unwrap();
    drop(guard);
    a.publish(4_u32).unwrap();
    assert_eq!(log.0.take(), [30, 4]);
}

#[wasm_bindgen_test]
async fn a_publish_waits_until_there_is_room_and_is_judged_once() {
    let bus = Bus::new();
    let one = const { NonZeroUsize::new(1).unwrap() };
    let queue = bus.subscriber("a").queue(one, Overflow::wait()).unwrap();
    let judged = Rc::new(Cell::new(0));
    let count = judged.clone();
    let _judge = bus.intercept("a", move |event| {
        count.set(count.get() + 1);
        Verdict::Replace(Payload::new(*event.data::<u32>().unwrap() + 100))
    });
    let (writer, written) = (bus.clone(), Rc::new(Cell::new(0)));
    let done = written.clone();
    wasm_bindgen_futures::spawn_local(async move {
        for number in 1..=3_u32 {
            let receipt = writer.publish_when_room("a", number).await.unwrap();
            assert_eq!(receipt.status(), Status::Delivered);
            done.set(number);
        }
    });
    let mut read = Vec::new();
    for round in 1..=3_u32 {
        TimeoutFuture::new(0).await;
        assert_eq!(written.get(), round);
        read.push(*queue.pop().unwrap().data::<u32>().unwrap());
    }
    assert_eq!((read, queue.dropped()), (vec![101, 102, 103], 0));
    assert_eq!(judged.get(), 3);
}

#[wasm_bindgen_test]
async fn without_queues_that_wait_it_is_a_publish() {
    let (bus, log) = (Bus::new(), Log::default());
    let _all = bus.subscribe("a", log.keep());
    bus.publish_when_room("a", 1_u32).await.unwrap();
    assert_eq!(log.0.take(), [1]);
    assert!(matches!(bus.publish_when_room("a b", 1).await, Err(PublishError::Topic(_))));
    let system = bus.publish_when_room("$bus.link", 1).await;
    assert!(matches!(system, Err(PublishError::SystemTopic(_))));
    let _denies = bus.intercept("a", |_| Verdict::Deny("no".to_owned()));
    assert!(matches!(bus.publish_when_room("a", 1).await, Err(PublishError::Denied(..))));
}

#[wasm_bindgen_test]
async fn a_publisher_that_gives_up_waiting_has_delivered_nothing() {
    let bus = Bus::new();
    let one = const { NonZeroUsize::new(1).unwrap() };
    let queue = bus.subscriber("a").queue(one, Overflow::wait()).unwrap();
    bus.publish("a", 1_u32).unwrap();
    let waits = Box::pin(bus.publish_when_room("a", 2_u32));
    let gives_up = Box::pin(TimeoutFuture::new(5));
    let first = futures_util::future::select(waits, gives_up).await;
    assert!(matches!(first, futures_util::future::Either::Right(_)));
    drop(first);
    assert!(queue.pop().is_some());
    TimeoutFuture::new(0).await;
    assert!(queue.pop().is_none());
}
