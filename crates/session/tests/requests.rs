//! A client's requests, whatever the peer answers: each is reported once, by an answer of its own kind.

mod dialogue;

use dialogue::{Dialogue, WELCOME};
use session::client::{Effect, Options};
use session::*;
use topic::Pattern;

fn welcome() -> FromPeer {
    let kinds = [FrameKind::Delete, FrameKind::Tally].map(FrameKind::number).to_vec();
    FromPeer::Welcome(Welcome { kinds, ..WELCOME })
}

fn position() -> Position {
    Position { offset: 5, ..Position::start_of(7) }
}

fn topics() -> Vec<TallyTopic> {
    vec![TallyTopic { topic: "a".to_owned(), after: None }]
}

fn page(request: u32, topics: &[&str]) -> FromPeer {
    let entry = |topic: &&str| HistoryEntry {
        offset: 1,
        topic: (*topic).to_owned(),
        body: Body { id: "e".to_owned(), ..Body::default() }.encode(),
    };
    let entries = topics.iter().map(entry).collect();
    FromPeer::Page(HistoryPage { request, epoch: 7, entries, next: None, refused: None })
}

fn refused_page(request: u32, code: RejectCode) -> FromPeer {
    let (entries, refused) = (Vec::new(), Some(code));
    FromPeer::Page(HistoryPage { request, epoch: 0, entries, next: None, refused })
}

fn deleted(request: u32, retry: Option<u32>) -> FromPeer {
    FromPeer::Deleted(Deleted { request, outcome: Ok(position()), retry })
}

fn tallied(request: u32, count: usize) -> FromPeer {
    let topics = Ok(vec![TopicTally::default(); count]);
    FromPeer::Tallied(Tallied { request, topics })
}

fn refused_tally(request: u32, code: RejectCode) -> FromPeer {
    FromPeer::Tallied(Tallied { request, topics: Err(code) })
}

/// The number of the only request since the last call.
fn request(dialogue: &mut Dialogue) -> u32 {
    let frames = dialogue.heard().into_iter().filter_map(|frame| match frame {
        FromClient::History(history) => Some(history.request),
        FromClient::Delete(delete) => Some(delete.request),
        FromClient::Tally(tally) => Some(tally.request),
        _ => None,
    });
    let requests: Vec<_> = frames.collect();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests[0]
}

/// The answers that the application has got since the last call.
fn answers(dialogue: &mut Dialogue) -> Vec<Effect> {
    let is_answer = |effect: &Effect| {
        matches!(effect, Effect::History(..) | Effect::Deleted(..) | Effect::Tallied(..))
    };
    std::mem::take(&mut dialogue.effects).into_iter().filter(is_answer).collect()
}

/// Asserts that none of the wrong answers answers a request, that each ends the connection, and that the right answer
/// on the next one does answer it.
fn is_answered_only_by(
    ask: fn(&mut Dialogue),
    wrong: &[fn(u32) -> FromPeer],
    right: fn(u32) -> FromPeer,
) {
    for (at, wrong) in wrong.iter().enumerate() {
        let mut dialogue = Dialogue::new(Options::default());
        dialogue.say(welcome());
        dialogue.heard();
        ask(&mut dialogue);
        let number = request(&mut dialogue);
        dialogue.say(wrong(number));
        let closed = Effect::Close(CloseCode::OutOfStep);
        assert!(dialogue.effects.contains(&closed), "{at}: {:?}", dialogue.effects);
        assert_eq!(answers(&mut dialogue), [], "{at}");
        dialogue.wait();
        dialogue.say(welcome());
        let number = request(&mut dialogue);
        for _ in 0..2 {
            dialogue.say(right(number));
        }
        assert!(!dialogue.effects.contains(&closed), "{at}: {:?}", dialogue.effects);
        assert_eq!(answers(&mut dialogue).len(), 1, "{at}");
    }
}

#[test]
fn a_page_of_history_is_the_only_answer_to_a_request_for_it() {
    let wrong: [fn(u32) -> FromPeer; 6] = [
        |number| deleted(number, None),
        |number| deleted(number, Some(50)),
        |number| tallied(number, 1),
        |number| refused_tally(number, RejectCode::TooMany),
        |number| page(number, &["a", "a..b"]),
        |number| page(number, &[""]),
    ];
    let ask = |dialogue: &mut Dialogue| {
        dialogue.client.history(Pattern::parse("a").unwrap(), None, 9);
    };
    is_answered_only_by(ask, &wrong, |number| page(number, &["a"]));
}

#[test]
fn a_delete_is_answered_only_by_its_outcome() {
    let wrong: [fn(u32) -> FromPeer; 4] = [
        |number| page(number, &["a"]),
        |number| refused_page(number, RejectCode::TooMany),
        |number| tallied(number, 1),
        |number| refused_tally(number, RejectCode::NotAllowed),
    ];
    let ask = |dialogue: &mut Dialogue| {
        dialogue.client.delete(position());
    };
    is_answered_only_by(ask, &wrong, |number| deleted(number, None));
}

#[test]
fn a_tally_is_answered_only_by_one_count_for_each_topic() {
    let wrong: [fn(u32) -> FromPeer; 5] = [
        |number| page(number, &["a"]),
        |number| refused_page(number, RejectCode::TooMany),
        |number| deleted(number, Some(50)),
        |number| tallied(number, 0),
        |number| tallied(number, 2),
    ];
    let ask = |dialogue: &mut Dialogue| {
        dialogue.client.tally(topics());
    };
    is_answered_only_by(ask, &wrong, |number| tallied(number, 1));
}

#[test]
fn an_answer_to_no_request_changes_nothing() {
    let mut dialogue = Dialogue::new(Options::default());
    dialogue.say(welcome());
    let id = dialogue.client.tally(topics());
    let number = request(&mut dialogue);
    for frame in [deleted(number + 1, None), page(number + 1, &["a"]), tallied(number + 1, 1)] {
        dialogue.say(frame);
    }
    assert_eq!(answers(&mut dialogue), []);
    dialogue.say(tallied(number, 1));
    let expected = Effect::Tallied(id, Ok(vec![TopicTally::default()]));
    assert_eq!(answers(&mut dialogue), [expected]);
}
