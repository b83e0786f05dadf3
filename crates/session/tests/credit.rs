//! Credit per subscription: without it a subscription is only a position, and does not delay others.

mod peer;

use peer::{Peer, body, caught_up, credit, ephemeral, ephemeral_ids, reported, subscribe};
use session::*;

const PLENTY: u32 = 1 << 20;

fn offsets(frames: &[FromPeer], subscription: u32) -> Vec<u64> {
    reported(frames, subscription).into_iter().map(|(offset, _)| offset).collect()
}

#[test]
fn replay_stops_without_credit_and_goes_on_with_it() {
    let mut peer = Peer::welcomed(10);
    peer.say(subscribe(1, "a", Start::Earliest, Some((3, PLENTY))), 0);
    let frames = peer.run();
    assert_eq!((offsets(&frames, 1), caught_up(&frames)), (vec![1, 2, 3], 0));
    assert_eq!(peer.largest_read, 3, "no more was read than could be sent");
    peer.say(credit(1, 5, 0), 0);
    let frames = peer.run();
    assert_eq!(offsets(&frames, 1), [4, 5, 6, 7, 8]);
    peer.say(credit(1, 5, 0), 0);
    let frames = peer.run();
    assert_eq!((reported(&frames, 1), caught_up(&frames)), (vec![(9, Some(8)), (10, Some(9))], 1));
}

#[test]
fn a_live_subscription_that_ran_out_reads_on_and_is_live_again_without_a_hole() {
    let mut peer = Peer::welcomed(0);
    peer.say(subscribe(1, "a", Start::Latest, Some((2, PLENTY))), 0);
    assert_eq!(caught_up(&peer.run()), 1);
    for at in ["a", "b", "a", "a", "b", "a"] {
        peer.commit(at);
    }
    assert_eq!(reported(&peer.run(), 1), [(1, Some(0)), (3, Some(1))]);
    peer.say(credit(1, 10, 0), 0);
    let frames = peer.run();
    assert_eq!((reported(&frames, 1), caught_up(&frames)), (vec![(4, Some(3)), (6, Some(4))], 0));
    peer.commit("a");
    assert_eq!(reported(&peer.run(), 1), [(7, Some(6))]);
}

#[test]
fn bytes_run_out_too_and_an_event_larger_than_what_is_left_is_not_stuck() {
    let bytes = u32::try_from(body("e1").encode().len()).unwrap();
    let mut peer = Peer::welcomed(6);
    peer.say(subscribe(1, "a", Start::Earliest, Some((100, bytes + 1))), 0);
    assert_eq!(offsets(&peer.run(), 1), [1, 2]);
    // The second one has overdrawn its credit, which new credit pays first.
    peer.say(credit(1, 0, bytes - 1), 0);
    assert!(offsets(&peer.run(), 1).is_empty());
    peer.say(credit(1, 0, 1), 0);
    assert_eq!(offsets(&peer.run(), 1), [3]);
}

#[test]
fn what_waits_for_credit_holds_up_neither_the_others_nor_control_frames() {
    let mut peer = Peer::welcomed(3);
    peer.say(subscribe(1, "a", Start::Earliest, Some((0, 0))), 0);
    peer.say(subscribe(2, "a", Start::Earliest, None), 0);
    peer.say(subscribe(3, ">", Start::Latest, Some((1, PLENTY))), 0);
    let frames = peer.run();
    assert_eq!((offsets(&frames, 1), offsets(&frames, 2)), (vec![], vec![1, 2, 3]));
    peer.commit("a");
    peer.commit("a");
    peer.say(FromClient::Ping(Ping { number: 9 }), 0);
    let frames = peer.run();
    assert_eq!(
        (offsets(&frames, 1), offsets(&frames, 2), offsets(&frames, 3)),
        (vec![], vec![4, 5], vec![4])
    );
    assert!(frames.contains(&FromPeer::Pong(Ping { number: 9 })));
    peer.say(credit(1, 100, PLENTY), 0);
    assert_eq!(offsets(&peer.run(), 1), [1, 2, 3, 4, 5]);
}

#[test]
fn an_event_that_is_committed_while_a_page_is_read_comes_once() {
    let mut peer = Peer::welcomed(4);
    peer.say(subscribe(1, "a", Start::Earliest, Some((4, PLENTY))), 0);
    peer.run();
    // The store is ahead of what the connection was fed.
    peer.commit_untold("a");
    peer.commit_untold("a");
    peer.say(credit(1, 10, 0), 0);
    let first = peer.run();
    let late = peer.events_after(4);
    peer.server.committed(&late);
    let second = peer.run();
    let all: Vec<_> = [first, second].concat();
    assert_eq!(reported(&all, 1), [(5, Some(4)), (6, Some(5))]);
}

#[test]
fn ephemeral_events_without_credit_are_conflated_by_topic_and_key_and_counted() {
    let mut peer = Peer::welcomed(0);
    peer.say(subscribe(1, ">", Start::Latest, Some((1, PLENTY))), 0);
    peer.run();
    for (at, key, id) in
        [("t", "x", "0"), ("t", "x", "1"), ("t", "y", "2"), ("u", "x", "3"), ("t", "x", "4")]
    {
        peer.server.forwarded(&ephemeral(at, key, id));
    }
    assert_eq!(ephemeral_ids(&peer.run()), ["0"]);
    assert_eq!(peer.server.dropped(), 1);
    peer.say(credit(1, 2, 0), 0);
    assert_eq!(ephemeral_ids(&peer.run()), ["2", "3"]);
    peer.say(credit(1, 2, 0), 0);
    assert_eq!(ephemeral_ids(&peer.run()), ["4"]);
}

#[test]
fn what_waits_for_credit_is_bounded() {
    let mut peer = Peer::welcomed(0);
    peer.say(subscribe(1, ">", Start::Latest, Some((0, 0))), 0);
    peer.run();
    for key in 0..1_000 {
        peer.server.forwarded(&ephemeral("t", &key.to_string(), &key.to_string()));
    }
    peer.say(credit(1, PLENTY, PLENTY), 0);
    let ids = ephemeral_ids(&peer.run());
    assert_eq!(ids.last().map(String::as_str), Some("999"));
    assert_eq!(ids.len() as u64 + peer.server.dropped(), 1_000);
    assert!(ids.len() <= 64, "{}", ids.len());
}

#[test]
fn what_waits_for_a_subscription_that_ends_is_forgotten() {
    let mut peer = Peer::welcomed(0);
    peer.say(subscribe(1, ">", Start::Latest, Some((0, 0))), 0);
    peer.run();
    peer.server.forwarded(&ephemeral("t", "x", "1"));
    peer.say(FromClient::Unsubscribe(Unsubscribe { subscription: 1 }), 0);
    peer.say(credit(1, 10, PLENTY), 0);
    assert_eq!(peer.run(), []);
}
