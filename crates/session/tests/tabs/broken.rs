//! A store that cannot even be read, or that the tabs cannot share. The link works in both directions.

use session::client::{Effect as ClientEffect, MemoryOutbox, Options, SavedState, StoreRequest};
use session::tabs::{Effect, Tab};

use crate::browser::topic;
use crate::world::body;
use crate::{check, ids, online, random_schedule};

#[test]
fn a_tab_that_leads_while_the_store_is_broken_reads_and_publishes() {
    let mut browser = online(41, 2);
    browser.is_broken = true;
    browser.crash(0);
    let begun = browser.now;
    browser.publish(1);
    browser.settle();
    check(&browser, "the store is broken");
    assert!(browser.tabs[1].tab.leads() && browser.tabs[1].fallback.is_some());
    assert!(browser.now - begun < 1_000, "it took {} ms", browser.now - begun);
    browser.is_broken = false;
    // The store is tried again later.
    for _ in 0..3 {
        browser.advance();
        browser.rest();
    }
    browser.publish(1);
    browser.settle();
    assert!(browser.tabs[1].fallback.is_none(), "the store takes events");
    assert_eq!(ids(&browser), browser.tabs[1].published);
}

#[test]
fn what_was_kept_before_the_store_broke_leaves_when_it_is_mended() {
    let mut browser = online(42, 2);
    browser.cut();
    browser.publish(0);
    browser.run_store(0);
    browser.crash(0);
    browser.is_broken = true;
    browser.publish(1);
    while !browser.tabs[1].tab.leads() || ids(&browser).is_empty() {
        browser.rest();
        browser.advance();
    }
    assert_eq!((ids(&browser), browser.store.saved().rows.len()), (vec!["1-2".to_owned()], 1));
    browser.is_broken = false;
    browser.settle();
    assert_eq!(ids(&browser), ["1-2", "0-1"]);
}

/// Random schedules. A failure names its seed.
#[test]
fn nothing_is_lost_or_doubled_however_the_store_breaks() {
    for seed in 0..50 {
        let browser = random_schedule(seed, |browser| &mut browser.is_broken);
        let published: usize = browser.tabs.iter().map(|page| page.published.len()).sum();
        assert_eq!(ids(&browser).len(), published, "lost, seed {seed}");
    }
}

/// Answers a tab's store requests, and returns the rows to keep.
fn run(tab: &mut Tab, store: &mut MemoryOutbox) -> Vec<String> {
    let mut kept = Vec::new();
    while let Some(effect) = tab.poll() {
        match effect {
            Effect::Client(ClientEffect::Store(asked)) => {
                if let StoreRequest::Keep { rows, .. } = &asked {
                    kept.extend(rows.iter().map(|row| row.id.clone()));
                }
                tab.answer(Ok(store.run(asked)), 0);
            }
            Effect::Client(ClientEffect::Settled { id, outcome, .. }) => {
                panic!("{id}: {outcome:?}")
            }
            _ => {}
        }
    }
    kept
}

#[test]
fn a_tab_that_goes_alone_leaves_what_it_has_kept_and_begins_anew() {
    let empty = |seed| MemoryOutbox::new(SavedState::new(&mut crate::browser::entropy(seed)));
    let (mut shared, mut own) = (empty(1), empty(2));
    let saved = shared.saved().clone();
    let mut tab = Tab::new(Options::default(), crate::browser::entropy(3), saved);
    tab.start(0);
    tab.client().publish(topic("a"), &body("before"), 0).unwrap();
    assert_eq!(run(&mut tab, &mut shared), ["before"]);
    tab.go_alone(0);
    tab.client().publish(topic("a"), &body("after"), 0).unwrap();
    assert_eq!(run(&mut tab, &mut own), ["after"]);
    assert!(tab.leads() && tab.outbox_len() == 1);
    assert_eq!(tab.client().id(), own.saved().client);
    assert_eq!(shared.saved().rows.len(), 1, "the next page finds it");
}
