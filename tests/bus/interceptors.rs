//! Interceptors on the browser's bus. `tests/bridge/interceptors.rs` tests them with a bridge.

use std::cell::{Cell, RefCell};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use event_driven_kit::recorder::Recorder;
use event_driven_kit::{
    Bus, ERROR_TOPIC, Interception, NoReply, Payload, PublishError, RequestError, Status,
    Subscription, Verdict,
};
use wasm_bindgen_test::wasm_bindgen_test;

type Log = Rc<RefCell<Vec<String>>>;

fn listen(bus: &Bus, pattern: &str) -> (Subscription, Log) {
    let log = Log::default();
    let kept = log.clone();
    let subscription = bus.subscribe(pattern, move |event| {
        kept.borrow_mut().push((*event.data::<String>()?).clone());
        Ok(())
    });
    (subscription.unwrap(), log)
}

fn say(bus: &Bus, topic: &str, text: &str) -> Result<Status, PublishError> {
    Ok(bus.publish(topic, text.to_owned())?.status())
}

/// Appends `what` to each text.
fn add(bus: &Bus, pattern: &str, what: &'static str) -> Interception {
    let interception = bus.intercept(pattern, move |event| {
        Verdict::Replace(Payload::new(format!("{}{what}", event.data::<String>().unwrap())))
    });
    interception.unwrap()
}

#[wasm_bindgen_test]
fn interceptors_replace_a_payload_in_the_order_in_which_they_came() {
    let bus = Bus::new();
    let (_listener, heard) = listen(&bus, ">");
    let (one, _two) = (add(&bus, "a.*", "1"), add(&bus, ">", "2"));
    say(&bus, "a.b", "x").unwrap();
    say(&bus, "b", "x").unwrap();
    drop(one);
    say(&bus, "a.b", "x").unwrap();
    assert_eq!(heard.take(), ["x12", "x2", "x2"]);
    assert!(bus.intercept("a.>.b", |_| Verdict::Pass).is_err());
}

#[wasm_bindgen_test]
fn a_replaced_payload_has_none_of_the_conversions_of_the_one_before() {
    let bus = Bus::new();
    let _looks = bus.intercept("a", |event| {
        assert_eq!(event.js().unwrap().as_string().as_deref(), Some("x"));
        Verdict::Pass
    });
    let _adds = add(&bus, "a", "1");
    let heard = Log::default();
    let log = heard.clone();
    let _js = bus.subscribe("a", move |event| {
        log.borrow_mut().push(event.js()?.as_string().unwrap());
        Ok(())
    });
    say(&bus, "a", "x").unwrap();
    assert_eq!(heard.take(), ["x1"]);
}

#[wasm_bindgen_test]
async fn an_interceptor_drops_or_denies_and_a_denial_is_an_error_to_the_publisher() {
    let bus = Bus::new();
    let (_listener, heard) = listen(&bus, ">");
    let _guard = bus.intercept("a", |event| match event.data::<String>().unwrap().as_str() {
        "drop" => Verdict::Drop,
        "deny" => Verdict::Deny("not here".to_owned()),
        _ => Verdict::Pass,
    });
    let dropped = bus.publish("a", "drop".to_owned()).unwrap();
    assert_eq!((dropped.status(), dropped.is_durable()), (Status::Dropped, false));
    assert_eq!(dropped.settled().await, Ok(None));
    let denied = say(&bus, "a", "deny").unwrap_err();
    assert_eq!(denied.to_string(), "`a` was denied: not here");
    assert!(matches!(denied, PublishError::Denied(topic, _) if topic.as_str() == "a"));
    assert_eq!(say(&bus, "a", "pass"), Ok(Status::Delivered));
    assert_eq!(heard.take(), ["pass"]);
}

#[wasm_bindgen_test]
fn an_interceptor_runs_at_the_publish_call_also_inside_a_handler() {
    let bus = Bus::new();
    let log = Log::default();
    let (looks, publishes, inner) = (log.clone(), log.clone(), bus.clone());
    let _looks = bus.intercept("b", move |event| {
        assert!(event.inbound().is_none());
        looks.borrow_mut().push(format!("intercepted {}", event.topic()));
        Verdict::Pass
    });
    let _publishes = bus.subscribe("a", move |_| {
        inner.publish("b", ())?;
        publishes.borrow_mut().push("published".to_owned());
        Ok(())
    });
    let heard = log.clone();
    let _b = bus.subscribe("b", move |_| {
        heard.borrow_mut().push("heard".to_owned());
        Ok(())
    });
    bus.publish("a", ()).unwrap();
    assert_eq!(log.take(), ["intercepted b", "published", "heard"]);
}

#[wasm_bindgen_test]
fn an_interceptor_may_publish_subscribe_intercept_and_end_any() {
    let bus = Bus::new();
    let own: Rc<RefCell<Option<Interception>>> = Rc::default();
    let (inner, ends) = (bus.clone(), own.clone());
    let made = Rc::new(RefCell::new(Vec::new()));
    let keeps = made.clone();
    let once = bus.intercept("a", move |_| {
        inner.publish("before", "before".to_owned()).unwrap();
        keeps.borrow_mut().push((listen(&inner, "a"), add(&inner, "a", "1")));
        let itself = ends.take();
        drop(itself);
        Verdict::Pass
    });
    own.replace(Some(once.unwrap()));
    let (_listener, heard) = listen(&bus, ">");
    say(&bus, "a", "x").unwrap();
    say(&bus, "a", "y").unwrap();
    // An interceptor that was added meanwhile judges from the next event on.
    assert_eq!(heard.take(), ["before", "x", "y1"]);
    let ((_subscription, log), _) = &made.borrow()[0];
    assert_eq!(log.take(), ["x", "y1"]);
}

#[wasm_bindgen_test]
fn an_interceptor_that_another_one_ends_does_not_see_the_event() {
    let bus = Bus::new();
    let later: Rc<RefCell<Option<Interception>>> = Rc::default();
    let ends = later.clone();
    let _first = bus.intercept("a", move |_| {
        let later = ends.take();
        drop(later);
        Verdict::Pass
    });
    later.replace(Some(bus.intercept("a", |_| Verdict::Drop).unwrap()));
    assert_eq!(say(&bus, "a", "x"), Ok(Status::Delivered));
}

#[wasm_bindgen_test]
fn dropping_an_interceptor_that_owns_a_publisher_borrows_nothing() {
    struct Last(Bus);
    impl Drop for Last {
        fn drop(&mut self) {
            say(&self.0, "gone", "gone").unwrap();
        }
    }
    let bus = Bus::new();
    let (_listener, heard) = listen(&bus, "gone");
    let last = Last(bus.clone());
    let interception = bus.intercept(">", move |_| {
        let _owned = &last;
        Verdict::Drop
    });
    drop(interception);
    assert_eq!(heard.take(), ["gone"]);
}

#[wasm_bindgen_test]
async fn recorder_and_late_subscribers_see_what_has_passed() {
    let bus = Bus::new();
    let many = const { NonZeroUsize::new(10).unwrap() };
    let _kept = bus.retain(">", many, many).unwrap();
    let recorder = Recorder::start(&bus, ">", 10).unwrap();
    let _stops = bus.intercept("secret", |_| Verdict::Drop);
    let _adds = add(&bus, "a", "1");
    say(&bus, "secret", "x").unwrap();
    say(&bus, "a", "x").unwrap();
    let lines: Vec<_> = recorder.lines().collect::<Result<_, _>>().unwrap();
    assert!(matches!(&lines[..], [line] if line.contains(r#""x1""#)), "{lines:?}");
    let heard = Log::default();
    let log = heard.clone();
    let _late = bus.subscriber(">").replay(move |event| {
        log.borrow_mut().push((*event.data::<String>()?).clone());
        Ok(())
    });
    say(&bus, "a", "y").unwrap();
    assert_eq!(heard.take(), ["x1", "y1"]);
}

#[wasm_bindgen_test]
async fn a_request_is_changed_dropped_or_denied_too() {
    const SECOND: Duration = Duration::from_secs(1);
    let bus = Bus::new();
    let _echo = bus.respond(">", |event| Ok(event.payload().clone()));
    let _adds = add(&bus, "ask", "1");
    let _drops = bus.intercept("drop", |_| Verdict::Drop);
    let _denies = bus.intercept("deny", |_| Verdict::Deny("no".to_owned()));
    let reply = bus.request::<String, String>("ask", "x".to_owned(), SECOND).await.unwrap();
    assert_eq!(*reply, "x1");
    let dropped = bus.request::<String, String>("drop", "x".to_owned(), Duration::MAX).await;
    assert_eq!(dropped, Err(RequestError::NoReply(NoReply::Dropped)));
    let denied = bus.request::<String, String>("deny", "x".to_owned(), SECOND).await;
    assert!(matches!(denied, Err(RequestError::Publish(PublishError::Denied(..)))), "{denied:?}");
}

#[wasm_bindgen_test]
fn the_runtimes_own_events_are_not_intercepted() {
    let bus = Bus::new();
    let reported = Rc::new(Cell::new(0));
    let count = reported.clone();
    let _errors = bus.subscribe(ERROR_TOPIC, move |_| {
        count.set(count.get() + 1);
        Ok(())
    });
    let _none = bus.intercept("$bus.>", |_| Verdict::Drop);
    let _bad = bus.subscribe("a", |_| Err("no milk".into()));
    say(&bus, "a", "x").unwrap();
    assert_eq!(reported.get(), 1);
    assert!(matches!(bus.publish(ERROR_TOPIC, 1), Err(PublishError::SystemTopic(_))));
}
