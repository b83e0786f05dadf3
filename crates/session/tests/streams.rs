//! Streams: a subscription has a position in each, and one credit for all.

mod dialogue;
mod peer;

use dialogue::Dialogue;
use peer::{Peer, body, caught_up, credit, reported, subscribe};
use session::client::Effect;
use session::server::{ChangedPatterns, Options};
use session::*;
use topic::Pattern;

const PLENTY: u32 = 1 << 20;

fn other() -> Stream {
    Stream::named("other")
}

/// A subscription's events in a stream: offsets, each with its predecessor.
fn reported_of(frames: &[FromPeer], stream: &Stream, subscription: u32) -> Vec<(u64, Option<u64>)> {
    let is_of = |frame: &&FromPeer| matches!(frame, FromPeer::Event(it) if it.stream == *stream);
    reported(&frames.iter().filter(is_of).cloned().collect::<Vec<_>>(), subscription)
}

fn heads(frames: &[FromPeer]) -> Vec<Position> {
    let heads = frames.iter().filter_map(|frame| match frame {
        FromPeer::CaughtUp(frame) => Some(frame.head.clone()),
        _ => None,
    });
    heads.collect()
}

fn at(stream: Stream, offset: u64) -> Position {
    Position { stream, offset, ..Position::start_of(7) }
}

/// The same with the id of its event.
fn named(stream: Stream, offset: u64) -> Position {
    Position { id: Some(format!("e{offset}")), ..at(stream, offset) }
}

#[test]
fn a_subscription_reads_every_stream_and_catches_up_in_each() {
    let mut peer = Peer::of_streams(&[5, 2]).welcome();
    peer.say(subscribe(1, "a", Start::Earliest, None), 0);
    let frames = peer.run();
    let FromPeer::Subscribed(subscribed) = &frames[0] else { panic!("{frames:?}") };
    assert_eq!(subscribed.head, named(Stream::MAIN, 5));
    assert_eq!(subscribed.others, [named(other(), 2)]);
    let main: Vec<u64> =
        reported_of(&frames, &Stream::MAIN, 1).into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(main, [1, 2, 3, 4, 5]);
    assert_eq!(reported_of(&frames, &other(), 1), [(1, None), (2, Some(1))]);
    let mut heads = heads(&frames);
    heads.sort_by_key(|head| head.offset);
    assert_eq!(heads, [at(other(), 2), at(Stream::MAIN, 5)]);
}

#[test]
fn a_live_event_names_the_one_before_it_in_its_stream() {
    let mut peer = Peer::of_streams(&[3, 8]).welcome();
    peer.say(subscribe(1, "a", Start::Latest, None), 0);
    peer.run();
    for (stream, topic) in [(0, "a"), (1, "a"), (1, "b"), (0, "a"), (1, "a")] {
        peer.commit_in(stream, topic);
    }
    let frames = peer.run();
    assert_eq!(reported_of(&frames, &Stream::MAIN, 1), [(4, Some(3)), (5, Some(4))]);
    assert_eq!(reported_of(&frames, &other(), 1), [(9, Some(8)), (11, Some(9))]);
}

#[test]
fn a_resume_goes_on_after_each_position_and_reads_a_stream_that_came_since_from_its_beginning() {
    let mut peer = Peer::of_streams(&[5, 4]).welcome();
    let start = Start::After(vec![at(Stream::MAIN, 4), at(other(), 2)]);
    peer.say(subscribe(1, "a", start, None), 0);
    peer.say(subscribe(2, "a", Start::After(vec![at(Stream::MAIN, 4)]), None), 0);
    let frames = peer.run();
    for subscription in [1, 2] {
        assert_eq!(reported_of(&frames, &Stream::MAIN, subscription), [(5, Some(4))]);
    }
    assert_eq!(reported_of(&frames, &other(), 1), [(3, Some(2)), (4, Some(3))]);
    let all = [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(3))];
    assert_eq!(reported_of(&frames, &other(), 2), all);
}

#[test]
fn a_gap_names_the_stream_that_has_it() {
    let mut peer = Peer::of_streams(&[6, 6]).welcome();
    peer.trim(4);
    let start = Start::After(vec![at(Stream::MAIN, 1), at(other(), 1)]);
    peer.say(subscribe(1, "a", start, None), 0);
    let frames = peer.run();
    let gaps: Vec<_> = frames.iter().filter(|frame| matches!(frame, FromPeer::Gap(_))).collect();
    let gap = Gap { subscription: 1, from: 2, to: 4, stream: Stream::MAIN };
    assert_eq!(gaps, [&FromPeer::Gap(gap)]);
    assert_eq!(reported_of(&frames, &Stream::MAIN, 1), [(5, Some(4)), (6, Some(5))]);
    assert_eq!(reported_of(&frames, &other(), 1).len(), 5);
}

#[test]
fn a_stream_with_much_to_read_takes_not_all_credit_from_the_others() {
    let mut peer = Peer::of_streams(&[40, 3]).welcome();
    peer.say(subscribe(1, "a", Start::Earliest, Some((0, PLENTY))), 0);
    assert_eq!(reported(&peer.run(), 1), []);
    let mut frames = Vec::new();
    for _ in 0..8 {
        peer.say(credit(1, 1, 0), 0);
        frames.extend(peer.run());
    }
    assert_eq!(reported(&frames, 1).len(), 8, "the credit is one for all streams");
    assert_eq!(reported_of(&frames, &other(), 1).len(), 3);
    // An event beyond the credit waits in its stream.
    peer.commit_in(1, "a");
    assert_eq!(reported(&peer.run(), 1), []);
    peer.say(credit(1, 100, 0), 0);
    let frames = peer.run();
    assert_eq!(reported_of(&frames, &other(), 1), [(4, Some(3))]);
    assert_eq!(reported_of(&frames, &Stream::MAIN, 1).len(), 35);
}

#[test]
fn a_stream_that_lags_leaves_the_others_live() {
    let mut peer = Peer::of_streams(&[1, 1]).welcome();
    peer.say(subscribe(1, "a", Start::Latest, None), 0);
    peer.run();
    for _ in 0..4 {
        peer.commit_untold("a");
    }
    peer.server.lagged(0, 5);
    peer.commit_in(1, "a");
    let frames = peer.run();
    assert_eq!(reported_of(&frames, &other(), 1), [(2, Some(1))]);
    assert_eq!(reported_of(&frames, &Stream::MAIN, 1).len(), 4);
    assert_eq!(caught_up(&frames), 0, "it had caught up before");
}

#[test]
fn ephemeral_events_come_once_all_streams_have_caught_up() {
    let mut peer = Peer::of_streams(&[0, 3]).welcome();
    peer.say(subscribe(1, ">", Start::Earliest, Some((2, PLENTY))), 0);
    assert_eq!(heads(&peer.run()), [at(Stream::MAIN, 0)]);
    peer.server.forwarded(&peer::ephemeral("t", "k", "early"));
    assert!(peer::ephemeral_ids(&peer.run()).is_empty());
    peer.say(credit(1, 9, 0), 0);
    assert_eq!(heads(&peer.run()), [at(other(), 3)]);
    peer.server.forwarded(&peer::ephemeral("t", "k", "late"));
    assert_eq!(peer::ephemeral_ids(&peer.run()), ["late"]);
}

#[test]
fn a_page_is_of_the_stream_that_is_asked_for_and_the_last_one_names_the_next_stream() {
    let mut peer = Peer::of_streams(&[3, 2]).welcome();
    let mut page = |stream: Stream, before: Option<u64>| {
        let ask = History { request: 1, pattern: "a".to_owned(), before, limit: 2, stream };
        peer.say(FromClient::History(ask), 0);
        match &peer.run()[..] {
            [FromPeer::Page(page)] => {
                let offsets: Vec<_> = page.entries.iter().map(|entry| entry.offset).collect();
                (offsets, page.next.clone())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(page(Stream::MAIN, None), (vec![3, 2], Some((Stream::MAIN, 2))));
    assert_eq!(page(Stream::MAIN, Some(2)), (vec![1], Some((other(), MAX_NUMBER))));
    assert_eq!(page(other(), Some(MAX_NUMBER)), (vec![2, 1], None));
    assert_eq!(page(Stream::named("elsewhere"), None), (vec![], None));
}

#[test]
fn what_is_of_the_main_stream_costs_no_byte_for_it() {
    let encoded = |frame: FromPeer| {
        let mut message = Vec::new();
        frame.encode(&mut message);
        message
    };
    let gap = |stream| encoded(FromPeer::Gap(Gap { subscription: 1, from: 2, to: 3, stream }));
    assert_eq!(gap(Stream::named("main")), [0x82, 11, 0xa3, 0, 1, 1, 2, 2, 3]);
    assert_eq!(gap(Stream::named("b")).len(), gap(Stream::MAIN).len() + 3);
    let head = Position { offset: 2, ..Position::start_of(1) };
    let subscribed = Subscribed { subscription: 1, head, reset: false, others: Vec::new() };
    let bytes = encoded(FromPeer::Subscribed(subscribed));
    assert_eq!(bytes, [0x82, 3, 0xa2, 0, 1, 1, 0xa2, 1, 1, 2, 2]);
    let mut message = Vec::new();
    let start = Start::After(vec![Position { offset: 2, ..Position::start_of(1) }]);
    subscribe(1, "a", start, None).encode(&mut message);
    assert_eq!(message, [0x82, 2, 0xa3, 0, 1, 1, 0x61, b'a', 2, 0x82, 3, 0xa2, 1, 1, 2, 2]);
}

#[test]
fn subscriptions_with_the_same_pattern_are_wanted_once_and_each_is_served() {
    let mut peer = Peer::welcomed(0);
    for subscription in 1..=3 {
        peer.say(subscribe(subscription, "a", Start::Latest, None), 0);
    }
    peer.say(subscribe(4, "b", Start::Latest, None), 0);
    peer.run();
    let changed = |peer: &mut Peer| {
        let text = |them: Vec<Pattern>| them.iter().map(Pattern::to_string).collect::<Vec<_>>();
        let changed = peer.server.changed_patterns();
        changed.map(|ChangedPatterns { begun, ended }| (text(begun), text(ended)))
    };
    let texts = |them: &[&str]| them.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(changed(&mut peer), Some((texts(&["a", "b"]), vec![])));
    peer.say(FromClient::Unsubscribe(Unsubscribe { subscription: 2 }), 0);
    peer.commit("a");
    let frames = peer.run();
    let counts = [1, 2, 3, 4].map(|subscription| reported(&frames, subscription).len());
    assert_eq!(counts, [1, 0, 1, 0]);
    assert_eq!(changed(&mut peer), None, "the pattern is wanted as before");
    for subscription in [1, 3] {
        peer.say(FromClient::Unsubscribe(Unsubscribe { subscription }), 0);
    }
    peer.say(subscribe(5, "c", Start::Latest, None), 0);
    assert_eq!(changed(&mut peer), Some((texts(&["c"]), texts(&["a"]))));
    // A pattern that goes and returns in between has not changed, nor one that comes and goes.
    peer.say(FromClient::Unsubscribe(Unsubscribe { subscription: 4 }), 0);
    peer.say(subscribe(6, "b", Start::Latest, None), 0);
    peer.say(subscribe(7, "d", Start::Latest, None), 0);
    peer.say(FromClient::Unsubscribe(Unsubscribe { subscription: 7 }), 0);
    assert_eq!(changed(&mut peer), None);
}

#[test]
fn a_subscription_too_many_is_refused_and_the_others_stand() {
    let most = u32::try_from(Options::default().max_subscriptions).unwrap();
    let mut peer = Peer::welcomed(0);
    for subscription in 0..=most {
        peer.say(subscribe(subscription, "a", Start::Latest, None), 0);
    }
    let frames = peer.run();
    let refused: Vec<_> =
        frames.iter().filter(|frame| matches!(frame, FromPeer::Refused(_))).collect();
    let [FromPeer::Refused(refused)] = refused[..] else { panic!("{refused:?}") };
    assert_eq!((refused.subscription, refused.code), (most, RejectCode::TooMany));
    peer.commit("a");
    let frames = peer.run();
    let [FromPeer::Event(event)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(event.recipients.len(), most as usize);
    assert_eq!(peer.closed, None);
}

/// The client's next subscribe frame.
fn asked(dialogue: &mut Dialogue) -> (u32, Start) {
    let said = dialogue.heard();
    let mut subscribes = said.iter().filter_map(|frame| match frame {
        FromClient::Subscribe(subscribe) => Some((subscribe.subscription, subscribe.start.clone())),
        _ => None,
    });
    subscribes.next().unwrap()
}

fn made(subscription: u32, reset: bool, mut heads: Vec<Position>) -> FromPeer {
    let (head, others) = (heads.remove(0), heads);
    FromPeer::Subscribed(Subscribed { subscription, head, reset, others })
}

fn event(subscription: u32, stream: Stream, offset: u64, previous: u64) -> FromPeer {
    let body = body(&format!("e{offset}")).encode();
    let (topic, name, previous) = (0, Some("a".to_owned()), Some(previous));
    let recipients = vec![Recipient { subscription, previous }];
    FromPeer::Event(Event { topic, name, recipients, offset: Some(offset), body, stream })
}

#[test]
fn a_client_resumes_after_its_position_in_each_stream() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.subscribe(topic::Pattern::parse("a").unwrap(), Start::Latest);
    let (number, start) = asked(&mut dialogue);
    assert_eq!(start, Start::Latest);
    dialogue.say(made(number, false, vec![at(Stream::MAIN, 4), at(other(), 7)]));
    dialogue.say(event(number, other(), 9, 7));
    dialogue.reconnect();
    let (number, start) = asked(&mut dialogue);
    let read = Position { id: Some("e9".to_owned()), ..at(other(), 9) };
    assert_eq!(start, Start::After(vec![at(Stream::MAIN, 4), read.clone()]));
    // An event of one stream is missing: the client subscribes again from there.
    dialogue.say(made(number, false, vec![at(Stream::MAIN, 8), read.clone()]));
    dialogue.say(event(number, Stream::MAIN, 8, 6));
    assert_eq!(asked(&mut dialogue).1, Start::After(vec![at(Stream::MAIN, 4), read]));
}

#[test]
fn a_position_that_is_strange_in_one_stream_stays_in_the_others() {
    let mut dialogue = Dialogue::welcomed();
    let start = Start::After(vec![at(Stream::MAIN, 4), at(other(), 7)]);
    let id = dialogue.client.subscribe(topic::Pattern::parse("a").unwrap(), start);
    let (number, _) = asked(&mut dialogue);
    let head = Position { epoch: 8, ..at(other(), 2) };
    dialogue.say(made(number, true, vec![head.clone()]));
    let (number, start) = asked(&mut dialogue);
    assert_eq!(start, Start::After(vec![at(Stream::MAIN, 4)]));
    dialogue.say(made(number, false, vec![at(Stream::MAIN, 4), head.clone()]));
    let caught_up = |head| FromPeer::CaughtUp(CaughtUp { subscription: number, count: 0, head });
    dialogue.say(caught_up(at(Stream::MAIN, 4)));
    let reported = |dialogue: &mut Dialogue| {
        let effects = std::mem::take(&mut dialogue.effects).into_iter();
        let is_reported = |it: &Effect| matches!(it, Effect::Reset(..) | Effect::CaughtUp(_));
        effects.filter(is_reported).collect::<Vec<_>>()
    };
    assert_eq!(reported(&mut dialogue), [Effect::Reset(id, other())]);
    dialogue.say(caught_up(head));
    assert_eq!(reported(&mut dialogue), [Effect::CaughtUp(id)]);
}

#[test]
fn a_reader_of_what_is_new_goes_on_at_the_head_of_a_stream_that_is_reset() {
    let mut dialogue = Dialogue::welcomed();
    dialogue.client.subscribe(topic::Pattern::parse("a").unwrap(), Start::Latest);
    let (number, _) = asked(&mut dialogue);
    dialogue.say(made(number, false, vec![at(Stream::MAIN, 4), at(other(), 7)]));
    dialogue.reconnect();
    let (number, _) = asked(&mut dialogue);
    let head = Position { epoch: 8, ..at(other(), 2) };
    dialogue.say(made(number, true, vec![head.clone()]));
    let (number, start) = asked(&mut dialogue);
    assert_eq!(start, Start::After(vec![at(Stream::MAIN, 4), head.clone()]));
    // All streams are reset, and one is empty or gone, so it has no event to continue after.
    let main = Position { epoch: 9, ..at(Stream::MAIN, 3) };
    let empty = Position { epoch: 9, ..at(other(), 0) };
    dialogue.say(made(number, true, vec![main.clone(), empty]));
    assert_eq!(asked(&mut dialogue).1, Start::After(vec![main]));
}
