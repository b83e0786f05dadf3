//! What a visitor waits for: the bytes of the page, and its first paint.

use std::process::Stdio;

use bus_benches::{median, sorted};
use end_to_end::{Browser, Relay, tool};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::table::Bar;
use crate::{Bench, page};

/// The bytes of the bodies that the page has loaded: wasm and JS, and CSS, which is a part of the page.
const LOADED: &str = "const sizes = (pattern) => performance.getEntriesByType('resource')
        .filter(({ name }) => pattern.test(name))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    const [page] = performance.getEntriesByType('navigation');
    const style = new Blob([document.querySelector('style').textContent]).size;
    return [sizes(/\\.(wasm|js)$/), page.encodedBodySize * style / page.decodedBodySize];";

/// What a browser without a cache receives.
pub async fn transfer(bench: &Bench) {
    let relay = Relay::start().await;
    let ann = Browser::open(&bench.driver).await;
    ann.goto(&relay.url()).await;
    ann.started().await;
    let loaded = ann.run(LOADED, vec![]).await;
    let [code, styles] = page::numbers(&loaded)[..] else { panic!("{loaded}") };
    let kilobytes = (code + styles) / 1_000.0;
    bench.table.print("transfer: wasm, JS and CSS", "kB", kilobytes, Bar::AtMost(203.0));
    if let Some(weighed) = bench.weighed {
        let difference = (code / weighed as f64 - 1.0).abs() * 100.0;
        let work = "transfer: wasm and JS, beside what `cargo xtask size` weighs";
        bench.table.print(work, "% apart", difference, Bar::AtMost(1.0));
    }
    ann.close().await;
}

/// The first paint on a phone.
pub async fn shell(bench: &Bench) {
    let relay = Relay::start().await;
    let mut paints = Vec::new();
    for _ in 0..bench.rounds {
        paints.push(first_paint(bench, &relay).await);
    }
    let painted = median(&sorted(paints.into_iter()));
    let work = "shell: first paint at 1.6 Mbit/s, 150 ms and a quarter of the CPU";
    bench.table.print(work, "s", painted, Bar::AtMost(0.8));
    if let Some(script) = &bench.lighthouse {
        let (mut paints, mut scores) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let report = lighthouse(script, &relay.url()).await;
            let paint = &report["audits"]["first-contentful-paint"]["numericValue"];
            paints.push(paint.as_f64().expect("a time") / 1_000.0);
            let score = &report["categories"]["performance"]["score"];
            scores.push(score.as_f64().expect("a score") * 100.0);
        }
        let middle = |values: Vec<f64>| median(&sorted(values.into_iter()));
        let table = &bench.table;
        let work = "shell: first paint of Lighthouse on a phone";
        table.print(work, "s", middle(paints), Bar::AtMost(0.8));
        let work = "shell: performance score of Lighthouse on a phone";
        table.print(work, "points", middle(scores), Bar::AtLeast(95.0));
    }
}

/// The phone of Lighthouse, with a network that delays each request by a round trip.
async fn first_paint(bench: &Bench, relay: &Relay) -> f64 {
    const BYTES_PER_SECOND: u32 = 1_600_000 / 8;
    let ann = Browser::open(&bench.driver).await;
    ann.call("Network.enable", json!({})).await;
    let network = json!({
        "offline": false, "latency": 150,
        "downloadThroughput": BYTES_PER_SECOND, "uploadThroughput": BYTES_PER_SECOND / 2,
    });
    ann.call("Network.emulateNetworkConditions", network).await;
    let phone = json!({ "width": 412, "height": 823, "deviceScaleFactor": 1.75, "mobile": true });
    ann.call("Emulation.setDeviceMetricsOverride", phone).await;
    page::throttle(&ann, 4).await;
    ann.goto(&relay.url()).await;
    let script = "const [paint] = performance.getEntriesByName('first-contentful-paint');
        return paint?.startTime ?? null";
    let painted =
        end_to_end::eventually("a paint", async || ann.run(script, vec![]).await.as_f64());
    let painted = painted.await;
    ann.close().await;
    painted / 1_000.0
}

/// The report on a page.
async fn lighthouse(script: &std::path::Path, url: &str) -> Value {
    let output = Command::new("node")
        .arg(script)
        .args([url, "--output=json", "--quiet", "--only-categories=performance"])
        .args(["--chrome-flags=--headless --no-sandbox", "--no-enable-error-reporting"])
        .env("CHROME_PATH", tool("EDK_CHROMIUM"))
        .stderr(Stdio::inherit())
        .output();
    let output = output.await.expect("node runs Lighthouse");
    assert!(output.status.success(), "Lighthouse failed");
    serde_json::from_slice(&output.stdout).expect("Lighthouse prints JSON")
}
