//! The keyboard alone in a message, and in the developer tools.

use end_to_end::{Browser, Driver, Relay, eventually};

use super::press;

/// The name of what has the focus, in the shadow tree of the developer tools too.
const FOCUSED: &str = "const { activeElement: outer } = document;
    const element = outer.shadowRoot?.activeElement ?? outer;
    return element.getAttribute('aria-label') ?? element.textContent";

/// Waits until what has the focus has this name.
async fn is_at(page: &Browser, name: &str) {
    eventually(name, async || (page.run(FOCUSED, vec![]).await == name).then_some(())).await;
}

/// Goes on to the next button or link of a message until it has this name.
async fn go_to(page: &Browser, name: &str) {
    for _ in 0..10 {
        press(page, "ArrowRight", 39, 0).await;
        if page.run(FOCUSED, vec![]).await == name {
            return;
        }
    }
    panic!("the arrows do not reach {name}");
}

#[tokio::test]
async fn the_keyboard_opens_the_link_of_a_message_and_deletes_only_after_a_question() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.say("hello").await;
    ann.appears(".own[data-state=stored] .meta a").await;
    ann.run("document.querySelector('.message').focus()", vec![]).await;
    // Its buttons are drawn once it has the focus.
    ann.appears(".tools[role] .delete").await;
    let time = ann.text(".meta time").await;
    go_to(&ann, &time).await;
    let is_stop = "return document.activeElement.matches('.meta a[tabindex=\"0\"]')";
    assert_eq!(ann.run(is_stop, vec![]).await, true, "Tab reaches it, too");
    ann.activate().await;
    ann.appears(".message.target").await;
    let names_it = "return location.hash === document.querySelector('.meta a').hash";
    assert_eq!(ann.run(names_it, vec![]).await, true);

    ann.run("document.querySelector('.message').focus()", vec![]).await;
    go_to(&ann, "Delete").await;
    ann.activate().await;
    is_at(&ann, "Delete?").await;
    assert_eq!(ann.text(".tools .delete").await, "Delete?");
    // Leaving the button cancels the question.
    press(&ann, "ArrowLeft", 37, 0).await;
    is_at(&ann, "Edit").await;
    go_to(&ann, "Delete").await;
    ann.activate().await;
    is_at(&ann, "Delete?").await;
    ann.activate().await;
    ann.appears(".text.deleted").await;
    ann.close().await;
}

#[tokio::test]
async fn f6_reaches_the_developer_tools_and_leaves_them() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.click(".open-settings").await;
    ann.click("#settings .open-inspector").await;
    let is_there = "return !!document.querySelector('event-inspector')?.shadowRoot?.querySelector('[role=tab]')";
    eventually("the developer tools", async || {
        (ann.run(is_there, vec![]).await == true).then_some(())
    })
    .await;
    ann.run("document.querySelector('#composer').focus()", vec![]).await;
    press(&ann, "F6", 117, 0).await;
    is_at(&ann, "Flow").await;
    press(&ann, "F6", 117, 0).await;
    let is_outside = "return document.activeElement !== document.body
        && document.activeElement.localName !== 'event-inspector'";
    assert_eq!(ann.run(is_outside, vec![]).await, true);
    press(&ann, "F6", 117, 8).await;
    is_at(&ann, "Flow").await;
    press(&ann, "F6", 117, 8).await;
    is_at(&ann, "Message").await;
    ann.close().await;
}
