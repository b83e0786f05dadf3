//! Echoes reach the subscriptions that ask for them.

use std::num::NonZeroU32;

use bus::{
    Balance, Bus, ERROR_TOPIC, MAX_TOPIC_BYTES, Overflow, Subscriber, Subscription, VirtualTime,
};

use crate::stage::{Stage, Text, n, pattern, texts, topic};

fn id(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn log<'a>(stage: &Stage, subscriber: Subscriber<'a, Text>, name: &'static str) -> Subscription {
    let log = stage.log.clone();
    subscriber.handle(move |event| {
        log.borrow_mut().push(format!("{name}:{}", event.payload.0));
        Ok(())
    })
}

/// A subscription with echo, which logs `name:payload`.
fn with_echo(stage: &Stage, number: u32, name: &'static str, at: &str) -> Subscription {
    log(stage, stage.bus.subscriber(pattern(at)).echo(id(number)), name)
}

fn echo(bus: &Bus<Text>, at: &str, text: &str) {
    bus.echo(topic(at), Text(text.into()), None);
}

#[test]
fn an_echo_reaches_subscriptions_with_echo_only_in_the_order_of_delivery() {
    let stage = Stage::new();
    let _plain = [stage.listen("plain", "a"), stage.listen("any", ">")];
    let _echo = [with_echo(&stage, 1, "one", "a"), with_echo(&stage, 2, "two", ">")];
    let first = stage.bus.subscriber(pattern("*")).priority(1).echo(id(3));
    let _first = log(&stage, first, "first");
    for _ in 0..3 {
        echo(&stage.bus, "a", "pending");
        assert_eq!(stage.logged(), ["first:pending", "one:pending", "two:pending"]);
    }
    echo(&stage.bus, "b.c", "pending");
    assert_eq!(stage.logged(), ["two:pending"]);
    stage.publish("a", "hi");
    assert_eq!(stage.logged(), ["first:hi", "plain:hi", "any:hi", "one:hi", "two:hi"]);
}

#[test]
fn an_echo_to_one_subscription_reaches_no_other() {
    let stage = Stage::new();
    let _one = with_echo(&stage, 1, "one", "a");
    let two = with_echo(&stage, 2, "two", "a");
    stage.bus.echo(topic("a"), Text("yours".into()), Some(id(2)));
    assert_eq!(stage.logged(), ["two:yours"]);
    drop(two);
    stage.bus.echo(topic("a"), Text("yours".into()), Some(id(2)));
    assert!(stage.logged().is_empty(), "it has ended");
}

#[test]
fn an_echo_inside_a_handler_waits_for_its_turn() {
    let stage = Stage::new();
    let (bus, log) = (stage.bus.clone(), stage.log.clone());
    let _answer = stage.bus.subscribe(pattern("a"), move |event| {
        bus.echo(topic("b"), Text("echo".into()), None);
        log.borrow_mut().push(event.payload.0.clone());
        Ok(())
    });
    let _later = stage.listen("later", "a");
    let _echo = with_echo(&stage, 1, "one", "b");
    stage.publish("a", "event");
    assert_eq!(stage.logged(), ["event", "later:event", "one:echo"]);
}

#[test]
fn the_longest_topic_has_echoes_too() {
    let stage = Stage::new();
    let longest = "x".repeat(MAX_TOPIC_BYTES);
    let _echo = with_echo(&stage, 1, "one", &longest);
    echo(&stage.bus, &longest, "pending");
    assert_eq!(stage.logged(), ["one:pending"]);
}

#[test]
fn a_failure_in_an_echo_is_reported_with_the_topic_of_the_event() {
    let stage = Stage::new();
    let _errors = stage.listen("failed", ERROR_TOPIC);
    let failing = stage.bus.subscriber(pattern("a.*")).echo(id(1));
    let _failing = failing.handle(|_| Err("why"));
    echo(&stage.bus, "a.b", "pending");
    assert_eq!(stage.logged(), ["failed:a.b|a.*|why"]);
}

#[test]
fn queues_and_members_of_a_group_receive_no_echo() {
    let stage = Stage::new();
    let queue = stage.bus.subscriber(pattern("a")).echo(id(1)).queue(n(1), Overflow::wait());
    let member = stage.bus.subscriber(pattern("a")).echo(id(2));
    let _member = log(&stage, member.group("members", Balance::round_robin()), "member");
    stage.publish("a", "event");
    echo(&stage.bus, "a", "pending");
    assert_eq!(
        (stage.logged(), texts(&queue)),
        (vec!["member:event".to_owned()], vec!["event".to_owned()])
    );
}

#[test]
fn a_subscription_with_echo_is_one_subscription_and_causes_one_notice() {
    let stage = Stage::new();
    let _notices = [stage.listen("", "$bus.subscribed"), stage.listen("", "$bus.unsubscribed")];
    stage.logged();
    let before = stage.bus.subscriptions();
    let echo = with_echo(&stage, 1, "one", "a");
    assert_eq!(stage.bus.subscriptions(), before + 1);
    drop(echo);
    assert_eq!(stage.logged(), [":+a a", ":-a a"]);
}

#[test]
fn a_measurement_counts_the_echoes_that_are_received() {
    let stage = Stage::new();
    let measured = stage.bus.measure(VirtualTime::new(), 10);
    echo(&stage.bus, "a", "to nothing");
    assert_eq!(measured.topic(&topic("a")).events, 0);
    let _echo = with_echo(&stage, 1, "one", "a");
    echo(&stage.bus, "a", "pending");
    assert_eq!((measured.topic(&topic("a")).deliveries, measured.handler("a").calls), (1, 1));
}
