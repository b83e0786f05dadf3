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
async fn a_message_that_another_page_of_the_browser_has_written_offline_is_shown_before_it_is_sent()
{
    let driver = Driver::start().await;
    let ann = Browser::open(&driver).await;
    what_another_page_has_written_offline_is_shown(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn firefox_shows_what_another_page_has_written_offline_too() {
    let driver = Driver::firefox().await;
    let ann = Browser::open(&driver).await;
    what_another_page_has_written_offline_is_shown(&ann).await;
    ann.close().await;
}

#[tokio::test]
async fn firefox_keeps_and_edits_a_refused_message_too() {
    let (driver, relay) = (Driver::firefox().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.say("before").await;
    ann.appears(".own[data-state=stored]").await;
    // Firefox runs a driver's script in a sandbox, where the kit finds no database. So the refusal is what the chat has
    // kept.
    let refused = "const fields = ['id', String(Date.now()), '1', 'The server is too busy.', 'refused'];
        localStorage.setItem('event-driven-kit.chat.refused.chat.tea.TEXT_MESSAGE', fields.join('\\x1f') + '\\x1e');";
    ann.run(refused, vec![]).await;
    let states = async |expected: &[&str]| {
        eventually("the states of the messages", async || {
            let messages = ann.messages().await;
            messages.iter().map(|(_, state)| &**state).eq(expected.iter().copied()).then_some(())
        })
        .await;
    };
    ann.reload().await;
    ann.online().await;
    states(&["stored", "failed"]).await;
    ann.say("after").await;
    states(&["stored", "failed", "stored"]).await;
    ann.reload().await;
    ann.online().await;
    states(&["stored", "failed", "stored"]).await;
    ann.click(".failure button:nth-of-type(2)").await;
    states(&["stored", "stored"]).await;
    assert_eq!(ann.value("#composer").await, "refused");
    ann.reload().await;
    ann.online().await;
    states(&["stored", "stored"]).await;
    assert_eq!(ann.value("#composer").await, "refused");
    ann.close().await;
}

#[tokio::test]
async fn in_firefox_a_waiting_message_is_taken_back_and_never_sent() {
    let driver = Driver::firefox().await;
    let (ann, mut relay) = (Browser::open(&driver).await, Relay::start().await);
    ann.join(&relay.url(), "tea", "Ann").await;
    relay.kill().await;
    ann.appears("#link[data-state=offline]").await;
    for text in ["one", "two", "three"] {
        ann.paste(text).await;
    }
    ann.says("#link .detail", "3 waiting").await;
    ann.click(".message:nth-child(2) .waiting button").await;
    let rest = ["one", "three"].map(str::to_owned);
    ann.shows(&rest).await;
    assert_eq!(ann.value("#composer").await, "two");
    relay.restart().await;
    ann.online().await;
    eventually("ticks", async || {
        let messages = ann.messages().await;
        messages.iter().all(|(_, state)| state == "stored").then_some(())
    })
    .await;
    // All that the log has.
    ann.reload().await;
    ann.online().await;
    ann.shows(&rest).await;
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

async fn what_another_page_has_written_offline_is_shown(ann: &Browser) {
    let (mut relay, pages) = (Relay::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &pages.address()).await;
    ann.join(&network.url(), "tea", "Ann").await;
    ann.goto(&format!("{}/embed.html?room=tea&name=Ann", network.url())).await;
    ann.online().await;
    relay.kill().await;
    ann.appears("#link[data-state=offline]").await;
    ann.say("written offline").await;
    ann.appears(".message[data-state=kept]").await;
    ann.goto(&format!("{}/#tea", network.url())).await;
    ann.appears(".message[data-state=queued]").await;
    ann.says("#link .detail", "1 waiting").await;
    // Other tabs show it, too, while this one leads.
    let first = ann.tab().await;
    ann.open_tab().await;
    ann.goto(&format!("{}/#tea", network.url())).await;
    ann.appears(".message[data-state=queued]").await;
    ann.show(&first).await;
    relay.restart().await;
    ann.appears(".message[data-state=stored]").await;
    ann.shows(&["written offline".to_owned()]).await;
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
