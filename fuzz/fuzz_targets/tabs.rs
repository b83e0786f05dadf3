//! A tab with arbitrary messages from other tabs. Without the lock it neither opens a socket nor sends, and each
//! event is settled once.
#![no_main]

use topic::{Pattern, Topic};
use fuzzing::{Store, entropy, steps};
use libfuzzer_sys::fuzz_target;
use session::client::{Effect as ClientEffect, Options};
use session::tabs::{Effect, Lane, Tab};
use session::{Body, Start};

struct Page {
    tab: Tab,
    store: Store,
    has_lock: bool,
    now: u64,
}

fuzz_target!(|bytes: &[u8]| {
    let mut page = Page::new();
    page.tab.start(0);
    page.carry_out();
    for (index, (kind, step)) in steps(bytes).enumerate() {
        page.now += u64::from(kind >> 4);
        let now = page.now;
        match kind & 15 {
            1 => page.now += 100 * u64::from(step.first().copied().unwrap_or(255)),
            2 => page.store.fails = !page.store.fails,
            3 => {
                page.has_lock = true;
                page.tab.lock_granted(now);
            }
            4 => {
                page.has_lock = false;
                page.tab.lock_lost(now);
            }
            5 => page.tab.leave(now),
            6 => page.tab.start(now),
            7 => page.publish(index),
            8 => _ = page.tab.cancel(&index.saturating_sub(step.len()).to_string()),
            9 => {
                if let Some(client) = page.tab.client_on(Lane::Shared, now) {
                    client.received(step, now);
                }
            }
            10 => {
                if let Some(client) = page.tab.client_on(Lane::Shared, now) {
                    client.closed(4_000 + step.len() as u16, "", now);
                }
            }
            11 => page.tab.wake(now),
            12 => {
                if let Some(fallback) = page.tab.fallback() {
                    fallback.received(step, now);
                }
            }
            13 => {
                if let Some(fallback) = page.tab.fallback() {
                    fallback.closed(4_000 + step.len() as u16, "", now);
                }
            }
            _ => page.tab.heard(step, now),
        }
        page.carry_out();
        page.tab.tick(page.now);
        page.carry_out();
    }
});

impl Page {
    fn new() -> Self {
        let mut entropy = entropy(7);
        let store = Store::new(&mut entropy);
        let options = Options { tab: [1; 16], ..Options::default() };
        let mut tab = Tab::new(options, entropy, store.saved());
        if let Ok(pattern) = Pattern::parse(">") {
            tab.client().subscribe(pattern, Start::Earliest);
        }
        Self { tab, store, has_lock: false, now: 0 }
    }

    fn publish(&mut self, index: usize) {
        let Ok(topic) = Topic::parse("a.x") else { return };
        let body = Body { id: index.to_string(), ..Body::default() };
        let _ = self.tab.client().publish(topic, &body, self.now);
    }

    fn carry_out(&mut self) {
        // Bounded: others may make it ask for ever.
        for _ in 0..1_000 {
            let Some(effect) = self.tab.poll() else { return };
            match effect {
                Effect::Client(ClientEffect::Store(asked)) => {
                    self.tab.answer(self.store.run(asked), self.now);
                }
                Effect::Client(ClientEffect::Open) => {
                    assert!(self.has_lock, "opens a socket without the lock");
                    let client = self.tab.client_on(Lane::Shared, self.now);
                    client.expect("it asks for a socket").opened(self.now);
                }
                Effect::Client(ClientEffect::Send(_)) => {
                    assert!(self.has_lock, "sends without the lock");
                }
                Effect::Client(ClientEffect::Settled { id, outcome, .. })
                | Effect::Fallback(ClientEffect::Settled { id, outcome, .. }) => {
                    self.store.settle(id, &outcome);
                }
                Effect::Fallback(ClientEffect::Open) => {
                    let fallback = self.tab.fallback().expect("it asks for a socket");
                    fallback.opened(self.now);
                }
                Effect::ReleaseLock => self.has_lock = false,
                _ => {}
            }
        }
    }
}
