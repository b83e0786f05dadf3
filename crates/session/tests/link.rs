//! Both state machines over a link that breaks, with a peer that restarts: the promises hold.

mod world;

use session::client::{ConnectionState, Effect, Outcome};
use session::server::{Decided, Opened, Options, Server, Wire};
use session::*;
use topic::{Pattern, Topic};
use world::{World, body};

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

#[test]
fn an_acked_event_reaches_every_subscriber_and_its_publisher_once() {
    let mut world = World::new(2, 1);
    for client in 0..2 {
        world.subscribe(client, "chat.>", Start::Latest);
    }
    world.settle();
    world.publish(0, "chat.a", "one");
    world.publish(1, "chat.a", "two");
    world.settle();
    for client in &world.clients {
        assert_eq!(client.delivered.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1, 2]);
        assert!(matches!(client.settled[..], [(_, Outcome::Stored(..))]));
    }
}

#[test]
fn a_subscription_reads_the_history_and_then_what_is_live_without_a_gap() {
    let mut world = World::new(2, 2);
    for number in 0..300 {
        world.publish(0, if number % 3 == 0 { "a" } else { "b" }, &number.to_string());
    }
    world.settle();
    world.subscribe(1, "a", Start::Last(5));
    world.publish(0, "a", "live");
    world.settle();
    let offsets: Vec<u64> = world.clients[1].delivered.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets.last(), Some(&301));
    assert!((5..=6).contains(&offsets.len()), "{offsets:?}");
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn what_one_end_sends_as_ephemeral_reaches_the_others_and_no_log() {
    let mut world = World::new(2, 3);
    world.subscribe(1, "typing", Start::Latest);
    world.settle();
    assert!(world.clients[0].machine.send_ephemeral(&topic("typing"), &body("t")));
    world.settle();
    assert_eq!(world.clients[1].ephemeral, ["t"]);
    assert!(world.logged(0).is_empty());
}

/// The peer starts again with an empty log, whose first event the client receives.
fn replace_the_log(world: &mut World, topic: &str) {
    world.lose_the_log();
    world.settle();
    world.publish(0, topic, "new");
    world.settle();
    assert_eq!(world.clients[0].delivered.last(), Some(&(1, "new".to_owned())));
}

#[test]
fn a_log_that_was_replaced_resets_its_readers_and_tells_what_is_uncertain() {
    let mut world = World::new(1, 4);
    world.subscribe(0, ">", Start::Earliest);
    world.publish(0, "a", "old");
    world.settle();
    replace_the_log(&mut world, "a");
    let client = &world.clients[0];
    assert_eq!(client.resets, 1);
    assert!(client.settled.iter().all(|(_, outcome)| matches!(outcome, Outcome::Stored(..))));
}

#[test]
fn a_log_of_two_streams_that_was_replaced_resets_a_reader_once_in_each() {
    let mut world = World::split(1, 4);
    world.subscribe(0, ">", Start::Earliest);
    for id in ["old", "older"] {
        world.publish(0, "a.x", id);
        world.publish(0, "b.x", &format!("{id} of b"));
    }
    world.settle();
    assert_eq!(world.clients[0].delivered.len(), 4);
    replace_the_log(&mut world, "b.x");
    assert_eq!(world.clients[0].resets, 2);
}

#[test]
fn a_reject_that_a_retry_can_cure_holds_back_the_higher_numbers_and_keeps_the_order() {
    let mut world = World::new(1, 5);
    world.settle();
    world.peer.store.fails = true;
    for number in 0..10 {
        world.publish(0, "a", &number.to_string());
        world.run(1);
    }
    world.run(5);
    assert!(world.logged(0).is_empty());
    world.peer.store.fails = false;
    world.settle();
    let ids: Vec<&str> = world.logged(0).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

/// An answer for each would make the client resend from there as often as there are answers.
#[test]
fn nothing_is_said_of_numbers_that_are_held_back_until_the_lowest_comes_again() {
    let mut server = Server::new(Options::default().into(), Wire::Frames, &[0], 0);
    let say = |server: &mut Server, frame: FromClient| {
        let mut message = Vec::new();
        frame.encode(&mut message);
        server.received(&message, 0);
    };
    say(&mut server, FromClient::Hello(Hello::new([1; 16], [2; 32], 1)));
    server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true });
    while server.poll().is_some() {}
    let publish = |number: u64| {
        FromClient::Publish(Publish {
            number: Some(number),
            topic: 0,
            name: Some("t".to_owned()),
            body: body(&number.to_string()).encode(),
            lowest: None,
        })
    };
    let asked = |server: &mut Server, number| {
        say(server, publish(number));
        match server.poll() {
            Some(server::Effect::Append(append)) => Some(append.ticket),
            None => None,
            other => panic!("{other:?}"),
        }
    };
    let refused = |code| Decided::Rejected { code, message: String::new(), retry: Some(9) };
    let (one, two) = (asked(&mut server, 1).unwrap(), asked(&mut server, 2).unwrap());
    server.decided(one, refused(RejectCode::Unavailable));
    assert!(matches!(server.poll(), Some(server::Effect::Send(_))));
    server.decided(two, refused(RejectCode::HeldBack));
    assert_eq!(server.poll(), None);
    assert_eq!(asked(&mut server, 3), None);
    for number in 1..=3 {
        assert!(asked(&mut server, number).is_some(), "{number}");
    }
}

#[test]
fn a_stop_code_stops_and_a_reconnect_code_does_not() {
    for (code, stops) in [(1006, false), (4000, false), (4499, false), (4503, true), (4999, true)] {
        let mut world = World::new(1, 6);
        world.settle();
        let now = world.now;
        world.clients[0].machine.closed(code, "", now);
        let mut last = None;
        while let Some(effect) = world.clients[0].machine.poll() {
            if let Effect::Link(link) = effect {
                last = Some(link);
            }
        }
        let stopped = matches!(last, Some(ConnectionState::Stopped { .. }));
        assert_eq!((stopped, code), (stops, code));
    }
}

#[test]
fn a_client_without_a_sign_of_life_is_pinged_and_then_closed() {
    let mut server = Server::new(Options::default().into(), Wire::Frames, &[0], 0);
    let mut hello = Vec::new();
    FromClient::Hello(Hello::new([1; 16], [2; 32], 1)).encode(&mut hello);
    server.received(&hello, 0);
    server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true });
    while server.poll().is_some() {}
    // The owner was busy with a long send. The ping gets its full time nevertheless.
    server.tick(50_000);
    let Some(server::Effect::Send(server::SocketMessage::Binary(ping))) = server.poll() else {
        panic!("no ping")
    };
    assert!(matches!(FromPeer::decode(&ping).next(), Some(Ok(FromPeer::Ping(_)))));
    server.tick(69_999);
    assert_eq!(server.poll(), None);
    server.tick(70_000);
    let effects: Vec<_> = std::iter::from_fn(|| server.poll()).collect();
    assert!(matches!(effects.last(), Some(server::Effect::Close(CloseCode::Silent, _))));
}

/// Random programs over breaking links and a restarting peer. A failure names its seed.
#[test]
fn nothing_is_lost_doubled_or_reordered_whatever_breaks() {
    for seed in 0..500 {
        let new = if seed % 2 == 1 { World::split } else { World::new };
        let mut world = new(3, seed);
        for client in 0..3 {
            let pattern = ["a.>", ">", "*.x"][client];
            world.subscribe(client, pattern, Start::Earliest);
        }
        for step in 0..120 {
            match world.random(10) {
                0 => world.cut(),
                1 => world.restart(),
                2 => world.advance(),
                _ => {
                    let client = world.random(3) as usize;
                    let at = ["a.x", "a.y", "b.x"][world.random(3) as usize];
                    world.publish(client, at, &format!("{client}-{step}"));
                    world.run(3);
                }
            }
        }
        world.settle();
        for (index, client) in world.clients.iter().enumerate() {
            let pattern = Pattern::parse(["a.>", ">", "*.x"][index]).unwrap();
            let own = format!("{index}-");
            let (mut all, mut logged) = (0, Vec::new());
            for stream in 0..world.peer.options().streams.len() {
                let events = world.logged(stream);
                let expected: Vec<(u64, String)> = (1..)
                    .zip(&events)
                    .filter(|(_, (topic, _))| pattern.matches(topic))
                    .map(|(offset, (_, id))| (offset, (*id).to_owned()))
                    .collect();
                // One order per stream, and none across streams.
                let is_of = |(_, id): &&(u64, String)| events.iter().any(|(_, other)| other == id);
                let delivered: Vec<_> = client.delivered.iter().filter(is_of).cloned().collect();
                assert_eq!(delivered, expected, "seed {seed}, client {index}, stream {stream}");
                all += expected.len();
                let ids = events.into_iter().filter_map(|(_, id)| id.strip_prefix(&own));
                let steps: Vec<u32> = ids.map(|step| step.parse().unwrap()).collect();
                assert!(steps.is_sorted(), "seed {seed}, client {index}: {steps:?}");
                logged.extend(steps);
            }
            assert_eq!(client.delivered.len(), all, "seed {seed}, client {index}");
            assert_eq!(client.machine.outbox_len(), 0, "seed {seed}, client {index}");
            assert_eq!(client.settled.len(), client.published.len(), "seed {seed}");
            logged.sort_unstable();
            let logged = logged.iter().map(|step| format!("{own}{step}"));
            assert!(logged.eq(client.published.iter().cloned()), "seed {seed}, client {index}");
        }
    }
}
