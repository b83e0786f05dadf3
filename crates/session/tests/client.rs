//! What a client does besides publishing and subscribing, against a scripted peer: credentials, history and presence.

mod dialogue;

use dialogue::{Dialogue, WELCOME};
use session::client::{
    ConnectionState, Effect, HistoryError, Occupants, Older, Options, SavedState, Secret,
    StoreRequest,
};
use session::*;
use topic::{Pattern, Topic};

fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn with_credentials() -> Dialogue {
    Dialogue::new(Options { credentials: true, ..Options::default() })
}

/// The number of credential requests since the last call.
fn fetches(dialogue: &mut Dialogue) -> usize {
    let before = dialogue.effects.len();
    dialogue.effects.retain(|effect| *effect != Effect::FetchCredential);
    before - dialogue.effects.len()
}

fn give(dialogue: &mut Dialogue, credential: &str) {
    dialogue.client.credential(Some(credential.to_owned()), dialogue.now);
    dialogue.run();
}

fn is_stopped(dialogue: &Dialogue) -> bool {
    let mut states = dialogue.effects.iter().rev().filter_map(|effect| match effect {
        Effect::Link(state) => Some(state),
        _ => None,
    });
    matches!(states.next(), Some(ConnectionState::Stopped { .. }))
}

#[test]
fn a_credential_is_fetched_before_each_connection_and_shown_in_its_hello() {
    let mut dialogue = with_credentials();
    for connection in 1..=3 {
        assert_eq!((fetches(&mut dialogue), dialogue.opened), (1, connection - 1));
        give(&mut dialogue, &format!("pass {connection}"));
        let said = dialogue.heard();
        let [FromClient::Hello(hello)] = &said[..] else { panic!("{said:?}") };
        assert_eq!(hello.token, Some(format!("pass {connection}")));
        dialogue.say(FromPeer::Welcome(WELCOME));
        dialogue.close(1_006);
        dialogue.wait();
    }
}

#[test]
fn without_credentials_none_is_asked_for() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.say(FromPeer::Expiring(Expiring { milliseconds: 1 }));
    assert_eq!(fetches(&mut dialogue), 0);
}

#[test]
fn a_credential_that_cannot_be_had_is_asked_for_again_after_the_wait() {
    let mut dialogue = with_credentials();
    fetches(&mut dialogue);
    dialogue.client.credential(None, 0);
    dialogue.run();
    assert!(
        dialogue
            .effects
            .iter()
            .any(|it| matches!(it, Effect::Link(ConnectionState::Offline { .. })))
    );
    assert_eq!((fetches(&mut dialogue), dialogue.opened), (0, 0));
    dialogue.wait();
    assert_eq!(fetches(&mut dialogue), 1);
}

#[test]
fn a_credential_that_is_about_to_end_is_refreshed_on_the_connection() {
    let mut dialogue = with_credentials();
    give(&mut dialogue, "one");
    dialogue.say(FromPeer::Welcome(WELCOME));
    dialogue.heard();
    fetches(&mut dialogue);
    dialogue.say(FromPeer::Expiring(Expiring { milliseconds: 60_000 }));
    assert_eq!(fetches(&mut dialogue), 1);
    dialogue.client.credential(None, dialogue.now);
    dialogue.run();
    assert_eq!(fetches(&mut dialogue), 0, "it could not be had just now");
    dialogue.wait();
    assert_eq!(fetches(&mut dialogue), 1);
    give(&mut dialogue, "two");
    assert_eq!(dialogue.heard(), [FromClient::Refresh(Refresh { token: "two".into() })]);
    assert_eq!(dialogue.opened, 1);
}

#[test]
fn a_refused_credential_is_final_until_the_application_acts() {
    let refused = CloseCode::CredentialRefused.code();
    let mut dialogue = with_credentials();
    give(&mut dialogue, "wrong");
    dialogue.close(refused);
    assert!(is_stopped(&dialogue));
    assert_eq!(dialogue.client.deadline(), None);
    dialogue.client.connect(dialogue.now);
    dialogue.run();
    fetches(&mut dialogue);
    give(&mut dialogue, "right");
    dialogue.say(FromPeer::Welcome(WELCOME));
    dialogue.say(FromPeer::Expiring(Expiring { milliseconds: 1 }));
    give(&mut dialogue, "another client's");
    dialogue.close(refused);
    assert!(is_stopped(&dialogue));
}

#[test]
fn a_page_that_slept_through_the_end_of_its_credential_shows_another_one() {
    let mut dialogue = with_credentials();
    give(&mut dialogue, "one");
    dialogue.say(FromPeer::Welcome(WELCOME));
    fetches(&mut dialogue);
    let code = CloseCode::CredentialRefused.code();
    dialogue.say(FromPeer::Bye(Bye { code, message: "it has ended".into(), retry: None }));
    assert!(!is_stopped(&dialogue));
    dialogue.wait();
    assert_eq!(fetches(&mut dialogue), 1);
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let secret = Secret([77; 32]);
    let saved = SavedState {
        secret,
        ..SavedState::new(&mut (Box::new(|_: &mut [u8]| {}) as client::Entropy))
    };
    let renew = StoreRequest::Renew { from: [1; 16], highest: 0, client: [2; 16], secret };
    let hello = Hello {
        token: Some("77, my pass".into()),
        proof: Some([77; 64]),
        ..Hello::new([1; 16], [77; 32], 1)
    };
    let refresh = FromClient::Refresh(Refresh { token: "77, my pass".into() });
    for printed in [
        format!("{saved:?}"),
        format!("{renew:?}"),
        format!("{:?}", Effect::Store(renew.clone())),
        format!("{:?}", FromClient::Hello(hello)),
        format!("{refresh:?}"),
        format!("{:?}", with_credentials().client),
    ] {
        assert!(!printed.contains("77"), "{printed}");
    }
}

fn asked(said: &[FromClient]) -> Vec<&History> {
    let all = said.iter().filter_map(|frame| match frame {
        FromClient::History(history) => Some(history),
        _ => None,
    });
    all.collect()
}

fn page(request: u32, offsets: &[u64], next: Option<u64>) -> FromPeer {
    let entry = |&offset: &u64| {
        let body = Body { id: format!("e{offset}"), ..Body::default() }.encode();
        HistoryEntry { offset, topic: "a.b".into(), body }
    };
    let entries = offsets.iter().map(entry).collect();
    let next = next.map(|before| (Stream::MAIN, before));
    FromPeer::Page(HistoryPage { request, epoch: 7, entries, next, refused: None })
}

fn pages(dialogue: &mut Dialogue) -> Vec<Result<Older, HistoryError>> {
    let all = std::mem::take(&mut dialogue.effects).into_iter().filter_map(|effect| match effect {
        Effect::History(_, page) => Some(page),
        _ => None,
    });
    all.collect()
}

fn position(offset: u64) -> Position {
    Position { offset, ..Position::start_of(7) }
}

#[test]
fn pages_of_history_are_read_backwards_each_from_the_position_that_the_last_one_names() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.history(pattern("a.>"), None, 2);
    let said = dialogue.heard();
    let [first] = asked(&said)[..] else { panic!("{said:?}") };
    assert_eq!((first.pattern.as_str(), first.before, first.limit), ("a.>", None, 2));
    dialogue.say(page(first.request, &[9, 7], Some(7)));
    let read = pages(&mut dialogue).remove(0).unwrap();
    let offsets: Vec<_> = read.events.iter().map(|(position, ..)| position.offset).collect();
    assert_eq!((offsets, read.next.clone()), (vec![9, 7], Some(position(7))));
    dialogue.client.history(pattern("a.>"), read.next, 2);
    let said = dialogue.heard();
    let [second] = asked(&said)[..] else { panic!("{said:?}") };
    assert_eq!(second.before, Some(7));
    dialogue.say(page(second.request, &[], None));
    assert_eq!(pages(&mut dialogue), [Ok(Older { events: vec![], next: None })]);
}

#[test]
fn after_the_last_page_of_a_stream_comes_the_head_of_the_next_one() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.history(pattern("a.>"), None, 2);
    let request = asked(&dialogue.heard())[0].request;
    let FromPeer::Page(last) = page(request, &[1], None) else { unreachable!() };
    let orders = Stream::named("orders");
    let next = Some((orders.clone(), MAX_NUMBER));
    dialogue.say(FromPeer::Page(HistoryPage { next, ..last }));
    let read = pages(&mut dialogue).remove(0).unwrap();
    assert_eq!(read.events[0].0.stream, Stream::MAIN);
    dialogue.client.history(pattern("a.>"), read.next, 2);
    let said = dialogue.heard();
    let [next] = asked(&said)[..] else { panic!("{said:?}") };
    assert_eq!((&next.stream, next.before), (&orders, Some(MAX_NUMBER)));
    // It has its own epoch.
    let FromPeer::Page(first) = page(next.request, &[3], None) else { unreachable!() };
    dialogue.say(FromPeer::Page(HistoryPage { epoch: 8, ..first }));
    let read = pages(&mut dialogue).remove(0).unwrap();
    let place = Position { stream: orders, epoch: 8, offset: 3, id: Some("e3".into()) };
    assert_eq!(read.events[0].0, place);
}

#[test]
fn a_page_is_requested_again_until_it_arrives_or_is_cancelled() {
    let mut dialogue = Dialogue::new(Options::default());
    dialogue.client.history(pattern("a"), None, 1);
    let unwanted = dialogue.client.history(pattern("b"), None, 1);
    dialogue.client.forget_request(unwanted);
    dialogue.say(FromPeer::Welcome(WELCOME));
    let said = dialogue.heard();
    assert_eq!(asked(&said).len(), 1);
    dialogue.reconnect();
    let said = dialogue.heard();
    let [again] = asked(&said)[..] else { panic!("{said:?}") };
    dialogue.say(page(again.request, &[1], None));
    assert_eq!(pages(&mut dialogue).len(), 1);
    dialogue.reconnect();
    assert!(asked(&dialogue.heard()).is_empty());
}

#[test]
fn a_page_of_another_log_than_the_position_is_reported_as_a_reset() {
    let mut dialogue = Dialogue::welcomed();
    let before = Position { epoch: 6, ..position(5) };
    dialogue.client.history(pattern("a"), Some(before), 1);
    let request = asked(&dialogue.heard())[0].request;
    dialogue.say(page(request, &[4], None));
    assert_eq!(pages(&mut dialogue), [Err(HistoryError::Reset)]);
}

#[test]
fn few_pages_are_under_way_at_a_time_and_a_busy_peer_is_asked_again_later() {
    let mut dialogue = Dialogue::welcomed();
    for _ in 0..6 {
        dialogue.client.history(pattern("a"), None, 1);
    }
    let said = dialogue.heard();
    let requests: Vec<_> = asked(&said).iter().map(|history| history.request).collect();
    assert_eq!(requests.len(), 4);
    dialogue.say(page(requests[0], &[1], None));
    assert_eq!(asked(&dialogue.heard()).len(), 1);
    let refused = HistoryPage {
        request: requests[1],
        epoch: 0,
        entries: vec![],
        next: None,
        refused: Some(RejectCode::TooMany),
    };
    dialogue.say(FromPeer::Page(refused));
    assert!(asked(&dialogue.heard()).is_empty());
    assert_eq!(pages(&mut dialogue).len(), 1);
    dialogue.wait();
    assert_eq!(asked(&dialogue.heard()).len(), 1);
}

fn attendee(id: u64, key: &str) -> Attendee {
    Attendee { id, key: key.to_owned(), data: vec![] }
}

fn at(topic: &str) -> AtTopic {
    AtTopic { topic: topic.to_owned() }
}

fn present(entries: &[Attendee]) -> FromPeer {
    FromPeer::Present(Present { topic: "lobby".into(), entries: entries.to_vec() })
}

fn presence(joined: &[Attendee], left: &[u64]) -> FromPeer {
    let (joined, left) = (joined.to_vec(), left.to_vec());
    FromPeer::Presence(Presence { topic: "lobby".into(), joined, left })
}

/// The keys of all occupants, of those that joined, and of those that left.
fn occupants(dialogue: &mut Dialogue) -> Vec<[String; 3]> {
    let keys =
        |all: &[Attendee]| all.iter().map(|one| one.key.as_str()).collect::<Vec<_>>().join(" ");
    let effects = std::mem::take(&mut dialogue.effects);
    let all = effects.into_iter().filter_map(|effect| match effect {
        Effect::Occupants(Occupants { present, joined, left, .. }) => {
            Some([keys(&present), keys(&joined), keys(&left)])
        }
        _ => None,
    });
    all.collect()
}

#[test]
fn a_watcher_gets_the_state_and_then_the_changes() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.watch(&topic("lobby"));
    assert_eq!(dialogue.heard(), [FromClient::Watch(at("lobby"))]);
    dialogue.say(present(&[]));
    assert_eq!(occupants(&mut dialogue), [["", "", ""]]);
    dialogue.say(presence(&[attendee(2, "bob"), attendee(1, "ann")], &[]));
    assert_eq!(occupants(&mut dialogue), [["ann bob", "ann bob", ""]]);
    dialogue.say(presence(&[attendee(3, "cleo"), attendee(2, "rob")], &[1]));
    assert_eq!(occupants(&mut dialogue), [["rob cleo", "rob cleo", "ann"]]);
    dialogue.client.unwatch(&topic("lobby"));
    assert_eq!(dialogue.heard(), [FromClient::Unwatch(at("lobby"))]);
    dialogue.say(presence(&[], &[2]));
    assert!(occupants(&mut dialogue).is_empty());
}

#[test]
fn presence_outlives_connections_and_only_changes_in_between_are_reported() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.join(&topic("lobby"), "me".into(), b"1".to_vec());
    dialogue.client.join(&topic("lobby"), "me".into(), b"2".to_vec());
    dialogue.client.join(&topic("hall"), "me".into(), vec![]);
    dialogue.client.leave(&topic("hall"));
    dialogue.client.watch(&topic("lobby"));
    dialogue.heard();
    dialogue.say(present(&[attendee(1, "ann"), attendee(2, "bob")]));
    occupants(&mut dialogue);
    dialogue.reconnect();
    let said = dialogue.heard();
    let data = b"2".to_vec();
    let join = Join { topic: "lobby".into(), key: "me".into(), data };
    assert_eq!(said[1..], [FromClient::Join(join), FromClient::Watch(at("lobby"))]);
    dialogue.say(presence(&[attendee(9, "early")], &[]));
    assert!(
        occupants(&mut dialogue).is_empty(),
        "a difference from what this connection has not reported"
    );
    dialogue.say(present(&[attendee(1, "ann"), attendee(3, "cleo")]));
    assert_eq!(occupants(&mut dialogue), [["ann cleo", "cleo", "bob"]]);
    dialogue.say(present(&[attendee(1, "ann"), attendee(3, "cleo")]));
    assert!(occupants(&mut dialogue).is_empty());
}

#[test]
fn a_topic_that_cannot_be_joined_is_reported() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.join(&topic("lobby"), "me".into(), vec![]);
    let refused = |topic: &str| {
        let (topic, message) = (topic.to_owned(), "full".to_owned());
        FromPeer::NotPresent(NotPresent { topic, code: RejectCode::TooMany, message })
    };
    dialogue.say(refused("lobby"));
    dialogue.say(refused("of another tab"));
    let occupants = dialogue.effects.iter().filter(|it| matches!(it, Effect::NotPresent { .. }));
    assert_eq!(occupants.count(), 1);
}

#[test]
fn an_event_is_this_clients_if_its_source_begins_with_the_clients_own() {
    let dialogue = Dialogue::welcomed();
    let id = format!("{:032x}", u128::from_be_bytes(dialogue.client.id()));
    let is_own = |source: String| dialogue.client.is_own(&source);
    assert!(is_own(format!("/clients/{id}")) && is_own(format!("/clients/{id}/x")));
    for forged in [
        format!("/guests/{id}"),
        format!("/guests/0/../../clients/{id}"),
        format!("/clients/0/{id}"),
        format!("/clients/{id}0"),
        format!("/clients/{}", &id[1..]),
        format!("//clients/{id}"),
        format!("clients/{id}"),
        format!("/clients/{}", id.to_uppercase()),
    ] {
        assert!(!is_own(forged.clone()), "{forged}");
    }
}
