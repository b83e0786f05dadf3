//! What a client reports of its durable events at the end: their outcome, whether a subscription delivers them, and
//! when its subscriptions have passed them.

mod dialogue;

use dialogue::Dialogue;
use session::client::{Effect, Outcome, SubscriptionId};
use session::*;
use topic::{Pattern, Topic};

/// What was reported, in order.
#[derive(Debug, PartialEq)]
enum Report {
    /// Whether it comes.
    Stored(&'static str, bool),
    Rejected(&'static str, RejectCode, String),
    Delivered(&'static str),
    Passed(&'static str),
}

use Report::{Delivered, Passed, Rejected, Stored};

const IDS: [&str; 4] = ["one", "two", "three", "four"];

fn known(id: &str) -> &'static str {
    IDS.into_iter().find(|known| *known == id).unwrap_or("another")
}

fn reports(dialogue: &mut Dialogue) -> Vec<Report> {
    dialogue.run();
    let reports = dialogue.effects.drain(..).filter_map(|effect| {
        Some(match effect {
            Effect::Settled { id, outcome: Outcome::Stored(..), comes } => {
                Stored(known(&id), comes)
            }
            Effect::Settled { id, outcome: Outcome::Rejected(code, message), comes } => {
                assert!(!comes, "{id} was rejected");
                Rejected(known(&id), code, message)
            }
            Effect::Deliver(delivery) => Delivered(known(&delivery.body.id)),
            Effect::Passed { id } => Passed(known(&id)),
            _ => return None,
        })
    });
    reports.collect()
}

fn publish(dialogue: &mut Dialogue, topic: &str, ids: &[&str]) {
    for id in ids {
        let body = Body { id: (*id).to_owned(), ..Body::default() };
        dialogue.client.publish(Topic::parse(topic).unwrap(), &body, dialogue.now).unwrap();
    }
    dialogue.run();
}

fn position(offset: u64) -> Position {
    Position { stream: Stream::MAIN, epoch: 1, offset, id: None }
}

fn ack(dialogue: &mut Dialogue, number: u64, offset: u64) {
    let position = position(offset);
    dialogue.say(FromPeer::Ack(Ack { number, position, durability: Durability::Disk }));
}

/// The number of the newest subscription on this connection.
fn number(dialogue: &mut Dialogue) -> u32 {
    let subscribed = dialogue.heard().into_iter().rev().find_map(|frame| match frame {
        FromClient::Subscribe(subscribe) => Some(subscribe.subscription),
        _ => None,
    });
    subscribed.expect("it subscribes")
}

/// A subscription that starts at the head of an empty log, or reads from its first event.
fn subscribe(dialogue: &mut Dialogue, pattern: &str, start: Start) -> (SubscriptionId, u32) {
    let id = dialogue.client.subscribe(Pattern::parse(pattern).unwrap(), start);
    let subscription = number(dialogue);
    subscribed(dialogue, subscription, position(0), false);
    (id, subscription)
}

fn subscribed(dialogue: &mut Dialogue, subscription: u32, head: Position, reset: bool) {
    let others = Vec::new();
    dialogue.say(FromPeer::Subscribed(Subscribed { subscription, head, reset, others }));
}

fn deliver(dialogue: &mut Dialogue, subscription: u32, id: &str, offset: u64) {
    let body = Body { id: id.to_owned(), source: "/clients/other".to_owned(), ..Body::default() };
    dialogue.say(FromPeer::Event(Event {
        topic: 0,
        name: Some("a".to_owned()),
        recipients: vec![Recipient { subscription, previous: Some(offset - 1) }],
        offset: Some(offset),
        body: body.encode(),
        stream: Stream::MAIN,
    }));
}

#[test]
fn an_ack_settles_an_event_that_no_subscription_matches() {
    let mut dialogue = Dialogue::welcomed();
    subscribe(&mut dialogue, "b", Start::Latest);
    publish(&mut dialogue, "a", &["one"]);
    ack(&mut dialogue, 1, 1);
    assert_eq!(reports(&mut dialogue), [Stored("one", false)]);
}

#[test]
fn a_reject_settles_with_its_reason_and_the_event_does_not_come() {
    let mut dialogue = Dialogue::welcomed();
    subscribe(&mut dialogue, "a", Start::Latest);
    publish(&mut dialogue, "a", &["one"]);
    let (code, message) = (RejectCode::IllegalTopic, "not here".to_owned());
    dialogue.say(FromPeer::Reject(Reject { number: 1, code, message, retry: None }));
    assert_eq!(reports(&mut dialogue), [Rejected("one", code, "not here".to_owned())]);
}

#[test]
fn an_event_comes_after_its_ack_or_before_it_and_is_passed_once() {
    let mut dialogue = Dialogue::welcomed();
    let (_, subscription) = subscribe(&mut dialogue, "a", Start::Latest);
    publish(&mut dialogue, "a", &["one", "two"]);
    ack(&mut dialogue, 1, 1);
    assert_eq!(reports(&mut dialogue), [Stored("one", true)]);
    deliver(&mut dialogue, subscription, "one", 1);
    assert_eq!(reports(&mut dialogue), [Delivered("one"), Passed("one")]);
    deliver(&mut dialogue, subscription, "two", 2);
    assert_eq!(reports(&mut dialogue), [Delivered("two")]);
    ack(&mut dialogue, 2, 2);
    assert_eq!(reports(&mut dialogue), [Stored("two", true), Passed("two")]);
    deliver(&mut dialogue, subscription, "three", 3);
    assert_eq!(reports(&mut dialogue), [Delivered("three")]);
}

#[test]
fn an_event_is_passed_when_all_subscriptions_that_match_it_have_read_past_it() {
    let mut dialogue = Dialogue::welcomed();
    let (_, one) = subscribe(&mut dialogue, "a", Start::Latest);
    let (_, all) = subscribe(&mut dialogue, ">", Start::Latest);
    subscribe(&mut dialogue, "b", Start::Latest);
    publish(&mut dialogue, "a", &["one"]);
    ack(&mut dialogue, 1, 1);
    deliver(&mut dialogue, one, "one", 1);
    assert_eq!(reports(&mut dialogue), [Stored("one", true), Delivered("one")]);
    deliver(&mut dialogue, all, "one", 1);
    assert_eq!(reports(&mut dialogue), [Delivered("one"), Passed("one")]);
}

#[test]
fn a_gap_the_head_of_a_new_subscription_and_another_epoch_pass_an_event() {
    // The peer has deleted the event.
    let mut dialogue = Dialogue::welcomed();
    let (_, subscription) = subscribe(&mut dialogue, "a", Start::Earliest);
    publish(&mut dialogue, "a", &["one", "two"]);
    ack(&mut dialogue, 1, 2);
    ack(&mut dialogue, 2, 5);
    deliver(&mut dialogue, subscription, "another", 1);
    assert_eq!(
        reports(&mut dialogue),
        [Stored("one", true), Stored("two", true), Delivered("another")]
    );
    let stream = Stream::MAIN;
    dialogue.say(FromPeer::Gap(Gap { subscription, from: 2, to: 5, stream }));
    assert_eq!(reports(&mut dialogue), [Passed("one"), Passed("two")]);

    // The subscription starts behind it.
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.subscribe(Pattern::parse("a").unwrap(), Start::Latest);
    let subscription = number(&mut dialogue);
    publish(&mut dialogue, "a", &["one"]);
    ack(&mut dialogue, 1, 1);
    assert_eq!(reports(&mut dialogue), [Stored("one", true)]);
    subscribed(&mut dialogue, subscription, position(4), false);
    assert_eq!(reports(&mut dialogue), [Passed("one")]);

    // The log that had it is lost.
    let mut dialogue = Dialogue::welcomed();
    let (_, subscription) = subscribe(&mut dialogue, "a", Start::Latest);
    publish(&mut dialogue, "a", &["one"]);
    ack(&mut dialogue, 1, 1);
    assert_eq!(reports(&mut dialogue), [Stored("one", true)]);
    subscribed(&mut dialogue, subscription, Position { epoch: 2, ..position(1) }, true);
    assert_eq!(reports(&mut dialogue), [Passed("one")]);
}

#[test]
fn the_end_of_a_subscription_passes_what_it_has_not_delivered() {
    let mut dialogue = Dialogue::welcomed();
    let (left, _) = subscribe(&mut dialogue, "a", Start::Latest);
    publish(&mut dialogue, "a", &["one"]);
    ack(&mut dialogue, 1, 1);
    assert_eq!(reports(&mut dialogue), [Stored("one", true)]);
    dialogue.client.unsubscribe(left);
    assert_eq!(reports(&mut dialogue), [Passed("one")]);

    let (_, subscription) = subscribe(&mut dialogue, "a", Start::Latest);
    publish(&mut dialogue, "a", &["two"]);
    ack(&mut dialogue, 2, 2);
    assert_eq!(reports(&mut dialogue), [Stored("two", true)]);
    let (code, message) = (RejectCode::IllegalTopic, String::new());
    dialogue.say(FromPeer::Refused(Refused { subscription, code, message }));
    assert_eq!(reports(&mut dialogue), [Passed("two")]);
}

#[test]
fn a_break_passes_nothing_and_the_next_connection_delivers_it() {
    let mut dialogue = Dialogue::welcomed();
    subscribe(&mut dialogue, "a", Start::Latest);
    publish(&mut dialogue, "a", &["one"]);
    ack(&mut dialogue, 1, 1);
    dialogue.reconnect();
    assert_eq!(reports(&mut dialogue), [Stored("one", true)]);
    let subscription = number(&mut dialogue);
    subscribed(&mut dialogue, subscription, position(1), false);
    deliver(&mut dialogue, subscription, "one", 1);
    assert_eq!(reports(&mut dialogue), [Delivered("one"), Passed("one")]);
}

#[test]
fn the_number_of_events_that_are_expected_is_bounded() {
    let mut dialogue = Dialogue::welcomed();
    let (_, subscription) = subscribe(&mut dialogue, "a", Start::Latest);
    for number in 1..=1_030 {
        publish(&mut dialogue, "a", &[&format!("{number}")]);
        ack(&mut dialogue, number, number);
    }
    let reported = reports(&mut dialogue);
    let count = |wanted: Report| reported.iter().filter(|report| **report == wanted).count();
    assert_eq!(
        (count(Stored("another", true)), count(Passed("another")), count(Stored("another", false))),
        (1_030, 6, 0)
    );
    deliver(&mut dialogue, subscription, "1", 1);
    let again = reports(&mut dialogue);
    assert_eq!(again, [Delivered("another")], "the first was reported as passed already");
}
