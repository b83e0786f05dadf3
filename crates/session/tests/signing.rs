//! The device's key: proofs of connections, and events that are signed before they are sent.

mod dialogue;
#[path = "signing/proofs.rs"]
mod proofs;

use dialogue::{Dialogue, WELCOME};
use session::client::{
    ConnectionState, Effect, Options, Outcome, ProofRequest, PublishOptions, StoreRequest,
};
use session::*;
use topic::Topic;

const KEY: [u8; 65] = [4; 65];
const DAY: Millis = 24 * 60 * 60 * 1_000;

fn with_key() -> Dialogue {
    Dialogue::new(Options { proves: true, ..Options::default() })
}

fn requests(dialogue: &mut Dialogue) -> Vec<ProofRequest> {
    let is_request = |effect: &mut Effect| matches!(effect, Effect::Prove(_));
    let found = dialogue.effects.extract_if(.., is_request);
    found.filter_map(|it| if let Effect::Prove(it) = it { Some(it) } else { None }).collect()
}

fn request(dialogue: &mut Dialogue) -> ProofRequest {
    match &mut requests(dialogue)[..] {
        [request] => request.clone(),
        other => panic!("{other:?}"),
    }
}

/// Welcomes a client, after its proof.
fn welcome(dialogue: &mut Dialogue) -> Hello {
    let request = request(dialogue);
    dialogue.client.proved(request.fence, KEY, [5; 64]);
    let hello = hello(dialogue);
    dialogue.say(FromPeer::Welcome(WELCOME));
    hello
}

fn hello(dialogue: &mut Dialogue) -> Hello {
    match &dialogue.heard()[..] {
        [FromClient::Hello(hello)] => hello.clone(),
        other => panic!("{other:?}"),
    }
}

fn body(id: &str) -> Body {
    Body { id: id.to_owned(), time: Some(1), ..Body::default() }
}

fn publish(dialogue: &mut Dialogue, id: &str, signed: bool) {
    let options = PublishOptions { signed, ..PublishOptions::default() };
    let topic = Topic::parse("a").unwrap();
    dialogue.client.publish_with(topic, &body(id), options, dialogue.now).unwrap();
    dialogue.run();
}

/// The ids of the events to sign since the last call.
fn to_sign(dialogue: &mut Dialogue) -> Vec<String> {
    let is_request = |effect: &mut Effect| matches!(effect, Effect::Sign { .. });
    let found = dialogue.effects.extract_if(.., is_request);
    let ids = found.map(|effect| match effect {
        Effect::Sign { id, topic, body: of } => {
            assert_eq!((topic.as_str(), &of), ("a", &body(&id)));
            id
        }
        other => unreachable!("{other:?}"),
    });
    ids.collect()
}

fn sign(dialogue: &mut Dialogue, id: &str) {
    dialogue.client.signed(id, [7; 64], dialogue.now);
    dialogue.run();
}

/// The events that were sent since the last call, each with whether it was signed.
fn sent(dialogue: &mut Dialogue) -> Vec<(String, bool)> {
    let frames = dialogue.heard().into_iter();
    let events = frames.filter_map(|frame| match frame {
        FromClient::Publish(publish) => Some(Body::decode(&publish.body).unwrap()),
        _ => None,
    });
    events.map(|body| (body.id, body.signature == Some([7; 64]))).collect()
}

fn outcomes(dialogue: &mut Dialogue) -> Vec<(String, Option<RejectCode>)> {
    let is_settled = |effect: &mut Effect| matches!(effect, Effect::Settled { .. });
    let found = dialogue.effects.extract_if(.., is_settled);
    let settled = found.map(|effect| match effect {
        Effect::Settled { id, outcome: Outcome::Rejected(code, _), .. } => (id, Some(code)),
        Effect::Settled { id, .. } => (id, None),
        other => unreachable!("{other:?}"),
    });
    settled.collect()
}

fn answer(dialogue: &mut Dialogue, number: u64) {
    let position = Position { offset: number, ..Position::start_of(1) };
    dialogue.say(FromPeer::Ack(Ack { number, position, durability: Durability::Disk }));
}

fn reload(dialogue: Dialogue) -> Dialogue {
    dialogue.reload(Options { proves: true, tab: [2; 16], ..Options::default() })
}

#[test]
fn a_signed_event_leaves_with_its_signature_and_in_order() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    publish(&mut dialogue, "2", false);
    publish(&mut dialogue, "3", true);
    assert_eq!(to_sign(&mut dialogue), ["1", "3"]);
    assert_eq!(sent(&mut dialogue), []);
    assert!(dialogue.client.outbox().all(|row| !row.leaving), "all can still be cancelled");
    sign(&mut dialogue, "3");
    assert_eq!(sent(&mut dialogue), []);
    sign(&mut dialogue, "1");
    let expected = [("1", true), ("2", false), ("3", true)];
    assert_eq!(sent(&mut dialogue), expected.map(|(id, signed)| (id.to_owned(), signed)));
    // A repeat is the same event.
    dialogue.close(1_006);
    dialogue.wait();
    welcome(&mut dialogue);
    assert_eq!(sent(&mut dialogue), expected.map(|(id, signed)| (id.to_owned(), signed)));
    assert!(to_sign(&mut dialogue).is_empty());
    (1..=3).for_each(|number| answer(&mut dialogue, number));
    assert_eq!(outcomes(&mut dialogue).len(), 3);
    assert_eq!((dialogue.client.outbox_len(), dialogue.client.outbox_bytes()), (0, 0));
}

#[test]
fn an_event_that_cannot_be_signed_waits_and_is_asked_about_again() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    assert_eq!(to_sign(&mut dialogue), ["1"]);
    dialogue.client.cannot_sign("1");
    publish(&mut dialogue, "2", true);
    assert!(to_sign(&mut dialogue).is_empty(), "it waits behind the first");
    // There is another certificate.
    dialogue.client.sign_again(dialogue.now);
    dialogue.run();
    assert_eq!(to_sign(&mut dialogue), ["1", "2"]);
    dialogue.client.cannot_sign("1");
    dialogue.client.cannot_sign("2");
    dialogue.close(1_006);
    dialogue.wait();
    welcome(&mut dialogue);
    assert_eq!(to_sign(&mut dialogue), ["1", "2"]);
    sign(&mut dialogue, "1");
    sign(&mut dialogue, "2");
    assert_eq!(sent(&mut dialogue), [("1".to_owned(), true), ("2".to_owned(), true)]);
    sign(&mut dialogue, "1");
    sign(&mut dialogue, "of no event");
    assert_eq!(sent(&mut dialogue), []);
}

#[test]
fn an_event_without_a_signature_is_rejected_after_a_day_and_those_behind_it_leave() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    publish(&mut dialogue, "2", false);
    let wake = |dialogue: &mut Dialogue, now| {
        dialogue.now = now;
        dialogue.client.tick(now);
        dialogue.run();
    };
    // Nothing says yet that it cannot be signed.
    wake(&mut dialogue, 2 * DAY);
    dialogue.wait();
    welcome(&mut dialogue);
    assert_eq!(outcomes(&mut dialogue), []);
    dialogue.client.cannot_sign("1");
    let now = dialogue.now;
    wake(&mut dialogue, now);
    assert_eq!(outcomes(&mut dialogue), [("1".to_owned(), Some(RejectCode::NotSigned))]);
    assert_eq!(sent(&mut dialogue), [("2".to_owned(), false)]);
    assert_eq!(dialogue.store.saved().rows.len(), 1);
}

#[test]
fn an_event_that_can_never_be_signed_is_rejected_at_once() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    publish(&mut dialogue, "2", true);
    assert_eq!(to_sign(&mut dialogue), ["1", "2"]);
    dialogue.client.never_signs("1", dialogue.now);
    dialogue.client.never_signs("of no event", dialogue.now);
    sign(&mut dialogue, "2");
    assert_eq!(outcomes(&mut dialogue), [("1".to_owned(), Some(RejectCode::NotSigned))]);
    assert_eq!(sent(&mut dialogue), [("2".to_owned(), true)]);
    // What has its signature keeps it.
    dialogue.client.never_signs("2", dialogue.now);
    dialogue.run();
    assert_eq!(outcomes(&mut dialogue), []);
}

#[test]
fn a_day_is_counted_from_the_publish_by_the_wall_clock() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    dialogue.client.set_clock(0, 1_000_000);
    publish(&mut dialogue, "1", true);
    assert_eq!(dialogue.store.saved().rows[0].sign_by, Some(1_000_000 + DAY));
    dialogue.client.cannot_sign("1");
    dialogue.client.set_clock(0, 1_000_000 + DAY - 1);
    dialogue.client.tick(0);
    dialogue.run();
    assert_eq!(outcomes(&mut dialogue), []);
    dialogue.client.set_clock(0, 1_000_000 + DAY);
    assert_eq!(dialogue.client.deadline(), Some(0));
    dialogue.client.tick(0);
    dialogue.run();
    assert_eq!(outcomes(&mut dialogue), [("1".to_owned(), Some(RejectCode::NotSigned))]);
}

#[test]
fn a_page_that_finds_a_signed_event_signs_it_again_and_never_says_that_a_sent_one_was_not_signed() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    sign(&mut dialogue, "1");
    assert_eq!(sent(&mut dialogue), [("1".to_owned(), true)]);
    let mut again = reload(dialogue);
    welcome(&mut again);
    assert_eq!((sent(&mut again), to_sign(&mut again)), (vec![], vec!["1".to_owned()]));
    sign(&mut again, "1");
    assert_eq!(sent(&mut again), [("1".to_owned(), true)]);

    let mut again = reload(again);
    welcome(&mut again);
    again.client.cannot_sign("1");
    again.now = 2 * DAY;
    again.client.tick(again.now);
    again.run();
    assert_eq!(outcomes(&mut again), [("1".to_owned(), Some(RejectCode::Uncertain))]);
    assert!(again.store.saved().rows.is_empty());
}

#[test]
fn a_store_that_cannot_drop_an_unsigned_event_leaves_it_waiting() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    dialogue.client.cannot_sign("1");
    dialogue.client.set_clock(0, DAY);
    dialogue.client.tick(0);
    let Some(Effect::Store(asked @ StoreRequest::Drop { why, .. })) = dialogue.client.poll() else {
        panic!()
    };
    assert_eq!(why, RejectCode::NotSigned);
    let error = client::StoreError::Unavailable;
    dialogue.client.answer(Err(client::StoreFailed { asked, error }), 0);
    dialogue.run();
    assert_eq!((outcomes(&mut dialogue), sent(&mut dialogue)), (vec![], vec![]));
    sign(&mut dialogue, "1");
    assert_eq!(sent(&mut dialogue), [("1".to_owned(), true)]);
}

#[test]
fn an_event_that_waits_for_its_signature_can_be_cancelled() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    publish(&mut dialogue, "1", true);
    publish(&mut dialogue, "2", false);
    assert!(dialogue.client.cancel("1"));
    dialogue.run();
    assert_eq!(outcomes(&mut dialogue), [("1".to_owned(), Some(RejectCode::Cancelled))]);
    assert_eq!(sent(&mut dialogue), [("2".to_owned(), false)]);
}

#[test]
fn few_events_are_signed_at_once() {
    let mut dialogue = with_key();
    welcome(&mut dialogue);
    for number in 0..200 {
        publish(&mut dialogue, &number.to_string(), true);
    }
    let mut signed = 0;
    loop {
        let asked = to_sign(&mut dialogue);
        assert!(asked.len() <= 64);
        if asked.is_empty() {
            break;
        }
        signed += asked.len();
        asked.iter().for_each(|id| sign(&mut dialogue, id));
    }
    assert_eq!((signed, sent(&mut dialogue).len()), (200, 200));
}

#[test]
fn an_event_with_a_signature_fits_into_a_message() {
    let mut dialogue = Dialogue::new(Options { max_event: 200, ..Options::default() });
    dialogue.say(FromPeer::Welcome(WELCOME));
    let topic = || Topic::parse("a").unwrap();
    let options = PublishOptions { signed: true, ..PublishOptions::default() };
    for bytes in 100..200 {
        let body = Body { data: vec![0; bytes], ..body(&bytes.to_string()) };
        let is_taken = dialogue.client.publish_with(topic(), &body, options, 0).is_ok();
        let signed = Body { signature: Some([7; 64]), ..body }.encode();
        assert_eq!(is_taken, signed.len() <= 200, "{bytes}");
    }
}

#[test]
fn own_events_are_known_by_the_client_and_by_the_key() {
    let mut dialogue = Dialogue::welcomed();
    let id = u128::from_be_bytes(dialogue.client.id());
    let own = [format!("/clients/{id:032x}"), format!("/clients/{id:032x}/x")];
    assert!(own.iter().all(|source| dialogue.client.is_own(source)));
    assert!(!dialogue.client.is_own("/keys/mine"));
    dialogue.client.signs_as("/keys/mine");
    assert!(dialogue.client.is_own("/keys/mine") && dialogue.client.is_own("/keys/mine/x"));
    for other in ["/keys/mines", "/keys/min", "/keys/", "keys/mine", ""] {
        assert!(!dialogue.client.is_own(other), "{other}");
    }
    assert!(own.iter().all(|source| dialogue.client.is_own(source)));
}
