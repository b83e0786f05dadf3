//! The list of rooms follows what becomes of messages: previews, mentions that are not true, and invitations.

use end_to_end::{Browser, Driver, Relay, eventually};
use fantoccini::key::Key;
use serde_json::Value;

async fn preview_is(browser: &Browser, room: &str, expected: &str) {
    browser.says(&format!(".side a[href='#{room}'] .preview"), expected).await;
}

async fn go_to(browser: &Browser, room: &str) {
    browser.run("location.hash = arguments[0]", vec![room.into()]).await;
    browser.says("h1", &format!("#{room}")).await;
}

async fn is_stored(browser: &Browser) {
    let all = "return [...document.querySelectorAll('.room:not([hidden]) .own')].every(
        (row) => row.dataset.state === 'stored')";
    eventually("ticks", async || (browser.run(all, vec![]).await == true).then_some(())).await;
}

/// Changes the newest message of the user in the open room.
async fn edit_last(browser: &Browser, text: &str) {
    let composer = browser.appears("#composer").await;
    composer.send_keys(&char::from(Key::Up).to_string()).await.expect("it takes keys");
    browser.appears(".purpose .changes").await;
    browser.put("#composer", text).await;
    browser.click("#send").await;
    browser.says(".room:not([hidden]) .message:last-child .text", text).await;
}

#[tokio::test]
async fn the_preview_of_a_room_follows_edits_and_deletions_also_after_a_reload() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    go_to(&ann, "other").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.say("one").await;
    bob.say("tow").await;
    is_stored(&bob).await;
    preview_is(&ann, "tea", "Bob: tow").await;
    edit_last(&bob, "two").await;
    preview_is(&ann, "tea", "Bob: two").await;
    ann.reload().await;
    ann.online().await;
    preview_is(&ann, "tea", "Bob: two").await;

    let point = "document.querySelector('.message:last-child').dispatchEvent(
        new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' }))";
    bob.run(point, vec![]).await;
    bob.click(".tools[role] .delete").await;
    bob.click(".tools .delete.sure").await;
    preview_is(&ann, "tea", "Bob: one").await;
    ann.reload().await;
    ann.online().await;
    preview_is(&ann, "tea", "Bob: one").await;
    ann.close().await;
    bob.close().await;
}

/// Writes into the inbox of a person that a message of the room mentions them, which is not true.
const CLAIM: &str = "const [id, done] = arguments;
    (async () => {
        const { createSingleton } = await import('/npm/index.js');
        const { publish, connect } = createSingleton('claim');
        connect({ url: `ws://${location.host}/ws`, rules: [{ pattern: 'person.>', durable: true }] });
        const message = { id: 'none', epoch: '1', offset: '999999' };
        return publish(`person.${id}.inbox.tea.MENTIONED`, message).settled();
    })().then(() => done(null), (error) => done(String(error)));";

#[tokio::test]
async fn a_mention_that_no_message_confirms_is_forgotten_when_the_room_is_opened() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    let id = "return localStorage.getItem('event-driven-kit.chat.person')";
    let id = eventually("Ann's id", async || {
        let id = ann.run(id, vec![]).await;
        id.is_string().then_some(id)
    })
    .await;
    go_to(&ann, "other").await;
    bob.goto(&format!("{}/embed.html", relay.url())).await;
    assert_eq!(bob.run_async(CLAIM, vec![id]).await, Value::Null);
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.say("one").await;
    ann.appears(".side a[href='#tea'] .badge.mention").await;
    go_to(&ann, "tea").await;
    let badge = "return document.querySelector(\".side a[href='#tea'] .badge\")";
    eventually("the end of the badge", async || {
        ann.run(badge, vec![]).await.is_null().then_some(())
    })
    .await;
    go_to(&ann, "other").await;
    bob.say("two").await;
    ann.appears(".side a[href='#tea'] .badge:not(.mention)").await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn direct_messages_that_were_left_come_back_by_a_new_invitation_and_not_by_the_old_one() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    ann.says(".open-members", "2 here").await;
    ann.click(".open-members").await;
    ann.click("#members a").await;
    ann.says("h1", "Bob").await;
    ann.say("just between us").await;
    is_stored(&ann).await;
    let invited = "Ann wants to talk to you";
    bob.says(".invitation span", invited).await;
    bob.click(".invitation .accept").await;
    bob.says("h1", "Ann").await;
    bob.click(".open-menu").await;
    bob.click("#leave").await;
    bob.run("location.hash = 'tea'", vec![]).await;
    bob.says("h1", "#tea").await;
    // An old invitation in the log is not shown again.
    bob.reload().await;
    bob.online().await;
    bob.appears(".side a[href='#tea']").await;
    assert_eq!(bob.text(".invitation span").await, "");

    ann.reload().await;
    ann.online().await;
    ann.says("h1", "Bob").await;
    ann.say("once more").await;
    bob.says(".invitation span", invited).await;
    bob.click(".invitation .accept").await;
    bob.shows(&["just between us", "once more"].map(str::to_owned)).await;
    ann.close().await;
    bob.close().await;
}
