//! Tabs that share a link: whichever leads, nothing is lost, duplicated or reordered.

mod broken;
mod browser;
#[path = "../dialogue/mod.rs"]
mod dialogue;
mod fallback;
mod socket;
#[path = "../world/mod.rs"]
mod world;

use std::collections::BTreeSet;

use browser::{Browser, SIGNATURE, topic};
use session::client::Outcome;
use session::rights::PatternLists;
use session::server::Granted;
use session::{Body, RejectCode};
use world::body;

fn ids(browser: &Browser) -> Vec<String> {
    browser.peer.store.events(0).map(|(_, id)| id.to_owned()).collect()
}

/// Tabs that open at once and share a working link.
fn opened(seed: u64, tabs: usize) -> Browser {
    let mut browser = Browser::new(seed);
    for _ in 0..tabs {
        browser.open();
    }
    browser.settle();
    browser
}

/// Tabs that share a working link. The first one leads.
fn online(seed: u64, tabs: usize) -> Browser {
    online_in(Browser::new(seed), tabs)
}

fn online_in(mut browser: Browser, tabs: usize) -> Browser {
    for _ in 0..tabs {
        browser.open();
        browser.settle();
    }
    assert!(browser.tabs[0].tab.leads());
    browser
}

/// Tabs that publish, leave and come back at random, while their store fails and recovers; in half of the schedules
/// they sign. At the end the store works, all tabs are back, no event is in the log twice, and none without its
/// signature.
fn random_schedule(seed: u64, store_fails: impl Fn(&mut Browser) -> &mut bool) -> Browser {
    let mut browser = Browser::new(seed);
    browser.signs = seed.is_multiple_of(2);
    let mut browser = online_in(browser, 1 + seed as usize % 3);
    for _ in 0..100 {
        let running = browser.running();
        let tab = running[browser.random(running.len())];
        match browser.random(12) {
            0 | 1 => *store_fails(&mut browser) ^= true,
            2 => browser.cut(),
            3 => browser.leave(tab),
            4 | 5 => browser.advance(),
            _ => browser.publish(tab),
        }
        for tab in 0..browser.tabs.len() {
            if browser.tabs[tab].left && browser.random(2) == 0 || browser.running().is_empty() {
                browser.come_back(tab);
            }
        }
        for _ in 0..browser.random(30) {
            browser.step();
        }
    }
    *store_fails(&mut browser) = false;
    for tab in 0..browser.tabs.len() {
        if browser.tabs[tab].left {
            browser.come_back(tab);
        }
    }
    browser.settle();
    let (logged, once) = (ids(&browser), BTreeSet::from_iter(ids(&browser)));
    assert_eq!(logged.len(), once.len(), "doubled, seed {seed}");
    for (event, id) in browser.peer.store.events(0) {
        let signature = Body::decode(&event.body).unwrap().signature;
        let expected = browser.must_be_signed(id).then_some(SIGNATURE);
        assert_eq!(signature, expected, "the signature of {id}, seed {seed}");
    }
    browser
}

#[test]
fn changed_rights_reach_the_tabs_that_follow() {
    let mut browser = online(5, 3);
    let lists = PatternLists { subscribe: Some(vec![">".to_owned()]), ..PatternLists::default() };
    let rights = lists.parse().unwrap();
    let connection = *browser.peer.connections.last_key_value().unwrap().0;
    let granted = Granted { rights: rights.clone(), ..Granted::default() };
    for granted in [Granted::default(), granted] {
        browser.peer.server(connection).unwrap().granted(granted, browser.now);
    }
    browser.settle();
    // A tab that opens later learns of them from the leader.
    browser.open();
    browser.settle();
    for page in &mut browser.tabs {
        assert_eq!(*page.tab.client().rights(), rights);
    }
}

/// Every running tab has read the whole log, once and in order, and has an outcome for everything that it published.
/// Only a tab that was away when outcomes were reported may get an uncertain one.
fn check(browser: &Browser, context: &str) {
    let logged = ids(browser);
    let once: BTreeSet<&String> = logged.iter().collect();
    assert_eq!(once.len(), logged.len(), "doubled, {context}: {logged:?}");
    let expected: Vec<(u64, String)> = (1..).zip(logged.iter().cloned()).collect();
    for (index, page) in browser.tabs.iter().enumerate() {
        let own = format!("{index}-");
        let in_log: Vec<&String> = logged.iter().filter(|id| id.starts_with(&own)).collect();
        let mut published = page.published.iter();
        for id in in_log {
            assert!(published.any(|other| other == id), "order, {context}, tab {index}");
        }
    }
    for tab in browser.running() {
        let page = &browser.tabs[tab];
        assert_eq!(page.delivered, expected, "{context}, tab {tab}");
        let settled: BTreeSet<&String> = page.settled.iter().map(|(id, _)| id).collect();
        assert_eq!(settled.len(), page.settled.len(), "settled twice, {context}, tab {tab}");
        for id in page.published.iter().chain(&page.pending) {
            let outcome = page.settled.iter().find(|(settled, _)| settled == id);
            match outcome {
                Some((_, Outcome::Stored(position, _))) => {
                    assert_eq!(&logged[position.offset as usize - 1], id, "{context}");
                }
                // The tabs that knew were gone when it came back.
                Some((_, Outcome::Rejected(RejectCode::Uncertain, _)))
                    if page.missed.contains(id) => {}
                outcome => panic!("{id} is {outcome:?}, {context}, tab {tab}"),
            }
        }
    }
}

#[test]
fn the_tabs_of_a_browser_share_one_link() {
    let mut browser = opened(1, 3);
    for tab in [2, 0, 1, 2] {
        browser.publish(tab);
    }
    browser.settle();
    check(&browser, "");
    assert_eq!(browser.tabs.iter().filter(|page| page.tab.leads()).count(), 1);
    assert_eq!(browser.tabs.iter().map(|page| page.pending.len()).sum::<usize>(), 8);
    assert_eq!(browser.tabs.iter().map(|page| page.tab.ignored()).sum::<u64>(), 0);
}

#[test]
fn local_and_ephemeral_events_reach_the_other_tabs() {
    let mut browser = opened(2, 3);
    browser.tabs[1].tab.share(&topic("here"), &body("local"));
    assert!(browser.tabs[2].tab.send_ephemeral(&topic("typing"), &body("typing")));
    for _ in 0..500 {
        browser.step();
    }
    let mut shared: Vec<Vec<String>> =
        browser.tabs.iter().map(|page| page.shared.clone()).collect();
    shared[0].sort();
    assert_eq!(shared, [vec!["local", "typing"], vec!["typing"], vec!["local"]]);
}

#[test]
fn a_follower_deletes_through_its_leader() {
    let mut browser = online(9, 2);
    browser.publish(1);
    browser.settle();
    let target = browser.peer.store.heads().remove(0);
    let id = browser.tabs[1].tab.client().delete(target);
    browser.settle();
    let deletion = browser.peer.store.heads().remove(0);
    assert_eq!(deletion.offset, 2);
    assert_eq!(browser.tabs[1].deletions, [(id, Ok(deletion))]);
    assert_eq!(browser.tabs[0].deletions, []);
    check(&browser, "");
}

#[test]
fn when_the_leader_leaves_another_takes_over() {
    for how in 0..3 {
        let mut browser = opened(3 + how, 3);
        for tab in 0..3 {
            browser.publish(tab);
        }
        let leader = browser.tabs.iter().position(|page| page.tab.leads()).unwrap();
        match how {
            0 => browser.close(leader),
            1 => browser.leave(leader),
            _ => browser.tabs[leader].frozen = true,
        }
        for tab in browser.running() {
            browser.publish(tab);
        }
        browser.settle();
        check(&browser, &format!("how {how}"));
        let leads = |tab: usize| browser.tabs[tab].tab.leads();
        assert_eq!(browser.running().into_iter().filter(|tab| leads(*tab)).count(), 1);
    }
}

#[test]
fn a_tab_that_crashed_has_left_although_another_asks_for_the_leader_all_the_time() {
    let mut browser = opened(6, 3);
    let crashed = browser.tabs.iter().position(|page| !page.tab.leads()).unwrap();
    let room = topic("room");
    browser.tabs[crashed].tab.client().join(&room, "ann".into(), Vec::new());
    let steps = |browser: &mut Browser| (0..200).for_each(|_| _ = browser.step());
    steps(&mut browser);
    assert!(browser.is_present(&room));
    browser.crash(crashed);
    let then = browser.now;
    while browser.is_present(&room) {
        assert!(browser.now < then + 120_000, "it is still there");
        browser.advance();
        steps(&mut browser);
    }
}

#[test]
fn arbitrary_bytes_on_the_channel_are_counted_and_change_nothing() {
    let mut browser = Browser::new(9);
    browser.open();
    browser.settle();
    for byte in 0..=255 {
        browser.tabs[0].tab.heard(&[byte; 7], 0);
        browser.tabs[0].tab.heard(&[0x82, byte, 0xa0], 0);
    }
    assert_eq!(browser.tabs[0].tab.ignored(), 512);
    browser.publish(0);
    browser.settle();
    check(&browser, "");
}

#[test]
fn a_tab_that_slept_before_it_learned_that_its_event_is_kept_gets_the_outcome() {
    let mut browser = opened(22, 2);
    let sleeper = browser.tabs.iter().position(|page| page.tab.leads()).unwrap();
    browser.publish(sleeper);
    assert!(browser.run_store(sleeper));
    browser.tabs[sleeper].frozen = true;
    browser.settle();
    assert_eq!(ids(&browser).len(), 1, "the other tab has sent it");
    browser.tabs[sleeper].frozen = false;
    browser.settle();
    check(&browser, "");
}

#[test]
fn a_row_is_not_lost_because_one_before_it_was_taken_back_while_it_was_marked() {
    let mut browser = Browser::new(23);
    let leader = browser.open();
    browser.settle();
    browser.tabs[leader].frozen = true;
    let other = browser.open();
    let steps = |browser: &mut Browser| (0..300).for_each(|_| _ = browser.step());
    browser.publish(other);
    steps(&mut browser);
    let first = browser.tabs[other].published[0].clone();
    assert!(browser.tabs[other].tab.client().cancel(&first));
    steps(&mut browser);
    browser.publish(other);
    steps(&mut browser);
    // The leader receives all of it before the store answers.
    browser.tabs[leader].frozen = false;
    browser.advance();
    browser.settle();
    let settled = &browser.tabs[other].settled;
    assert!(matches!(settled[0].1, Outcome::Rejected(RejectCode::Cancelled, _)), "{settled:?}");
    assert!(matches!(settled[1].1, Outcome::Stored(..)), "{settled:?}");
}

#[test]
fn what_a_page_keeps_while_it_goes_is_sent_by_those_that_stay() {
    for how_it_ends in 0..3 {
        let mut browser = opened(24, 2);
        let leader = browser.tabs.iter().position(|page| page.tab.leads()).unwrap();
        let going = 1 - leader;
        browser.publish(going);
        browser.publish(going);
        browser.close(going);
        // The leader finishes before the store gets that far.
        browser.tabs[going].frozen = true;
        (0..300).for_each(|_| _ = browser.step());
        match how_it_ends {
            0 => browser.tabs[going].frozen = false,
            // It ends before its store answers, and its next page reads what is there.
            1 => {
                assert!(browser.run_store(going));
                browser.end(going);
                browser.open();
                (0..500).for_each(|_| _ = browser.step());
                assert_eq!(ids(&browser).len(), 2, "sent without a wait");
            }
            // No tab follows it.
            _ => {
                assert!(browser.run_store(going));
                browser.end(going);
            }
        }
        browser.settle();
        check(&browser, &format!("how {how_it_ends}"));
        assert!(!ids(&browser).is_empty(), "how {how_it_ends}");
    }
}

#[test]
fn what_another_tab_keeps_under_the_first_numbers_of_a_new_client_is_sent() {
    let mut browser = opened(20, 2);
    let leader = browser.tabs.iter().position(|page| page.tab.leads()).unwrap();
    // A copy of the profile progresses on another machine.
    let mut copy = browser.copy();
    copy.open();
    copy.settle();
    for _ in 0..4 {
        copy.publish(0);
    }
    copy.settle();
    browser.peer.store = copy.peer.store;
    // The leader's rows with such numbers may be in the log, so it takes a new client.
    browser.cut();
    for _ in 0..3 {
        browser.publish(leader);
    }
    let client = browser.store.saved().client;
    browser.settle();
    assert_ne!(browser.store.saved().client, client);
    browser.publish(1 - leader);
    browser.settle();
    let page = &browser.tabs[1 - leader];
    let (_, outcome) = page.settled.last().unwrap();
    assert!(matches!(outcome, Outcome::Stored(..)), "{outcome:?}");
    assert_eq!(page.settled.last().map(|(id, _)| id), page.published.last());
}

/// Random schedules. A failure names its seed.
#[test]
fn nothing_is_lost_doubled_or_reordered_whatever_tabs_do() {
    let (first, count) = match std::env::var("TABS_SEED") {
        Ok(seed) => (seed.parse().unwrap(), 1),
        Err(_) => (0, 150),
    };
    for seed in first..first + count {
        let mut browser = Browser::new(seed);
        for _ in 0..2 {
            browser.open();
        }
        for _ in 0..150 {
            let running = browser.running();
            let some = running.get(browser.random(running.len().max(1))).copied();
            match (browser.random(24), some) {
                (0, _) if browser.tabs.len() < 8 => _ = browser.open(),
                (1, Some(tab)) => browser.crash(tab),
                (2, Some(tab)) => browser.close(tab),
                (3, Some(tab)) => browser.tabs[tab].frozen = true,
                (4, Some(tab)) => browser.leave(tab),
                (5 | 6, _) => {
                    let tab = browser.random(browser.tabs.len());
                    browser.tabs[tab].frozen = false;
                    if browser.tabs[tab].alive && browser.tabs[tab].left {
                        browser.come_back(tab);
                    }
                }
                (7, _) => browser.cut(),
                (8..=10, _) => browser.advance(),
                (_, Some(tab)) => browser.publish(tab),
                (_, None) => _ = browser.open(),
            }
            for _ in 0..browser.random(30) {
                browser.step();
            }
        }
        for tab in 0..browser.tabs.len() {
            browser.tabs[tab].frozen = false;
            if browser.tabs[tab].alive && browser.tabs[tab].left {
                browser.come_back(tab);
            }
        }
        if browser.running().is_empty() {
            browser.open();
        }
        browser.settle();
        check(&browser, &format!("seed {seed}"));
    }
}
