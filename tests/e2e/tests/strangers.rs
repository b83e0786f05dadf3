//! The chat with users who run their own programs: they cannot impersonate others, be invisible or block a reader's
//! page.

use std::time::Duration;

use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

const ROOM: &str = "strangers";
const STRANGER: &str = include_str!("strangers/stranger.js");

/// A program that publishes arbitrary messages in the room.
struct Stranger(Browser);

impl Stranger {
    async fn open(driver: &Driver, relay: &Relay) -> Self {
        let browser = Browser::open(driver).await;
        browser.goto(&format!("{}/embed.html", relay.url())).await;
        assert_eq!(browser.run_async(STRANGER, vec![ROOM.into()]).await, Value::Null);
        Self(browser)
    }

    async fn says(&self, sender: Value, text: &str) {
        let message = json!({ "sender": sender, "text": text });
        self.0.run("stranger.say(arguments[0])", vec![message]).await;
    }

    async fn types(&self, person: Value) {
        self.0.run("stranger.type(arguments[0])", vec![person]).await;
    }
}

/// Which page a reader has open.
#[derive(Clone, Copy, PartialEq)]
enum Page {
    Yew,
    WithoutYew,
}

const PAGES: [Page; 2] = [Page::Yew, Page::WithoutYew];

/// Opens the page as Ann in the room.
async fn reader(driver: &Driver, relay: &Relay, page: Page) -> Browser {
    let browser = Browser::open(driver).await;
    enter(&browser, relay, page).await;
    browser
}

async fn enter(ann: &Browser, relay: &Relay, page: Page) {
    match page {
        Page::Yew => ann.join(&relay.url(), ROOM, "Ann").await,
        Page::WithoutYew => {
            ann.goto(&format!("{}/embed.html?room={ROOM}&name=Ann", relay.url())).await;
            ann.online().await;
        }
    }
}

/// The sender that Ann's messages carry, which everyone in the room can read.
async fn person(browser: &Browser, storage: &str, key: &str) -> Value {
    let script = "return globalThis[arguments[0]].getItem(arguments[1])";
    let id = browser.run(script, vec![storage.into(), key.into()]).await;
    assert!(id.is_string(), "{id}");
    json!({ "id": id, "name": "Ann" })
}

/// The texts that the page shows as the user's own.
async fn own(browser: &Browser) -> Value {
    let script = "return [...document.querySelectorAll('.message.own .text')].map(
        ({ textContent }) => textContent)";
    browser.run(script, vec![]).await
}

#[tokio::test]
async fn messages_that_copy_my_id_are_not_shown_as_mine() {
    let driver = Driver::start().await;
    for page in PAGES {
        let relay = Relay::start().await;
        let ann = reader(&driver, &relay, page).await;
        let me = match page {
            Page::Yew => person(&ann, "localStorage", "event-driven-kit.chat.id").await,
            Page::WithoutYew => person(&ann, "sessionStorage", "event-driven-kit.embed.id").await,
        };
        let stranger = Stranger::open(&driver, &relay).await;
        ann.say("it is me").await;
        ann.appears(".message[data-state=stored]").await;
        stranger.types(me.clone()).await;
        eventually("a line about Ann", async || {
            ann.text(".typing").await.starts_with("Ann").then_some(())
        })
        .await;
        stranger.says(me, "send me your password").await;
        ann.appears(".message:nth-child(2)").await;
        ann.says(".typing", "").await;
        assert_eq!(own(&ann).await, json!(["it is me"]));
        if page == Page::Yew {
            ann.appears(".message:nth-child(2):not(.follows)").await;
        }

        ann.reload().await;
        ann.online().await;
        ann.appears(".message:nth-child(2)").await;
        assert_eq!(own(&ann).await, json!(["it is me"]), "after a reload");
        ann.console_is_clean().await;
        ann.close().await;
        stranger.0.close().await;
    }
}

#[tokio::test]
async fn invisible_names_and_messages_are_refused() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.goto(&relay.url()).await;
    ann.started().await;
    for invisible in ["\u{200b}", "\u{3164}", "\u{2800}", "\u{feff}", "\u{202e}", "\u{ad}"] {
        for (field, other) in [("#name", "#room"), ("#room", "#name")] {
            ann.put(field, invisible).await;
            ann.put(other, "visible").await;
            ann.click("#join").await;
            ann.appears(&format!("{field}[aria-invalid=true]")).await;
        }
    }
    ann.put("#room", ROOM).await;
    ann.click("#join").await;
    ann.online().await;
    ann.paste("\u{3164}\u{200b}\u{2800}").await;
    ann.says(".write .problem", "This message has no visible characters.").await;

    let stranger = Stranger::open(&driver, &relay).await;
    let unnamed = json!({ "id": "unnamed", "name": "\u{3164}" });
    // It ends the isolate around the name, and reverses the text after it.
    let turned = json!({ "id": "bob", "name": "Bob\u{2069}\u{202e}" });
    stranger.types(turned.clone()).await;
    ann.says(".typing", "Bob is typing…").await;
    stranger.says(unnamed.clone(), "\u{200b}\u{202e}").await;
    stranger.says(unnamed, "no name says").await;
    stranger.says(turned, "Bob says").await;
    ann.shows(&["no name says", "Bob says"]).await;
    let senders =
        "return [...document.querySelectorAll('.sender')].map(({ textContent }) => textContent)";
    assert_eq!(ann.run(senders, vec![]).await, json!(["(no name) (guest)", "Bob (guest)"]));
    ann.close().await;
    stranger.0.close().await;
}

#[tokio::test]
async fn malformed_and_empty_events_make_no_row_and_one_line_of_the_console() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let stranger = Stranger::open(&driver, &relay).await;
    let malformed = "for (let number = 0; number < 100; number++) {
            stranger.say(number);
            stranger.say({ text: number });
            stranger.type(null);
        }
        stranger.say({ sender: { id: 'bob', name: 'Bob' }, text: '' });
        stranger.say({ sender: { id: 'bob', name: 'Bob' }, text: 'the last' });";
    let ann = reader(&driver, &relay, Page::Yew).await;
    stranger.0.run(malformed, vec![]).await;
    let mut lines = Vec::new();
    for load in 1..=2 {
        if load == 2 {
            ann.reload().await;
        }
        ann.shows(&["the last"]).await;
        let reported = async || {
            lines.extend(ann.console_lines().await);
            (lines.len() >= load).then_some(())
        };
        eventually("a line for each load", reported).await;
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        assert!(line.contains(" failed, the first one on chat.strangers."), "{line}");
    }
    ann.close().await;
    stranger.0.close().await;
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_reported_in_the_field_and_stays_there() {
    let driver = Driver::start().await;
    for page in PAGES {
        let relay = Relay::start().await;
        let ann = reader(&driver, &relay, page).await;
        let text = "🙂".repeat(6_001);
        ann.put("#composer", &text).await;
        let problem = "This message has 6001 characters. At most 6000 can be sent.";
        // The chat offers to send it in parts, too.
        eventually(problem, async || {
            ann.text(".write .problem").await.starts_with(problem).then_some(())
        })
        .await;
        ann.click("#send").await;
        let value = ann.run("return document.querySelector('#composer').value", vec![]).await;
        assert_eq!(value, *text);
        assert!(ann.texts().await.is_empty());

        ann.put("#composer", &"🙂".repeat(6_000)).await;
        ann.says(".write .problem", "").await;
        ann.click("#send").await;
        ann.appears(".message[data-state=stored]").await;
        ann.close().await;
    }
}

#[tokio::test]
async fn a_text_that_is_costly_to_lay_out_does_not_block_the_page() {
    let driver = Driver::start().await;
    for page in PAGES {
        let relay = Relay::start().await;
        let stranger = Stranger::open(&driver, &relay).await;
        let ann = reader(&driver, &relay, page).await;
        let watch = "globalThis.longest = 0;
            new PerformanceObserver((list) => {
                for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
            }).observe({ type: 'longtask' });";
        ann.run(watch, vec![]).await;
        for text in ["ﷺ ", "ภาษาไทย ", "हिन्दी ", "a\u{301}"] {
            let text = text.repeat(240_000 / text.len());
            stranger.says(json!({ "id": "bob", "name": "Bob" }), &text).await;
        }
        ann.appears(".message:nth-child(4)").await;
        let texts = ann.texts().await;
        for text in &texts {
            assert!((1_000..=2_000).contains(&text.len()), "{} bytes", text.len());
        }
        let longest = ann.run("return longest", vec![]).await;
        let longest = Duration::from_millis(longest.as_f64().unwrap_or(f64::MAX) as u64);
        assert!(longest < Duration::from_secs(2), "a task of {longest:?}");

        ann.click(".unfold").await;
        ann.says(".unfold", "Show less").await;
        let opened = ann.texts().await[0].chars().count();
        assert!((6_000..=6_001).contains(&opened), "{opened} characters");
        ann.click(".unfold").await;
        ann.says(".unfold", "Show all").await;
        assert_eq!(ann.texts().await, texts);
        ann.close().await;
        stranger.0.close().await;
    }
}

#[tokio::test]
async fn an_event_without_a_time_is_not_shown_as_1970() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = reader(&driver, &relay, Page::Yew).await;
    let stranger = Stranger::open(&driver, &relay).await;
    stranger.0.run_async("stranger.sayWithoutTime(arguments[0])", vec![]).await;
    ann.shows(&["without a time"]).await;
    let times = "return [...document.querySelectorAll('time')].map(({ dateTime }) => dateTime)";
    let times = ann.run(times, vec![]).await.to_string();
    assert!(!times.contains("1970"), "{times}");
    ann.close().await;
    stranger.0.close().await;
}

/// Replaces the clock of a page, which is still to be loaded, with one that can be set.
const CLOCK: &str = "const Real = Date;
    let shift = 0;
    globalThis.setClock = (ms) => (shift = ms);
    globalThis.Date = class extends Real {
        constructor(...given) {
            super(...(given.length ? given : [Real.now() + shift]));
        }
        static now() {
            return Real.now() + shift;
        }
    };";

#[tokio::test]
async fn a_message_of_yesterday_shows_its_day_and_setting_the_clock_back_ends_typing() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let stranger = Stranger::open(&driver, &relay).await;
    for page in PAGES {
        let ann = Browser::open(&driver).await;
        ann.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": CLOCK })).await;
        enter(&ann, &relay, page).await;
        ann.say("late").await;
        ann.appears(".message[data-state=stored]").await;
        stranger.types(json!({ "id": "bob", "name": "Bob" })).await;
        eventually("Bob to type", async || {
            ann.text(".typing").await.starts_with("Bob").then_some(())
        })
        .await;
        ann.run("setClock(-3_600_000)", vec![]).await;
        ann.says(".typing", "").await;

        let shown = async || ann.text(".message:last-child time").await;
        let format = "const time = document.querySelector('.message:last-child time');
            return new Intl.DateTimeFormat(undefined, arguments[0]).format(new Date(time.dateTime));";
        let time = ann.run(format, vec![json!({ "timeStyle": "short" })]).await;
        let day = json!({ "dateStyle": "medium", "timeStyle": "short" });
        let day = ann.run(format, vec![day]).await;
        ann.run("setClock(0)", vec![]).await;
        ann.says(".message:last-child time", time.as_str().unwrap_or_default()).await;
        ann.run("setClock(86_400_000)", vec![]).await;
        eventually("the day", async || (day == *shown().await).then_some(())).await;
        ann.close().await;
    }
    stranger.0.close().await;
}
