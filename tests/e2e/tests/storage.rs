//! What the browser keeps: drafts, and messages that the relay has refused.

use end_to_end::{Browser, Driver, Proxy, Relay, Writer, eventually};
use serde_json::json;

#[tokio::test]
async fn a_draft_outlives_another_room_and_a_reload_and_is_gone_once_sent() {
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    a_draft_outlives_all_but_its_sending(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn a_message_that_the_relay_refuses_keeps_its_place_and_text_over_a_reload_and_can_be_edited()
{
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    a_refused_message_keeps_its_place_and_text(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn firefox_keeps_drafts_too() {
    let driver = Driver::firefox().await;
    let ann = Browser::open(&driver).await;
    a_draft_outlives_all_but_its_sending(&ann).await;
    ann.close().await;
}

async fn a_draft_outlives_all_but_its_sending(ann: &Browser) {
    let relay = Relay::start().await;
    ann.join(&relay.url(), "a", "Ann").await;
    ann.put("#composer", "half a thought").await;
    let go_to = async |room: &str| {
        ann.run("location.hash = arguments[0]", vec![room.into()]).await;
        ann.says("h1", &format!("#{room}")).await;
    };
    go_to("b").await;
    ann.has_title("b - event-driven-kit chat").await;
    assert_eq!(ann.value("#composer").await, "");
    go_to("a").await;
    assert_eq!(ann.value("#composer").await, "half a thought");
    ann.put("#composer", "half a thought, and more").await;
    ann.reload().await;
    ann.online().await;
    assert_eq!(ann.value("#composer").await, "half a thought, and more");
    let other = ann.open_tab().await;
    ann.goto(&format!("{}/#a", relay.url())).await;
    ann.appears("#composer").await;
    assert_eq!(ann.value("#composer").await, "half a thought, and more", "in another tab");
    ann.show(&other).await;
    ann.click("#send").await;
    ann.appears(".message[data-state=stored]").await;
    ann.reload().await;
    ann.online().await;
    assert_eq!(ann.value("#composer").await, "");
}

async fn a_refused_message_keeps_its_place_and_text(ann: &Browser) {
    let (mut relay, pages) = (Relay::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &pages.address()).await;
    relay.kill().await;
    // The composer refuses such a message, so it comes from another page of the browser through the shared outbox.
    ann.goto(&format!("{}/embed.html", network.url())).await;
    let publish = "const [topic, text, answer] = arguments;
        const { createSingleton } = await import('/npm/index.js');
        const { publish, connect } = createSingleton('large');
        connect({ url: `ws://${location.host}/ws`, rules: [{ pattern: topic, durable: true }] });
        publish(topic, { sender: { id: 'ann', name: 'Ann' }, text }).kept().then(() => answer());";
    let publish = format!("(async (...arguments) => {{ {publish} }})(...arguments)");
    let long = "long ".repeat(80_000);
    ann.run_async(&publish, vec!["chat.large.TEXT_MESSAGE".into(), long.trim().into()]).await;

    ann.goto(&network.url()).await;
    ann.started().await;
    ann.fill("#name", "Ann").await;
    ann.fill("#room", "large").await;
    ann.click("#join").await;
    ann.appears(".message[data-state=queued]").await;
    relay.restart().await;
    ann.says(".failure span", "Not sent. It is too long.").await;
    let buttons = "return [...document.querySelectorAll('.failure button')].map(
        ({ textContent }) => textContent)";
    // The same message would be refused again.
    assert_eq!(ann.run(buttons, vec![]).await, json!(["Edit", "Delete"]));
    ann.say("short").await;
    ann.appears(".message.own[data-state=stored]").await;
    Writer::connect(&relay, "large").await.write_text("from Bob").await;

    let states = async |expected: &[&str]| {
        let is_so = async || {
            let messages = ann.messages().await;
            let states: Vec<&str> = messages.iter().map(|(_, state)| &**state).collect();
            (states == expected).then_some(())
        };
        eventually("the states of Ann's messages", is_so).await;
    };
    states(&["failed", "stored", "stored"]).await;
    ann.reload().await;
    ann.online().await;
    states(&["failed", "stored", "stored"]).await;
    ann.click(".failure button:first-of-type").await;
    states(&["stored", "stored"]).await;
    let composer = "return document.querySelector('#composer').value";
    assert_eq!(ann.run(composer, vec![]).await, *long.trim());
    ann.reload().await;
    ann.online().await;
    states(&["stored", "stored"]).await;
    assert_eq!(ann.run(composer, vec![]).await, *long.trim());
}
