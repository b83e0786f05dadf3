//! Events that are not sent, because they have expired or were cancelled.

use session::client::{Options, Outcome, PublishOptions, Secret, StoreRequest};
use session::*;

use crate::page::Page;

fn expires(at: Millis) -> PublishOptions {
    PublishOptions { expires: Some(at), ..PublishOptions::default() }
}

#[test]
fn what_has_not_left_expires_and_what_may_have_left_does_not() {
    let mut page = Page::new(Options::default());
    page.client.set_clock(page.now, 1_000_000);
    page.publish("offline", expires(1_000_500));
    assert_eq!(page.client.deadline(), Some(page.now + 500));
    page.now += 500;
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.rejected(), [("offline", RejectCode::Expired)]);
    assert!(page.store.saved().rows.is_empty());
    page.go_online(0, "", false);
    page.publish("online", expires(1_001_000));
    page.now += 5_000;
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.settled.len(), 1);
    let mut page = page.reload(3);
    page.now += 5_000;
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.client.outbox_len(), 1);
}

#[test]
fn an_event_that_has_expired_does_not_leave_when_the_link_comes_back() {
    let mut page = Page::new(Options::default());
    page.publish("late", expires(1_500));
    page.publish("fine", PublishOptions::default());
    page.now = 2_000;
    page.go_online(0, "", false);
    page.client.tick(page.now);
    page.run();
    assert_eq!(page.published(), [(2, "fine".into(), 1)]);
    assert_eq!(page.rejected(), [("late", RejectCode::Expired)]);
}

#[test]
fn an_event_can_be_taken_back_until_it_may_have_left() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    page.holds = true;
    page.publish("writing", PublishOptions::default());
    page.publish("waiting", PublishOptions::default());
    for id in ["a", "writing", "waiting"] {
        assert!(page.client.cancel(id), "{id}");
    }
    assert!(!page.client.cancel("unknown"));
    page.holds = false;
    page.run();
    while !page.asked.is_empty() {
        page.answer();
        page.run();
    }
    let mut rejected = page.rejected();
    rejected.sort_unstable_by_key(|(id, _)| *id);
    let all = ["a", "waiting", "writing"].map(|id| (id, RejectCode::Cancelled));
    assert_eq!(rejected, all);
    assert!(page.store.saved().rows.is_empty() && page.client.outbox_len() == 0);
    page.go_online(0, "", false);
    page.publish("b", PublishOptions::default());
    assert!(!page.client.cancel("b"));
    assert_eq!(page.published().len(), 1);
}

#[test]
fn an_event_that_another_tab_has_dropped_is_not_sent() {
    let mut page = Page::new(Options::default());
    page.publish("late", expires(1_500));
    let client = page.store.saved().client;
    let (numbers, why) = (vec![1], RejectCode::Expired);
    page.store.run(StoreRequest::Drop { client, numbers: numbers.clone(), why });
    page.store.run(StoreRequest::Erase { client, numbers, decided: (0, String::new()) });
    page.now = 2_000;
    page.client.tick(page.now);
    page.run();
    page.go_online(0, "", false);
    assert_eq!(page.published(), []);
    assert_eq!(page.client.outbox_len(), 1, "the other tab will say what became of it");
}

#[test]
fn what_was_dropped_for_a_page_that_is_gone_is_reported_to_the_next_one() {
    let drops: [fn([u8; 16]) -> StoreRequest; 2] = [
        |client| StoreRequest::Drop { client, numbers: vec![1], why: RejectCode::Expired },
        |from| StoreRequest::Renew { from, highest: 1, client: [5; 16], secret: Secret([6; 32]) },
    ];
    for (drops, why) in drops.into_iter().zip([RejectCode::Expired, RejectCode::Uncertain]) {
        let mut page = Page::new(Options::default());
        page.publish("a", PublishOptions::default());
        // The store has done it, and the page closes before it learns so.
        page.store.run(drops(page.store.saved().client));
        let page = page.reload(7);
        assert_eq!(page.pending, ["a"], "the new page does not know of it");
        assert_eq!(page.rejected(), [("a", why)]);
        let page = page.reload(8);
        assert!(page.pending.is_empty() && page.settled.is_empty(), "it was reported once");
        assert!(page.store.saved().rows.is_empty());
    }
}

#[test]
fn an_event_that_another_tab_has_marked_is_not_taken_back() {
    let mut page = Page::new(Options::default());
    page.publish("a", PublishOptions::default());
    let client = page.store.saved().client;
    page.store.run(StoreRequest::Mark { client, numbers: vec![1] });
    assert!(page.client.cancel("a"));
    page.run();
    assert!(page.settled.is_empty());
    page.go_online(0, "", false);
    page.ack(1, Durability::Disk);
    assert!(matches!(page.settled[..], [(_, Outcome::Stored(..))]));
}
