//! How far the row that is read moves when the list changes around it.

use std::time::Duration;

use end_to_end::list::{drift, first_seen, look};
use end_to_end::{Browser, Relay, Writer, eventually};

use crate::table::Bar;
use crate::{Bench, page};

pub async fn farthest(bench: &Bench) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, "drift").await;
    writer.write(0..1_500).await;
    let ann = page::open(&bench.driver, &relay, "drift", Some(1_499)).await;
    let mut farthest: f64 = 0.0;
    let mut moved = Vec::new();
    for _ in 0..40 {
        look(&ann, "log.scrollTop -= log.clientHeight * 0.9").await;
        let here = first_seen(&ann).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        farthest = farthest.max(drift(&ann, here).await);
    }
    moved.push(("older pages", farthest));

    let here = first_seen(&ann).await;
    writer.write(1_500..3_500).await;
    ann.appears(".newer button").await;
    has_heard(&ann, 3_499).await;
    moved.push(("2,000 new messages", drift(&ann, here).await));
    // More than a timeline keeps: it forgets the oldest ones, above the reader.
    writer.write(3_500..25_500).await;
    has_heard(&ann, 25_499).await;
    moved.push(("22,000 more, with which the oldest are forgotten", drift(&ann, here).await));
    let mut farthest: f64 = 0.0;
    for (width, height) in [(500, 800), (900, 500), (1_200, 900), (900, 800)] {
        ann.resize(width, height).await;
        farthest = farthest.max(drift(&ann, here).await);
    }
    moved.push(("another size of the window", farthest));
    for (what, pixels) in &moved {
        eprintln!("drift by {what}: {pixels} px");
    }
    let farthest = moved.iter().map(|(_, pixels)| *pixels).fold(0.0, f64::max);
    bench.table.print("drift: the row that is read", "px", farthest, Bar::AtMost(1.0));
    ann.close().await;
}

/// Waits until the page has heard this message, which it announces although it does not show it.
async fn has_heard(ann: &Browser, number: u32) {
    eventually("the newest message", async || {
        let script =
            "return document.querySelector('.aside[role=status] p:last-child')?.textContent";
        let said = ann.run(script, vec![]).await;
        said.as_str()?.contains(&format!(": {number} ")).then_some(())
    })
    .await;
    page::settle(ann).await;
}
