//! What a client may do is what its rights cover: publishing, subscribing, the past, and presence.

mod dialogue;
mod peer;

use dialogue::{Dialogue, WELCOME};
use peer::{Peer, caught_up, credit, hello, reported, subscribe};
use session::rights::{PatternLists, Right, Rights, Subject};
use session::server::{Effect, Granted, Options};
use session::*;

const ALL: &[&str] = &[">"];

fn list(patterns: &[&str]) -> Option<Vec<String>> {
    Some(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

fn lists(publish: &[&str], subscribe: &[&str]) -> PatternLists {
    PatternLists { publish: list(publish), subscribe: list(subscribe), ..PatternLists::default() }
}

fn granted(lists: &PatternLists) -> Granted {
    let account = Some(Subject::account("ann").unwrap());
    Granted { account, rights: lists.parse().unwrap(), expires_in: None, key: None }
}

/// A welcomed connection with these rights, to a log of this many events on `a`.
fn peer(events: u64, lists: &PatternLists) -> Peer {
    let mut peer = Peer::with_authority(events);
    peer.say(hello(Some("token")), 0);
    peer.server.granted(granted(lists), 0);
    let frames = peer.run();
    assert!(matches!(frames[..], [FromPeer::Welcome(_)]), "{frames:?}");
    peer
}

/// What the peer says to a frame.
fn answers(peer: &mut Peer, frame: FromClient) -> Vec<FromPeer> {
    peer.say(frame, 0);
    peer.run()
}

fn publish(number: Option<u64>, topic: u32, name: Option<&str>) -> FromClient {
    let (name, body) = (name.map(str::to_owned), peer::body("e").encode());
    FromClient::Publish(Publish { number, topic, name, body, lowest: None })
}

fn refused(frames: &[FromPeer]) -> Vec<(u32, RejectCode)> {
    let refused = frames.iter().filter_map(|frame| match frame {
        FromPeer::Refused(refused) => Some((refused.subscription, refused.code)),
        _ => None,
    });
    refused.collect()
}

fn denied(frames: &[FromPeer]) -> Vec<(u32, RejectCode)> {
    let denied = frames.iter().filter_map(|frame| match frame {
        FromPeer::Denied(denied) => Some((denied.topic, denied.code)),
        _ => None,
    });
    denied.collect()
}

fn history(pattern: &str) -> FromClient {
    let (pattern, stream) = (pattern.to_owned(), Stream::MAIN);
    FromClient::History(History { request: 1, pattern, before: None, limit: 9, stream })
}

#[test]
fn an_event_elsewhere_is_rejected_for_good_under_its_number() {
    let mut peer = peer(0, &lists(&["chat.*"], ALL));
    let frames = answers(&mut peer, publish(Some(1), 0, Some("admin")));
    let [FromPeer::Reject(reject)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((reject.number, reject.code, reject.retry), (1, RejectCode::NotAllowed, None));
    assert!(reject.message.contains("`admin`"), "{}", reject.message);
    let Some(Effect::Append(append)) = peer.asked.last() else { panic!("{:?}", peer.asked) };
    assert_eq!(append.event.as_ref().unwrap_err().id.as_deref(), Some("e"));
    answers(&mut peer, publish(Some(2), 1, Some("chat.lobby")));
    let Some(Effect::Append(append)) = peer.asked.last() else { panic!("{:?}", peer.asked) };
    assert!(append.event.is_ok());
}

#[test]
fn an_ephemeral_event_elsewhere_goes_nowhere_and_is_denied_once() {
    let mut peer = peer(0, &lists(&["chat.*"], ALL));
    let first = answers(&mut peer, publish(None, 0, Some("admin")));
    assert_eq!(denied(&first), [(0, RejectCode::NotAllowed)]);
    assert_eq!(answers(&mut peer, publish(None, 0, None)), []);
    assert!(peer.asked.is_empty() && peer.closed.is_none());
    // The number gets another topic, and the topic another number.
    assert_eq!(answers(&mut peer, publish(None, 0, Some("chat.lobby"))), []);
    assert!(matches!(peer.asked[..], [Effect::Forward(_)]));
    assert_eq!(denied(&answers(&mut peer, publish(None, 1, Some("admin")))).len(), 1);
    // A number that is renamed by an event that is illegal is renamed.
    let body = Body::default().encode();
    let name = Some("admin".to_owned());
    let illegal = Publish { number: Some(1), topic: 0, name, body, lowest: None };
    answers(&mut peer, FromClient::Publish(illegal));
    assert_eq!(denied(&answers(&mut peer, publish(None, 0, None))).len(), 1);
}

#[test]
fn what_was_allowed_is_decided_again_for_another_name_and_for_other_rights() {
    let mut peer = peer(0, &lists(&["chat.*"], ALL));
    let mut number = 0;
    let mut may = |peer: &mut Peer, topic, name| {
        number += 1;
        answers(peer, publish(Some(number), topic, name));
        let Some(Effect::Append(append)) = peer.asked.last() else { panic!("{:?}", peer.asked) };
        append.event.is_ok()
    };
    assert!(may(&mut peer, 0, Some("chat.lobby")) && may(&mut peer, 0, None));
    assert!(!may(&mut peer, 0, Some("admin")) && !may(&mut peer, 0, None));
    assert!(may(&mut peer, 1, Some("chat.lobby")) && may(&mut peer, 1, None));
    assert!(!may(&mut peer, 0, None) && may(&mut peer, 1, None));
    peer.server.granted(granted(&lists(&["admin"], ALL)), 0);
    assert!(!may(&mut peer, 1, None) && may(&mut peer, 0, None));
}

#[test]
fn a_subscription_must_be_covered_by_one_pattern() {
    let mut peer = peer(0, &lists(&[], &["chat.lobby.>", "chat.*.b", "person.{sub}.>"]));
    let wanted = [
        ("chat.lobby.*", true),
        ("chat.lobby.>", true),
        ("person.ann.x", true),
        ("chat.*.b", true),
        (">", false),
        ("chat.*.x", false),
        ("chat.lobby", false),
        ("person.bob.x", false),
        ("person.*.x", false),
        ("$bus.>", false),
    ];
    for (number, (pattern, allowed)) in (1..).zip(wanted) {
        let frames = answers(&mut peer, subscribe(number, pattern, Start::Latest, None));
        let expected = if allowed { vec![] } else { vec![(number, RejectCode::NotAllowed)] };
        assert_eq!(refused(&frames), expected, "{pattern}");
        assert_eq!(caught_up(&frames), usize::from(allowed), "{pattern}");
    }
    assert_eq!(peer.server.subscribed().0, 4);
}

#[test]
fn the_past_needs_its_right_and_a_resume_without_it_goes_on_from_latest() {
    let lists = PatternLists { history: list(&[]), ..lists(&[], ALL) };
    let mut peer = peer(5, &lists);
    for (number, start) in [(1, Start::Earliest), (2, Start::Last(1))] {
        let frames = answers(&mut peer, subscribe(number, "a", start, None));
        assert_eq!(refused(&frames), [(number, RejectCode::NotAllowed)]);
    }
    let frames = answers(&mut peer, history("a"));
    let [FromPeer::Page(page)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((page.refused, page.entries.len()), (Some(RejectCode::NotAllowed), 0));

    let after = Position { offset: 2, ..Position::start_of(7) };
    let frames = answers(&mut peer, subscribe(3, "a", Start::After(vec![after]), None));
    let gap = Gap { subscription: 3, from: 3, to: 5, stream: Stream::MAIN };
    assert!(frames.contains(&FromPeer::Gap(gap)), "{frames:?}");
    assert_eq!((reported(&frames, 3), caught_up(&frames)), (vec![], 1));
    // Up to date, so nothing is missing.
    let after = Position { offset: 5, ..Position::start_of(7) };
    let frames = answers(&mut peer, subscribe(4, "a", Start::After(vec![after]), None));
    assert!(!frames.iter().any(|frame| matches!(frame, FromPeer::Gap(_))), "{frames:?}");
    peer.commit("a");
    let frames = peer.run();
    assert_eq!(reported(&frames, 3), [(6, Some(5))]);
    assert_eq!(reported(&frames, 4), [(6, Some(5))]);
}

#[test]
fn presence_needs_its_right_and_shows_the_subject() {
    let lists = PatternLists { presence: list(&["chat.lobby"]), ..lists(ALL, ALL) };
    let mut peer = peer(0, &lists);
    let join = |topic: &str| {
        let (topic, key) = (topic.to_owned(), "bob".to_owned());
        FromClient::Join(Join { topic, key, data: Vec::new() })
    };
    let watch = |topic: &str| FromClient::Watch(AtTopic { topic: topic.to_owned() });
    for frame in [join("admin"), watch("admin")] {
        let frames = answers(&mut peer, frame);
        let [FromPeer::NotPresent(denied)] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!((&*denied.topic, denied.code), ("admin", RejectCode::NotAllowed));
    }
    assert!(peer.asked.is_empty());
    answers(&mut peer, join("chat.lobby"));
    answers(&mut peer, watch("chat.lobby"));
    let [Effect::Join { key, .. }, Effect::Watch(_)] = &peer.asked[..] else { panic!() };
    assert_eq!(key, "ann");
}

#[test]
fn what_a_refresh_takes_away_ends_and_nothing_more_comes() {
    let all = lists(ALL, ALL);
    let mut peer = peer(0, &all);
    answers(&mut peer, subscribe(1, "a", Start::Latest, None));
    answers(&mut peer, subscribe(2, "chat.>", Start::Latest, None));
    let join = Join { topic: "a".to_owned(), key: String::new(), data: Vec::new() };
    answers(&mut peer, FromClient::Join(join));
    answers(&mut peer, publish(None, 0, Some("a")));
    // Without credit, an ephemeral event waits here.
    answers(&mut peer, subscribe(3, "a.*", Start::Latest, Some((0, 0))));
    peer.server.forwarded(&peer::ephemeral("a.b", "k", "waits"));
    peer.asked.clear();

    peer.server.granted(granted(&lists(&["chat.*"], &["chat.>"])), 0);
    let frames = peer.run();
    assert_eq!(refused(&frames), [(1, RejectCode::NotAllowed), (3, RejectCode::NotAllowed)]);
    let left = frames.iter().filter(|frame| matches!(frame, FromPeer::NotPresent(_)));
    assert_eq!(left.count(), 1);
    assert_eq!(peer.server.take_denials(), 0, "the client has asked for nothing");
    let topic = peer::topic("a");
    assert_eq!(peer.asked, [Effect::Leave(topic.clone()), Effect::Unwatch(topic)]);
    peer.commit("a");
    peer.server.forwarded(&peer::ephemeral("a", "k", "e"));
    assert_eq!(answers(&mut peer, credit(3, 9, 9_000)), []);
    peer.commit("chat.b");
    assert_eq!(reported(&peer.run(), 2), [(2, Some(0))]);
    // What the number stood for is checked again.
    assert_eq!(denied(&answers(&mut peer, publish(None, 0, None))), [(0, RejectCode::NotAllowed)]);
    peer.server.granted(granted(&all), 0);
    assert_eq!(peer.run(), [FromPeer::ChangedRights(all.parse().unwrap())]);
    peer.asked.clear();
    assert_eq!(answers(&mut peer, publish(None, 0, None)), []);
    assert!(matches!(peer.asked[..], [Effect::Forward(_)]));
}

#[test]
fn a_subscription_that_still_reads_the_past_ends_with_that_right() {
    let mut peer = peer(9, &lists(&[], ALL));
    let frames = answers(&mut peer, subscribe(1, "a", Start::Earliest, Some((2, 9_000))));
    assert_eq!(reported(&frames, 1).len(), 2);
    answers(&mut peer, subscribe(2, "a", Start::Earliest, None));
    let without = PatternLists { history: list(&[]), ..lists(&[], ALL) };
    peer.server.granted(granted(&without), 0);
    assert_eq!(refused(&peer.run()), [(1, RejectCode::NotAllowed)], "2 has caught up");
    assert_eq!(answers(&mut peer, credit(1, 9, 9_000)), []);
    peer.commit("a");
    assert_eq!(reported(&peer.run(), 2), [(10, Some(9))]);
}

#[test]
fn a_page_that_the_store_answers_after_the_right_has_ended_is_not_sent() {
    let mut peer = peer(3, &lists(&[], ALL));
    peer.say(history("a"), 0);
    peer.server.granted(granted(&lists(&[], &["chat.>"])), 0);
    let frames = peer.run();
    let [FromPeer::ChangedRights(_), FromPeer::Page(page)] = &frames[..] else {
        panic!("{frames:?}")
    };
    assert_eq!((page.refused, page.entries.len()), (Some(RejectCode::NotAllowed), 0));
    assert_eq!(peer.server.take_denials(), 1);
}

#[test]
fn a_subscription_does_not_learn_which_event_of_other_topics_is_the_newest() {
    let id = |subscribe_to: &[&str]| {
        let mut peer = peer(1, &lists(&[], subscribe_to));
        let frames = answers(&mut peer, subscribe(1, "b", Start::Latest, None));
        let subscribed = frames.iter().find_map(|frame| match frame {
            FromPeer::Subscribed(subscribed) => Some(subscribed.head.clone()),
            _ => None,
        });
        let head = subscribed.unwrap();
        assert_eq!(head.offset, 1);
        head.id
    };
    assert!(id(ALL).is_some());
    assert_eq!(id(&["b"]), None);
}

#[test]
fn what_follows_a_credential_waits_for_its_rights() {
    let mut peer = peer(0, &lists(&[], &[]));
    let mut message = Vec::new();
    FromClient::Refresh(Refresh { token: "wider".to_owned() }).encode(&mut message);
    let refresh = message.len();
    publish(Some(1), 0, Some("a")).encode(&mut message);
    let next = peer.server.received_part(&message, 0, 0).expect("the rest waits");
    assert_eq!(next, refresh);
    assert!(peer.server.awaits_authority());
    assert_eq!(peer.server.poll(), Some(Effect::Refresh("wider".to_owned())));
    assert!(!peer.server.awaits_authority());
    peer.server.granted(granted(&lists(&["a"], &[])), 0);
    assert_eq!(peer.server.received_part(&message, next, 0), None);
    assert!(matches!(peer.server.poll(), Some(Effect::Append(_))));
}

#[test]
fn the_welcome_names_the_subject_and_its_rights() {
    let welcome = |grant: Option<Granted>| {
        let mut peer = if grant.is_some() { Peer::with_authority(0) } else { Peer::new(0) };
        peer.say(hello(None), 0);
        if let Some(grant) = grant {
            peer.server.granted(grant, 0);
        }
        match peer.run().remove(0) {
            FromPeer::Welcome(welcome) => (welcome.subject.unwrap(), welcome.rights),
            other => panic!("{other:?}"),
        }
    };
    let guest = format!("~{}", "01".repeat(16));
    assert_eq!(welcome(None), (guest.clone(), Rights::all()));
    let own = lists(&["person.{sub}"], &[]);
    let expected = lists(&["person.ann"], &[]).parse().unwrap();
    assert_eq!(welcome(Some(granted(&own))), ("ann".to_owned(), expected));
    let of_guest = Granted { rights: own.parse().unwrap(), ..Granted::default() };
    let expected = lists(&[&format!("person.{guest}")], &[]).parse().unwrap();
    assert_eq!(welcome(Some(of_guest)), (guest, expected));
}

#[test]
fn a_client_offers_what_the_welcome_says_and_reports_what_was_denied() {
    let mut dialogue = Dialogue::new(client::Options::default());
    assert_eq!(dialogue.client.subject(), None);
    let rights = lists(&["chat.*"], &["chat.>"]).parse().unwrap();
    let subject = Some("ann".to_owned());
    dialogue.say(FromPeer::Welcome(Welcome { subject, rights, ..WELCOME }));
    assert_eq!(dialogue.client.subject(), Some("ann"));
    let admin = peer::topic("admin");
    assert!(!dialogue.client.rights().allow(Right::Publish, &admin));
    assert!(dialogue.client.rights().allow(Right::Publish, &peer::topic("chat.a")));

    dialogue.heard();
    dialogue.client.send_ephemeral(&admin, &peer::body("e"));
    let heard = dialogue.heard();
    let [FromClient::Publish(publish)] = &heard[..] else { panic!("{heard:?}") };
    let (code, message) = (RejectCode::NotAllowed, "no right".to_owned());
    for topic in [publish.topic, publish.topic + 1] {
        dialogue.say(FromPeer::Denied(Denied { topic, code, message: message.clone() }));
    }
    let denied = client::Effect::Denied { topic: "admin".to_owned(), code, message };
    let said = dialogue.effects.iter().filter(|it| matches!(it, client::Effect::Denied { .. }));
    assert_eq!(said.collect::<Vec<_>>(), [&denied], "a number without a topic says nothing");
    dialogue.close(1_006);
    assert_eq!(dialogue.client.subject(), None);
}

#[test]
fn a_refresh_that_changes_the_rights_is_answered_by_the_new_ones() {
    let own = lists(&["person.{sub}"], ALL);
    let mut peer = peer(0, &own);
    peer.server.granted(granted(&own), 0);
    assert_eq!(peer.run(), [], "nothing has changed");
    peer.server.granted(granted(&lists(&["chat.{sub}.*"], ALL)), 0);
    let frames = peer.run();
    let expected: Rights = lists(&["chat.ann.*"], ALL).parse().unwrap();
    assert_eq!(frames, [FromPeer::ChangedRights(expected.clone())]);

    let mut dialogue = Dialogue::new(client::Options::default());
    let rights = lists(&["person.ann"], ALL).parse().unwrap();
    dialogue.say(FromPeer::Welcome(Welcome { rights, ..WELCOME }));
    for frame in frames {
        dialogue.say(frame);
    }
    assert_eq!(*dialogue.client.rights(), expected);
    dialogue.say(FromPeer::ChangedRights(Rights::all()));
    assert!(dialogue.client.rights().are_all());
}

#[test]
fn before_a_grant_nothing_is_allowed() {
    let mut peer = Peer::with_authority(1);
    peer.say(hello(None), 0);
    peer.run();
    let frames = answers(&mut peer, subscribe(1, "a", Start::Latest, None));
    assert_eq!(refused(&frames), [(1, RejectCode::NotAllowed)]);
    assert_eq!(denied(&answers(&mut peer, publish(None, 0, Some("a")))).len(), 1);
    assert_eq!(peer.server.take_denials(), 2);
    assert!(!Options::default().has_authority);
}

#[test]
fn the_peer_stamps_the_account_and_no_client_can() {
    let stamped = |mut peer: Peer| {
        let body = Body { authid: Some("bob".to_owned()), ..peer::body("e") }.encode();
        let name = Some("a".to_owned());
        let publish = Publish { number: None, topic: 0, name, body, lowest: None };
        answers(&mut peer, FromClient::Publish(publish));
        let Some(Effect::Forward(event)) = peer.asked.pop() else { panic!() };
        let bytes = event.body.len();
        (Body::decode(&event.body).unwrap().authid, bytes)
    };
    let (account, with) = stamped(peer(0, &lists(ALL, ALL)));
    let (none, without) = stamped(Peer::welcomed(0));
    assert_eq!((account.as_deref(), none), (Some("ann"), None));
    assert!(with - without <= 45, "{with} {without}");
}
