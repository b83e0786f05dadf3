//! The story of the pictures in README.md: a message that is sent while the relay is down arrives when it is back. With
//! `EDK_PICTURES`, a folder, the pictures are taken.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::json;

const SIZE: (u32, u32) = (380, 410);

/// Takes both windows as one picture, one below the other.
async fn picture(name: &str, windows: [&Browser; 2], table: &Browser) {
    let Some(folder) = std::env::var_os("EDK_PICTURES") else { return };
    let mut images = Vec::new();
    for window in windows {
        let taken = window.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        images.push(taken["data"].clone());
    }
    let lay = "const [images, done] = arguments;
        document.body.style = 'margin:0; padding:12px; display:grid; gap:12px; background:#8a9099';
        document.body.replaceChildren(...images.map((data) => {
            const image = new Image();
            image.src = `data:image/png;base64,${data}`;
            image.style = 'display:block; width:100%; border-radius:8px';
            return image;
        }));
        Promise.all([...document.images].map((image) => image.decode())).then(() => done());";
    table.run_async(lay, vec![images.into()]).await;
    let webp = json!({ "format": "webp", "quality": 80 });
    let taken = table.call("Page.captureScreenshot", webp).await;
    let bytes = BASE64.decode(taken["data"].as_str().unwrap_or_default());
    let file = Path::new(&folder).join(name).with_extension("webp");
    std::fs::write(&file, bytes.expect("a picture is base64")).expect("the folder exists");
}

async fn window(driver: &Driver, (width, height): (u32, u32)) -> Browser {
    let browser = Browser::open(driver).await;
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", size).await;
    browser
}

#[tokio::test]
async fn a_message_that_is_sent_while_the_relay_is_down_arrives_when_it_is_back() {
    let (driver, mut relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (window(&driver, SIZE).await, window(&driver, SIZE).await);
    let table = window(&driver, (SIZE.0 + 24, 2 * SIZE.1 + 36)).await;
    ann.join(&relay.url(), "lobby", "Ann").await;
    bob.join(&relay.url(), "lobby", "Bob").await;
    let last_is = async |browser: &Browser, state: &str| {
        let is_so = async || {
            let messages = browser.messages().await;
            messages.last().is_some_and(|(_, last)| last == state).then_some(())
        };
        eventually(state, is_so).await;
    };

    let texts = ["Shall we have lunch?", "Yes, at noon! 🍜", "See you there"];
    ann.say(&texts[0]).await;
    bob.shows(&texts[..1]).await;
    bob.paste(&texts[1]).await;
    ann.shows(&texts[..2]).await;
    last_is(&bob, "stored").await;
    picture("story-1-sent", [&ann, &bob], &table).await;

    relay.kill().await;
    for browser in [&ann, &bob] {
        browser.appears("#link[data-state=offline]").await;
    }
    ann.say(&texts[2]).await;
    last_is(&ann, "queued").await;
    assert_eq!(bob.texts().await, texts[..2]);
    picture("story-2-queued", [&ann, &bob], &table).await;

    relay.restart().await;
    for browser in [&ann, &bob] {
        browser.online().await;
        browser.shows(&texts).await;
    }
    last_is(&ann, "stored").await;
    picture("story-3-stored", [&ann, &bob], &table).await;
    for browser in [ann, bob, table] {
        browser.close().await;
    }
}
