//! The chat as users see it: the release build of the page in real browsers, with the real relay.

use end_to_end::{Browser, Driver, Relay, eventually, tool};

async fn pair(driver: &Driver, relay: &Relay, room: &str) -> (Browser, Browser) {
    let (ann, bob) = (Browser::open(driver).await, Browser::open(driver).await);
    ann.join(&relay.url(), room, "Ann").await;
    bob.join(&relay.url(), room, "Bob").await;
    (ann, bob)
}

#[tokio::test]
async fn two_browsers_exchange_text_emoji_and_right_to_left_text_which_survive_a_reload() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = pair(&driver, &relay, "tea & cake. *").await;

    ann.say("hello Bob").await;
    bob.shows(&["hello Bob"]).await;
    bob.say("🙂👩‍👩‍👧 hi Ann").await;
    ann.shows(&["hello Bob", "🙂👩‍👩‍👧 hi Ann"]).await;
    ann.say("שלום עולם").await;
    let all = ["hello Bob", "🙂👩‍👩‍👧 hi Ann", "שלום עולם"];
    for browser in [&ann, &bob] {
        browser.shows(&all).await;
    }
    ann.appears(".message[data-state=stored]").await;

    ann.reload().await;
    ann.online().await;
    ann.shows(&all).await;

    ann.console_is_clean().await;
    bob.console_is_clean().await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn text_with_markup_and_control_characters_is_shown_as_text() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = pair(&driver, &relay, "markup").await;
    let texts = [
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
        "bell \u{7} escape \u{1b}[31m override \u{202e}abc\u{202c}",
    ];
    for text in &texts {
        ann.paste(text).await;
    }
    bob.shows(&texts).await;
    let found = "return document.title === 'owned' || !!document.querySelector('.message img, .message script')";
    for browser in [&ann, &bob] {
        assert_eq!(browser.run(found, vec![]).await, false);
        browser.console_is_clean().await;
    }
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn killing_the_relay_while_messages_are_sent_loses_and_duplicates_none() {
    let (driver, mut relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = pair(&driver, &relay, "chaos").await;
    let mut sent = Vec::new();
    for round in 0..3 {
        for number in 0..8 {
            let text = format!("{round}.{number}");
            let from = if number % 2 == 0 { &ann } else { &bob };
            from.paste(&text).await;
            sent.push(text);
            if number == 3 {
                relay.kill().await;
            }
        }
        relay.restart().await;
        ann.online().await;
        bob.online().await;
    }
    sent.sort();
    let complete = async || {
        let texts = ann.texts().await;
        let mut sorted = texts.clone();
        sorted.sort();
        (sorted == sent).then_some(texts)
    };
    let order = eventually("every message in Ann's browser, once", complete).await;
    bob.shows(&order).await;
    let stored = async || {
        let messages = ann.messages().await;
        messages.iter().all(|(_, state)| state == "stored" || state.is_empty()).then_some(())
    };
    eventually("Ann's messages to be stored", stored).await;

    relay.kill().await;
    relay.restart().await;
    let late = Browser::open(&driver).await;
    late.join(&relay.url(), "chaos", "Eve").await;
    late.shows(&order).await;
    for browser in [ann, bob, late] {
        browser.close().await;
    }
}

#[tokio::test]
async fn the_page_without_yew_joins_the_same_room_with_the_npm_package() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, embed) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "lobby", "Ann").await;
    embed.goto(&format!("{}/embed.html?room=lobby&name=Emma", relay.url())).await;
    embed.online().await;
    ann.say("from Yew").await;
    embed.shows(&["from Yew"]).await;
    embed.say("from plain JS 🙂").await;
    ann.shows(&["from Yew", "from plain JS 🙂"]).await;
    ann.console_is_clean().await;
    embed.console_is_clean().await;
    ann.close().await;
    embed.close().await;
}

#[tokio::test]
async fn the_page_without_yew_shows_and_publishes_events() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let page = Browser::open(&driver).await;
    page.goto(&format!("{}/embed.html?room=lobby&name=Emma", relay.url())).await;
    page.online().await;
    page.click("#see-events").await;
    page.say("hello").await;
    page.appears(".message[data-state=stored]").await;
    page.fill("#topic", "hello.*").await;
    page.click("#events .publish button").await;
    page.appears("#events .publish .problem:not(:empty)").await;
    page.fill("#topic", "hello.world").await;
    page.click("#events .publish button").await;
    let rows = "return [...document.querySelectorAll('.passed li')].map(
        row => row.querySelector('.topic').textContent + ' ' + row.querySelector('.status').textContent)";
    let rows = page.run(rows, vec![]).await;
    for event in ["hello.world local", "chat.lobby.TEXT_MESSAGE stored"] {
        assert!(rows.as_array().is_some_and(|rows| rows.contains(&event.into())), "{rows}");
    }
    page.console_is_clean().await;
    page.close().await;
}

#[tokio::test]
async fn a_client_in_another_language_reads_messages_of_the_browser() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "polyglot", "Ann").await;
    let topic = "chat.polyglot.TEXT_MESSAGE";
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/relay/tests/third_party.py");
    let reader = tokio::process::Command::new(tool("EDK_PYTHON"))
        .args([script, &relay.socket(), topic, "read", "hello from the browser"])
        .output();
    ann.say("hello from the browser").await;
    let output =
        tokio::time::timeout(end_to_end::PATIENCE, reader).await.expect("Python ends").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ann.shows(&["hello from the browser"]).await;
    ann.close().await;
}
