//! Observers: each turn with its cause and its calls, and the list of subscriptions (promise 10).

use std::cell::RefCell;
use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bus::{ObservedCall, ObservedTurn, Observer, Overflow, SubscriptionInfo, VirtualTime, Window};

use crate::stage::{Stage, Text, pattern, topic};

/// Writes down what it sees.
#[derive(Default)]
struct Notes(RefCell<Vec<String>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        self.0.take()
    }

    fn add(&self, note: String) {
        self.0.borrow_mut().push(note);
    }
}

impl Observer<Text> for Notes {
    fn begins(&self, turn: &ObservedTurn<'_, Text>) {
        let (echo, cause) = (if turn.is_echo { "echo " } else { "" }, turn.cause.unwrap_or("-"));
        self.add(format!("{echo}{}:{} by {cause}", turn.event.topic, turn.event.payload.0));
    }

    fn called(&self, call: &ObservedCall<'_>) {
        let failed = if call.failed { "!" } else { "" };
        self.add(format!("  {} ({}){failed}", call.label, call.pattern));
    }

    fn ends(&self, _: &ObservedTurn<'_, Text>, reached: usize) {
        self.add(format!("  = {reached}"));
    }
}

#[test]
fn an_observer_sees_each_turn_its_cause_and_its_calls() {
    let (stage, notes) = (Stage::new(), Rc::new(Notes::default()));
    let bus = stage.bus.clone();
    let relay = stage.bus.subscriber(pattern("a")).label("relay").handle(move |_| {
        bus.publish(topic("b"), Text("2".into())).unwrap();
        bus.publish(topic("c"), Text("3".into())).unwrap();
        Ok(())
    });
    let _b = stage
        .bus
        .subscriber(pattern("*"))
        .label("b")
        .handle(|event| if event.topic.as_str() == "b" { Err("no milk") } else { Ok(()) });
    let observation = stage.bus.observe(notes.clone());
    stage.publish("a", "1");
    let seen = notes.take();
    let expected = [
        "a:1 by -",
        "  relay (a)",
        "  b (*)",
        "  = 2",
        "b:2 by relay",
        "  b (*)!",
        "  = 1",
        "c:3 by relay",
        "  b (*)",
        "  = 1",
    ];
    assert_eq!(seen, expected);
    drop(relay);
    stage.publish("not.subscribed", "4");
    assert_eq!(notes.take(), ["not.subscribed:4 by -", "  = 0"]);
    drop(observation);
    stage.publish("a", "5");
    assert_eq!(notes.take(), [""; 0], "the observation is over");
    assert_eq!(stage.bus.flag().get(), 0, "the fast path is back");
}

#[test]
fn an_observer_sees_failures_and_notices_with_their_cause() {
    let (stage, notes) = (Stage::new(), Rc::new(Notes::default()));
    let _bad = stage.bus.subscriber(pattern("a")).label("bad").handle(|_| Err("no milk"));
    let _errors = stage.listen("errors", "$bus.error");
    let _observation = stage.bus.observe(notes.clone());
    stage.publish("a", "1");
    let seen = notes.take();
    assert_eq!(seen[..3], ["a:1 by -", "  bad (a)!", "  = 1"]);
    assert_eq!(
        seen[3..],
        ["$bus.error:a|bad|no milk by bad", "  $bus.error ($bus.error)", "  = 1"]
    );
}

#[test]
fn a_handler_that_has_panicked_is_not_the_cause_of_what_follows() {
    let (stage, notes, time) = (Stage::new(), Rc::new(Notes::default()), VirtualTime::new());
    let _panics =
        stage.bus.subscriber(pattern("a")).label("panics").handle(|_| panic!("on purpose"));
    let bus = stage.bus.clone();
    // A batch is handed over at a turn of its own, which no handler has caused.
    let later =
        stage.bus.subscriber(pattern("b")).batch(Window::microtask(), time.clone(), move |_| {
            bus.publish(topic("c"), Text("2".into())).unwrap();
            Ok(())
        });
    let _observation = stage.bus.observe(notes.clone());
    stage.publish("b", "1");
    let publish = AssertUnwindSafe(|| stage.publish("a", ""));
    assert!(catch_unwind(publish).is_err());
    notes.take();
    time.settle();
    assert_eq!(notes.take(), ["c:2 by -", "  = 0"]);
    drop(later);
}

#[test]
fn an_observer_sees_echoes_that_reach_no_subscription_which_measurements_do_not_count() {
    let (stage, notes) = (Stage::new(), Rc::new(Notes::default()));
    let (one, two) = (stage.bus.observe(notes.clone()), stage.bus.measure(VirtualTime::new(), 10));
    let _plain = stage.listen("plain", "a");
    stage.bus.echo(topic("a"), Text("pending".into()), None);
    assert_eq!(notes.take(), ["echo a:pending by -", "  = 0"]);
    assert_eq!(two.topic(&topic("a")).events, 0);
    let _echo = stage.bus.subscriber(pattern("a")).echo(NonZeroU32::MIN).handle(|_| Ok(()));
    stage.bus.echo(topic("a"), Text("pending".into()), None);
    assert_eq!(two.topic(&topic("a")).events, 1);
    drop(one);
    stage.publish("a", "1");
    assert_eq!(two.topic(&topic("a")).events, 2, "the other one goes on");
}

#[test]
fn an_observer_does_not_change_what_subscribers_receive() {
    let stage = Stage::new();
    let _subscriptions = stage.cascade();
    stage.publish("a", "one");
    let without = stage.logged();
    let _observation = stage.bus.observe(Rc::new(Notes::default()));
    stage.publish("a", "one");
    assert_eq!(stage.logged(), without);
}

#[test]
fn all_subscriptions_are_listed_with_their_queues_the_oldest_first() {
    let stage = Stage::new();
    let _first = stage.bus.subscriber(pattern("z.>")).label("first").priority(7).handle(|_| Ok(()));
    let two = const { NonZeroUsize::new(2).unwrap() };
    let queue = stage.bus.subscriber(pattern("a.*")).queue(two, Overflow::drop_oldest());
    let ended = stage.listen("ended", "a.*");
    let _same = stage.listen("same", "a.*");
    let _host = stage.bus.subscriber(pattern("a.b")).host_handler(3, |_| Ok(()));
    drop(ended);
    stage.publish_all("a.x", &["1", "2", "3"]);
    let info = |at: &str, label: &str| SubscriptionInfo {
        pattern: pattern(at),
        label: label.into(),
        priority: 0,
        in_group: false,
        serves: false,
        pending: None,
        dropped: None,
    };
    let expected = [
        SubscriptionInfo { priority: 7, ..info("z.>", "first") },
        SubscriptionInfo { pending: Some(2), dropped: Some(1), ..info("a.*", "a.*") },
        info("a.*", "a.*"),
        info("a.b", "a.b"),
    ];
    assert_eq!(stage.bus.list_subscriptions(), expected);
    drop(queue);
    assert_eq!(stage.bus.list_subscriptions().len(), 3);
}
