//! The chat in English, in Chinese, and with text from right to left.

use end_to_end::{Browser, Driver, Relay};
use serde_json::{Value, json};

use super::{choose, escape, style};

/// What the page says besides what people write: visible texts, and texts for screen readers.
const TEXTS: &str = "const texts = [document.title];
    const walker = document.createTreeWalker(document.querySelector('#app'), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement, data } = walker.currentNode;
        if (!parentElement.closest('bdi, .text, textarea, noscript')) texts.push(data);
    }
    for (const name of ['aria-label', 'title', 'placeholder'])
        for (const element of document.querySelectorAll(`[${name}]`)) texts.push(element.getAttribute(name));
    return texts.filter((text) => text.trim());";

async fn texts(page: &Browser) -> Vec<String> {
    let texts = page.run(TEXTS, vec![]).await;
    let texts = texts.as_array().expect("texts").clone();
    texts.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// Fails if the page shows a word in Latin letters that is no name.
async fn is_chinese(page: &Browser, screen: &str) {
    const NAMES: [&str; 5] = ["event-driven-kit", "English", "Ann", "Bob", "tea"];
    let texts = texts(page).await;
    assert!(texts.len() > 5, "{screen}: {texts:?}");
    for text in texts {
        let rest = NAMES.iter().fold(text.clone(), |text, name| text.replace(name, ""));
        let is_latin = rest.chars().any(|character| character.is_ascii_alphabetic());
        assert!(!is_latin, "{screen} says {text:?}");
    }
}

async fn language(page: &Browser) -> Value {
    page.run("return document.documentElement.lang", vec![]).await
}

#[tokio::test]
async fn the_page_is_in_chinese_from_the_first_screen_and_in_english_where_that_fails() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    let agent = ann.run("return navigator.userAgent", vec![]).await;
    let languages = json!({ "userAgent": agent, "acceptLanguage": "fr,zh-CN,en" });
    ann.call("Network.setUserAgentOverride", languages).await;
    ann.call("Network.enable", json!({})).await;

    // The screen before the program.
    ann.call("Network.setBlockedURLs", json!({ "urls": ["*.wasm"] })).await;
    ann.goto(&relay.url()).await;
    ann.says("h2", "加入聊天室").await;
    assert_eq!(language(&ann).await, "zh-CN");
    let loading = "document.querySelector('#link [role=status]').textContent = ''";
    ann.run(loading, vec![]).await;
    is_chinese(&ann, "the first screen").await;
    ann.click("#join").await;
    ann.says("#join", "正在加入…").await;

    ann.call("Network.setBlockedURLs", json!({ "urls": [] })).await;
    ann.goto(&relay.url()).await;
    ann.started().await;
    ann.click("#join").await;
    ann.says("#name-problem", "请填写你的名字。").await;
    is_chinese(&ann, "the join screen").await;
    ann.join(&relay.url(), "tea", "Ann").await;
    is_chinese(&ann, "an empty room").await;
    ann.say("你好").await;
    ann.appears(".own[data-state=stored]").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.say("嗨").await;
    ann.shows(&["你好", "嗨"]).await;
    bob.put("#composer", "writing").await;
    ann.says(".typing", "Bob正在输入…").await;
    ann.click(".open-settings").await;
    is_chinese(&ann, "a room").await;
    assert_eq!(ann.text(".message:not(.own) .sender").await, "Bob（访客）");
    escape(&ann).await;

    // Dates, of a day that is neither today nor yesterday.
    let old = "const [id, data] = ['old', { sender: { id: 'bob', name: 'Bob' }, text: 'old' }];
        const [room, done] = arguments;
        const socket = new WebSocket(`ws://${location.host}/ws`, 'cloudevents.json');
        const time = new Date(Date.now() - 10 * 86400e3).toISOString();
        socket.onopen = () => socket.send(JSON.stringify(
            { specversion: '1.0', id, source: 'here', time, type: `chat.${room}.TEXT_MESSAGE`, data }));
        socket.onmessage = ({ data }) => JSON.parse(data).type === '$link.ack' && done();";
    bob.run_async(old, vec!["past".into()]).await;
    ann.goto(&format!("{}/#past", relay.url())).await;
    ann.reload().await;
    ann.shows(&["old"]).await;
    let expected = "return new Intl.DateTimeFormat('zh-CN', { dateStyle: 'full' }).format(Date.now() - 10 * 86400e3)";
    let expected = ann.run(expected, vec![]).await;
    ann.says(".mark.day", expected.as_str().unwrap_or_default()).await;

    // Without its table the page is in English.
    ann.call("Network.setBlockedURLs", json!({ "urls": ["*zh-CN.json"] })).await;
    ann.goto(&format!("{}/#", relay.url())).await;
    ann.reload().await;
    ann.says("h2", "Join a room").await;
    assert_eq!(language(&ann).await, "en");
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn the_language_is_chosen_in_the_settings_and_stays() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    assert_eq!(language(&ann).await, "en-US");
    ann.put("#composer", "草稿").await;
    choose(&ann, "language", "zh-CN").await;
    ann.says("#send", "发送").await;
    assert_eq!(ann.run("return composer.value", vec![]).await, "草稿", "the draft stays");
    is_chinese(&ann, "the room").await;
    ann.reload().await;
    ann.says("#send", "发送").await;
    choose(&ann, "language", "en").await;
    ann.says("#send", "Send").await;
    assert_eq!(language(&ann).await, "en-US", "as the browser writes dates");
    ann.close().await;
}

#[tokio::test]
async fn arabic_is_laid_out_from_right_to_left_in_both_directions_of_the_page() {
    const NAME: &str = "ليلى";
    const TEXT: &str = "مرحبا بالجميع (hello) 123.";
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    ann.join(&relay.url(), "شاي", "Ann").await;
    bob.goto(&format!("{}/#{}", relay.url(), "شاي")).await;
    bob.started().await;
    bob.fill("#name", NAME).await;
    bob.click("#join").await;
    bob.online().await;
    bob.paste(TEXT).await;
    ann.shows(&[TEXT]).await;
    ann.say("hello").await;
    ann.appears(".own[data-state=stored]").await;
    ann.says(".message:not(.own) .sender", &format!("{NAME} (guest)")).await;
    assert_eq!(style(&ann, ".message:not(.own) .text", "direction").await, "rtl");
    assert_eq!(style(&ann, ".message.own .text", "direction").await, "ltr");
    // The name is before its mark, and the message is on the side of other people.
    let sides = "const box = (css) => document.querySelector(css).getBoundingClientRect();
        const side = (css, frame) =>
            box(css).left + box(css).right < box(frame).left + box(frame).right ? 'left' : 'right';
        return [
            side('.message:not(.own) .bubble', '.log'), side('.own .bubble', '.log'),
            side('h1', 'header'), side('#send', '.write')
        ]";
    assert_eq!(ann.run(sides, vec![]).await, json!(["left", "right", "left", "right"]));
    ann.run("document.documentElement.dir = 'rtl'", vec![]).await;
    assert_eq!(ann.run(sides, vec![]).await, json!(["right", "left", "right", "left"]));
    let overflow = "return document.documentElement.scrollWidth - innerWidth";
    assert!(ann.run(overflow, vec![]).await.as_i64() <= Some(0));
    ann.close().await;
    bob.close().await;
}
