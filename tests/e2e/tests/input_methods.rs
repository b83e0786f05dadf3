//! Input methods: an Enter that ends a composition belongs to the input method and sends nothing.

use end_to_end::{Browser, Driver, Relay};
use serde_json::{Value, json};

/// Shows a text as an input method does while it composes.
async fn compose(browser: &Browser, text: &str) {
    let caret = text.encode_utf16().count();
    let composition = json!({ "text": text, "selectionStart": caret, "selectionEnd": caret });
    browser.call("Input.imeSetComposition", composition).await;
}

/// Replaces the composed text with the one that the user chose.
async fn commit(browser: &Browser, text: &str) {
    browser.call("Input.insertText", json!({ "text": text })).await;
}

async fn composer(browser: &Browser) -> Value {
    browser.run("return document.querySelector('#composer').value", vec![]).await
}

/// Composes each text step by step, presses Enter in between, commits, and sends with another Enter.
async fn write_and_send(browser: &Browser) {
    let mut sent = Vec::new();
    for (steps, text) in [
        (["に", "にほ", "にほんご"], "日本語"),
        (["n", "ni", "nihao"], "你好"),
        (["ㅎ", "하", "한"], "한"),
        (["क", "क्", "क्ष"], "क्ष"),
    ] {
        browser.click("#composer").await;
        for step in steps {
            compose(browser, step).await;
            assert_eq!(composer(browser).await, step);
            browser.press_enter().await;
            assert_eq!(composer(browser).await, step, "Enter belongs to the input method");
        }
        assert_eq!(browser.texts().await, sent);
        commit(browser, text).await;
        assert_eq!(composer(browser).await, text);
        browser.press_enter().await;
        sent.push(text);
        browser.shows(&sent).await;
        assert_eq!(composer(browser).await, "");
    }
}

/// Presses Enter as other engines report it: Safari ends the composition before the key event, Firefox after it.
async fn press_like_other_engines(browser: &Browser) -> Value {
    let script = "const field = document.querySelector('#composer');
        field.value = 'かな';
        const enter = (init) => field.dispatchEvent(new KeyboardEvent('keydown',
            { key: 'Enter', code: 'Enter', bubbles: true, cancelable: true, ...init }));
        const compositionEnds = () => field.dispatchEvent(
            new CompositionEvent('compositionend', { data: 'かな', bubbles: true }));
        compositionEnds();
        const safari = enter({ keyCode: 229, isComposing: false });
        const firefox = enter({ keyCode: 229, isComposing: true });
        const older = enter({ keyCode: 13, isComposing: true });
        compositionEnds();
        return [safari, firefox, older, field.value];";
    browser.run(script, vec![]).await
}

/// Composes a text by the events of Firefox, whose driver has no input method, and perhaps commits it. Returns for each
/// Enter meanwhile whether the page has left it to the input method.
async fn compose_in_events(browser: &Browser, steps: &[&str], commits: bool) -> Value {
    let script = "const [steps, commits] = arguments, field = document.querySelector('#composer'), left = [];
        const fire = (Kind, type, more) =>
            field.dispatchEvent(new Kind(type, { bubbles: true, cancelable: true, ...more }));
        field.focus();
        fire(CompositionEvent, 'compositionstart', { data: '' });
        for (const data of steps) {
            fire(KeyboardEvent, 'keydown', { key: 'Process', keyCode: 229, isComposing: true });
            fire(CompositionEvent, 'compositionupdate', { data });
            field.value = data;
            fire(InputEvent, 'input', { data, inputType: 'insertCompositionText', isComposing: true });
            left.push(fire(KeyboardEvent, 'keydown', { key: 'Enter', keyCode: 229, isComposing: true }));
        }
        if (commits) fire(CompositionEvent, 'compositionend', { data: field.value });
        if (commits) fire(InputEvent, 'input', { data: field.value, inputType: 'insertCompositionText' });
        return left;";
    browser.run(script, vec![json!(steps), commits.into()]).await
}

#[tokio::test]
async fn in_firefox_an_enter_that_ends_a_composition_never_sends_and_no_list_opens_meanwhile() {
    let (driver, relay) = (Driver::firefox().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    for page in ["#languages", "embed.html?room=plain&name=Ann"] {
        if page.starts_with('#') {
            ann.join(&relay.url(), "languages", "Ann").await;
        } else {
            ann.goto(&format!("{}/{page}", relay.url())).await;
            ann.online().await;
        }
        let before = ann.texts().await.len();
        let all = json!([true, true, true]);
        assert_eq!(compose_in_events(&ann, &[":s", ":sm", ":smi"], false).await, all);
        assert_eq!(composer(&ann).await, ":smi");
        assert_eq!(ann.text("#choices").await, "", "the names of emoji");
        assert_eq!(compose_in_events(&ann, &["に", "にほん", "日本"], true).await, all);
        assert_eq!(press_like_other_engines(&ann).await, json!([true, true, true, "かな"]));
        assert_eq!(ann.texts().await.len(), before);
        ann.say("。").await;
        ann.appears(&format!(".message:nth-child({})", before + 1)).await;
        assert_eq!(ann.texts().await.last().map(String::as_str), Some("かな。"));
        assert_eq!(composer(&ann).await, "");
    }
    ann.close().await;
}

#[tokio::test]
async fn an_enter_that_ends_a_composition_never_sends() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "languages", "Ann").await;
    write_and_send(&ann).await;
    // The page has not consumed the key.
    assert_eq!(press_like_other_engines(&ann).await, json!([true, true, true, "かな"]));
    assert_eq!(ann.texts().await.len(), 4);
    ann.press_enter().await;
    ann.appears(".message:nth-child(5)").await;
    ann.console_is_clean().await;
    ann.close().await;
}

#[tokio::test]
async fn an_enter_that_ends_a_composition_never_sends_on_the_page_without_yew() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let emma = Browser::open(&driver).await;
    emma.goto(&format!("{}/embed.html?room=languages&name=Emma", relay.url())).await;
    emma.online().await;
    write_and_send(&emma).await;
    assert_eq!(press_like_other_engines(&emma).await, json!([true, true, true, "かな"]));
    assert_eq!(emma.texts().await.len(), 4);
    emma.close().await;
}
