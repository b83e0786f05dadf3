//! A client's identity: what was decided under an id, and when the client takes another one.

use session::client::{MemoryOutbox, Options, PublishOptions, Secret, StoreRequest};
use session::*;

use crate::page::Page;

#[test]
fn a_number_that_was_decided_is_not_given_again_by_a_store_that_missed_it() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    // The row was lost with the end of the disk's content; its outcome is known nevertheless.
    let mut saved = page.store.saved().clone();
    saved.decided = (1, "a".to_owned());
    page.store = MemoryOutbox::new(saved);
    let mut page = page.reload(3);
    page.go_online(1, "a", false);
    page.publish("b", PublishOptions::default());
    assert_eq!(page.published().last().map(|(number, ..)| *number), Some(2));
}

#[test]
fn a_row_under_a_decided_number_does_not_go_out_under_another_identity() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    page.publish("b", PublishOptions::default());
    // The page's disk was restored from a backup, and its client has progressed since.
    page.go_online(1, "another", false);
    assert_eq!(page.rejected(), [("a", RejectCode::Uncertain)]);
    let rows: Vec<_> = page.store.saved().rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows, ["b"]);
}

#[test]
fn a_client_that_was_forgotten_says_what_is_uncertain_and_sends_the_rest() {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("left", PublishOptions::default());
    page.client.closed(1006, "", page.now);
    page.run();
    page.publish("stayed", PublishOptions::default());
    let mut page = page.reload(3);
    page.go_online(0, "", true);
    assert_eq!(page.rejected(), [("left", RejectCode::Uncertain)]);
    assert_eq!(page.published(), [(2, "stayed".into(), 1)]);
    assert_eq!(page.store.saved().rows.len(), 1);
}

#[test]
fn a_copy_of_a_client_takes_a_new_identity_and_numbers_its_rows_anew() {
    for (highest, id) in [(1, "theirs"), (2, "theirs")] {
        let mut page = Page::new(Options::default());
        page.go_online(0, "", false);
        page.publish("done", PublishOptions::default());
        page.ack(1, Durability::Disk);
        page.publish("left", PublishOptions::default());
        page.client.closed(1006, "", page.now);
        page.run();
        page.publish("stayed", PublishOptions::default());
        let before = page.client.id();
        let mut page = page.reload(77);
        page.go_online(highest, id, false);
        assert_eq!(page.rejected(), [("left", RejectCode::Uncertain)], "{highest}");
        assert_ne!(page.client.id(), before);
        page.sent.clear();
        assert_eq!(page.opens, 2);
        page.welcome(0, "", false);
        assert_eq!(
            (page.hello().fence, page.hello().lowest, page.hello().returning),
            (1, 2, false)
        );
        assert_eq!(page.published(), [(2, "stayed".into(), 2)]);
        assert_eq!(page.store.saved().client, page.client.id());
    }
}

#[test]
fn a_welcome_that_the_store_can_explain_is_not_strange() {
    let mut page = Page::new(Options::default());
    page.publish("mine", PublishOptions::default());
    // Another tab has kept a row, and the peer has decided it.
    let mut row = page.store.saved().rows[0].clone();
    (row.id, row.owner, row.leaving) = ("theirs".to_owned(), [9; 16], true);
    row.body = Body { id: "theirs".into(), ..Body::default() }.encode();
    page.store.run(StoreRequest::Keep { client: page.client.id(), rows: vec![row], at_least: 0 });
    let before = page.client.id();
    page.go_online(2, "theirs", false);
    assert_eq!(page.client.id(), before);
    assert_eq!(page.pending, ["theirs"]);
    assert_eq!(page.published().len(), 2);
}

#[test]
fn an_identity_that_cannot_be_written_is_not_used() {
    let mut page = Page::new(Options::default());
    page.fails = Some(|asked| matches!(asked, StoreRequest::Renew { .. }));
    let before = page.client.id();
    page.publish("decided", PublishOptions::default());
    page.publish("a", PublishOptions::default());
    page.go_online(1, "theirs", false);
    page.welcome(0, "", false);
    assert!(page.published().is_empty() && page.client.id() == before);
    let Hello { client, returning, .. } = page.hello();
    assert!(*client != before && !returning, "the client reads under another identity");
    page.now = page.client.deadline().unwrap();
    page.fails = None;
    page.client.tick(page.now);
    page.run();
    assert_ne!(page.client.id(), before);
    page.welcome(0, "", false);
    assert_eq!(page.published(), [(2, "a".into(), 2)]);
}

/// A page that has published an event before its store was deleted, and another one after that.
fn published_after_the_deletion() -> Page {
    let mut page = Page::new(Options::default());
    page.go_online(0, "", false);
    page.publish("before", PublishOptions::default());
    page.ack(1, Durability::Disk);
    page.clear_site_data();
    page.publish("after", PublishOptions::default());
    page
}

#[test]
fn what_is_published_after_the_store_was_deleted_leaves_under_the_new_client() {
    let mut page = published_after_the_deletion();
    assert_eq!(page.client.id(), page.store.saved().client);
    page.sent.clear();
    page.client.opened(page.now);
    page.run();
    assert_eq!((page.hello().client, page.hello().returning), (page.client.id(), false));
    page.welcome(0, "", page.hello().returning);
    assert_eq!(page.published(), [(1, "after".into(), 1)]);
    page.ack(1, Durability::Disk);
    assert!(page.rejected().is_empty() && page.client.outbox_len() == 0);
}

#[test]
fn a_page_that_finds_a_row_of_after_the_deletion_does_not_call_it_uncertain() {
    // The page closes before its next hello.
    let mut page = published_after_the_deletion().reload(3);
    page.client.connect(page.now);
    page.client.opened(page.now);
    page.run();
    assert!(!page.hello().returning);
}

#[test]
fn what_is_kept_while_another_tab_renews_the_client_is_found_under_its_new_number() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    let from = page.store.saved().client;
    page.store.run(StoreRequest::Renew {
        from,
        highest: 0,
        client: [5; 16],
        secret: Secret([6; 32]),
    });
    page.go_online(0, "", false);
    page.publish("b", PublishOptions::default());
    assert_eq!(page.client.id(), [5; 16]);
    page.welcome(0, "", false);
    assert_eq!(page.kept, ["a", "b"]);
    page.ack(1, Durability::Disk);
    page.ack(2, Durability::Disk);
    assert_eq!(page.client.outbox_len(), 0, "{:?}", page.store);
    assert!(page.rejected().is_empty());
}

#[test]
fn an_answer_to_an_older_request_for_a_token_is_not_used_to_greet() {
    let mut page = Page::new(Options::default());
    page.holds = true;
    page.client.connect(page.now);
    page.run();
    page.client.closed(1006, "", page.now);
    page.now = page.client.deadline().unwrap();
    page.client.tick(page.now);
    page.run();
    page.client.opened(page.now);
    page.answer();
    page.run();
    assert!(page.sent.is_empty());
    page.answer();
    page.run();
    assert_eq!(page.hello().fence, 2);
}
