//! The pictures in README.md: the story of a message that is sent while the relay is down and arrives when it is back,
//! and the chat on a desktop, on a phone, in the dark and with the inspector. With `EDK_PICTURES`, a folder, they are
//! taken.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{Browser, Driver, Relay, eventually};
use serde_json::json;

const SIZE: (u32, u32) = (380, 410);

/// Takes both windows as one picture, one below the other.
async fn picture(name: &str, windows: [&Browser; 2], table: &Browser) {
    if std::env::var_os("EDK_PICTURES").is_none() {
        return;
    }
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
    save(name, table).await;
}

/// Takes a window.
async fn save(name: &str, window: &Browser) {
    let Some(folder) = std::env::var_os("EDK_PICTURES") else { return };
    let webp = json!({ "format": "webp", "quality": 80 });
    let taken = window.call("Page.captureScreenshot", webp).await;
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
    ann.say(texts[0]).await;
    bob.shows(&texts[..1]).await;
    bob.paste(texts[1]).await;
    ann.shows(&texts[..2]).await;
    last_is(&bob, "stored").await;
    picture("story-1-sent", [&ann, &bob], &table).await;

    relay.kill().await;
    for browser in [&ann, &bob] {
        browser.appears("#link[data-state=offline]").await;
    }
    ann.say(texts[2]).await;
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

async fn resize(window: &Browser, (width, height): (u32, u32)) {
    let size =
        json!({ "width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": false });
    window.call("Emulation.setDeviceMetricsOverride", size).await;
}

async fn emulate(window: &Browser, scheme: &str) {
    let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    window.call("Emulation.setEmulatedMedia", media).await;
}

async fn go_to(window: &Browser, room: &str) {
    window.run("location.hash = arguments[0]", vec![room.into()]).await;
    window.says("h1", &format!("#{room}")).await;
}

/// Two rooms with a conversation, as Ann sees them.
async fn talk(ann: &Browser, bob: &Browser, relay: &Relay) {
    ann.join(&relay.url(), "kitchen", "Ann").await;
    bob.join(&relay.url(), "kitchen", "Bob").await;
    bob.say("The kettle is on.").await;
    ann.appears(".message").await;
    for browser in [ann, bob] {
        go_to(browser, "releases").await;
    }
    let mut said = 0;
    for (author, text) in [
        (
            bob,
            "Version 0.9 is ready to be tried. What is new:\n\n- *edits* and **reactions** work offline\n- the list of rooms follows them",
        ),
        (ann, "Tried it in Firefox: `cargo xtask run`, then pulled the plug 🔌"),
        (ann, "Nothing was lost, and nothing came twice."),
        (bob, "That is the promise :)"),
    ] {
        author.paste(text).await;
        said += 1;
        for browser in [ann, bob] {
            browser.appears(&format!(".room:not([hidden]) .message:nth-child({said})")).await;
        }
    }
    // A reaction to what Ann has said last.
    let point = "document.querySelector('.room:not([hidden]) .message:nth-child(3)').dispatchEvent(
        new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' }))";
    bob.run(point, vec![]).await;
    bob.click(".tools[role] .react").await;
    let search = bob.appears(".emoji input").await;
    search.send_keys("party popper").await.expect("it takes keys");
    bob.click(".emoji .grid [data-emoji='🎉']:first-child").await;
    ann.appears(".room:not([hidden]) .reaction").await;
    go_to(bob, "kitchen").await;
    bob.say("Tea?").await;
    ann.says(".side a[href='#kitchen'] .count", "1").await;
    ann.appears(".room:not([hidden]) .own[data-state=stored]:nth-child(3)").await;
}

#[tokio::test]
async fn the_chat_is_shown_on_a_desktop_a_phone_in_the_dark_and_with_the_inspector() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = window(&driver, (960, 600)).await;
    let bob = window(&driver, (960, 600)).await;
    talk(&ann, &bob, &relay).await;
    resize(&ann, (960, 600)).await;
    save("chat-desktop", &ann).await;
    emulate(&ann, "dark").await;
    save("chat-dark", &ann).await;
    resize(&ann, (390, 600)).await;
    emulate(&ann, "light").await;
    save("chat-phone", &ann).await;
    resize(&ann, (960, 600)).await;
    ann.click(".open-settings").await;
    ann.click("#settings .open-inspector").await;
    bob.say("It is ready.").await;
    let flow = "const root = document.querySelector('event-inspector')?.shadowRoot;
        const row = [...root?.querySelectorAll('.rows .row') ?? []].find((row) => row.innerText.includes('ready'));
        row?.click();
        return !!root?.querySelector('.details:not([hidden])');";
    eventually("the selected event", async || (ann.run(flow, vec![]).await == true).then_some(()))
        .await;
    save("chat-inspector", &ann).await;
    ann.close().await;
    bob.close().await;
}
