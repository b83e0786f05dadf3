//! A room with 100,000 messages.

use std::time::Instant;

use end_to_end::list::{first_seen, newest_is, rows_in_page};
use end_to_end::{Browser, Relay, Writer, eventually};

use crate::table::Bar;
use crate::{Bench, page, process};

const MESSAGES: u32 = 100_000;

/// Scrolls by some pixels for each frame of a second. Returns the frames and the milliseconds.
const SCROLL: &str = "const [pixels, done] = arguments, begun = performance.now();
    const log = document.querySelector('.log');
    let frames = 0;
    const frame = () => {
        log.scrollTop += pixels;
        frames += 1;
        const passed = performance.now() - begun;
        if (passed < 1000) requestAnimationFrame(frame);
        else done([frames, passed]);
    };
    requestAnimationFrame(frame);";

/// How many nodes the page has, with those of text.
const NODES: &str = "const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    let nodes = 1;
    while (walker.nextNode()) nodes += 1;
    return nodes;";

/// Scrolling at a quarter of the CPU: back from the newest message, and forward from one in the middle.
pub async fn scroll(bench: &Bench) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, "history").await;
    let begun = Instant::now();
    writer.write(0..MESSAGES).await;
    eprintln!("{MESSAGES} messages were written within {:?}", begun.elapsed());
    let ann = page::open(&bench.driver, &relay, "history", Some(MESSAGES - 1)).await;
    let (mut frames, mut milliseconds) = (0.0, 0.0);
    let (mut nodes, mut rows): (f64, f64) = (0.0, 0.0);
    for (pixels, middle) in [(-60, None), (60, Some(MESSAGES / 2))] {
        if let Some(number) = middle {
            let offset = writer.message(number).offset;
            ann.run("location.hash = arguments[0]", vec![format!("#history/{offset}").into()])
                .await;
            ann.appears(".message.target").await;
        }
        let begun_at = first_seen(&ann).await.0;
        page::throttle(&ann, 4).await;
        for _ in 0..bench.rounds {
            let scrolled = ann.run_async(SCROLL, vec![pixels.into()]).await;
            let [counted, passed] = page::numbers(&scrolled)[..] else { panic!("{scrolled}") };
            frames += counted;
            milliseconds += passed;
            nodes = nodes.max(ann.run(NODES, vec![]).await.as_f64().expect("a count"));
            rows = rows.max(rows_in_page(&ann).await as f64);
        }
        page::throttle(&ann, 1).await;
        let passed = first_seen(&ann).await.0.abs_diff(begun_at);
        assert!(passed > 100, "only {passed} messages were scrolled over");
    }
    let table = &bench.table;
    let fps = frames * 1_000.0 / milliseconds;
    let work = "scroll: 100,000 messages at a quarter of the CPU, frames";
    table.print(work, "/s", fps, Bar::AtLeast(50.0));
    table.print("scroll: the same, nodes in the page", "nodes", nodes, Bar::AtMost(13_000.0));
    table.print("scroll: the same, rows in the page", "rows", rows, Bar::AtMost(1_280.0));
    ann.close().await;
}

/// The memory of the page's process, while the reader is at the end.
pub async fn memory(bench: &Bench) {
    let relay = Relay::start().await;
    let mut writer = Writer::connect(&relay, "memory").await;
    writer.write(0..64).await;
    let ann = page::open(&bench.driver, &relay, "memory", Some(63)).await;
    writer.write(64..MESSAGES / 2).await;
    newest_is(&ann, MESSAGES / 2 - 1).await;
    // By now the page's process has worked more than any other.
    let renderer = process::renderer(bench.driver.process().expect("the driver runs"));
    let half = megabytes(&ann, renderer).await;
    writer.write(MESSAGES / 2..MESSAGES).await;
    newest_is(&ann, MESSAGES - 1).await;
    let all = megabytes(&ann, renderer).await;
    let table = &bench.table;
    table.print("memory: after 50,000 messages", "MB", half, Bar::None);
    table.print("memory: after 100,000 messages", "MB", all, Bar::AtMost(90.0));
    let growth = (all - half).max(0.0);
    table.print("memory: growth by the last 50,000", "MB", growth, Bar::AtMost(5.0));
    ann.close().await;
}

/// What is left once garbage is collected, which takes several rounds.
async fn megabytes(ann: &Browser, renderer: u32) -> f64 {
    let mut last = f64::MAX;
    eventually("memory that no longer shrinks", async || {
        page::collect_garbage(ann).await;
        page::settle(ann).await;
        let now = process::own_megabytes(renderer);
        let shrank = last - now;
        last = last.min(now);
        (shrank < 0.5).then_some(())
    })
    .await;
    last
}
