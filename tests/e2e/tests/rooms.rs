//! Several rooms: the list with what is unread, the switcher, drafts, read positions, who is here, the directory and
//! direct messages.

use std::time::{Duration, Instant};

use end_to_end::{Account, Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn title(browser: &Browser) -> String {
    browser.run("return document.title", vec![]).await.as_str().unwrap_or_default().to_owned()
}

async fn has_title(browser: &Browser, expected: &str) {
    eventually(expected, async || (title(browser).await == expected).then_some(())).await;
}

async fn value(browser: &Browser, css: &str) -> Value {
    browser.run("return document.querySelector(arguments[0]).value", vec![css.into()]).await
}

/// The joined rooms as the list shows them: the names, and what the badges say.
async fn list(browser: &Browser) -> Value {
    let script = "return [...document.querySelectorAll('.side .room-row')].map((row) =>
        [row.querySelector('.name').textContent, row.querySelector('.badge .count')?.textContent ?? ''])";
    browser.run(script, vec![]).await
}

async fn lists(browser: &Browser, expected: Value) {
    let mut last = Value::Null;
    let deadline = Instant::now() + end_to_end::PATIENCE;
    while Instant::now() < deadline {
        last = list(browser).await;
        if last == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(last, expected);
}

/// Opens a joined room by its row.
async fn open(browser: &Browser, room: &str) {
    browser.click(&format!(".side a[href='#{room}']")).await;
    browser.says("h1", &format!("#{room}")).await;
}

/// Opens the switcher, types a name and presses Enter.
async fn switch_to(browser: &Browser, room: &str) {
    let is_open = "return !!document.querySelector('#switcher:popover-open')";
    eventually("the switcher", async || {
        browser.press("k", 2).await;
        (browser.run(is_open, vec![]).await == true).then_some(())
    })
    .await;
    // The key Enter at its end.
    browser.fill("#switcher input", &format!("{room}\u{e007}")).await;
    browser.says("h1", &format!("#{room}")).await;
}

async fn is_quiet(browser: &Browser) {
    assert_eq!(browser.console_errors().await, [""; 0], "the console is clean");
}

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
    bob.shows(&owned(&["one", "two", "three"])).await;
    bob.appears(".message:nth-child(3)[data-state=stored]").await;
    let sent = Instant::now();
    lists(&ann, json!([["b", "3"], ["a", ""]])).await;
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    has_title(&ann, "(3) a - event-driven-kit chat").await;
    assert_eq!(ann.text(".side a[href='#b'] .preview").await, "Bob: three");

    // Without the focus nothing is read.
    ann.run("document.hasFocus = () => false", vec![]).await;
    open(&ann, "b").await;
    ann.shows(&owned(&["one", "two", "three"])).await;
    ann.appears(".mark.new").await;
    assert_eq!(list(&ann).await, json!([["b", "3"], ["a", ""]]));
    ann.run("document.hasFocus = () => true; dispatchEvent(new Event('focus'))", vec![]).await;
    lists(&ann, json!([["b", ""], ["a", ""]])).await;
    has_title(&ann, "b - event-driven-kit chat").await;
    ann.appears(".mark.new").await;
    is_quiet(&ann).await;
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
    ann.shows(&owned(&["hello", "hi Bob"])).await;
    assert_eq!(list(&ann).await, json!([["b", ""], ["a", ""]]));
    assert_eq!(ann.run("return document.querySelector('.mark.new')", vec![]).await, Value::Null);
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
    is_quiet(&ann).await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn a_joined_room_is_drawn_at_once_when_it_is_opened() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "a", "Ann").await;
    ann.say("in a").await;
    switch_to(&ann, "b").await;
    ann.say("in b").await;
    ann.shows(&owned(&["in b"])).await;
    ann.appears(".message[data-state=stored]").await;
    // A room that was not open since the page was loaded.
    ann.reload().await;
    ann.shows(&owned(&["in b"])).await;
    ann.appears("main.room[hidden]").await;
    // Its messages arrive with the next frames.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let switch = "const [href, done] = arguments;
        const begun = performance.now();
        let blank = 0;
        document.querySelector(`.side a[href='${href}']`).click();
        const look = () => {
            const rows = document.querySelectorAll('.room:not([hidden]) .message');
            const isThere = decodeURIComponent(location.hash) === href && [...rows].some((row) => row.innerText.includes(href.slice(1)));
            if (!rows.length) blank += 1;
            if (isThere || performance.now() - begun > 5000) done([performance.now() - begun, blank]);
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);";
    let mut quickest = f64::MAX;
    for room in ["#a", "#b", "#a", "#b"] {
        let took = ann.run_async(switch, vec![room.into()]).await;
        assert_eq!(took[1], 0, "never blank");
        quickest = quickest.min(took[0].as_f64().unwrap());
    }
    assert!(quickest < 50.0, "{quickest} ms");
    ann.close().await;
}

#[tokio::test]
async fn a_draft_is_there_after_another_room_and_a_reload_and_in_the_other_tab_too() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "a", "Ann").await;
    let first = ann.tab().await;
    ann.open_tab().await;
    ann.goto(&format!("{}/#a", relay.url())).await;
    ann.online().await;
    let second = ann.tab().await;
    ann.show(&first).await;
    ann.put("#composer", "half a thought").await;
    ann.show(&second).await;
    eventually("the draft in the other tab", async || {
        (value(&ann, "#composer").await == "half a thought").then_some(())
    })
    .await;
    ann.show(&first).await;
    switch_to(&ann, "b").await;
    assert_eq!(value(&ann, "#composer").await, "");
    open(&ann, "a").await;
    assert_eq!(value(&ann, "#composer").await, "half a thought");
    ann.reload().await;
    ann.online().await;
    assert_eq!(value(&ann, "#composer").await, "half a thought");
    ann.click("#send").await;
    ann.appears(".own[data-state=stored]").await;
    ann.show(&second).await;
    eventually("an empty composer", async || (value(&ann, "#composer").await == "").then_some(()))
        .await;
    ann.close().await;
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
    is_quiet(desktop).await;
    other.close().await;
    for browser in browsers {
        browser.close().await;
    }
}

#[tokio::test]
async fn rooms_are_pinned_muted_left_and_found_again_in_the_directory() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "old", "Ann").await;
    ann.say("first").await;
    ann.appears(".own[data-state=stored]").await;
    switch_to(&ann, "new").await;
    ann.say("second").await;
    lists(&ann, json!([["new", ""], ["old", ""]])).await;
    open(&ann, "old").await;
    ann.click(".open-menu").await;
    ann.click("#pin").await;
    lists(&ann, json!([["old", ""], ["new", ""]])).await;
    ann.click(".open-menu").await;
    ann.click("#list-publicly").await;
    ann.says(".toast", "Everyone can find this room now.").await;
    ann.reload().await;
    ann.online().await;
    lists(&ann, json!([["old", ""], ["new", ""]])).await;
    ann.click(".open-menu").await;
    ann.click("#leave").await;
    lists(&ann, json!([["new", ""]])).await;

    bob.join(&relay.url(), "elsewhere", "Bob").await;
    bob.click(".open-switcher").await;
    bob.click("#switcher a[href='#old']").await;
    bob.says("h1", "#old").await;
    bob.shows(&owned(&["first"])).await;
    lists(&bob, json!([["old", ""], ["elsewhere", ""]])).await;
    is_quiet(&ann).await;
    is_quiet(&bob).await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn who_is_here_is_shown_a_reload_is_no_leave_and_a_closed_page_leaves_within_12_seconds() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.says(".open-members", "1 here").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    ann.says(".open-members", "2 here").await;
    let record = "globalThis.counts = [];
        new MutationObserver(() => counts.push(document.querySelector('.open-members')?.innerText))
            .observe(document.querySelector('.top'), { subtree: true, childList: true, characterData: true });";
    ann.run(record, vec![]).await;
    bob.reload().await;
    bob.online().await;
    bob.says(".open-members", "2 here").await;
    let counts = ann.run("return counts.filter((count) => count !== '2 here')", vec![]).await;
    assert_eq!(counts, json!([]), "a reload is no leave");
    ann.click(".open-members").await;
    ann.appears("#members li:nth-child(2)").await;
    assert_eq!(ann.text("#members").await.replace('\n', " "), "Ann you Bob Talk");
    bob.close().await;
    let closed = Instant::now();
    ann.says(".open-members", "1 here").await;
    assert!(closed.elapsed() < Duration::from_secs(12), "{:?}", closed.elapsed());
    is_quiet(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn two_people_talk_directly_and_are_told_that_guests_have_no_privacy() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    ann.says(".open-members", "2 here").await;
    ann.click(".open-members").await;
    ann.click("#members a").await;
    ann.says("h1", "Bob").await;
    eventually("a hint", async || ann.text(".hint").await.starts_with("Not private").then_some(()))
        .await;
    ann.say("just between us").await;
    ann.appears(".room:not([hidden]) .own[data-state=stored]").await;
    bob.says(".invitation span", "Ann wants to talk to you").await;
    bob.click(".invitation .accept").await;
    bob.says("h1", "Ann").await;
    bob.shows(&owned(&["just between us"])).await;
    bob.say("indeed").await;
    ann.shows(&owned(&["just between us", "indeed"])).await;
    // Both have it in their lists from now on.
    bob.reload().await;
    bob.online().await;
    bob.shows(&owned(&["just between us", "indeed"])).await;
    bob.says("h1", "Ann").await;
    is_quiet(&ann).await;
    is_quiet(&bob).await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn on_a_phone_the_list_is_a_screen_of_its_own_with_a_way_back() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    let size = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": false });
    ann.call("Emulation.setDeviceMetricsOverride", size).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    let is_shown = async |css: &str| {
        let script = "return document.querySelector(arguments[0])?.checkVisibility() ?? false";
        ann.run(script, vec![css.into()]).await == true
    };
    assert!(!is_shown(".side").await && is_shown("#composer").await);
    ann.click(".back").await;
    ann.appears(".side .room-row").await;
    assert!(is_shown(".side").await && !is_shown("#composer").await && !is_shown("#join").await);
    ann.click(".side .room-row").await;
    ann.says("h1", "#tea").await;
    assert!(!is_shown(".side").await && is_shown("#composer").await);
    ann.close().await;
}
