//! Presence: the full list, then changes, and a grace period that is longer than a reload.

mod peer;

use std::collections::BTreeMap;

use peer::{Peer, topic};
use session::PRESENCE_GRACE;
use session::server::{Effect, Joiner, News, PresenceRegistry};
use session::*;
use topic::Topic;

/// A watcher's view, built from its news.
#[derive(Default)]
struct View {
    entries: BTreeMap<u64, (String, Vec<u8>)>,
    states: usize,
    /// The number of joins and leaves.
    changes: usize,
}

impl View {
    fn pull(&mut self, registry: &mut PresenceRegistry, connection: u64) {
        while let Some((_, news)) = registry.news(connection) {
            let (joined, left) = match news {
                News::State(all) => {
                    self.entries.clear();
                    self.states += 1;
                    (all, Vec::new())
                }
                News::Changes(joined, left) => {
                    self.changes += joined.len() + left.len();
                    (joined, left)
                }
            };
            for id in left {
                self.entries.remove(&id);
            }
            for Attendee { id, key, data } in joined {
                self.entries.insert(id, (key, data));
            }
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.entries.values().map(|(key, _)| key.as_str()).collect()
    }
}

fn lobby() -> Topic {
    topic("lobby")
}

fn join(registry: &mut PresenceRegistry, connection: u64, client: u8, key: &str) {
    registry.join(joiner(connection, [client; 16]), &lobby(), key, b"", ()).unwrap();
}

fn joiner(connection: u64, client: [u8; 16]) -> Joiner {
    Joiner { connection, client, share: None }
}

#[test]
fn a_watcher_gets_the_state_and_then_differences() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    join(&mut registry, 1, 1, "ann");
    registry.watch(9, &lobby());
    assert_eq!((registry.wake(), registry.wake()), (Some(9), None));
    view.pull(&mut registry, 9);
    assert_eq!((view.keys(), view.states), (vec!["ann"], 1));
    join(&mut registry, 2, 2, "bob");
    registry.leave(1, &lobby());
    assert_eq!((registry.wake(), registry.wake()), (Some(9), None));
    view.pull(&mut registry, 9);
    assert_eq!((view.keys(), view.states, view.changes), (vec!["bob"], 1, 2));
    registry.unwatch(9, &lobby());
    registry.leave(2, &lobby());
    assert_eq!(registry.wake(), None);
}

#[test]
fn one_users_connections_are_entries_under_one_key() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    registry.watch(9, &lobby());
    join(&mut registry, 1, 1, "ann");
    join(&mut registry, 2, 2, "ann");
    view.pull(&mut registry, 9);
    assert_eq!(view.keys(), ["ann", "ann"]);
    registry.leave(1, &lobby());
    view.pull(&mut registry, 9);
    assert_eq!(view.keys(), ["ann"]);
}

#[test]
fn a_reload_does_not_leave_and_a_member_that_does_not_return_leaves_after_the_grace() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    registry.watch(9, &lobby());
    join(&mut registry, 1, 1, "ann");
    join(&mut registry, 2, 2, "bob");
    view.pull(&mut registry, 9);
    view.changes = 0;
    registry.gone(1, 0);
    registry.gone(2, 0);
    registry.tick(PRESENCE_GRACE - 1);
    join(&mut registry, 3, 1, "ann");
    assert_eq!(registry.deadline(), Some(PRESENCE_GRACE));
    registry.tick(PRESENCE_GRACE);
    view.pull(&mut registry, 9);
    assert_eq!((view.keys(), view.changes), (vec!["ann"], 1));
    assert_eq!(registry.deadline(), None);
}

#[test]
fn the_end_of_a_connection_whose_client_is_back_already_changes_nothing() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    registry.watch(9, &lobby());
    join(&mut registry, 1, 1, "ann");
    join(&mut registry, 2, 1, "ann");
    registry.gone(1, 0);
    registry.tick(PRESENCE_GRACE);
    view.pull(&mut registry, 9);
    assert_eq!(view.keys(), ["ann"]);
}

#[test]
fn a_client_that_was_forgotten_takes_over_the_place_of_its_key() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    join(&mut registry, 1, 1, "ann");
    registry.watch(9, &lobby());
    view.pull(&mut registry, 9);
    registry.gone(1, 0);
    join(&mut registry, 2, 7, "ann");
    registry.tick(PRESENCE_GRACE);
    view.pull(&mut registry, 9);
    assert_eq!((view.keys(), view.changes), (vec!["ann"], 0));
}

#[test]
fn other_data_is_a_change_of_the_same_entry() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    registry.watch(9, &lobby());
    join(&mut registry, 1, 1, "ann");
    view.pull(&mut registry, 9);
    registry.join(joiner(1, [1; 16]), &lobby(), "ann", b"away", ()).unwrap();
    view.pull(&mut registry, 9);
    let entries: Vec<_> = view.entries.values().collect();
    assert_eq!(entries, [&("ann".to_owned(), b"away".to_vec())]);
}

#[test]
fn a_watcher_that_comes_too_late_for_the_differences_gets_the_state() {
    let (mut registry, mut view) = (PresenceRegistry::default(), View::default());
    registry.watch(9, &lobby());
    join(&mut registry, 1, 1, "ann");
    view.pull(&mut registry, 9);
    for round in 0..1_000 {
        join(&mut registry, 100 + round, 2, "bob");
        registry.leave(100 + round, &lobby());
    }
    registry.leave(1, &lobby());
    join(&mut registry, 3, 3, "cleo");
    view.pull(&mut registry, 9);
    assert_eq!((view.keys(), view.states), (vec!["cleo"], 2));
}

#[test]
fn a_topic_has_room_for_a_bounded_number_and_a_bounded_size() {
    let mut registry = PresenceRegistry::default();
    let client = |number: u64| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id
    };
    let taken = (0..2_000).filter(|&number| {
        registry.join(joiner(number, client(number)), &lobby(), "k", b"", ()).is_ok()
    });
    assert_eq!(taken.count(), 1_024);
    let mut registry = PresenceRegistry::default();
    let taken = (0..2_000).filter(|&number| {
        registry.join(joiner(number, client(number)), &lobby(), "k", &[0; 4_095], ()).is_ok()
    });
    assert_eq!(taken.count(), 128);
}

#[test]
fn those_of_one_share_fill_a_quarter_of_a_topic_and_others_get_in() {
    for (size, most) in [(0, 256), (4_095, 32)] {
        let mut registry = PresenceRegistry::default();
        let mut join = |share: u64, number: u64, size: usize| {
            let mut client = [0; 16];
            client[..8].copy_from_slice(&number.to_be_bytes());
            let joiner = Joiner { connection: number, client, share: Some(share.into()) };
            registry.join(joiner, &lobby(), "k", &vec![0; size], ()).is_ok()
        };
        let taken = (0..600).filter(|&number| join(1, number, size)).count();
        assert_eq!(taken, most);
        // Members may change their data, and do not count twice.
        assert!(join(1, 0, size) && !join(1, 9_999, size));
        assert!((10_000..10_010).all(|number| join(2, number, size)));
    }
}

/// Random joins and leaves. At the end each watcher has the right list.
#[test]
fn presence_converges() {
    for seed in 1..200_u64 {
        let mut random = seed;
        let mut below = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let mut registry = PresenceRegistry::default();
        let mut views: Vec<View> = (0..3).map(|_| View::default()).collect();
        let (mut now, mut next, mut here) = (0, 100, BTreeMap::new());
        (0..3).for_each(|watcher| registry.watch(watcher, &lobby()));
        for _ in 0..300 {
            let client = below(5) as u8;
            match below(7) {
                0..=2 => {
                    next += 1;
                    here.insert(client, next);
                    let data = [below(3) as u8];
                    let key = format!("k{client}");
                    registry.join(joiner(next, [client; 16]), &lobby(), &key, &data, ()).unwrap();
                }
                3 => {
                    if let Some(connection) = here.remove(&client) {
                        registry.leave(connection, &lobby());
                    }
                }
                4 => {
                    if let Some(connection) = here.remove(&client) {
                        registry.gone(connection, now);
                    }
                }
                5 => {
                    now += below(PRESENCE_GRACE);
                    registry.tick(now);
                }
                _ => {
                    let watcher = below(3);
                    views[watcher as usize].pull(&mut registry, watcher);
                }
            }
        }
        registry.tick(now + PRESENCE_GRACE);
        let expected: Vec<String> = here.keys().map(|client| format!("k{client}")).collect();
        for (watcher, view) in (0..).zip(&mut views) {
            view.pull(&mut registry, watcher);
            let mut keys = view.keys();
            keys.sort_unstable();
            assert_eq!(keys, expected, "seed {seed}");
        }
    }
}

fn at(topic: &str) -> AtTopic {
    AtTopic { topic: topic.to_owned() }
}

fn joins(topic: &str, data: usize) -> FromClient {
    FromClient::Join(Join { topic: topic.to_owned(), key: "ann".to_owned(), data: vec![0; data] })
}

#[test]
fn a_connection_asks_for_presence_and_learns_only_of_what_it_watches() {
    let mut peer = Peer::welcomed(0);
    peer.say(joins("lobby", 1), 0);
    peer.say(FromClient::Watch(at("lobby")), 0);
    assert_eq!(peer.run(), []);
    let (key, data) = ("ann".to_owned(), vec![0]);
    let asked = [
        Effect::Join { topic: lobby(), key: key.clone(), data: data.clone() },
        Effect::Watch(lobby()),
    ];
    assert_eq!(peer.asked, asked);
    let entries = vec![Attendee { id: 1, key, data }];
    peer.server.present(&lobby(), entries.clone());
    peer.server.presence(&topic("other"), entries.clone(), vec![]);
    peer.server.presence(&lobby(), vec![], vec![1]);
    let (name, left) = ("lobby".to_owned(), vec![1]);
    let reported = [
        FromPeer::Present(Present { topic: name.clone(), entries }),
        FromPeer::Presence(Presence { topic: name, joined: vec![], left }),
    ];
    assert_eq!(peer.run(), reported);
    peer.asked.clear();
    for frame in [FromClient::Leave(at("lobby")), FromClient::Unwatch(at("lobby"))] {
        peer.say(frame.clone(), 0);
        peer.say(frame, 0);
    }
    assert_eq!(peer.run(), []);
    assert_eq!(peer.asked, [Effect::Leave(lobby()), Effect::Unwatch(lobby())]);
}

#[test]
fn what_is_too_large_too_much_or_no_topic_is_denied() {
    let mut peer = Peer::welcomed(0);
    peer.say(joins("a..b", 0), 0);
    peer.say(FromClient::Watch(at("$bus")), 0);
    peer.say(joins("lobby", 4_097), 0);
    for number in 0..65 {
        peer.say(joins(&format!("t{number}"), 0), 0);
    }
    let denied: Vec<_> = peer
        .run()
        .into_iter()
        .map(|frame| match frame {
            FromPeer::NotPresent(denied) => (denied.topic, denied.code),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ("a..b", RejectCode::IllegalTopic),
        ("$bus", RejectCode::IllegalTopic),
        ("lobby", RejectCode::TooLarge),
        ("t64", RejectCode::TooMany),
    ];
    assert_eq!(denied, expected.map(|(topic, code)| (topic.to_owned(), code)));
    assert_eq!(peer.asked.len(), 64);
}
