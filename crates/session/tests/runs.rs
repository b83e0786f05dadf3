//! Runs of ephemeral events: what one connection encodes is what another would have sent.

mod peer;

use std::sync::Arc;

use peer::{Peer, ephemeral, ephemeral_ids, hello, subscribe};
use proptest::prelude::*;
use session::server::{Effect, Ephemeral, SocketMessage};
use session::{FromPeer, Start};

/// A live connection that has received one event on `a`.
fn live(number: u32, pattern: &str, credit: Option<(u32, u32)>) -> Peer {
    let mut peer = Peer::welcomed(0);
    peer.say(subscribe(number, pattern, Start::Latest, credit), 0);
    peer.run();
    peer.server.forwarded(&ephemeral("a", "k", "first"));
    assert_eq!(ephemeral_ids(&peer.run()), ["first"]);
    peer
}

/// The frames of the run, and the number of its events.
fn encoded(peer: &Peer, events: &[Ephemeral]) -> (Arc<Vec<u8>>, usize) {
    let (frames, count) = peer.server.encode_run(events.iter());
    (Arc::new(frames), count)
}

/// Decodes WebSocket frames: one binary message.
fn decoded(frames: &[u8]) -> Vec<FromPeer> {
    let (begin, length) = match frames[..4] {
        [0x82, 126, high, low] => (4, u16::from_be_bytes([high, low]).into()),
        [0x82, 127, ..] => (10, u64::from_be_bytes(frames[2..10].try_into().unwrap()) as usize),
        [0x82, length, ..] => (2, length.into()),
        _ => panic!("{:?}", &frames[..4]),
    };
    assert_eq!(frames.len(), begin + length);
    FromPeer::decode(&frames[begin..]).map(Result::unwrap).collect()
}

proptest! {
    #[test]
    fn a_run_says_what_the_events_say_one_by_one(
        ids in proptest::collection::vec("[a-z]{1,300}", 1..30), number in 1..300_u32,
    ) {
        let events: Vec<_> = ids.iter().map(|id| ephemeral("a", "k", id)).collect();
        let (one, mut other) = (live(number, "a", None), live(number, "a", None));
        prop_assert_eq!(one.server.beginning(&events[0]), other.server.beginning(&events[0]));
        let (frames, count) = encoded(&one, &events);
        prop_assert_eq!(count, events.len());
        for event in &events {
            other.server.forwarded(event);
        }
        prop_assert_eq!(decoded(&frames), other.run());
    }
}

#[test]
fn a_run_ends_where_the_topic_does_and_has_a_bound() {
    let peer = live(1, ">", None);
    let mut events: Vec<_> = (0..3).map(|id| ephemeral("a", "k", &id.to_string())).collect();
    events.push(ephemeral("b", "k", "other"));
    events.push(ephemeral("a", "k", "later"));
    assert_eq!(encoded(&peer, &events).1, 3);
    let large: Vec<_> = (0..100).map(|_| ephemeral("a", "k", &"x".repeat(10_000))).collect();
    let (frames, count) = encoded(&peer, &large);
    assert!((2..=8).contains(&count) && frames.len() <= 80_000, "{count}: {}", frames.len());
}

#[test]
fn a_run_comes_after_what_was_said_before_it() {
    let mut peer = live(1, "a", None);
    let events = [ephemeral("a", "k", "second")];
    let (frames, _) = encoded(&peer, &events);
    peer.server.forwarded(&ephemeral("a", "k", "before"));
    peer.server.send_run(Arc::clone(&frames));
    let Some(Effect::Send(SocketMessage::Binary(before))) = peer.server.poll() else { panic!() };
    let before: Vec<_> = FromPeer::decode(&before).map(Result::unwrap).collect();
    assert_eq!(ephemeral_ids(&before), ["before"]);
    assert_eq!(peer.server.poll(), Some(Effect::Send(SocketMessage::Frames(frames))));
}

#[test]
fn a_beginning_is_known_only_while_all_events_on_the_topic_begin_so() {
    let event = ephemeral("a", "k", "e");
    let mut fresh = Peer::welcomed(0);
    assert_eq!(fresh.server.beginning(&event), None);
    fresh.say(subscribe(1, "a", Start::Latest, None), 0);
    fresh.run();
    assert_eq!(fresh.server.beginning(&event), None, "the topic has no number yet");

    let mut peer = live(1, ">", None);
    assert!(peer.server.beginning(&event).is_some_and(|it| !it.is_empty()));
    assert_eq!(peer.server.beginning(&ephemeral("b", "k", "e")), None);
    peer.say(subscribe(2, "a", Start::Latest, None), 0);
    peer.run();
    assert_eq!(peer.server.beginning(&event), None, "the event is for two subscriptions now");
    peer.server.forwarded(&event);
    peer.run();
    assert_ne!(peer.server.beginning(&event), live(1, ">", None).server.beginning(&event));

    assert_eq!(live(1, "a", Some((5, 1 << 20))).server.beginning(&event), None, "it has a limit");

    let mut closed = live(1, "a", None);
    closed.say(hello(None), 0);
    assert_eq!(closed.server.beginning(&event), None);
}
