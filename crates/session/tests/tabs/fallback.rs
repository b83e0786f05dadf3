//! A store that rejects writes: events are sent from memory, and nothing else changes.

use std::collections::BTreeSet;

use session::RejectCode;
use session::client::Outcome;

use crate::browser::Browser;
use crate::{check, ids};

/// Tabs that share a working link. The first one leads.
fn online(seed: u64, tabs: usize) -> Browser {
    let mut browser = Browser::new(seed);
    browser.open();
    browser.settle();
    for _ in 1..tabs {
        browser.open();
    }
    browser.settle();
    assert!(browser.tabs[0].tab.leads());
    browser
}

#[test]
fn what_the_store_does_not_take_is_told_and_goes_out_from_memory_in_order() {
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
        let mut browser = online(seed, 1 + seed as usize % 3);
        for _ in 0..100 {
            let running = browser.running();
            let tab = running[browser.random(running.len())];
            match browser.random(12) {
                0 | 1 => browser.fails ^= true,
                2 => browser.cut(),
                3 => browser.leave(tab),
                4 | 5 => browser.advance(),
                _ => browser.publish(tab),
            }
            for tab in 0..browser.tabs.len() {
                if browser.tabs[tab].left && browser.random(2) == 0 || browser.running().is_empty()
                {
                    browser.come_back(tab);
                }
            }
            for _ in 0..browser.random(30) {
                browser.step();
            }
        }
        browser.fails = false;
        for tab in 0..browser.tabs.len() {
            if browser.tabs[tab].left {
                browser.come_back(tab);
            }
        }
        browser.settle();
        let (logged, once) = (ids(&browser), BTreeSet::from_iter(ids(&browser)));
        assert_eq!(logged.len(), once.len(), "doubled, seed {seed}");
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
