//! What users do while the relay is down.

use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Network, Proxy, Relay, eventually};
use fantoccini::key::Key;
use serde_json::{Value, json};

#[tokio::test]
async fn three_messages_wait_while_the_relay_is_down_and_try_now_sends_them_within_a_second_of_its_return()
 {
    let (driver, mut relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    relay.kill().await;
    ann.appears("#link[data-state=offline]").await;
    // What the page says about the user waits, too, and is no message.
    assert_eq!(ann.text("#link .detail").await, "");
    let texts = ["one", "two", "three"].map(str::to_owned);
    for text in &texts {
        ann.paste(text).await;
    }
    ann.says("#link .detail", "3 waiting").await;
    ann.says("#link [role=status]", "Offline").await;
    ann.says("#link .connect", "Try now").await;

    relay.restart().await;
    let begun = Instant::now();
    ann.connect_now().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    ann.shows(&texts).await;
    eventually("three ticks", async || {
        ann.messages().await.iter().all(|(_, state)| state == "stored").then_some(())
    })
    .await;
    assert_eq!(ann.text("#link").await, "Online");
    ann.close().await;
}

/// The text of the first message, whether it says that it was edited, its reactions, and the sign of its state.
async fn first_message(browser: &Browser) -> Value {
    let script = "const row = document.querySelector('.message');
        return [
            row.querySelector('.text').textContent,
            row.querySelector('.meta').textContent.includes('edited'),
            [...row.querySelectorAll('.reaction')].map(({ textContent }) => textContent),
            row.querySelector('.sign')?.ariaLabel,
        ]";
    browser.run(script, vec![]).await
}

async fn first_message_is(browser: &Browser, expected: Value) {
    eventually(&expected.to_string(), async || {
        (first_message(browser).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_edit_and_a_reaction_are_shown_while_the_link_is_down_and_hold_when_it_is_back() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &relay.address()).await;
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&network.url(), "tea", "Ann").await;
    ann.say("frist").await;
    ann.appears(".own[data-state=stored]").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.shows(&["frist".to_owned()]).await;
    network.set(Network::Cut);
    ann.appears("#link[data-state=offline]").await;

    let composer = ann.appears("#composer").await;
    composer.send_keys(&char::from(Key::Up).to_string()).await.expect("it takes keys");
    ann.appears(".purpose .changes").await;
    ann.put("#composer", "first").await;
    ann.click("#send").await;
    first_message_is(&ann, json!(["first", true, [], "Waiting"])).await;
    let react = "document.querySelector('.message').dispatchEvent(new PointerEvent('pointermove',
        { bubbles: true, pointerType: 'mouse' }))";
    ann.run(react, vec![]).await;
    ann.click(".tools[role] .react").await;
    let search = ann.appears(".emoji input").await;
    search.send_keys("rocket").await.expect("it takes keys");
    ann.click(".emoji .grid [data-emoji='🚀']:first-child").await;
    first_message_is(&ann, json!(["first", true, ["🚀 1"], "Waiting"])).await;
    // The user has sent no message.
    assert_eq!(ann.text("#link .detail").await, "");
    assert_eq!(bob.texts().await, ["frist"]);

    network.set(Network::Whole);
    ann.online().await;
    first_message_is(&ann, json!(["first", true, ["🚀 1"], "Sent"])).await;
    first_message_is(&bob, json!(["first", true, ["🚀 1"], null])).await;
    for browser in [ann, bob] {
        browser.close().await;
    }
}
