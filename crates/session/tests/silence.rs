//! A silent peer, as on a half-open link: how soon a client probes it, and gives up.

mod dialogue;

use dialogue::{Dialogue, WELCOME};
use session::client::{ConnectionState, Effect};
use session::*;
use topic::{Pattern, Topic};

/// A client that was welcomed at 0, with an unanswered event.
fn publishing() -> Dialogue {
    let mut dialogue = Dialogue::welcomed();
    publish(&mut dialogue, "one");
    assert!(matches!(dialogue.heard()[..], [FromClient::Publish(_)]));
    dialogue
}

fn publish(dialogue: &mut Dialogue, id: &str) {
    let body = Body { id: id.to_owned(), ..Body::default() };
    dialogue.client.publish(Topic::parse("a").unwrap(), &body, dialogue.now).unwrap();
    dialogue.run();
}

fn has_left(dialogue: &Dialogue) -> bool {
    dialogue.effects.contains(&Effect::Close(CloseCode::Silent))
}

fn pings(frames: &[FromClient]) -> bool {
    frames == [FromClient::Ping(Ping { number: 0 })]
}

#[test]
fn a_silent_peer_that_owes_an_answer_is_probed_after_five_seconds_and_left_three_later() {
    let mut dialogue = publishing();
    dialogue.wait();
    assert!(pings(&dialogue.heard()));
    assert_eq!(dialogue.now, 5_000);
    dialogue.wait();
    assert_eq!(dialogue.now, 8_000);
    assert!(has_left(&dialogue));
    assert!(matches!(dialogue.effects.last(), Some(Effect::Link(ConnectionState::Offline { .. }))));
}

#[test]
fn a_peer_that_is_slow_to_answer_but_there_is_not_left() {
    let mut dialogue = publishing();
    for round in 1..=10 {
        dialogue.wait();
        assert_eq!(dialogue.now, 5_000 * round);
        assert!(pings(&dialogue.heard()));
        dialogue.say(FromPeer::Pong(Ping { number: 0 }));
    }
    assert!(!has_left(&dialogue));
}

#[test]
fn more_events_give_a_silent_peer_no_more_time() {
    let mut dialogue = publishing();
    dialogue.now = 4_000;
    publish(&mut dialogue, "two");
    dialogue.heard();
    dialogue.wait();
    assert_eq!(dialogue.now, 5_000);
    assert!(pings(&dialogue.heard()));
}

#[test]
fn a_peer_that_has_answered_all_is_not_probed_until_two_heartbeats_were_missed() {
    let mut dialogue = publishing();
    let position = Position { stream: Stream::default(), epoch: 1, offset: 1, id: None };
    dialogue.say(FromPeer::Ack(Ack { number: 1, position, durability: Durability::Disk }));
    dialogue.wait();
    assert_eq!(dialogue.now, 43_000);
    assert_eq!(dialogue.heard(), []);
    assert!(has_left(&dialogue));
}

#[test]
fn a_peer_that_is_silent_about_the_subscriptions_of_a_new_connection_is_probed_too() {
    let mut dialogue = Dialogue::new(client::Options::default());
    dialogue.client.subscribe(Pattern::parse("a").unwrap(), Start::Earliest);
    dialogue.say(FromPeer::Welcome(WELCOME));
    dialogue.heard();
    dialogue.wait();
    assert_eq!(dialogue.now, 5_000);
    assert!(pings(&dialogue.heard()));
}

#[test]
fn connect_ends_the_wait_for_the_next_attempt_and_does_nothing_while_one_runs() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.close(1_006);
    let waits = |effect: &Effect| matches!(effect, Effect::Link(ConnectionState::Offline { .. }));
    assert!(dialogue.effects.iter().any(waits));
    assert_eq!(dialogue.opened, 1);
    for _ in 0..2 {
        dialogue.client.connect(dialogue.now);
        dialogue.run();
        assert_eq!(dialogue.opened, 2);
    }
    dialogue.say(FromPeer::Welcome(WELCOME));
    dialogue.client.connect(dialogue.now);
    dialogue.run();
    assert_eq!(dialogue.opened, 2);
}
