//! Several rooms: the list with what is unread, the switcher, drafts, read positions, presence, the directory and
//! direct messages.

#[path = "rooms/unread.rs"]
mod unread;

use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

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

#[tokio::test]
async fn a_joined_room_is_drawn_at_once_when_it_is_opened() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "a", "Ann").await;
    ann.say("in a").await;
    switch_to(&ann, "b").await;
    ann.say("in b").await;
    ann.shows(&["in b"]).await;
    ann.appears(".message[data-state=stored]").await;
    // A room that was not open since the page was loaded.
    ann.reload().await;
    ann.shows(&["in b"]).await;
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
        (ann.value("#composer").await == "half a thought").then_some(())
    })
    .await;
    ann.show(&first).await;
    switch_to(&ann, "b").await;
    assert_eq!(ann.value("#composer").await, "");
    open(&ann, "a").await;
    assert_eq!(ann.value("#composer").await, "half a thought");
    ann.reload().await;
    ann.online().await;
    assert_eq!(ann.value("#composer").await, "half a thought");
    ann.click("#send").await;
    ann.appears(".own[data-state=stored]").await;
    ann.show(&second).await;
    eventually("an empty composer", async || ann.value("#composer").await.is_empty().then_some(()))
        .await;
    ann.close().await;
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
    bob.shows(&["first"]).await;
    lists(&bob, json!([["old", ""], ["elsewhere", ""]])).await;
    ann.console_is_clean().await;
    bob.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn occupants_are_shown_a_reload_does_not_leave_and_a_closed_page_leaves_within_12_seconds() {
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
    assert_eq!(counts, json!([]), "a reload does not leave");
    ann.click(".open-members").await;
    ann.appears("#members li:nth-child(2)").await;
    assert_eq!(ann.text("#members").await.replace('\n', " "), "Ann you Bob Talk");
    bob.close().await;
    let closed = Instant::now();
    ann.says(".open-members", "1 here").await;
    assert!(closed.elapsed() < Duration::from_secs(12), "{:?}", closed.elapsed());
    ann.console_is_clean().await;
    ann.close().await;
}

#[tokio::test]
async fn two_people_talk_directly_and_learn_that_guests_have_no_privacy() {
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
    bob.shows(&["just between us"]).await;
    bob.say("indeed").await;
    ann.shows(&["just between us", "indeed"]).await;
    // Both have it in their lists from now on.
    bob.reload().await;
    bob.online().await;
    bob.shows(&["just between us", "indeed"]).await;
    bob.says("h1", "Ann").await;
    ann.console_is_clean().await;
    bob.console_is_clean().await;
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
