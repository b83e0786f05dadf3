//! The inspector: it costs nothing while it is closed, shows the bus of the chat and of a page without Yew, counts
//! malformed events in one line, and replays a recording in the chat itself.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

const STRANGER: &str = include_str!("strangers/stranger.js");

/// Whether the page has loaded the inspector's file.
const IS_LOADED: &str = "return performance.getEntriesByType('resource').some(({ name }) => name.endsWith('inspector.js'))";

/// Clicks an element of the inspector.
async fn click(browser: &Browser, css: &str) {
    let script = "const found = document.querySelector('event-inspector')?.shadowRoot?.querySelector(arguments[0]);
        if (!found || found.disabled) return false;
        found.click();
        return true;";
    eventually(css, async || (browser.run(script, vec![css.into()]).await == true).then_some(()))
        .await;
}

/// The text of the view that is shown.
async fn view(browser: &Browser) -> String {
    let script = "return document.querySelector('event-inspector')?.shadowRoot?.querySelector('#panel')?.innerText ?? ''";
    browser.run(script, vec![]).await.as_str().unwrap_or_default().to_owned()
}

/// Waits until the view shows all of these texts.
async fn shows(browser: &Browser, parts: &[&str]) {
    let mut last = String::new();
    eventually(&format!("{parts:?}"), async || {
        last = view(browser).await;
        parts.iter().all(|part| last.contains(part)).then_some(())
    })
    .await;
}

/// Shows only the events with this text.
async fn filter(browser: &Browser, text: &str) {
    let script = "const input = document.querySelector('event-inspector')?.shadowRoot?.querySelector('input');
        if (!input) return false;
        input.value = arguments[0];
        input.dispatchEvent(new InputEvent('input', { bubbles: true }));
        return true;";
    eventually("the filter", async || {
        (browser.run(script, vec![text.into()]).await == true).then_some(())
    })
    .await;
}

/// Presses Ctrl+Alt+E.
async fn press_shortcut(browser: &Browser) {
    for kind in ["rawKeyDown", "keyUp"] {
        let key = json!({ "type": kind, "key": "e", "code": "KeyE", "windowsVirtualKeyCode": 69, "modifiers": 3 });
        browser.call("Input.dispatchKeyEvent", key).await;
    }
}

/// With `EDK_PICTURES`, a folder, takes a picture.
async fn picture(browser: &Browser, name: &str) {
    let Some(folder) = std::env::var_os("EDK_PICTURES") else { return };
    let webp = json!({ "format": "webp", "quality": 80 });
    let taken = browser.call("Page.captureScreenshot", webp).await;
    let bytes = BASE64.decode(taken["data"].as_str().unwrap_or_default());
    let file = Path::new(&folder).join(name).with_extension("webp");
    std::fs::write(&file, bytes.expect("a picture is base64")).expect("the folder exists");
}

#[tokio::test]
async fn the_inspector_is_loaded_when_it_is_opened_and_shows_the_bus_of_the_chat() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.say("before").await;
    ann.appears(".own[data-state=stored]").await;
    assert_eq!(ann.run(IS_LOADED, vec![]).await, false);

    press_shortcut(&ann).await;
    eventually("its file", async || (ann.run(IS_LOADED, vec![]).await == true).then_some(())).await;
    ann.say("hello").await;
    filter(&ann, "chat.tea.TEXT").await;
    let stages = ["queued", "kept", "sent", "stored"];
    shows(&ann, &stages).await;
    shows(&ann, &["chat.tea.TEXT_MESSAGE", "chat.tea.TEXT_SUCCESS"]).await;
    picture(&ann, "inspector-flow").await;
    filter(&ann, "").await;
    click(&ann, "#tab-Topics").await;
    shows(&ann, &["chat.tea.TEXT_MESSAGE", "Lag p95", " ms"]).await;
    click(&ann, "#tab-Subscribers").await;
    shows(&ann, &["chat.tea.TEXT_MESSAGE", "$bus.link"]).await;
    click(&ann, "#tab-Causes").await;
    // Which handler published the event, and which event caused it.
    shows(&ann, &["use_outlet chat.tea.TEXT_MESSAGE", "chat.tea.TEXT_SUCCESS"]).await;
    click(&ann, "#tab-Link").await;
    shows(&ann, &["online", "leader", "Round trip", "main ", "events"]).await;
    picture(&ann, "inspector-link").await;
    click(&ann, "#tab-Outbox").await;
    shows(&ann, &["The outbox is empty"]).await;
    let composer = ann
        .run(
            "return document.querySelector('#composer').getBoundingClientRect().bottom
        <= document.querySelector('event-inspector').getBoundingClientRect().top",
            vec![],
        )
        .await;
    assert_eq!(composer, true, "it covers nothing");
    let focus = "document.querySelector('#composer').focus();
        document.querySelector('event-inspector').shadowRoot.querySelector('#tab-Outbox').focus();
        return document.activeElement.localName;";
    assert_eq!(ann.run(focus, vec![]).await, "event-inspector");
    press_shortcut(&ann).await;
    eventually("its end", async || {
        (ann.run("return document.querySelector('event-inspector')", vec![]).await == Value::Null)
            .then_some(())
    })
    .await;
    assert_eq!(ann.run("return document.activeElement.id", vec![]).await, "composer");

    ann.click(".open-settings").await;
    ann.click("#settings .open-inspector").await;
    shows(&ann, &["Payload"]).await;
    assert_eq!(
        ann.run("return !!document.querySelector('#settings:popover-open')", vec![]).await,
        false
    );

    ann.goto(&format!("{}/?inspect#tea", relay.url())).await;
    ann.online().await;
    filter(&ann, "caught_up").await;
    shows(&ann, &["$bus.caught_up"]).await;
    ann.run("localStorage.setItem('event-driven-kit.chat.language', 'zh-CN')", vec![]).await;
    ann.reload().await;
    ann.online().await;
    shows(&ann, &["时间", "发布者"]).await;
    click(&ann, "#tab-Link").await;
    shows(&ann, &["往返时间", "online"]).await;
    assert_eq!(ann.console_lines().await, [""; 0]);
    ann.close().await;
}

#[tokio::test]
async fn a_page_without_yew_opens_the_inspector_under_the_same_policy() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.goto(&format!("{}/embed.html?room=tea&name=Ann", relay.url())).await;
    ann.online().await;
    assert_eq!(ann.run(IS_LOADED, vec![]).await, false);
    ann.click("#open-inspector").await;
    ann.say("hello").await;
    filter(&ann, "chat.tea.TEXT").await;
    shows(&ann, &["stored", "chat.tea.TEXT_MESSAGE", "hello"]).await;
    filter(&ann, "").await;
    click(&ann, "#tab-Link").await;
    shows(&ann, &["online", "chat.tea.TEXT_MESSAGE", "durable"]).await;
    assert_eq!(ann.console_lines().await, [""; 0]);
    ann.close().await;
}

#[tokio::test]
async fn malformed_events_make_no_row_and_one_counted_line_in_the_inspector() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, stranger) = (Browser::open(&driver).await, Browser::open(&driver).await);
    stranger.goto(&format!("{}/embed.html", relay.url())).await;
    assert_eq!(stranger.run_async(STRANGER, vec!["tea".into()]).await, Value::Null);
    ann.join(&relay.url(), "tea", "Ann").await;
    press_shortcut(&ann).await;
    shows(&ann, &["Payload"]).await;
    let say = async |script: &str, last: &str| {
        let sender = "const sender = { id: '7', name: 'Bob' };";
        let script = format!("{sender} {script} stranger.say({{ sender, text: '{last}' }});");
        stranger.run(&script, vec![]).await;
    };
    let counted = async |expected: fn(u32) -> bool| {
        eventually("a counted line", async || {
            let text = view(&ann).await;
            let lines = text.lines().filter(|line| line.contains("$bus.error"));
            let lines: Vec<&str> = lines.collect();
            assert!(lines.len() <= 1, "{lines:?}");
            let count = lines.first()?.rsplit_once('×')?.1.split_whitespace().next()?;
            expected(count.parse().ok()?).then_some(())
        })
        .await;
    };
    filter(&ann, "$bus.error").await;
    // Without visible text, though they have the form of a message.
    let empty = "for (let at = 0; at < 20; at += 1) stranger.say({ sender, text: at % 2 ? '' : '\\u200b' });";
    say(empty, "between").await;
    ann.shows(&["between".to_owned()]).await;
    counted(|count| count == 20).await;
    say("for (let at = 0; at < 50; at += 1) stranger.say({ nonsense: true });", "the last one")
        .await;
    ann.shows(&["between", "the last one"].map(str::to_owned)).await;
    counted(|count| count >= 70).await;
    let rows = ann.run("return document.querySelectorAll('.message').length", vec![]).await;
    assert_eq!(rows, 2, "no row for what cannot be read");
    assert!(ann.console_lines().await.len() <= 1);
    ann.close().await;
    stranger.close().await;
}

#[tokio::test]
async fn a_recording_is_replayed_in_the_chat_on_a_sealed_bus() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    press_shortcut(&ann).await;
    click(&ann, "#tab-Recording").await;
    click(&ann, ".record").await;
    ann.say("from Ann").await;
    bob.say("from Bob").await;
    let texts = ["from Ann", "from Bob"];
    ann.shows(&texts).await;
    ann.appears(".own[data-state=stored]").await;
    shows(&ann, &["events are recorded"]).await;
    click(&ann, ".record[aria-pressed=true]").await;
    let first = ann.tab().await;
    click(&ann, ".replay").await;
    ann.show_new_tab(&[first]).await;
    ann.appears("#composer").await;
    shows(&ann, &["events are ready"]).await;
    assert_eq!(ann.texts().await, [""; 0]);
    assert_eq!(ann.text("#link").await, "Replay");
    let speed = "const select = document.querySelector('event-inspector').shadowRoot.querySelector('select');
        select.value = 'Infinity';
        select.dispatchEvent(new Event('change'));";
    ann.run(speed, vec![]).await;
    click(&ann, ".play").await;
    ann.shows(&texts).await;
    ann.appears(".message.own[data-state=stored]").await;
    picture(&ann, "inspector-replay").await;
    click(&ann, "#tab-Link").await;
    shows(&ann, &["none: the bus is sealed"]).await;
    ann.say("only here").await;
    bob.say("the end").await;
    bob.appears(".message:nth-child(3)[data-state=stored]").await;
    assert_eq!(bob.texts().await[2..], ["the end"], "nothing leaves the page");
    ann.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}
