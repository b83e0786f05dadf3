//! A client is recorded by its peer before its first durable event, or before others see its id.

mod dialogue;
mod peer;

use dialogue::{Dialogue, WELCOME};
use peer::{Peer, subscribe, topic};
use session::client::{Effect as ClientEffect, Outcome};
use session::rights::{PatternLists, Subject};
use session::server::{Effect, Granted};
use session::*;

const CLIENT: [u8; 16] = [1; 16];

/// A peer with a client that only reads.
fn read_from() -> Peer {
    let mut peer = Peer::new(0);
    peer.say(hello(true), 0);
    let frames = peer.run();
    let FromPeer::Welcome(welcome) = &frames[0] else { panic!("{frames:?}") };
    assert!(welcome.reading && !welcome.forgotten && welcome.highest == 0);
    peer
}

fn hello(reading: bool) -> FromClient {
    FromClient::Hello(Hello { reading, ..Hello::new(CLIENT, [2; 32], 1) })
}

fn publish(number: Option<u64>, id: &str) -> FromClient {
    let (name, body) = (Some("a".to_owned()), peer::body(id).encode());
    FromClient::Publish(Publish { number, topic: 0, name, body, lowest: None })
}

fn is_recorded(peer: &Peer) -> bool {
    peer.peer.store.fence(&CLIENT).is_some()
}

#[test]
fn a_client_that_only_reads_is_recorded_when_it_says_hello_again() {
    let mut peer = read_from();
    peer.say(subscribe(1, "a", Start::Latest, None), 0);
    assert!(matches!(peer.run()[..], [FromPeer::Subscribed(_), FromPeer::CaughtUp(_)]));
    assert!(!is_recorded(&peer));

    peer.say(hello(false), 0);
    assert!(peer.server.is_full(), "nothing is read until the client is recorded");
    let frames = peer.run();
    assert!(matches!(&frames[..], [FromPeer::Welcome(it)] if !it.reading && !it.forgotten));
    assert!(is_recorded(&peer) && !peer.server.is_full());

    // A hello that has crossed with that welcome.
    peer.say(hello(false), 0);
    peer.say(publish(Some(1), "e1"), 0);
    let frames = peer.run();
    assert!(matches!(&frames[..], [FromPeer::Ack(ack)] if ack.position.offset == 1), "{frames:?}");
}

#[test]
fn only_a_client_that_reads_may_say_hello_again() {
    for reading in [false, true] {
        let mut peer = Peer::new(0);
        if reading {
            // The store knows it, so that it is not only reading.
            peer.peer.store.open(&Hello::new(CLIENT, [2; 32], 0));
        }
        peer.say(hello(reading), 0);
        assert!(matches!(&peer.run()[..], [FromPeer::Welcome(it)] if !it.reading));
        peer.say(hello(false), 0);
        peer.run();
        assert_eq!(peer.closed, Some(CloseCode::UnexpectedHello));
    }
}

#[test]
fn what_shows_the_id_of_a_client_waits_until_it_is_recorded() {
    let mut peer = read_from();
    let join = Join { topic: "a".to_owned(), key: "k".to_owned(), data: Vec::new() };
    peer.say(publish(None, "e1"), 0);
    peer.say(FromClient::Join(join), 0);
    peer.say(FromClient::Leave(AtTopic { topic: "a".to_owned() }), 0);
    assert!(matches!(peer.peer.poll(0), Some(Effect::Record(_))));
    assert_eq!(peer.peer.poll(0), None, "the store has not answered");
    peer.server.opened(server::Opened::Welcome { highest: 0, highest_id: None, new: true });
    peer.run();
    let asked = std::mem::take(&mut peer.asked);
    assert!(
        matches!(&asked[..], [Effect::Forward(_), Effect::Join { .. }, Effect::Leave(_)]),
        "{asked:?}"
    );
}

#[test]
fn a_client_that_cannot_be_recorded_shows_nothing() {
    let mut peer = read_from();
    peer.say(publish(None, "e1"), 0);
    peer.server.opened(server::Opened::Limited { retry: 9 });
    peer.run();
    assert_eq!((peer.closed, peer.asked.len()), (Some(CloseCode::Overloaded), 0));
}

#[test]
fn what_waits_for_the_record_is_dropped_with_its_right() {
    let may_publish = |topic: &str| {
        let publish = Some(vec![topic.to_owned()]);
        let rights = PatternLists { publish, ..PatternLists::default() }.parse().unwrap();
        let account = Some(Subject::account("ann").unwrap());
        Granted { account, rights, ..Granted::default() }
    };
    for (topic, sent) in [("b", 0), ("a", 1)] {
        let mut peer = Peer::with_authority(0);
        peer.say(hello(true), 0);
        peer.server.granted(may_publish("a"), 0);
        assert!(matches!(&peer.run()[..], [FromPeer::Welcome(it)] if it.reading));
        peer.say(publish(None, "e1"), 0);
        peer.server.granted(may_publish(topic), 0);
        peer.run();
        assert_eq!(peer.asked.len(), sent, "{topic}");
    }
}

#[test]
fn a_durable_event_of_a_client_that_did_not_ask_is_logged_after_its_record() {
    let mut peer = read_from();
    peer.say(publish(Some(1), "e1"), 0);
    peer.say(publish(Some(2), "e2"), 0);
    let frames = peer.run();
    let [FromPeer::Welcome(_), FromPeer::Ack(one), FromPeer::Ack(two)] = &frames[..] else {
        panic!("{frames:?}")
    };
    assert_eq!((one.position.offset, two.position.offset), (1, 2));
}

/// A client whose peer has not recorded it.
fn reader() -> Dialogue {
    let mut dialogue = Dialogue::new(client::Options::default());
    let hello = dialogue.heard();
    assert!(matches!(&hello[..], [FromClient::Hello(it)] if it.reading && !it.returning));
    dialogue.say(FromPeer::Welcome(Welcome { reading: true, ..WELCOME }));
    dialogue
}

fn publish_to(dialogue: &mut Dialogue, id: &str) {
    dialogue.client.publish(topic("a"), &peer::body(id), dialogue.now).unwrap();
}

#[test]
fn a_client_asks_once_to_be_recorded_and_sends_nothing_durable_before() {
    let mut dialogue = reader();
    assert!(dialogue.heard().is_empty());
    publish_to(&mut dialogue, "e1");
    publish_to(&mut dialogue, "e2");
    let asked = dialogue.heard();
    assert!(matches!(&asked[..], [FromClient::Hello(it)] if !it.reading && !it.returning));
    assert!(dialogue.store.saved().rows.iter().all(|row| !row.leaving));
    dialogue.say(FromPeer::Ping(Ping { number: 1 }));
    assert!(matches!(dialogue.heard()[..], [FromClient::Pong(_)]));

    dialogue.effects.clear();
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert!(matches!(dialogue.heard()[..], [FromClient::Publish(_), FromClient::Publish(_)]));
    let is_link = |it: &&ClientEffect| matches!(it, ClientEffect::Link(_));
    assert_eq!(dialogue.effects.iter().find(is_link), None, "the link was up already");
    // Another welcome would be one too many.
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert!(dialogue.effects.contains(&ClientEffect::Close(CloseCode::OutOfStep)));
}

#[test]
fn a_client_that_was_not_recorded_sends_its_event_on_the_next_connection() {
    let mut dialogue = reader();
    publish_to(&mut dialogue, "e1");
    dialogue.heard();
    dialogue.close(1_006);
    dialogue.wait();
    let hello = dialogue.heard();
    // Nothing was sent that the peer could have forgotten.
    assert!(matches!(&hello[..], [FromClient::Hello(it)] if !it.reading && !it.returning));
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert!(matches!(dialogue.heard()[..], [FromClient::Publish(_)]));
    let position = Position { offset: 1, ..Position::start_of(1) };
    let durability = Durability::Disk;
    dialogue.say(FromPeer::Ack(Ack { number: 1, position, durability }));
    let is_stored = |it: &ClientEffect| {
        matches!(it, ClientEffect::Settled { outcome: Outcome::Stored(..), .. })
    };
    assert!(dialogue.effects.iter().any(is_stored));
    dialogue.close(1_006);
    dialogue.wait();
    assert!(matches!(&dialogue.heard()[..], [FromClient::Hello(it)] if !it.reading));
}
