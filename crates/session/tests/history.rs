//! History pages, and ranges that are gone.

mod peer;

use peer::{Peer, reported, subscribe};
use session::*;

fn ask(request: u32, pattern: &str, before: Option<u64>, limit: u32) -> FromClient {
    let (pattern, stream) = (pattern.to_owned(), Stream::MAIN);
    FromClient::History(History { request, pattern, before, limit, stream })
}

fn page(frames: &[FromPeer]) -> &HistoryPage {
    match frames {
        [FromPeer::Page(page)] => page,
        other => panic!("{other:?}"),
    }
}

fn gaps(frames: &[FromPeer]) -> Vec<(u64, u64)> {
    let gaps = frames.iter().filter_map(|frame| match frame {
        FromPeer::Gap(gap) => Some((gap.from, gap.to)),
        _ => None,
    });
    gaps.collect()
}

#[test]
fn pages_go_back_to_the_first_event_and_say_where_they_end() {
    let mut peer = Peer::welcomed(7);
    peer.commit("b");
    let (mut offsets, mut before) = (Vec::new(), None);
    loop {
        peer.say(ask(5, "a", before, 3), 0);
        let frames = peer.run();
        let page = page(&frames);
        assert_eq!((page.request, page.epoch, page.refused), (5, 7, None));
        assert!(page.entries.iter().all(|entry| entry.topic == "a"));
        offsets.extend(page.entries.iter().map(|entry| entry.offset));
        before = page.next.as_ref().map(|(_, before)| *before);
        if before.is_none() {
            break;
        }
    }
    assert_eq!(offsets, [7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_page_is_no_larger_than_the_peer_allows_and_never_of_nothing() {
    let mut peer = Peer::welcomed(9);
    peer.say(ask(1, ">", None, u32::MAX), 0);
    assert_eq!(page(&peer.run()).entries.len(), 4);
    peer.say(ask(2, ">", Some(3), 0), 0);
    assert_eq!(page(&peer.run()).entries.len(), 1);
}

#[test]
fn a_request_that_cannot_be_answered_is_refused() {
    let mut peer = Peer::welcomed(1);
    peer.say(ask(1, "a..b", None, 3), 0);
    assert_eq!(page(&peer.run()).refused, Some(RejectCode::IllegalTopic));
    // The store does not answer.
    for request in 0..9 {
        peer.say(ask(request, "a", None, 1), 0);
    }
    let frames = peer.run();
    let refused = frames.iter().filter(
        |frame| matches!(frame, FromPeer::Page(page) if page.refused == Some(RejectCode::TooMany)),
    );
    assert_eq!((frames.len(), refused.count()), (9, 1));
}

#[test]
fn a_resume_into_a_trimmed_range_reports_it_once_and_goes_on_after_it() {
    let mut peer = Peer::welcomed(8);
    peer.trim(5);
    let position = Position { offset: 2, ..Position::start_of(7) };
    let start = Start::After(vec![position]);
    peer.say(subscribe(1, "a", start, None), 0);
    let frames = peer.run();
    assert_eq!(gaps(&frames), [(3, 5)]);
    assert_eq!(reported(&frames, 1), [(6, Some(5)), (7, Some(6)), (8, Some(7))]);
}

#[test]
fn what_is_trimmed_while_it_waits_for_credit_is_reported_then() {
    let mut peer = Peer::welcomed(8);
    peer.say(subscribe(1, "a", Start::Earliest, Some((2, 1 << 20))), 0);
    peer.say(subscribe(2, "a", Start::Earliest, None), 0);
    assert_eq!(reported(&peer.run(), 1).len(), 2);
    peer.trim(5);
    peer.say(peer::credit(1, 9, 0), 0);
    let frames = peer.run();
    assert_eq!(gaps(&frames), [(3, 5)], "nothing for a subscription that has read it");
    assert_eq!(reported(&frames, 1), [(6, Some(5)), (7, Some(6)), (8, Some(7))]);
}

#[test]
fn a_connection_that_lags_reads_on_by_pages_and_learns_what_is_gone() {
    let mut peer = Peer::welcomed(1);
    peer.say(subscribe(1, "a", Start::Latest, None), 0);
    peer.say(subscribe(2, "b", Start::Latest, None), 0);
    peer.run();
    peer.commit("a");
    peer.run();
    for _ in 0..9 {
        peer.commit_untold("a");
    }
    peer.commit_untold("b");
    peer.trim(4);
    peer.server.lagged(0, 12);
    let frames = peer.run();
    assert_eq!(gaps(&frames), [(3, 4), (3, 4)]);
    let expected: Vec<_> = (5..=11).map(|offset| (offset, Some(offset - 1))).collect();
    assert_eq!(reported(&frames, 1), expected);
    assert_eq!(reported(&frames, 2), [(12, Some(4))]);
    peer.server.lagged(0, 12);
    peer.commit("a");
    let frames = peer.run();
    assert_eq!((reported(&frames, 1), frames.len()), (vec![(13, Some(11))], 1));
}

#[test]
fn a_hole_in_what_was_committed_is_read_from_the_log() {
    let mut peer = Peer::welcomed(1);
    peer.say(subscribe(1, "a", Start::Latest, None), 0);
    peer.run();
    for _ in 0..4 {
        peer.commit_untold("a");
    }
    peer.trim(3);
    let late = peer.events_after(4);
    peer.server.committed(&late);
    let frames = peer.run();
    assert_eq!(gaps(&frames), [(2, 3)]);
    assert_eq!(reported(&frames, 1), [(4, Some(3)), (5, Some(4))]);
}
