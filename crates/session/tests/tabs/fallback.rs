//! A store that rejects writes: events are sent from memory, and nothing else changes.

use session::client::{
    Effect as ClientEffect, MemoryOutbox, Options, Outcome, SavedState, StoreError, StoreFailed,
    StoreRequest,
};
use session::tabs::{Effect, Lane, Tab};
use session::*;
use topic::Pattern;

use crate::browser::{entropy, topic};
use crate::dialogue::WELCOME;
use crate::world::body;
use crate::{check, ids, online, random_schedule};

#[test]
fn what_the_store_does_not_take_is_reported_and_goes_out_from_memory_in_order() {
    for publisher in [0, 1] {
        let mut browser = online(31, 2);
        browser.fails = true;
        for _ in 0..3 {
            browser.publish(publisher);
        }
        browser.settle();
        check(&browser, "the store is full");
        let page = &browser.tabs[publisher];
        assert_eq!(ids(&browser), page.published);
        assert_eq!((&page.kept, page.failures > 0), (&page.published, true));
        assert!(
            browser.store.saved().rows.is_empty() && browser.tabs[1 - publisher].fallback.is_none()
        );
    }
}

#[test]
fn what_waits_in_memory_is_counted_and_taken_back() {
    let mut browser = online(32, 1);
    browser.fails = true;
    browser.publish(0);
    browser.run_store(0);
    while browser.tabs[0].kept.is_empty() {
        browser.step();
    }
    let id = browser.tabs[0].published[0].clone();
    let page = &mut browser.tabs[0];
    assert!(page.tab.is_in_memory(&id) && page.tab.outbox_len() == 1);
    assert!(page.tab.cancel(&id));
    page.published.clear();
    browser.settle();
    let page = &browser.tabs[0];
    let why = page.settled.iter().map(|(_, outcome)| outcome);
    assert!(why.into_iter().all(|it| matches!(it, Outcome::Rejected(RejectCode::Cancelled, _))));
    assert!(ids(&browser).is_empty() && page.tab.outbox_len() == 0 && !page.tab.is_in_memory(&id));
}

#[test]
fn no_event_goes_past_one_that_waits_in_memory_and_afterwards_the_store_is_asked_again() {
    let mut browser = online(33, 2);
    browser.fails = true;
    browser.publish(1);
    while browser.tabs[1].fallback.is_none() {
        browser.step();
    }
    browser.fails = false;
    browser.publish(1);
    browser.run_store(1);
    assert!(browser.store.saved().rows.is_empty(), "the second waits behind the first");
    browser.settle();
    check(&browser, "the store has room again");
    assert_eq!(ids(&browser), browser.tabs[1].published);

    assert!(browser.tabs[1].fallback.is_some(), "the store was not asked since");
    browser.publish(1);
    browser.settle();
    assert_eq!(ids(&browser), browser.tabs[1].published);
    assert!(browser.tabs[1].fallback.is_none(), "the store takes events");
}

#[test]
fn a_page_that_is_put_away_sends_what_it_has_in_memory_when_it_is_back() {
    let mut browser = online(34, 2);
    browser.fails = true;
    browser.publish(0);
    while browser.tabs[0].fallback.is_none() {
        browser.step();
    }
    browser.leave(0);
    assert!(browser.tabs[0].fallback.is_none());
    browser.settle();
    assert!(browser.tabs[1].tab.leads() && ids(&browser).is_empty());
    browser.come_back(0);
    browser.settle();
    check(&browser, "it is back");
    assert_eq!(ids(&browser), browser.tabs[0].published);
}

/// Random schedules. A failure names its seed.
#[test]
fn nothing_is_lost_or_doubled_whatever_the_store_does_not_take() {
    for seed in 0..50 {
        let browser = random_schedule(seed, |browser| &mut browser.fails);
        let logged = ids(&browser);
        for page in &browser.tabs {
            // Stored events, and events in memory, have no order between them.
            for in_memory in [true, false] {
                let of = |id: &&String| {
                    page.in_memory.contains(*id) == in_memory && page.published.contains(id)
                };
                let logged: Vec<&String> = logged.iter().filter(of).collect();
                let published: Vec<&String> = page.published.iter().filter(of).collect();
                assert_eq!(logged, published, "lost or out of order, seed {seed}");
            }
        }
    }
}

/// A tab alone, whose store takes no events, and its two links.
struct Scripted {
    tab: Tab,
    store: MemoryOutbox,
    reports: Vec<String>,
    /// The lanes that connected.
    opened: Vec<Lane>,
}

impl Scripted {
    fn new() -> Self {
        let store = MemoryOutbox::new(SavedState::new(&mut entropy(1)));
        let mut tab = Tab::new(Options::default(), entropy(2), store.saved().clone());
        tab.start(0);
        tab.lock_granted(0);
        Self { tab, store, reports: Vec::new(), opened: Vec::new() }
    }

    fn run(&mut self) {
        while let Some(effect) = self.tab.poll() {
            let (lane, effect) = match effect {
                Effect::Client(effect) => (Lane::Shared, effect),
                Effect::Fallback(effect) => (Lane::Fallback, effect),
                _ => continue,
            };
            match effect {
                ClientEffect::Store(asked @ StoreRequest::Keep { .. }) => {
                    self.tab.answer(Err(StoreFailed { asked, error: StoreError::Full }), 0);
                }
                ClientEffect::Store(asked) => self.tab.answer(Ok(self.store.run(asked)), 0),
                ClientEffect::Open => {
                    self.opened.push(lane);
                    self.tab.client_on(lane, 0).unwrap().opened(0);
                }
                ClientEffect::Deliver(delivery) => {
                    self.reports.push(format!("{} delivered", delivery.body.id));
                }
                ClientEffect::Settled { id, comes, .. } => {
                    self.reports.push(format!("{id} settled, comes: {comes}"));
                }
                ClientEffect::Passed { id } => self.reports.push(format!("{id} passed")),
                _ => {}
            }
        }
    }

    /// The peer sends a frame on one of the links.
    fn say(&mut self, lane: Lane, frame: FromPeer) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.tab.client_on(lane, 0).unwrap().received(&bytes, 0);
        self.run();
    }
}

#[test]
fn a_user_who_connects_waits_for_neither_link() {
    let mut page = Scripted::new();
    page.run();
    page.say(Lane::Shared, FromPeer::Welcome(WELCOME));
    page.tab.client().publish(topic("a"), &body("one"), 0).unwrap();
    page.run();
    for lane in [Lane::Shared, Lane::Fallback] {
        page.tab.client_on(lane, 0).unwrap().closed(1_006, "", 0);
    }
    page.run();
    page.opened.clear();
    page.tab.connect(0);
    page.run();
    for lane in [Lane::Shared, Lane::Fallback] {
        assert_eq!(page.opened.iter().filter(|&&opened| opened == lane).count(), 1, "{lane:?}");
    }
}

#[test]
fn a_subscription_of_the_tab_delivers_what_went_out_from_memory() {
    let position = |offset| Position { stream: Stream::MAIN, epoch: 1, offset, id: None };
    let mut page = Scripted::new();
    page.tab.client().subscribe(Pattern::parse("a").unwrap(), Start::Latest);
    page.run();
    page.say(Lane::Shared, FromPeer::Welcome(WELCOME));
    let (subscription, head, others) = (1, position(0), Vec::new());
    page.say(
        Lane::Shared,
        FromPeer::Subscribed(Subscribed { subscription, head, reset: false, others }),
    );
    for (id, at) in [("one", "a"), ("two", "b")] {
        page.tab.client().publish(topic(at), &body(id), 0).unwrap();
    }
    page.run();
    page.say(Lane::Fallback, FromPeer::Welcome(WELCOME));
    for number in [1, 2] {
        let (position, durability) = (position(number), Durability::Disk);
        page.say(Lane::Fallback, FromPeer::Ack(Ack { number, position, durability }));
    }
    page.say(
        Lane::Shared,
        FromPeer::Event(Event {
            topic: 0,
            name: Some("a".to_owned()),
            recipients: vec![Recipient { subscription, previous: Some(0) }],
            offset: Some(1),
            body: body("one").encode(),
            stream: Stream::MAIN,
        }),
    );
    assert_eq!(
        page.reports,
        ["one settled, comes: true", "two settled, comes: false", "one delivered", "one passed"]
    );
}
