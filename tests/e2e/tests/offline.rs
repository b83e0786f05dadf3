//! Messages that are written while the relay is down.

use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Relay, eventually};

#[tokio::test]
async fn three_messages_wait_while_the_relay_is_down_and_try_now_sends_them_within_a_second_of_its_return()
 {
    let (driver, mut relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    relay.kill().await;
    ann.appears("#link[data-state=offline]").await;
    // What the page tells about the user may be waiting already.
    let waiting = async || {
        let detail = ann.text("#link .detail").await;
        detail.strip_suffix(" waiting").map_or(0, |count| count.parse().expect("a number"))
    };
    let before: u32 = waiting().await;
    let texts = ["one", "two", "three"];
    for text in &texts {
        ann.paste(text).await;
    }
    eventually("3 more wait", async || (waiting().await == before + 3).then_some(())).await;
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
