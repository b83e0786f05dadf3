//! The Yew example as users see it. The examples of the npm package are tested with the package.

use end_to_end::{Browser, Driver, Relay};

#[tokio::test]
async fn two_tabs_of_the_yew_example_share_a_counter_that_survives_a_restart_of_the_relay() {
    let (driver, mut relay) = (Driver::start().await, Relay::start_with("EDK_COUNTER").await);
    let browser = Browser::open(&driver).await;
    browser.goto(&relay.url()).await;
    browser.says("output", "0").await;
    browser.click("button").await;
    browser.says("output", "1").await;

    let first = browser.tab().await;
    let second = browser.open_tab().await;
    browser.goto(&relay.url()).await;
    browser.says("output", "1").await;
    browser.click("button").await;
    browser.says("output", "2").await;
    browser.show(&first).await;
    browser.says("output", "2").await;

    // Without a relay, clicks wait in the outbox of both tabs.
    relay.kill().await;
    browser.click("button").await;
    browser.show(&second).await;
    browser.click("button").await;
    relay.restart().await;
    for tab in [&first, &second] {
        browser.show(tab).await;
        browser.says("output", "4").await;
    }
    browser.reload().await;
    browser.says("output", "4").await;
    browser.close().await;
}
