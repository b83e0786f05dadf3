//! Deletes: the right to delete, what is left of the event, and what a client learns.

mod dialogue;
mod peer;

use dialogue::{Dialogue, WELCOME};
use peer::{Peer, hello};
use session::client::{Effect, RequestError, RequestId};
use session::rights::{PatternLists, Subject};
use session::server::Granted;
use session::*;

const EPOCH: u64 = 7;

fn at(offset: u64) -> Position {
    Position { offset, ..Position::start_of(EPOCH) }
}

fn delete(request: u32, position: Position) -> FromClient {
    FromClient::Delete(Delete { request, position })
}

/// What the peer says to a frame.
fn answers(peer: &mut Peer, frame: FromClient) -> Vec<FromPeer> {
    peer.say(frame, 0);
    peer.run()
}

/// The outcome of a delete.
fn outcome(peer: &mut Peer, position: Position) -> Result<u64, RejectCode> {
    let frames = answers(peer, delete(3, position));
    let [FromPeer::Deleted(deleted)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((deleted.request, deleted.retry), (3, None));
    deleted.outcome.clone().map(|position| position.offset)
}

/// Publishes an event on `a`, and returns its offset.
fn publish(peer: &mut Peer, number: u64) -> u64 {
    let extensions = vec![("partitionkey".to_owned(), Extension::Text("secret".to_owned()))];
    let body = Body { extensions, source: "tab".to_owned(), ..peer::body(&number.to_string()) };
    let (name, body) = (Some("a".to_owned()), body.encode());
    let publish = Publish { number: Some(number), topic: 0, name, body, lowest: None };
    let frames = answers(peer, FromClient::Publish(publish));
    let [FromPeer::Ack(ack)] = &frames[..] else { panic!("{frames:?}") };
    ack.position.offset
}

fn stored(peer: &Peer, offset: u64) -> Body {
    let events = peer.events_after(offset - 1);
    Body::decode(&events[0].body).unwrap()
}

/// A welcomed connection of an account, to a log whose event 1 is by a guest.
fn account(name: &str, moderate: &[&str]) -> Peer {
    let list = |patterns: &[&str]| Some(patterns.iter().map(|it| (*it).to_owned()).collect());
    let all = list(&[">"]);
    let lists = PatternLists {
        publish: all.clone(),
        subscribe: all,
        moderate: list(moderate),
        ..PatternLists::default()
    };
    let account = Some(Subject::account(name).unwrap());
    let mut peer = Peer::with_authority(1);
    peer.say(hello(Some("token")), 0);
    let rights = lists.parse().unwrap();
    peer.server.granted(Granted { account, rights, ..Granted::default() }, 0);
    peer.run();
    peer
}

#[test]
fn a_guest_deletes_its_own_event_and_a_repeat_gets_the_same_answer() {
    let mut peer = Peer::welcomed(0);
    let offset = publish(&mut peer, 1);
    let before = stored(&peer, offset);
    assert_eq!(outcome(&mut peer, at(offset)), Ok(2));
    let (emptied, deletion) = (stored(&peer, 1), stored(&peer, 2));
    assert_eq!(emptied, before.emptied(2));
    assert_eq!((emptied.deleted(), deletion.deletes()), (Some(2), Some(1)));
    assert!(deletion.data.is_empty() && deletion.is_from_peer());
    assert!(peer.events_after(0).iter().all(|event| event.topic.as_str() == "a"));
    for _ in 0..2 {
        assert_eq!(outcome(&mut peer, at(offset)), Ok(2));
    }
    assert_eq!(peer.events_after(0).len(), 2);
    // A repeat of the event is recognised.
    assert_eq!(publish(&mut peer, 1), 1);
}

#[test]
fn events_of_others_and_of_the_peer_stay() {
    let mut peer = Peer::welcomed(1);
    assert_eq!(outcome(&mut peer, at(1)), Err(RejectCode::NotAllowed));
    let own = publish(&mut peer, 1);
    assert_eq!(outcome(&mut peer, at(own)), Ok(3));
    assert_eq!(outcome(&mut peer, at(3)), Err(RejectCode::NotAllowed));
    assert_eq!(peer.events_after(0).len(), 3);
}

#[test]
fn a_delete_before_a_grant_is_denied_by_the_connection_and_another_by_the_store() {
    let mut peer = Peer::with_authority(1);
    peer.say(hello(None), 0);
    peer.run();
    assert_eq!(outcome(&mut peer, at(1)), Err(RejectCode::NotAllowed));
    assert_eq!((peer.server.take_denials(), peer.asked.len()), (1, 0));
    let elsewhere = Position { stream: Stream::named("elsewhere"), ..at(1) };
    assert_eq!(outcome(&mut peer, elsewhere), Err(RejectCode::NotAllowed));
    assert_eq!((peer.server.take_denials(), peer.server.take_deletes_not_found()), (1, 0));
    peer.server.granted(Granted::default(), 0);
    peer.run();
    assert_eq!(outcome(&mut peer, at(1)), Err(RejectCode::NotAllowed));
    assert_eq!((peer.server.take_denials(), peer.asked.len()), (0, 1));
}

#[test]
fn an_account_deletes_its_own_events_and_a_moderator_all_events() {
    let mut ann = account("ann", &["b.>"]);
    let own = publish(&mut ann, 1);
    assert_eq!(outcome(&mut ann, at(1)), Err(RejectCode::NotAllowed));
    assert_eq!(outcome(&mut ann, at(own)), Ok(3));
    assert_eq!(stored(&ann, 3).authid.as_deref(), Some("ann"));
    let mut moderator = account("mod", &["a"]);
    assert_eq!(outcome(&mut moderator, at(1)), Ok(2));
    assert_eq!(stored(&moderator, 2).authid.as_deref(), Some("mod"));
    // Not even a moderator deletes a deletion.
    assert_eq!(outcome(&mut moderator, at(2)), Err(RejectCode::NotAllowed));
}

#[test]
fn a_guest_with_the_source_of_an_account_is_not_its_author() {
    let mut ann = account("ann", &[]);
    let own = publish(&mut ann, 1);
    // The same client without the account.
    ann.server.granted(Granted::default(), 0);
    let frames = ann.run();
    assert!(matches!(frames[..], [FromPeer::Bye(_)]), "{frames:?}");
    let body = stored(&ann, own);
    let mut guest = Peer::welcomed(0);
    guest.peer.store.append(0, &peer::topic("a"), &body);
    assert!(body.source.starts_with("/clients/01010101010101010101010101010101/"));
    assert_eq!(outcome(&mut guest, at(1)), Err(RejectCode::NotAllowed));
}

#[test]
fn what_is_not_in_the_log_is_not_found() {
    let mut peer = Peer::welcomed(0);
    let own = publish(&mut peer, 1);
    let elsewhere = Position { stream: Stream::named("elsewhere"), ..at(own) };
    let of_another = Position { id: Some("e".to_owned()), ..at(own) };
    let other_log = Position { epoch: EPOCH + 1, ..at(own) };
    for position in [at(0), at(own + 1), at(MAX_NUMBER), elsewhere, of_another, other_log] {
        assert_eq!(outcome(&mut peer, position), Err(RejectCode::NotFound));
    }
    // The store has seen all others.
    assert_eq!(peer.server.take_deletes_not_found(), 1);
    assert_eq!(peer.server.take_deletes_not_found(), 0);
    peer.trim(1);
    assert_eq!(outcome(&mut peer, at(own)), Err(RejectCode::NotFound));
}

#[test]
fn a_deletion_is_known_after_its_event_is_gone() {
    let mut peer = Peer::welcomed(0);
    publish(&mut peer, 1);
    assert_eq!(outcome(&mut peer, at(1)), Ok(2));
    peer.trim(1);
    assert_eq!(outcome(&mut peer, at(1)), Ok(2));
}

#[test]
fn a_client_cannot_claim_that_something_is_deleted() {
    let mut peer = Peer::welcomed(0);
    for name in ["deletes", "deleted"] {
        let extensions = vec![(name.to_owned(), Extension::Text("1".to_owned()))];
        let body = Body { extensions, ..peer::body("x") }.encode();
        let name = Some("a".to_owned());
        let publish = Publish { number: Some(1), topic: 0, name, body, lowest: None };
        let frames = answers(&mut peer, FromClient::Publish(publish));
        let [FromPeer::Reject(reject)] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!(reject.code, RejectCode::IllegalEvent);
    }
}

#[test]
fn a_full_or_failing_store_deletes_later() {
    let mut peer = Peer::welcomed(0);
    publish(&mut peer, 1);
    for (full, fails) in [(true, false), (false, true)] {
        (peer.peer.store.full, peer.peer.store.fails) = (full, fails);
        let frames = answers(&mut peer, delete(3, at(1)));
        let [FromPeer::Deleted(deleted)] = &frames[..] else { panic!("{frames:?}") };
        assert!(deleted.outcome.is_err() && deleted.retry.is_some(), "{deleted:?}");
    }
    (peer.peer.store.full, peer.peer.store.fails) = (false, false);
    assert_eq!(outcome(&mut peer, at(1)), Ok(2));
}

#[test]
fn history_and_readers_get_the_emptied_event_and_the_deletion() {
    let mut peer = Peer::welcomed(0);
    publish(&mut peer, 1);
    assert_eq!(outcome(&mut peer, at(1)), Ok(2));
    let (pattern, stream) = ("a".to_owned(), Stream::MAIN);
    let ask = FromClient::History(History { request: 1, pattern, before: None, limit: 9, stream });
    let frames = answers(&mut peer, ask);
    let [FromPeer::Page(page)] = &frames[..] else { panic!("{frames:?}") };
    let bodies: Vec<_> = page.entries.iter().map(|it| Body::decode(&it.body).unwrap()).collect();
    let deletions: Vec<_> = bodies.iter().map(|it| (it.deletes(), it.deleted())).collect();
    assert_eq!(deletions, [(Some(1), None), (None, Some(2))]);
    peer.server.lagged(0, 2);
    let frames = answers(&mut peer, peer::subscribe(1, "a", Start::Earliest, None));
    assert_eq!(peer::reported(&frames, 1).len(), 2);
}

/// A client that is welcomed by a peer with these kinds of frames.
fn welcomed(kinds: &[u64]) -> Dialogue {
    let mut dialogue = Dialogue::new(client::Options::default());
    dialogue.say(FromPeer::Welcome(Welcome { kinds: kinds.to_vec(), ..WELCOME }));
    dialogue.heard();
    dialogue
}

fn requested(dialogue: &mut Dialogue) -> Vec<Delete> {
    let frames = dialogue.heard().into_iter().filter_map(|frame| match frame {
        FromClient::Delete(delete) => Some(delete),
        _ => None,
    });
    frames.collect()
}

fn learnt(dialogue: &mut Dialogue) -> Vec<(RequestId, Result<Position, RequestError>)> {
    let effects = std::mem::take(&mut dialogue.effects).into_iter();
    let learnt = effects.filter_map(|effect| match effect {
        Effect::Deleted(id, outcome) => Some((id, outcome)),
        _ => None,
    });
    learnt.collect()
}

#[test]
fn a_client_asks_again_on_each_connection_until_there_is_an_answer() {
    let mut dialogue = Dialogue::new(client::Options::default());
    let id = dialogue.client.delete(at(5));
    let kinds = FrameKind::Delete.number();
    let welcome = FromPeer::Welcome(Welcome { kinds: vec![kinds], ..WELCOME });
    dialogue.say(welcome.clone());
    assert_eq!(requested(&mut dialogue)[0].position, at(5));
    dialogue.close(1_006);
    dialogue.wait();
    dialogue.say(welcome);
    let request = requested(&mut dialogue)[0].request;
    let again = Deleted { request, outcome: Err(RejectCode::Unavailable), retry: Some(50) };
    dialogue.say(FromPeer::Deleted(again));
    assert_eq!(requested(&mut dialogue), []);
    dialogue.now += 50;
    dialogue.client.tick(dialogue.now);
    let request = requested(&mut dialogue)[0].request;
    assert_eq!(learnt(&mut dialogue), []);
    let answer = Deleted { request, outcome: Ok(at(9)), retry: None };
    dialogue.say(FromPeer::Deleted(answer.clone()));
    dialogue.say(FromPeer::Deleted(answer));
    assert_eq!(learnt(&mut dialogue), [(id, Ok(at(9)))]);
    assert_eq!(requested(&mut dialogue), []);
}

#[test]
fn a_client_learns_why_an_event_stays() {
    let mut dialogue = welcomed(&[FrameKind::Delete.number()]);
    let id = dialogue.client.delete(at(5));
    let request = requested(&mut dialogue)[0].request;
    let outcome = Err(RejectCode::NotAllowed);
    dialogue.say(FromPeer::Deleted(Deleted { request, outcome, retry: None }));
    let refused = Err(RequestError::Refused(RejectCode::NotAllowed));
    assert_eq!(learnt(&mut dialogue), [(id, refused)]);
}

#[test]
fn a_peer_that_cannot_delete_is_not_asked() {
    let mut dialogue = welcomed(&[]);
    let id = dialogue.client.delete(at(5));
    assert_eq!(requested(&mut dialogue), []);
    assert_eq!(learnt(&mut dialogue), [(id, Err(RequestError::NotAvailable))]);
    // A request that was made while the link was down is answered once it is up.
    dialogue.close(1_006);
    let id = dialogue.client.delete(at(5));
    assert_eq!(learnt(&mut dialogue), []);
    dialogue.wait();
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert_eq!(learnt(&mut dialogue), [(id, Err(RequestError::NotAvailable))]);
}

#[test]
fn a_cancelled_delete_is_not_asked_for_again() {
    let mut dialogue = welcomed(&[FrameKind::Delete.number()]);
    let id = dialogue.client.delete(at(5));
    let request = requested(&mut dialogue)[0].request;
    dialogue.client.forget_request(id);
    dialogue.say(FromPeer::Deleted(Deleted { request, outcome: Ok(at(9)), retry: None }));
    assert_eq!(learnt(&mut dialogue), []);
}

#[test]
fn a_cancelled_request_makes_room_for_one_that_waits() {
    let mut dialogue = welcomed(&[FrameKind::Delete.number()]);
    let ids: Vec<_> = (1..=6).map(|offset| dialogue.client.delete(at(offset))).collect();
    let offsets = |dialogue: &mut Dialogue| -> Vec<u64> {
        requested(dialogue).iter().map(|delete| delete.position.offset).collect()
    };
    assert_eq!(offsets(&mut dialogue), [1, 2, 3, 4]);
    dialogue.client.forget_request(ids[4]);
    assert_eq!(offsets(&mut dialogue), [0; 0], "it had not been sent");
    dialogue.client.forget_request(ids[1]);
    assert_eq!(offsets(&mut dialogue), [6]);
}

/// A guest of `cloudevents.json` is known by its secret on all its connections.
#[cfg(feature = "json")]
#[test]
fn a_json_guest_deletes_what_it_published_under_its_secret() {
    use model::Peer;
    use session::server::{Effect, Options, SocketMessage, Wire};

    let mut peer = Peer::new(Options::default());
    let mut log = 0;
    // The model knows numbered events only.
    let mut say = |peer: &mut Peer, connection: usize, kind: &str, id: &str, data: &str| {
        let text = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"py","type":"{kind}","data":{data}}}"#
        );
        peer.server(connection).unwrap().received_text(&text, 0);
        let mut said = String::new();
        while let Some(effect) = peer.poll(connection) {
            match effect {
                Effect::Send(SocketMessage::Texts(texts)) => said.extend(texts.iter()),
                Effect::Append(append) => {
                    let (topic, body) = append.event.unwrap();
                    log = peer.store.append(0, &topic, &body).offset;
                }
                Effect::Delete(deletion) => {
                    let (decided, _) = peer.store.delete(&deletion);
                    peer.server(connection).unwrap().decided(deletion.ticket, decided);
                }
                other => panic!("{other:?}"),
            }
        }
        said
    };
    let secret = r#"{"guest":"0123456789abcdef0123456789abcdef"}"#;
    for connection in 0..3 {
        peer.accept(connection, Wire::Json, 0);
        peer.server(connection).unwrap().set_guest([connection as u8; 16]);
    }
    for connection in 0..2 {
        say(&mut peer, connection, "$link.hello", "h", secret);
    }
    say(&mut peer, 0, "a.b", "e", r#""secret""#);
    let target = r#"{"stream":"main","epoch":"1","offset":"1"}"#;
    let refused = say(&mut peer, 2, "$link.delete", "d", target);
    assert!(refused.contains("$link.reject") && refused.contains("not_allowed"), "{refused}");
    let illegal = say(&mut peer, 1, "$link.delete", "d", r#"{"offset":1}"#);
    assert!(illegal.contains("illegal_event"), "{illegal}");
    // The same guest on another connection.
    let done = say(&mut peer, 1, "$link.delete", "d", target);
    assert!(done.contains("$link.ack") && done.contains(r#""offset":"2""#), "{done}");
    let bodies: Vec<_> =
        peer.store.events(0).map(|(it, _)| Body::decode(&it.body).unwrap()).collect();
    assert_eq!((bodies[0].deleted(), bodies[1].deletes()), (Some(2), Some(1)));
    let at = topic::Topic::parse("a.b").unwrap();
    let texts: Vec<_> = bodies.iter().map(|body| json::event(&at, body, None)).collect();
    assert!(texts[0].contains(r#","deleted":"2""#) && !texts[0].contains("secret"), "{texts:?}");
    assert!(texts[1].contains(r#","deletes":"1""#), "{texts:?}");
}
