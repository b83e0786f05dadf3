//! What developer tools ask a client: how far its subscriptions have read, its outbox, and the round trip.

mod dialogue;

use dialogue::Dialogue;
use session::client::Window;
use session::*;
use topic::{Pattern, Topic};

#[test]
fn the_round_trip_is_the_time_from_a_ping_to_its_answer() {
    let mut dialogue = Dialogue::welcomed();
    assert_eq!(dialogue.client.round_trip(), None);
    dialogue.now = 100;
    dialogue.client.ping(dialogue.now);
    dialogue.client.ping(dialogue.now + 5);
    assert_eq!(dialogue.heard(), [FromClient::Ping(Ping { number: 0 })], "one at a time");
    dialogue.now = 140;
    dialogue.say(FromPeer::Pong(Ping { number: 0 }));
    assert_eq!(dialogue.client.round_trip(), Some(40));
    dialogue.now = 200;
    dialogue.say(FromPeer::Pong(Ping { number: 0 }));
    assert_eq!(dialogue.client.round_trip(), Some(40), "nothing was asked");
}

#[test]
fn a_ping_of_developer_tools_gives_up_no_silent_link() {
    let mut dialogue = Dialogue::welcomed();
    let before = dialogue.client.deadline();
    dialogue.client.ping(dialogue.now);
    dialogue.run();
    assert_eq!(dialogue.client.deadline(), before);
    dialogue.close(1_006);
    dialogue.heard();
    dialogue.client.ping(dialogue.now);
    assert_eq!(dialogue.heard(), [], "there is no link");
    assert_eq!(dialogue.client.round_trip(), None);
}

#[test]
fn a_subscription_tells_its_positions_and_what_the_peer_may_send() {
    let mut dialogue = Dialogue::welcomed();
    let window = Window { events: 10, bytes: 1_000 };
    let pattern = Pattern::parse("a").unwrap();
    let id = dialogue.client.subscribe_within(pattern, Start::Earliest, window);
    let heard = dialogue.heard();
    let [FromClient::Subscribe(subscribe)] = &heard[..] else { panic!("{heard:?}") };
    let state = dialogue.client.subscription_state(id).unwrap();
    assert_eq!((state.credit, state.window, state.positions.len()), (window, window, 0));

    let head = Position { stream: Stream::default(), epoch: 1, offset: 3, id: None };
    let subscription = subscribe.subscription;
    let (reset, others) = (false, Vec::new());
    dialogue.say(FromPeer::Subscribed(Subscribed { subscription, head, reset, others }));
    let body = Body { id: "one".to_owned(), ..Body::default() };
    let recipients = vec![Recipient { subscription, previous: None }];
    dialogue.say(event(&body, recipients, 3));
    let state = dialogue.client.subscription_state(id).unwrap();
    assert_eq!((state.credit.events, state.window), (9, window));
    assert!(state.credit.bytes < 1_000);
    assert_eq!(state.positions.iter().map(|at| at.offset).collect::<Vec<_>>(), [3]);
    dialogue.client.unsubscribe(id);
    assert_eq!(dialogue.client.subscription_state(id), None);
}

fn event(body: &Body, recipients: Vec<Recipient>, offset: u64) -> FromPeer {
    FromPeer::Event(Event {
        topic: 1,
        name: Some(Topic::parse("a").unwrap().to_string()),
        recipients,
        offset: Some(offset),
        stream: Stream::default(),
        body: body.encode(),
    })
}
