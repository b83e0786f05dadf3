//! What users do with messages: edit, delete, reply, react, and write them.

#[path = "messages/writing.rs"]
mod writing;

use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Network, Proxy, Relay, eventually};
use fantoccini::key::Key;
use serde_json::Value;

const WRITER: &str = include_str!("timeline/writer.js");

/// Presses keys in the composer.
async fn press(browser: &Browser, keys: &str) {
    browser.appears("#composer").await.send_keys(keys).await.expect("the composer takes keys");
}

fn key(key: Key) -> String {
    char::from(key).to_string()
}

async fn composer_is(browser: &Browser, expected: &str) {
    eventually(expected, async || (browser.value("#composer").await == expected).then_some(()))
        .await;
}

async fn is_stored(browser: &Browser, count: usize) {
    eventually("all messages are stored", async || {
        let messages = browser.messages().await;
        let stored = messages.iter().filter(|(_, state)| state == "stored").count();
        (stored == count).then_some(())
    })
    .await;
}

/// Points to the message with this text, and presses one of its buttons. A tab that is not in front has no focus.
async fn use_tool(browser: &Browser, text: &str, tool: &str) {
    let focus = "const row = [...document.querySelectorAll('.message')]
            .find((row) => row.querySelector('.text').textContent.startsWith(arguments[0]));
        row?.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' }));
        return !!row?.querySelector(`.tools .${arguments[1]}`);";
    eventually(tool, async || {
        (browser.run(focus, vec![text.into(), tool.into()]).await == true).then_some(())
    })
    .await;
    browser.click(&format!(".tools[role] .{tool}")).await;
}

async fn delete(browser: &Browser, text: &str) {
    use_tool(browser, text, "delete").await;
    browser.click(".tools .delete.sure").await;
}

#[tokio::test]
async fn up_in_an_empty_composer_edits_the_last_message_and_the_edit_goes_on_after_another_room() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    ann.say("first").await;
    ann.say("secnd").await;
    is_stored(&ann, 2).await;
    bob.say("by Bob").await;
    ann.shows(&["first", "secnd", "by Bob"]).await;

    // With text in it, the caret moves.
    press(&ann, "ab").await;
    press(&ann, &key(Key::Up)).await;
    press(&ann, "c").await;
    assert_eq!(ann.value("#composer").await, "cab");
    assert!(ann.run("return document.querySelector('.purpose')", vec![]).await.is_null());
    ann.put("#composer", "").await;

    press(&ann, &key(Key::Up)).await;
    composer_is(&ann, "secnd").await;
    ann.appears(".purpose .changes").await;
    press(&ann, " edited").await;
    // Another room has its own draft; the edit goes on here, and after a reload.
    ann.run("location.hash = 'other'", vec![]).await;
    composer_is(&ann, "").await;
    ann.run("location.hash = 'tea'", vec![]).await;
    composer_is(&ann, "secnd edited").await;
    ann.appears(".purpose .changes").await;
    ann.reload().await;
    ann.online().await;
    composer_is(&ann, "secnd edited").await;
    ann.appears(".purpose .changes").await;
    press(&ann, &key(Key::Enter)).await;
    let edited = ["first", "secnd edited", "by Bob"];
    for browser in [&ann, &bob] {
        browser.shows(&edited).await;
    }
    composer_is(&ann, "").await;

    // A change that is cancelled gives the text back that was in the composer before.
    ann.put("#composer", "half a sentence").await;
    use_tool(&ann, "first", "edit").await;
    composer_is(&ann, "first").await;
    press(&ann, " changed").await;
    press(&ann, &key(Key::Escape)).await;
    composer_is(&ann, "half a sentence").await;
    assert_eq!(ann.texts().await, edited);
    ann.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

/// The reactions of the first message, with their counts.
async fn reactions(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('.message:first-child .reaction')].map(({ textContent }) => textContent)";
    let all = browser.run(script, vec![]).await;
    let all = all.as_array().cloned().unwrap_or_default();
    all.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

async fn reactions_are(browser: &Browser, expected: &[&str]) {
    eventually(&format!("{expected:?}"), async || {
        (reactions(browser).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_toggle_one_reaction_at_once_and_all_other_clients_end_equal() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.say("hello").await;
    is_stored(&bob, 1).await;
    ann.shows(&["hello"]).await;

    use_tool(&ann, "hello", "react").await;
    ann.click(".emoji [data-emoji='👍']").await;
    reactions_are(&bob, &["👍 1"]).await;
    bob.click(".reaction[aria-pressed=false]").await;
    bob.appears(".reaction[aria-pressed=true]").await;
    reactions_are(&ann, &["👍 2"]).await;
    bob.click(".reaction[aria-pressed=true]").await;
    reactions_are(&ann, &["👍 1"]).await;

    // Timers of hidden tabs are slow, messages are not.
    let toggle = "window.toggled = 0;
        const turn = () => new Promise((resolve) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = resolve;
            port2.postMessage(null);
        });
        (async () => {
            while (window.toggled < 50) {
                const button = document.querySelector('.reaction');
                // Without a reaction there is no button: the other tab or the relay brings one.
                if (button) button.click();
                window.toggled += 1;
                for (let at = 0; at < 20; at++) await turn();
            }
        })();";
    let first = ann.tab().await;
    let second = ann.open_tab().await;
    ann.goto(&format!("{}/#tea", relay.url())).await;
    ann.online().await;
    reactions_are(&ann, &["👍 1"]).await;
    ann.show(&first).await;
    ann.run(toggle, vec![]).await;
    ann.show(&second).await;
    ann.run(toggle, vec![]).await;
    for (tab, text) in [(&first, "one"), (&second, "two")] {
        ann.show(tab).await;
        eventually("50 clicks", async || {
            (ann.run("return window.toggled", vec![]).await == 50).then_some(())
        })
        .await;
        ann.say(text).await;
    }
    // All clicks are in the log before these messages.
    let mut ends = Vec::new();
    bob.shows(&["hello", "one", "two"]).await;
    ends.push(reactions(&bob).await);
    for tab in [&first, &second] {
        ann.show(tab).await;
        ann.shows(&["hello", "one", "two"]).await;
        ends.push(reactions(&ann).await);
    }
    ann.reload().await;
    ann.online().await;
    ann.shows(&["hello", "one", "two"]).await;
    ends.push(reactions(&ann).await);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    assert!(ends[0].is_empty() || ends[0] == ["👍 1"], "{ends:?}");
    ann.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn a_message_that_is_deleted_offline_is_deleted_everywhere_although_another_tab_edits_it_later()
 {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &relay.address()).await;
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&network.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    ann.say("secret").await;
    is_stored(&ann, 1).await;
    bob.shows(&["secret"]).await;
    bob.say("seen").await;
    use_tool(&bob, "secret", "reply").await;
    press(&bob, "why?").await;
    press(&bob, &key(Key::Enter)).await;
    ann.says(".quote .line", "secret").await;

    let first = ann.tab().await;
    let second = ann.open_tab().await;
    ann.goto(&format!("{}/#tea", network.url())).await;
    ann.online().await;
    ann.shows(&["secret", "seen", "why?"]).await;
    network.set(Network::Cut);
    ann.appears("#link[data-state=offline]").await;
    ann.show(&first).await;
    ann.appears("#link[data-state=offline]").await;
    delete(&ann, "secret").await;
    ann.appears(".toast:not(:empty)").await;
    ann.show(&second).await;
    use_tool(&ann, "secret", "edit").await;
    composer_is(&ann, "secret").await;
    press(&ann, " no more").await;
    press(&ann, &key(Key::Enter)).await;
    network.set(Network::Whole);

    let gone = ["This message was deleted.", "seen", "why?"];
    bob.shows(&gone).await;
    bob.says(".quote .line", "This message was deleted.").await;
    for tab in [&first, &second] {
        ann.show(tab).await;
        ann.shows(&gone).await;
    }
    bob.reload().await;
    bob.online().await;
    bob.shows(&gone).await;
    bob.says(".quote .line", "This message was deleted.").await;
    let found = bob.run("return document.body.textContent.includes('secret')", vec![]).await;
    assert_eq!(found, false);
    bob.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn a_reply_to_a_message_4000_back_leads_to_it_twice() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let writer = Browser::open(&driver).await;
    writer.goto(&format!("{}/embed.html", relay.url())).await;
    assert_eq!(writer.run_async(WRITER, vec!["tea".into()]).await, Value::Null);
    let write = "const [done] = arguments; writer.write(0, 4_500).then(() => done(null), (error) => done(String(error)))";
    assert_eq!(writer.run_async(write, vec![]).await, Value::Null);
    let reply = "const [done] = arguments;
        const about = writer.events.find(({ text }) => text.split(' ')[0] === '500');
        writer.reply(about, 'what was that?').then(() => done(null), (error) => done(String(error)));";
    assert_eq!(writer.run_async(reply, vec![]).await, Value::Null);

    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    // The quoted message is not in the page, and is read from the log.
    let line = "return document.querySelector('.quote .line')?.textContent.split(' ')[0]";
    eventually("the quote", async || (ann.run(line, vec![]).await == "500").then_some(())).await;
    for _ in 0..2 {
        ann.click(".quote").await;
        let place =
            "const log = document.querySelector('.log'), row = log.querySelector('.target');
            if (!row) return null;
            const frame = log.getBoundingClientRect(), place = row.getBoundingClientRect();
            return [row.querySelector('.text').textContent.split(' ')[0],
                place.top - frame.top + (place.height - log.clientHeight) / 2];";
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = ann.run(place, vec![]).await;
            if found[0] == "500" && found[1].as_f64().is_some_and(|away| away.abs() <= 1.0) {
                break;
            }
            assert!(Instant::now() < deadline, "{found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ann.click(".newer button").await;
        ann.appears(".quote").await;
    }
    ann.console_is_clean().await;
    ann.close().await;
    writer.close().await;
}
