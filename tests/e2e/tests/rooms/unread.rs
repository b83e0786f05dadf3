//! Badges, the line above the new messages, and read positions that the devices of an account share.

use std::time::{Duration, Instant};

use end_to_end::{Account, Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

use super::{list, lists, open, switch_to};

#[tokio::test]
async fn messages_in_another_room_count_in_its_badge_and_the_title_until_they_are_seen() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "b", "Ann").await;
    ann.appears(".empty").await;
    switch_to(&ann, "a").await;
    ann.appears(".room:not([hidden]) .empty").await;
    bob.join(&relay.url(), "b", "Bob").await;
    for text in ["one", "two", "three"] {
        bob.say(text).await;
    }
    bob.shows(&["one", "two", "three"]).await;
    bob.appears(".message:nth-child(3)[data-state=stored]").await;
    let sent = Instant::now();
    lists(&ann, json!([["b", "3"], ["a", ""]])).await;
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    ann.has_title("(3) a - event-driven-kit chat").await;
    assert_eq!(ann.text(".side a[href='#b'] .preview").await, "Bob: three");

    // Without the focus nothing is read.
    ann.run("document.hasFocus = () => false", vec![]).await;
    open(&ann, "b").await;
    ann.shows(&["one", "two", "three"]).await;
    ann.appears(".mark.new").await;
    assert_eq!(list(&ann).await, json!([["b", "3"], ["a", ""]]));
    ann.run("document.hasFocus = () => true; dispatchEvent(new Event('focus'))", vec![]).await;
    lists(&ann, json!([["b", ""], ["a", ""]])).await;
    ann.has_title("b - event-driven-kit chat").await;
    ann.appears(".mark.new").await;
    ann.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn sending_clears_the_badge_and_the_line_above_the_new_messages() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "b", "Ann").await;
    switch_to(&ann, "a").await;
    bob.join(&relay.url(), "b", "Bob").await;
    bob.say("hello").await;
    lists(&ann, json!([["b", "1"], ["a", ""]])).await;
    ann.run("document.hasFocus = () => false", vec![]).await;
    open(&ann, "b").await;
    let line = "return document.querySelector('.mark.new')?.nextElementSibling.querySelector('.text').textContent";
    eventually("the line", async || (ann.run(line, vec![]).await == "hello").then_some(())).await;
    ann.say("hi Bob").await;
    lists(&ann, json!([["b", ""], ["a", ""]])).await;
    assert_eq!(ann.run("return document.querySelector('.mark.new')", vec![]).await, Value::Null);
    ann.appears(".own[data-state=stored]").await;

    // Another visit has no line, and what the user has written is not unread after a reload.
    ann.reload().await;
    ann.online().await;
    ann.shows(&["hello", "hi Bob"]).await;
    assert_eq!(list(&ann).await, json!([["b", ""], ["a", ""]]));
    assert_eq!(ann.run("return document.querySelector('.mark.new')", vec![]).await, Value::Null);
    ann.close().await;
    bob.close().await;
}

/// Scrolls until the page waits to look for what the reader has seen, and then to the end. The timer of that look, of
/// less than 500 ms, never fires.
const TO_THE_END: &str = "const [done] = arguments;
    const [log, set] = [document.querySelector('.room:not([hidden]) .log'), window.setTimeout];
    const scroll = (top) => new Promise((scrolled) => {
        log.addEventListener('scroll', () => set(scrolled), { once: true });
        log.scrollTop = top;
    });
    let waits = false;
    window.setTimeout = (job, wait, ...rest) => {
        const isLook = wait > 400 && wait < 500;
        waits ||= isLook;
        return isLook ? 0 : set(job, wait, ...rest);
    };
    (async () => {
        while (!waits) await scroll(150 - log.scrollTop);
        window.setTimeout = set;
        await scroll(log.scrollHeight);
        done(null);
    })();";

#[tokio::test]
async fn what_is_new_is_seen_at_once_when_the_reader_comes_to_the_end() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "a", "Ann").await;
    bob.join(&relay.url(), "a", "Bob").await;
    for _ in 0..2 {
        bob.paste(&"line\n".repeat(28)).await;
    }
    ann.appears(".message:nth-child(2)").await;
    lists(&ann, json!([["a", ""]])).await;
    let up = "document.querySelector('.room:not([hidden]) .log').scrollTop = 50";
    ann.run(up, vec![]).await;
    bob.say("new").await;
    lists(&ann, json!([["a", "1"]])).await;
    ann.run_async(TO_THE_END, vec![]).await;
    lists(&ann, json!([["a", ""]])).await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn what_arrived_while_the_page_was_closed_is_counted_exactly_up_to_a_hundred() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    // More rooms than are kept in the page, so that some are counted by the peer alone.
    ann.join(&relay.url(), "first", "Ann").await;
    for room in ["few", "many"] {
        switch_to(&ann, room).await;
        ann.say("mine").await;
        ann.appears(".room:not([hidden]) .own[data-state=stored]").await;
    }
    for number in 0..7 {
        switch_to(&ann, &format!("other {number}")).await;
    }
    switch_to(&ann, "first").await;
    ann.goto("about:blank").await;
    bob.join(&relay.url(), "few", "Bob").await;
    let say = "const [count] = arguments;
        const composer = document.querySelector('#composer');
        for (let number = 0; number < count; number++) {
            composer.value = String(number);
            composer.form.requestSubmit();
        }";
    for (room, count) in [("few", 70), ("many", 130)] {
        bob.run("location.hash = arguments[0]", vec![room.into()]).await;
        bob.says("h1", &format!("#{room}")).await;
        bob.appears(".room:not([hidden]) .message").await;
        bob.run(say, vec![count.into()]).await;
        eventually("all messages", async || {
            let pending = "return document.querySelectorAll('.own:not([data-state=stored])').length";
            let last = format!("return [...document.querySelectorAll('.room:not([hidden]) .message .text')].at(-1).textContent === '{}'", count - 1);
            (bob.run(&last, vec![]).await == true && bob.run(pending, vec![]).await == 0).then_some(())
        })
        .await;
    }
    ann.goto(&format!("{}/#first", relay.url())).await;
    ann.online().await;
    let badge = async |room: &str| ann.text(&format!(".side a[href='#{room}'] .count")).await;
    eventually("70", async || (badge("few").await == "70").then_some(())).await;
    eventually("99+", async || (badge("many").await == "99+").then_some(())).await;
    ann.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

/// Publishes a read position a thousand times, and counts how many of them the log keeps.
const READS: &str = r#"
    const [token, position, done] = arguments;
    const read = async () => {
        const { createSingleton } = await import("/npm/index.js");
        const { publish, connect, subscribe } = createSingleton("reads");
        const url = `ws://${location.host}/ws`;
        const pattern = "person.ann.read.tea";
        const online = new Promise((resolve) => subscribe("$bus.link", ({ state }) => state === "online" && resolve()));
        connect({
            url,
            identity: "reads",
            credentials: () => token,
            rules: [{ pattern, direction: "out", durable: true }],
        });
        await online;
        for (let round = 0; round < 5; round++) {
            await Promise.all(Array.from({ length: 200 }, () => publish(pattern, position).settled()));
        }
        const reader = createSingleton("reader");
        let kept = 0;
        reader.subscribe(pattern, () => void (kept += 1));
        const caughtUp = new Promise((resolve) => reader.subscribe("$bus.caught_up", resolve));
        reader.connect({
            url,
            identity: "reader",
            credentials: () => token,
            rules: [{ pattern, direction: "in", from: "earliest" }],
        });
        await caughtUp;
        return kept;
    };
    read().then(done, (error) => done(String(error)));"#;

#[tokio::test]
async fn what_is_read_on_one_device_is_read_on_the_other_within_two_seconds() {
    let driver = Driver::start().await;
    let (relay, [ann, bob]) = Relay::start_with_accounts(["ann", "bob"]).await;
    let mut browsers = Vec::new();
    for account in [&ann, &ann, &bob] {
        let Account { name, token } = account;
        let browser = Browser::open(&driver).await;
        browser.goto(&relay.url()).await;
        let key = format!("event-driven-kit.chat.token.{name}");
        browser
            .run("localStorage.setItem(...arguments)", vec![key.into(), token.clone().into()])
            .await;
        browser.join(&format!("{}/?account={name}", relay.url()), "tea", name).await;
        browser.appears(".room:not([hidden]) .empty").await;
        browsers.push(browser);
    }
    let [desktop, phone, bob] = &browsers[..] else { unreachable!("there are three") };
    for device in [desktop, phone] {
        switch_to(device, "elsewhere").await;
    }
    // The phone knows the rooms of the desktop.
    switch_to(desktop, "coffee").await;
    phone.appears(".side a[href='#coffee']").await;

    let badge = async |device: &Browser| device.text(".side a[href='#tea'] .count").await;
    let has_badge = async |device: &Browser, expected: &str| {
        eventually(expected, async || (badge(device).await == expected).then_some(())).await;
    };
    let read_on_phone = async |number: usize| {
        bob.say(&format!("message {number}")).await;
        has_badge(desktop, "1").await;
        open(phone, "tea").await;
        let begun = Instant::now();
        has_badge(phone, "").await;
        has_badge(desktop, "").await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        open(phone, "elsewhere").await;
    };
    read_on_phone(1).await;

    let other = Browser::open(&driver).await;
    other.goto(&format!("{}/embed.html", relay.url())).await;
    let position = json!({ "id": "", "epoch": "1", "offset": "1" });
    let kept = other.run_async(READS, vec![ann.token.clone().into(), position]).await;
    assert_eq!(kept, 1, "one row per room");
    // The position is published at most once in three seconds.
    tokio::time::sleep(Duration::from_secs(3)).await;
    read_on_phone(2).await;
    desktop.reload().await;
    desktop.online().await;
    desktop.appears(".side a[href='#tea']").await;
    has_badge(desktop, "").await;
    desktop.console_is_clean().await;
    other.close().await;
    for browser in browsers {
        browser.close().await;
    }
}
