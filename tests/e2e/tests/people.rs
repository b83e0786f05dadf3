//! The chat for all people: languages, themes, the keyboard alone, screen readers, and whose a message is.

#[path = "people/keyboard.rs"]
mod keyboard;
#[path = "people/languages.rs"]
mod languages;

use end_to_end::{Account, Browser, Driver, Relay, eventually};
use serde_json::{Value, json};

const WRITER: &str = include_str!("timeline/writer.js");

async fn style(page: &Browser, css: &str, property: &str) -> String {
    let script = "const [css, property] = arguments;
        return getComputedStyle(document.querySelector(css)).getPropertyValue(property)";
    let value = page.run(script, vec![css.into(), property.into()]).await;
    value.as_str().unwrap_or_default().to_owned()
}

/// Chooses a setting by its value, as a click on its label does.
async fn choose(page: &Browser, setting: &str, value: &str) {
    if page.run("return !document.querySelector('#settings:popover-open')", vec![]).await == true {
        page.click(".open-settings").await;
    }
    page.click(&format!("#settings label:has([name={setting}][value='{value}'])")).await;
}

/// Closes the settings.
async fn escape(page: &Browser) {
    press(page, "Escape", 27, 0).await;
}

/// Presses and releases a key. The modifiers are those of the DevTools protocol: 8 for Shift.
async fn press(page: &Browser, key: &str, code: u32, modifiers: u32) {
    for kind in ["rawKeyDown", "keyUp"] {
        let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers });
        page.call("Input.dispatchKeyEvent", event).await;
    }
}

#[tokio::test]
async fn themes_follow_the_system_until_one_is_chosen_in_all_tabs() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    let emulate = async |name: &str, value: &str| {
        let media = json!({ "features": [{ "name": name, "value": value }] });
        ann.call("Emulation.setEmulatedMedia", media).await;
    };
    let ink = async || style(&ann, "body", "color").await;
    let first = ann.tab().await;
    ann.join(&relay.url(), "tea", "Ann").await;
    emulate("prefers-color-scheme", "light").await;
    let light = ink().await;
    emulate("prefers-color-scheme", "dark").await;
    let dark = ink().await;
    assert_ne!(light, dark);

    emulate("prefers-color-scheme", "light").await;
    let second = ann.open_tab().await;
    ann.goto(&format!("{}/#tea", relay.url())).await;
    ann.online().await;
    emulate("prefers-color-scheme", "light").await;
    assert_eq!(ink().await, light);
    ann.show(&first).await;
    choose(&ann, "theme", "dark").await;
    assert_eq!(ink().await, dark, "over the system's light");
    ann.show(&second).await;
    eventually("the other tab's theme", async || (ink().await == dark).then_some(())).await;
    ann.reload().await;
    assert_eq!(ink().await, dark, "after a reload");
    ann.show(&first).await;
    let bar = "return [...document.querySelectorAll('meta[name=theme-color]')].find(({ media }) => matchMedia(media).matches).content";
    assert_eq!(ann.run(bar, vec![]).await, "#20252b", "the browser's own bar");

    let full = |color: &str| color.contains("255, 255, 255") || color.contains("1 1 1");
    assert!(!full(&ink().await));
    choose(&ann, "contrast", "more").await;
    assert!(full(&ink().await), "{}", ink().await);
    choose(&ann, "contrast", "").await;
    assert!(!full(&ink().await));
    emulate("prefers-contrast", "more").await;
    assert!(full(&ink().await), "by the system");

    emulate("prefers-reduced-motion", "reduce").await;
    let moving = "return document.getAnimations().length";
    assert_eq!(ann.run(moving, vec![]).await, 0);
    emulate("forced-colors", "active").await;
    ann.say("seen").await;
    ann.appears(".own[data-state=stored]").await;
    assert_eq!(style(&ann, ".bubble", "border-top-style").await, "solid", "without its ground");
    ann.close().await;
}

/// Whether the element that has the focus shows it: by an outline, or by the frame around the composer.
const FOCUS: &str = "const { activeElement: element } = document;
    const shows = (element) => getComputedStyle(element).outlineStyle !== 'none' && parseFloat(getComputedStyle(element).outlineWidth) > 0;
    const box = element.getBoundingClientRect();
    const label = element.type === 'radio' ? element.nextElementSibling : element;
    return [
        element.id || element.className || element.tagName,
        element !== document.body && box.bottom > 0 && box.top < innerHeight &&
            (shows(label) || getComputedStyle(element.closest('form') ?? element).boxShadow !== 'none')
    ];";

async fn has_visible_focus(page: &Browser) -> String {
    let focus = page.run(FOCUS, vec![]).await;
    assert_eq!(focus[1], true, "{focus}");
    focus[0].as_str().unwrap_or_default().to_owned()
}

async fn tab(page: &Browser) -> String {
    press(page, "Tab", 9, 0).await;
    has_visible_focus(page).await
}

#[tokio::test]
async fn the_keyboard_alone_joins_writes_and_goes_around_the_page_with_the_focus_in_sight() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    let keys = async |text: &str| ann.call("Input.insertText", json!({ "text": text })).await;
    ann.goto(&relay.url()).await;
    ann.started().await;
    assert_eq!(has_visible_focus(&ann).await, "name");
    keys("Ann").await;
    assert_eq!(tab(&ann).await, "room");
    assert_eq!(tab(&ann).await, "join");
    ann.activate().await;
    ann.appears("#composer:focus").await;
    assert_eq!(has_visible_focus(&ann).await, "composer");
    keys("from the keyboard").await;
    ann.activate().await;
    ann.appears(".own[data-state=stored]").await;

    // Once around the regions, and back.
    let mut seen = Vec::new();
    for _ in 0..6 {
        press(&ann, "F6", 117, 0).await;
        seen.push(has_visible_focus(&ann).await);
        if seen.last().is_some_and(|last| last == "composer") {
            break;
        }
    }
    assert!(seen.len() > 2 && seen.contains(&"log".to_owned()), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("composer"));
    press(&ann, "F6", 117, 8).await;
    assert_eq!(has_visible_focus(&ann).await, seen[seen.len() - 2]);

    // The settings open, change and close without the mouse, and give the focus back.
    ann.run("document.querySelector('.open-settings').focus()", vec![]).await;
    ann.activate().await;
    ann.appears("#settings:popover-open").await;
    while ann.run("return document.activeElement.name", vec![]).await != "theme" {
        tab(&ann).await;
    }
    press(&ann, "ArrowDown", 40, 0).await;
    has_visible_focus(&ann).await;
    assert_eq!(ann.run("return document.documentElement.dataset.theme", vec![]).await, "light");
    escape(&ann).await;
    assert_eq!(has_visible_focus(&ann).await, "open-settings");
    ann.close().await;
}

#[tokio::test]
async fn a_zoom_of_400_percent_leaves_two_messages() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    for text in ["one", "two", "three", "four", "five"] {
        ann.say(text).await;
    }
    ann.appears(".own:nth-child(5)[data-state=stored]").await;
    // A window of 1280 by 1024 at 400 %.
    let size = json!({ "width": 320, "height": 256, "deviceScaleFactor": 4, "mobile": false });
    ann.call("Emulation.setDeviceMetricsOverride", size).await;
    let whole = "const log = document.querySelector('.log').getBoundingClientRect();
        const inside = ({ top, bottom }) => top >= log.top && bottom <= log.bottom;
        return [...document.querySelectorAll('.bubble')].filter((one) => inside(one.getBoundingClientRect())).length";
    eventually("two messages", async || {
        (ann.run(whole, vec![]).await.as_i64() >= Some(2)).then_some(())
    })
    .await;
    let overflow = "return document.documentElement.scrollWidth - innerWidth";
    assert!(ann.run(overflow, vec![]).await.as_i64() <= Some(0));
    ann.close().await;
}

#[tokio::test]
async fn the_announcer_says_each_new_message_once_and_nothing_else() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let [ann, bob, page] = [(); 3].map(|()| Browser::open(&driver));
    let (ann, bob, page) = (ann.await, bob.await, page.await);
    page.goto(&format!("{}/embed.html", relay.url())).await;
    assert_eq!(page.run_async(WRITER, vec!["tea".into()]).await, Value::Null);
    let writes = async |script: &str| {
        let script =
            format!("const [done] = arguments; writer.{script}.then(() => done(null), String);");
        assert_eq!(page.run_async(&script, vec![]).await, Value::Null);
    };
    // All texts that the page gives to screen readers.
    let record = "window.said = [];
        new MutationObserver((changes) => {
            for (const { addedNodes, target } of changes)
                for (const node of [...addedNodes, target]) {
                    const element = node.parentElement ?? target;
                    const place = element.closest('[role=status], [role=alert], [role=log], [aria-live]');
                    if (place && !place.closest('#link') && node !== place) said.push(node.textContent);
                }
        }).observe(document.body, { childList: true, subtree: true, characterData: true });";
    let said = async || ann.run("return said", vec![]).await;
    writes("write(0, 2)").await;
    ann.goto(&relay.url()).await;
    ann.started().await;
    ann.run(record, vec![]).await;
    ann.fill("#name", "Ann").await;
    ann.fill("#room", "tea").await;
    ann.click("#join").await;
    ann.appears(".message:nth-child(2)").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.put("#composer", "x").await;
    ann.says(".typing", "Bob is typing…").await;
    ann.say("my own").await;
    ann.appears(".own[data-state=stored]").await;
    writes("edit(0, '0 edited')").await;
    ann.says(".message:first-child .text", "0 edited").await;
    writes("write(2, 4)").await;
    ann.appears(".message:nth-child(5)").await;
    eventually("both texts", async || {
        let said = said().await.as_array().cloned().unwrap_or_default();
        let starts =
            |at: usize, text: &str| said[at].as_str().is_some_and(|said| said.starts_with(text));
        (said.len() == 2 && starts(0, "Writer: 2") && starts(1, "Writer: 3")).then_some(())
    })
    .await;
    for browser in [ann, bob, page] {
        browser.close().await;
    }
}

#[tokio::test]
async fn a_message_says_whose_it_is_by_what_the_relay_attests() {
    let driver = Driver::start().await;
    let (relay, [ann, cho]) = Relay::start_with_accounts(["ann", "cho"]).await;
    let open = async |account: Option<&Account>, name: &str| {
        let page = Browser::open(&driver).await;
        let url = match account {
            Some(account) => {
                page.goto(&relay.url()).await;
                let keep = "localStorage.setItem(`event-driven-kit.chat.token.${arguments[0]}`, arguments[1])";
                page.run(keep, vec![account.name.clone().into(), account.token.clone().into()])
                    .await;
                format!("{}/?account={}", relay.url(), account.name)
            }
            None => relay.url(),
        };
        page.join(&url, "tea", name).await;
        page
    };
    let desktop = open(Some(&ann), "whatever").await;
    let phone = open(Some(&ann), "another name").await;
    let reader = open(Some(&cho), "Cho").await;
    let guest = open(None, "ann · signed in").await;
    desktop.say("from the desktop").await;
    reader.shows(&["from the desktop"]).await;
    guest.say("from a guest").await;
    let both = ["from the desktop", "from a guest"];
    for page in [&desktop, &phone, &reader, &guest] {
        page.shows(&both).await;
    }
    let senders = "return [...document.querySelectorAll('.message')].map((row) =>
        [row.querySelector('.sender').textContent, row.querySelector('.sender bdi').textContent, row.classList.contains('own')])";
    let by_ann = |own: bool| json!(["ann · signed in", "ann", own]);
    let by_guest = json!(["ann · signed in (guest)", "ann · signed in", false]);
    assert_eq!(reader.run(senders, vec![]).await, json!([by_ann(false), by_guest]));
    assert_eq!(phone.run(senders, vec![]).await, json!([by_ann(true), by_guest]), "one account");
    assert_eq!(desktop.run(senders, vec![]).await, json!([by_ann(true), by_guest]));
    let of_guest = guest.run(senders, vec![]).await;
    assert_eq!(of_guest, json!([by_ann(false), ["ann · signed in", "ann · signed in", true]]));
    desktop.reload().await;
    desktop.shows(&both).await;
    assert_eq!(
        desktop.run(senders, vec![]).await,
        json!([by_ann(true), by_guest]),
        "after a reload"
    );

    // The typing line and the announcer name the account, too.
    desktop.put("#composer", "again").await;
    reader.says(".typing", "ann is typing…").await;
    desktop.click("#send").await;
    let last = "return document.querySelector('.aside[role=status] p:last-child')?.textContent";
    eventually("ann's announcement", async || {
        (reader.run(last, vec![]).await == "ann: again").then_some(())
    })
    .await;
    for page in [desktop, phone, reader, guest] {
        page.close().await;
    }
}
