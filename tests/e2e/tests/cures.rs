//! What a user of the chat meets first: a page that is painted before its program, a second person in a guest window,
//! drafts, an unread count, and messages that wait for the link.

use std::time::{Duration, Instant};

use end_to_end::{Browser, Driver, Network, Proxy, Relay, eventually};
use serde_json::json;

/// When the page was first painted, and when its program had arrived, in milliseconds.
const TIMES: &str = "const [paint] = performance.getEntriesByName('first-contentful-paint');
    const wasm = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('.wasm'));
    return [paint?.startTime ?? null, wasm?.responseEnd ?? null];";

/// Begins to load the page over a slow link, and does not wait for it.
async fn load_slowly(browser: &Browser, url: &str) {
    browser.call("Network.enable", json!({})).await;
    let slow = json!({ "offline": false, "latency": 20, "downloadThroughput": 50_000, "uploadThroughput": 50_000 });
    browser.call("Network.emulateNetworkConditions", slow).await;
    browser.call("Network.setCacheDisabled", json!({ "cacheDisabled": true })).await;
    browser.call("Page.navigate", json!({ "url": url })).await;
}

#[tokio::test]
async fn name_room_and_join_are_painted_and_usable_before_the_program_has_arrived() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    load_slowly(&ann, &format!("{}/#tea%20%26%20cake", relay.url())).await;
    ann.appears("#join").await;
    let place = "const { x, y, width } = document.querySelector('#name').getBoundingClientRect();
        return [x, y, width];";
    let before = ann.run(place, vec![]).await;
    assert_eq!(ann.value("#room").await, "tea & cake");
    assert_eq!(ann.run("return document.activeElement.id", vec![]).await, "name");
    ann.put("#name", "Ann").await;
    assert_eq!(ann.run("return window.wasmBindings === undefined", vec![]).await, true);
    ann.started().await;
    assert_eq!(ann.value("#name").await, "Ann", "what was typed stays");
    assert_eq!(ann.run(place, vec![]).await, before, "nothing moves");
    let times = ann.run(TIMES, vec![]).await;
    let (painted, arrived) = (times[0].as_f64().unwrap(), times[1].as_f64().unwrap());
    assert!(painted + 1_000.0 < arrived, "painted at {painted}, arrived at {arrived}");

    load_slowly(&ann, &format!("{}/?again#tea", relay.url())).await;
    eventually("the first screen", async || {
        (ann.run(
            "return window.wasmBindings === undefined && !!document.querySelector('#join')",
            vec![],
        )
        .await
            == true)
            .then_some(())
    })
    .await;
    ann.put("#name", "Ann").await;
    ann.click("#join").await;
    ann.says("#join", "Joining…").await;
    ann.online().await;
    ann.says("h1", "#tea").await;

    load_slowly(&ann, &format!("{}/?third#tea", relay.url())).await;
    eventually("the room's name", async || {
        (ann.run("return window.wasmBindings === undefined && document.querySelector('h1 bdi')?.textContent", vec![])
            .await
            == "tea")
            .then_some(())
    })
    .await;
    let is_shown = "return document.querySelector('.join')?.getClientRects().length > 0";
    let is_asked = ann.run(is_shown, vec![]).await;
    assert_eq!(is_asked, false, "a user with a name and a room is not asked again");
    ann.online().await;
    ann.console_is_clean().await;
    ann.close().await;
}

#[tokio::test]
async fn a_guest_window_is_a_second_person() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    let first = ann.tab().await;
    ann.click(".empty .open-guest").await;
    let guest = ann.show_new_tab(std::slice::from_ref(&first)).await;
    ann.online().await;
    ann.say("hello from the guest").await;
    ann.appears(".message.own[data-state=stored]").await;
    ann.show(&first).await;
    ann.shows(&["hello from the guest"]).await;
    assert_eq!(ann.run("return !!document.querySelector('.own')", vec![]).await, false);
    ann.say("hello from Ann").await;
    ann.show(&guest).await;
    ann.shows(&["hello from the guest", "hello from Ann"]).await;
    ann.appears(".message:last-child:not(.own)").await;
    ann.reload().await;
    ann.online().await;
    ann.appears(".message.own:first-child").await;
    ann.appears(".message:last-child:not(.own)").await;

    // The menu has the same in a room that is not empty.
    ann.show(&first).await;
    ann.click(".open-menu").await;
    ann.click("#menu .open-guest").await;
    ann.show_new_tab(&[first, guest]).await;
    ann.online().await;
    ann.shows(&["hello from the guest", "hello from Ann"]).await;
    assert_eq!(ann.run("return !!document.querySelector('.own')", vec![]).await, false);
    ann.console_is_clean().await;
    ann.close().await;
}

#[tokio::test]
async fn the_menu_copies_the_link_and_back_after_leaving_does_not_enter_the_room_again() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    let link = format!("{}/#tea", relay.url());
    let permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    ann.call("Browser.grantPermissions", json!({ "permissions": permissions })).await;
    // Only the page in front may copy.
    ann.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
    ann.click(".open-menu").await;
    ann.click("#menu .copy-link").await;
    ann.says(".toast", "Link copied").await;
    let read = "const [done] = arguments; navigator.clipboard.readText().then(done, (error) => done(String(error)));";
    assert_eq!(ann.run_async(read, vec![]).await, *link);
    // Where the page must not copy, it shows the address.
    ann.run("Object.defineProperty(navigator, 'clipboard', { value: undefined })", vec![]).await;
    ann.click(".empty .copy-link").await;
    ann.says(".toast", &link).await;

    ann.has_title("tea - event-driven-kit chat").await;
    ann.click(".open-menu").await;
    ann.click("#leave").await;
    ann.appears("#join").await;
    ann.has_title("event-driven-kit chat").await;
    ann.run("history.back()", vec![]).await;
    eventually("the address without a room", async || {
        (ann.run("return location.hash", vec![]).await == "").then_some(())
    })
    .await;
    ann.appears("#join").await;
    ann.close().await;
}

#[tokio::test]
async fn the_title_counts_what_arrives_while_the_page_is_not_in_front() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.say("before Ann").await;
    bob.appears(".message[data-state=stored]").await;
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.shows(&["before Ann"]).await;
    assert_eq!(ann.title().await, "tea - event-driven-kit chat");
    // A headless browser gives every page the focus.
    ann.run("document.hasFocus = () => false", vec![]).await;
    bob.say("one").await;
    bob.say("two").await;
    ann.has_title("(2) tea - event-driven-kit chat").await;
    ann.run("document.hasFocus = () => true; dispatchEvent(new Event('focus'))", vec![]).await;
    ann.has_title("tea - event-driven-kit chat").await;
    bob.say("three").await;
    ann.appears(".message:nth-child(4)").await;
    // Until the list has looked at what is on the screen, which it does twice a second.
    ann.has_title("tea - event-driven-kit chat").await;
    ann.close().await;
    bob.close().await;
}

/// Counts the sockets that a page opens, from before it is loaded.
const SOCKETS: &str = "globalThis.sockets = 0;
    globalThis.WebSocket = class extends WebSocket {
        constructor(...given) {
            super(...given);
            sockets += 1;
        }
    };";

#[tokio::test]
async fn offline_the_page_counts_what_waits_and_connects_when_asked_and_a_waiting_message_is_taken_back()
 {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &relay.address()).await;
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": SOCKETS })).await;
    ann.join(&network.url(), "tea", "Ann").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    network.set(Network::Cut);
    ann.appears("#link[data-state=offline]").await;
    for text in ["one", "two", "three"] {
        ann.paste(text).await;
    }
    ann.says("#link .detail", "3 waiting").await;
    ann.says("#link .connect", "Try now").await;
    let signs = "return [...document.querySelectorAll('.sign')].map((sign) => sign.ariaLabel)";
    assert_eq!(ann.run(signs, vec![]).await, json!(["Waiting", "Waiting", "Waiting"]));

    ann.click(".message:nth-child(2) .waiting button").await;
    ann.shows(&["one", "three"]).await;
    ann.says("#link .detail", "2 waiting").await;
    assert_eq!(ann.value("#composer").await, "two");
    assert_eq!(ann.run("return document.activeElement.id", vec![]).await, "composer");

    // The click opens a socket at once, unless an attempt is under way.
    let click = "const before = sockets;
        document.querySelector('#link .connect').click();
        return sockets - before;";
    eventually("an attempt by a click", async || (ann.run(click, vec![]).await == 1).then_some(()))
        .await;
    network.set(Network::Whole);
    let begun = Instant::now();
    ann.connect_now().await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    bob.shows(&["one", "three"]).await;
    eventually("ticks", async || {
        (ann.run(signs, vec![]).await == json!(["Sent", "Sent"])).then_some(())
    })
    .await;
    assert_eq!(ann.text("#link").await, "Online");
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn emoji_are_in_colour_and_few_of_them_alone_are_large() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    let texts = ["text", "😀 👩‍👩‍👧‍👦 ❤", "four 😀😀😀😀"];
    for text in &texts {
        ann.paste(text).await;
    }
    ann.shows(&texts).await;
    let sizes = "return [...document.querySelectorAll('.text')].map(
        (text) => parseFloat(getComputedStyle(text).fontSize))";
    assert_eq!(ann.run(sizes, vec![]).await, json!([16, 32, 16]));
    // Draws each character with the fonts of the page, and looks for a pixel that is not grey.
    let coloured =
        "const [character, family] = [arguments[0], getComputedStyle(document.body).fontFamily];
        const canvas = new OffscreenCanvas(64, 64).getContext('2d', { willReadFrequently: true });
        canvas.font = `40px ${family}`;
        canvas.fillText(character, 4, 48);
        const { data } = canvas.getImageData(0, 0, 64, 64);
        for (let at = 0; at < data.length; at += 4) {
            if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return true;
        }
        return false;";
    for (character, is_coloured) in
        [("a", false), ("😀", true), ("👩🏽‍🚀", true), ("❤", true), ("☎", true)]
    {
        assert_eq!(ann.run(coloured, vec![character.into()]).await, is_coloured, "{character}");
    }
    ann.close().await;
}

#[tokio::test]
async fn a_paste_of_100_kilobytes_does_not_block_the_page_and_a_message_of_800_lines_is_folded() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    let paste = "const [text, done] = arguments;
        document.querySelector('#composer').focus();
        const begun = performance.now();
        document.execCommand('insertText', false, text);
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));";
    let text = "a word and another one ".repeat(100_000 / 23);
    let mut quickest = f64::MAX;
    // A busy machine is slow now and then.
    for _ in 0..5 {
        ann.put("#composer", "").await;
        let spent = ann.run_async(paste, vec![text.clone().into()]).await;
        quickest = quickest.min(spent.as_f64().unwrap());
    }
    assert!(quickest < 1_000.0, "{quickest} ms");
    ann.appears(".write .problem:not(:empty)").await;

    ann.paste(&"line\n".repeat(800)).await;
    ann.appears(".message[data-state=stored] .unfold").await;
    let height = ann.run("return document.querySelector('.message').offsetHeight", vec![]).await;
    assert!(height.as_f64().unwrap() < 1_000.0, "{height}");
    ann.close().await;
}
