//! Counts of the events of topics, and the newest of each.

mod dialogue;
mod peer;

use dialogue::{Dialogue, WELCOME};
use peer::{Peer, hello};
use session::client::{Effect, RequestError};
use session::rights::{PatternLists, Rights, Subject};
use session::server::Granted;
use session::*;

const EPOCH: u64 = 7;

fn at(offset: u64) -> Position {
    Position { offset, ..Position::start_of(EPOCH) }
}

fn topic(topic: &str, after: Option<Position>) -> TallyTopic {
    TallyTopic { topic: topic.to_owned(), after }
}

fn tally(peer: &mut Peer, topics: Vec<TallyTopic>) -> Result<Vec<TopicTally>, RejectCode> {
    peer.say(FromClient::Tally(Tally { request: 5, topics }), 0);
    let frames = peer.run();
    let [FromPeer::Tallied(tallied)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(tallied.request, 5);
    tallied.topics.clone()
}

/// The count, the newest offset, and the id of the newest event to show.
fn said(tally: &TopicTally) -> (u64, Option<u64>, Option<String>) {
    assert_eq!(tally.refused, None);
    let newest = tally.newest.as_ref().map(|(_, body)| Body::decode(body).unwrap().id);
    (tally.count, tally.head.as_ref().map(|head| head.offset), newest)
}

#[test]
fn events_after_a_position_are_counted_and_the_newest_comes_with_them() {
    let mut peer = Peer::welcomed(5);
    peer.commit_untold("b");
    let other_log = Position { epoch: EPOCH + 1, ..at(3) };
    let wanted = [
        topic("a", None),
        topic("a", Some(at(3))),
        topic("a", Some(at(5))),
        topic("a", Some(other_log)),
        topic("b", None),
        topic("c", None),
    ];
    let tallies = tally(&mut peer, wanted.to_vec()).unwrap();
    let newest = |id: &str| Some(id.to_owned());
    let expected = [
        (5, Some(5), newest("e5")),
        (2, Some(5), newest("e5")),
        (0, Some(5), newest("e5")),
        (5, Some(5), newest("e5")),
        (1, Some(6), newest("e6")),
        (0, None, None),
    ];
    assert_eq!(tallies.iter().map(said).collect::<Vec<_>>(), expected);
    assert_eq!(tallies[0].head, Some(Position { id: newest("e5"), ..at(5) }));
    assert_eq!(tally(&mut peer, Vec::new()), Ok(Vec::new()));
}

#[test]
fn counts_and_what_is_shown_have_bounds() {
    let mut peer = Peer::welcomed(1_005);
    let body = |bytes| Body { data: vec![0; bytes], ..peer::body("large") };
    assert_eq!(said(&tally(&mut peer, vec![topic("a", None)]).unwrap()[0]).0, 1_000);
    for (bytes, shown) in [(4_000, true), (4_096, false)] {
        peer.peer.store.append(0, &peer::topic("a"), &body(bytes));
        let tallies = tally(&mut peer, vec![topic("a", None)]).unwrap();
        assert_eq!(tallies[0].newest.is_some(), shown);
    }
    let many = vec![topic("a", None); MAX_TALLIED + 1];
    assert_eq!(tally(&mut peer, many.clone()), Err(RejectCode::IllegalEvent));
    assert_eq!(tally(&mut peer, many[1..].to_vec()).unwrap().len(), MAX_TALLIED);
    assert_eq!(peer.server.take_costs().histories, 1 + 1 + 1 + 9 + 8);
}

#[test]
fn deleted_events_and_deletions_count_and_are_not_shown() {
    let mut peer = Peer::welcomed(1);
    for number in 1..=2 {
        let (name, body) = (Some("a".to_owned()), peer::body(&number.to_string()).encode());
        let publish = Publish { number: Some(number), topic: 0, name, body, lowest: None };
        peer.say(FromClient::Publish(publish), 0);
    }
    peer.run();
    peer.say(FromClient::Delete(Delete { request: 1, position: at(3) }), 0);
    peer.run();
    let tallies = tally(&mut peer, vec![topic("a", Some(at(1)))]).unwrap();
    assert_eq!(said(&tallies[0]), (3, Some(4), Some("1".to_owned())));
    assert_eq!(tallies[0].newest.as_ref().unwrap().0, 2);
}

#[test]
fn each_topic_needs_the_right_to_read_its_past() {
    let mut peer = Peer::with_authority(2);
    peer.say(hello(Some("token")), 0);
    let list = |patterns: &[&str]| Some(patterns.iter().map(|it| (*it).to_owned()).collect());
    let lists =
        PatternLists { subscribe: list(&[">"]), history: list(&["a"]), ..PatternLists::default() };
    let account = Some(Subject::account("ann").unwrap());
    let rights = lists.parse().unwrap();
    peer.server.granted(Granted { account, rights, ..Granted::default() }, 0);
    peer.run();
    let wanted = ["b", "a", "a..b", "*"].map(|name| topic(name, None));
    let tallies = tally(&mut peer, wanted.to_vec()).unwrap();
    let refused: Vec<_> = tallies.iter().map(|it| it.refused).collect();
    let (denied, illegal) = (Some(RejectCode::NotAllowed), Some(RejectCode::IllegalTopic));
    assert_eq!(refused, [denied, None, illegal, illegal]);
    assert_eq!((tallies[1].count, tallies[0].count, &tallies[0].head), (2, 0, &None));
    assert_eq!(peer.server.take_denials(), 1);
    // Nothing that the store must be asked for.
    assert_eq!(tally(&mut peer, vec![topic("b", None)]).unwrap()[0].refused, denied);
    assert_eq!(peer.server.take_denials(), 1);
    // The right ends before the store has counted.
    peer.say(FromClient::Tally(Tally { request: 6, topics: vec![topic("a", None)] }), 0);
    let (account, rights) = (Some(Subject::account("ann").unwrap()), Rights::none());
    peer.server.granted(Granted { account, rights, ..Granted::default() }, 0);
    let frames = peer.run();
    let Some(FromPeer::Tallied(Tallied { topics: Ok(tallies), .. })) = frames.last() else {
        panic!("{frames:?}")
    };
    assert_eq!((tallies[0].refused, tallies[0].count), (denied, 0));
    assert_eq!(peer.server.take_denials(), 1);
}

#[test]
fn a_connection_has_a_few_requests_at_once() {
    let mut peer = Peer::welcomed(1);
    for request in 0..9 {
        peer.say(FromClient::Tally(Tally { request, topics: vec![topic("a", None)] }), 0);
    }
    let frames = peer.run();
    let refused = frames.iter().filter(
        |frame| matches!(frame, FromPeer::Tallied(it) if it.topics == Err(RejectCode::TooMany)),
    );
    assert_eq!((frames.len(), refused.count()), (9, 1));
}

#[test]
fn a_client_asks_again_until_there_is_an_answer() {
    let mut dialogue = Dialogue::new(client::Options::default());
    let id = dialogue.client.tally(vec![topic("a", Some(at(3)))]);
    let welcome = Welcome { kinds: vec![FrameKind::Tally.number()], ..WELCOME };
    let asked = |dialogue: &mut Dialogue| {
        let frames = dialogue.heard();
        let tallies = frames.into_iter().filter_map(|frame| match frame {
            FromClient::Tally(tally) => Some(tally),
            _ => None,
        });
        tallies.collect::<Vec<_>>()
    };
    dialogue.say(FromPeer::Welcome(welcome.clone()));
    assert_eq!(asked(&mut dialogue)[0].topics, [topic("a", Some(at(3)))]);
    dialogue.close(1_006);
    dialogue.wait();
    dialogue.say(FromPeer::Welcome(welcome));
    let request = asked(&mut dialogue)[0].request;
    dialogue.say(FromPeer::Tallied(Tallied { request, topics: Err(RejectCode::TooMany) }));
    dialogue.now += 1_000;
    dialogue.client.tick(dialogue.now);
    let request = asked(&mut dialogue)[0].request;
    let topics = vec![TopicTally { count: 3, ..TopicTally::default() }];
    dialogue.say(FromPeer::Tallied(Tallied { request, topics: Ok(topics.clone()) }));
    assert!(dialogue.effects.contains(&Effect::Tallied(id, Ok(topics))));
    assert_eq!(asked(&mut dialogue), []);

    let mut older = Dialogue::welcomed();
    let id = older.client.tally(vec![topic("a", None)]);
    older.run();
    let unavailable = Effect::Tallied(id, Err(RequestError::NotAvailable));
    assert!(older.effects.contains(&unavailable), "{:?}", older.effects);
}

#[cfg(feature = "json")]
#[test]
fn the_newest_event_in_json_is_byte_by_byte_what_its_readers_get() {
    use serde_json::{Value, json};

    let place =
        json::EventPosition { stream: &Stream::MAIN, epoch: EPOCH, offset: 3, previous: None };
    let signature = Some([7; 64]);
    for data in [
        r#"{"z":1.10,"a":1e2,"a":12345678901234567890123,"é":"\u00e9\/"}"#,
        "[1e400, -0]",
        r#""\ud800""#,
        " { \"b\" : 1 } ",
    ] {
        for signature in [signature, None] {
            let data = data.as_bytes().to_vec();
            let body = Body { data, signature, time: Some(1_000), ..peer::body("e") };
            let head = Some(Position { id: Some("e".to_owned()), ..at(3) });
            let newest = Some((3, body.encode()));
            let of_a = TopicTally { count: 2, head, newest, refused: None };
            let refused = Some(RejectCode::NotAllowed);
            let of_b = TopicTally { refused, ..TopicTally::default() };
            let names = ["a", "b", "c"].map(str::to_owned);
            let text = json::tallied("t", &names, &[of_a, of_b, TopicTally::default()]);
            let event = json::event(&peer::topic("a"), &body, Some(place));
            let newest = format!(r#","newest":{event}"#);
            assert_eq!(text.matches(&newest).count(), 1, "{text}");
            // The rest can be read without its numbers.
            let rest: Value = serde_json::from_str(&text.replacen(&newest, "", 1)).unwrap();
            let head = json!({ "stream": "main", "epoch": "7", "offset": "3", "id": "e" });
            let topics = json!([
                { "topic": "a", "count": 2, "head": head },
                { "topic": "b", "code": "not_allowed" },
                { "topic": "c", "count": 0 },
            ]);
            assert_eq!(rest["data"], json!({ "id": "t", "topics": topics }));
        }
    }
}
