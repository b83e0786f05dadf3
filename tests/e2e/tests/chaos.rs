//! Everything breaks at once: two browsers with two tabs each send while the relay is killed, tabs are reloaded, and
//! the network is cut, stalled and half open. In the end every tab has every kept message once and in the same order,
//! and all outboxes are empty.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Network, Proxy, Relay, eventually};
use fantoccini::wd::WindowHandle;
use serde_json::Value;

const TOPIC: &str = "chaos.numbered";
const SCRIPT: &str = include_str!("chaos/tab.js");
/// How many messages each browser sends with its two tabs.
const MESSAGES: usize = 2_000;
/// How many messages a tab sends at a time.
const BURST: usize = 25;
const KILLS: usize = 20;
const RELOADS: usize = 20;
const BREAKS: usize = 15;

struct Tab<'b> {
    browser: &'b Browser,
    window: WindowHandle,
    name: String,
}

impl Tab<'_> {
    /// Loads or reloads the page.
    async fn load(&self, url: &str) {
        self.browser.show(&self.window).await;
        self.browser.goto(&format!("{url}/embed.html")).await;
        let arguments = vec![TOPIC.into(), self.name.as_str().into()];
        assert_eq!(self.browser.run_async(SCRIPT, arguments).await, Value::Null);
    }

    async fn run(&self, script: &str) -> Value {
        self.browser.show(&self.window).await;
        self.browser.run(script, vec![]).await
    }

    async fn texts(&self, script: &str) -> Vec<String> {
        let texts = self.run(script).await;
        let texts = texts.as_array().cloned().unwrap_or_default();
        texts.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_on_a_half_open_link_reveals_it_long_before_a_missed_heartbeat() {
    let (driver, relay, pages) =
        (Driver::start().await, Relay::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &pages.address()).await;
    let browser = Browser::open(&driver).await;
    let tab = Tab { browser: &browser, window: browser.tab().await, name: "tab".to_owned() };
    tab.load(&network.url()).await;
    let link_is = async |state: &str| {
        eventually(state, async || {
            (tab.run("return chaos.link.state").await == state).then_some(())
        })
        .await;
    };
    link_is("online").await;
    network.set(Network::HalfOpen);
    let since = Instant::now();
    tab.run("chaos.send(1)").await;
    link_is("offline").await;
    assert!(since.elapsed() < Duration::from_secs(20), "after {:?}", since.elapsed());
    network.set(Network::Whole);
    eventually("a kept message", async || {
        (tab.texts("return chaos.read('kept')").await == ["tab.0"]).then_some(())
    })
    .await;
    eventually("an empty outbox", async || {
        (tab.run("return chaos.link.outbox").await == 0).then_some(())
    })
    .await;
    browser.close().await;
}

#[derive(Clone, Copy)]
enum Step {
    Send,
    Kill,
    Reload,
    Break(Network),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_every_tab_has_every_kept_message_once_and_in_one_order() {
    let seed = std::env::var("EDK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("EDK_SEED={seed} repeats these steps, but not their timing");
    let mut random = fastrand::Rng::with_seed(seed);

    let (driver, mut relay) = (Driver::start().await, Relay::start().await);
    let pages = Relay::start().await;
    let network = Proxy::start(&relay.address(), &pages.address()).await;
    let browsers = [Browser::open(&driver).await, Browser::open(&driver).await];
    let mut tabs = Vec::new();
    for (number, browser) in browsers.iter().enumerate() {
        for (side, window) in [("l", browser.tab().await), ("r", browser.open_tab().await)] {
            let tab = Tab { browser, window, name: format!("{number}{side}") };
            tab.load(&network.url()).await;
            tabs.push(tab);
        }
    }

    let mut left = vec![MESSAGES / 2 / BURST; tabs.len()];
    let mut steps = vec![Step::Send; left.iter().sum()];
    steps.extend([Step::Kill; KILLS]);
    steps.extend([Step::Reload; RELOADS]);
    let breaks = [Network::Cut, Network::Stalled, Network::HalfOpen];
    steps.extend(breaks.iter().cycle().take(BREAKS).map(|network| Step::Break(*network)));
    random.shuffle(&mut steps);
    for step in steps {
        match step {
            Step::Send => {
                let able: Vec<usize> = (0..tabs.len()).filter(|tab| left[*tab] > 0).collect();
                let tab = able[random.usize(..able.len())];
                left[tab] -= 1;
                tabs[tab].run(&format!("chaos.send({BURST})")).await;
            }
            Step::Kill => {
                relay.kill().await;
                relay.restart().await;
            }
            Step::Reload => tabs[random.usize(..tabs.len())].load(&network.url()).await,
            Step::Break(how) => {
                network.set(how);
                tokio::time::sleep(Duration::from_millis(random.u64(50..400))).await;
                network.set(Network::Whole);
            }
        }
    }

    let mut kept = HashSet::new();
    for tab in &tabs {
        eventually("an empty outbox", async || {
            (tab.run("return chaos.link.outbox").await == 0).then_some(())
        })
        .await;
        kept.extend(tab.texts("return chaos.read('kept')").await);
    }
    assert!(kept.len() >= MESSAGES, "only {} messages were kept", kept.len());
    // A tab that starts now reads the whole log.
    tabs[0].load(&network.url()).await;
    let log = eventually("every kept message in the log", async || {
        let heard = tabs[0].texts("return chaos.heard").await;
        let found: HashSet<&String> = heard.iter().collect();
        kept.iter().all(|text| found.contains(text)).then_some(heard)
    })
    .await;
    assert_eq!(log.iter().collect::<HashSet<_>>().len(), log.len(), "a message occurs twice");
    for tab in &tabs {
        let number = |text: &&String| text.split_once('.').and_then(|(_, n)| n.parse::<u32>().ok());
        let own: Vec<_> = log.iter().filter(|text| text.starts_with(&tab.name)).collect();
        assert!(own.is_sorted_by_key(number), "messages of {} are out of order", tab.name);
        let heard = eventually("the end of the log in every tab", async || {
            let heard = tab.texts("return chaos.heard").await;
            (heard.len() >= log.len()).then_some(heard)
        })
        .await;
        assert_eq!(heard, log, "messages in {}", tab.name);
    }
    for browser in browsers {
        browser.close().await;
    }
}
