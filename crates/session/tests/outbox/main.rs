//! The outbox of a client: its store requests, their order, and the outcome of each event.

mod dropping;
mod identity;
mod page;

use session::client::{Options, PublishOptions, StoreError, StoreRequest, StoreResponse};
use session::*;
use topic::Topic;

use page::Page;

#[test]
fn no_frame_leaves_before_the_store_has_the_row() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.holds = true;
    page.publish("a", PublishOptions::default());
    page.publish("b", PublishOptions::default());
    assert!(page.published().is_empty() && page.kept.is_empty());
    page.answer();
    page.run();
    assert_eq!(page.kept, ["a"]);
    page.answer();
    page.run();
    assert_eq!(page.published(), [(1, "a".into(), 1), (2, "b".into(), 1)]);
    assert!(page.store.saved().rows.iter().all(|row| row.leaving));
}

#[test]
fn a_row_that_was_kept_offline_is_marked_before_its_frame_leaves() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    assert!(!page.store.saved().rows[0].leaving);
    page.go_online(0, "", false);
    assert!(page.store.saved().rows[0].leaving);
    assert_eq!(page.published().len(), 1);
}

#[test]
fn a_row_that_waits_for_its_mark_holds_back_the_higher_numbers() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    page.client.connect(page.now);
    page.run();
    page.holds = true;
    page.welcome(0, "", false);
    page.publish("b", PublishOptions::default());
    assert!(matches!(page.asked[..], [StoreRequest::Mark { .. }, StoreRequest::Keep { .. }]));
    let mark = page.asked.remove(0);
    page.answer();
    page.run();
    assert!(page.published().is_empty());
    let marked = page.store.run(mark);
    page.client.answer(Ok(marked), page.now);
    page.run();
    assert_eq!(page.published().iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_row_that_cannot_be_marked_does_not_leave_until_it_can() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    page.fails = Some(|asked| matches!(asked, StoreRequest::Mark { .. }));
    page.go_online(0, "", false);
    assert!(page.published().is_empty());
    page.fails = None;
    page.now = page.client.deadline().unwrap();
    page.client.tick(page.now);
    page.run();
    assert!(page.store.saved().rows[0].leaving);
    assert_eq!(page.published().len(), 1);
}

#[test]
fn a_reload_sends_again_what_has_no_answer_under_the_same_number() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    for id in ["a", "b", "c"] {
        page.publish(id, PublishOptions::default());
    }
    page.ack(1, Durability::Disk);
    let mut page = page.reload(3);
    assert_eq!(page.pending, ["b", "c"]);
    page.go_online(3, "c", false);
    assert_eq!((page.hello().fence, page.hello().lowest, page.hello().returning), (2, 2, true));
    assert_eq!(page.published(), [(2, "b".into(), 2), (3, "c".into(), 2)]);
    page.ack(2, Durability::Disk);
    page.ack(3, Durability::Disk);
    assert!(page.store.saved().rows.is_empty());
    assert_eq!(page.store.saved().decided, (3, "c".to_owned()));
}

#[test]
fn the_peer_may_forget_an_outcome_only_when_its_row_is_surely_gone() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("a", PublishOptions::default());
    page.holds = true;
    page.ack(1, Durability::Disk);
    assert_eq!(page.settled.len(), 1);
    assert!(matches!(page.asked[..], [StoreRequest::Erase { .. }]));
    // The erasure is lost with the page.
    let mut page = page.reload(3);
    page.go_online(1, "a", false);
    assert_eq!(page.hello().lowest, 1);
    assert_eq!(page.published(), [(1, "a".into(), 1)]);
    page.ack(1, Durability::Disk);
    page.publish("b", PublishOptions::default());
    assert_eq!(page.published().last(), Some(&(2, "b".into(), 2)));
}

#[test]
fn an_answer_below_the_durability_asked_for_settles_nothing() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish(
        "a",
        PublishOptions { durability: Durability::Replicated, ..PublishOptions::default() },
    );
    page.ack(1, Durability::Disk);
    assert!(page.settled.is_empty() && page.client.outbox_len() == 1);
    page.ack(1, Durability::Replicated);
    assert!(page.settled.len() == 1 && page.client.outbox_len() == 0);
}

#[test]
fn a_store_that_is_full_is_reported_and_the_event_is_refused() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    page.fails = Some(|asked| matches!(asked, StoreRequest::Keep { .. }));
    page.publish("b", PublishOptions::default());
    page.fails = None;
    page.publish("c", PublishOptions::default());
    assert_eq!(page.failures, [StoreError::Full]);
    page.go_online(0, "", false);
    let ids: Vec<_> = page.published().into_iter().map(|(number, id, _)| (number, id)).collect();
    assert_eq!(ids, [(1, "a".to_owned()), (2, "c".to_owned())]);
    assert_eq!(page.rejected(), [("b", RejectCode::Unavailable)]);
}

#[test]
fn an_erasure_that_fails_is_tried_again_and_holds_the_outcome_at_the_peer() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("a", PublishOptions::default());
    page.fails = Some(|asked| matches!(asked, StoreRequest::Erase { .. }));
    page.ack(1, Durability::Disk);
    page.publish("b", PublishOptions::default());
    assert_eq!(page.published().last(), Some(&(2, "b".into(), 1)));
    page.fails = None;
    page.now = page.client.deadline().unwrap();
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.store.saved().rows.len(), 1);
    page.publish("c", PublishOptions::default());
    assert_eq!(page.published().last(), Some(&(3, "c".into(), 2)));
}

#[test]
fn the_bounds_hold_in_rows_and_in_bytes() {
    let options = Options { outbox_events: 2, outbox_bytes: 300, ..Options::default() };
    let mut page = Page::new(options);
    let big = Body { id: "big".into(), data: vec![0; 250], ..Body::default() };
    let topic = Topic::parse("a").unwrap();
    page.client.publish(topic.clone(), &big, 0).unwrap();
    assert!(page.client.publish(topic.clone(), &big, 0).is_err());
    page.run();
    assert!(page.client.publish(topic.clone(), &big, 0).is_err());
    page.publish("small", PublishOptions::default());
    let small = Body { id: "s".into(), ..Body::default() };
    assert!(page.client.publish(topic, &small, 0).is_err());
    page.go_online(0, "", false);
    page.ack(1, Durability::Disk);
    page.ack(2, Durability::Disk);
    assert_eq!((page.client.outbox_len(), page.client.outbox_bytes()), (0, 0));
    let answer = page.store.run(StoreRequest::Load);
    assert!(matches!(answer, StoreResponse::Loaded(saved) if saved.rows.is_empty()));
}
