//! A page of the chat that is measured.

use std::time::{Duration, Instant};

use end_to_end::list::{look, newest_is};
use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

/// The browser's name and version.
pub async fn version(driver: &Driver) -> String {
    let browser = Browser::open(driver).await;
    let version = browser.call("Browser.getVersion", json!({})).await;
    browser.close().await;
    let product = version["product"].as_str().unwrap_or_default();
    // `HeadlessChrome/156.0.8078.108`
    let number = product.split(['/', '.']).nth(1).unwrap_or_default();
    format!("Chromium {number}")
}

/// Opens a browser in a room, which shows the message with this number as its newest, if any.
pub async fn open(driver: &Driver, relay: &Relay, room: &str, newest: Option<u32>) -> Browser {
    let ann = Browser::open(driver).await;
    // Counts only what the main thread works, not what it waits for the CPU.
    ann.call("Performance.enable", json!({ "timeDomain": "threadTicks" })).await;
    ann.join(&relay.url(), room, "Ann").await;
    match newest {
        Some(number) => newest_is(&ann, number).await,
        None => drop(ann.appears(".empty").await),
    }
    ann
}

/// Reads all older messages, and returns to the newest one.
pub async fn read_all(ann: &Browser, newest: u32) {
    eventually("the beginning", async || {
        look(ann, "log.scrollTop = 0").await;
        ann.text(".beginning").await.starts_with("Beginning").then_some(())
    })
    .await;
    eventually("the end", async || {
        let script = "log.scrollTop = log.scrollHeight; return number(rows().at(-1))";
        (look(ann, script).await == newest).then_some(())
    })
    .await;
    newest_is(ann, newest).await;
    settle(ann).await;
}

/// Waits until the page has nothing left to do.
pub async fn settle(ann: &Browser) {
    let idle =
        "const [done] = arguments; requestIdleCallback(() => requestIdleCallback(() => done()))";
    ann.run_async(idle, vec![]).await;
}

/// The CPU time of the page's main thread.
pub async fn cpu_seconds(ann: &Browser) -> f64 {
    let metrics = ann.call("Performance.getMetrics", json!({})).await;
    let metrics = metrics["metrics"].as_array().cloned().unwrap_or_default();
    let of_tasks = metrics.iter().find(|metric| metric["name"] == "TaskDuration");
    of_tasks.and_then(|metric| metric["value"].as_f64()).expect("Chromium counts the time of tasks")
}

/// Makes the CPU this many times slower for the page.
pub async fn throttle(ann: &Browser, times: u32) {
    ann.call("Emulation.setCPUThrottlingRate", json!({ "rate": times })).await;
}

/// Frees what the page no longer uses.
pub async fn collect_garbage(ann: &Browser) {
    ann.call("HeapProfiler.enable", json!({})).await;
    for _ in 0..2 {
        ann.call("HeapProfiler.collectGarbage", json!({})).await;
    }
    ann.call("HeapProfiler.disable", json!({})).await;
}

/// Numbers that a script returns.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// How long `work` takes, in seconds.
pub async fn timed(work: impl Future<Output = ()>) -> f64 {
    let begun = Instant::now();
    work.await;
    begun.elapsed().as_secs_f64()
}

/// The time between two messages of a writer at this rate.
pub fn per_second(messages: u32) -> Duration {
    Duration::from_secs(1) / messages
}
