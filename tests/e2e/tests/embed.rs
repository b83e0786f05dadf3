//! The page without Yew: its users edit, delete, react to and reply to messages, and read older ones.

use end_to_end::{Browser, Driver, Relay, eventually, tool};
use serde_json::{Value, json};

async fn enter(driver: &Driver, relay: &Relay, name: &str) -> Browser {
    let browser = Browser::open(driver).await;
    browser.goto(&format!("{}/embed.html?room=plain&name={name}", relay.url())).await;
    browser.online().await;
    browser
}

/// What a reader sees of each message: its text, its quote, whether it was edited, and its reactions.
async fn rows(browser: &Browser) -> Value {
    let script = "return [...document.querySelectorAll('.message')].map((item) => {
            const shown = (css) => [...item.querySelectorAll(css)].filter((it) => it.checkVisibility());
            const texts = ['.quote', '.text', '.edited', '.reactions button'].flatMap((css) => shown(css));
            return texts.map(({ textContent }) => textContent.trim()).join(' | ');
        })";
    browser.run(script, vec![]).await
}

async fn shows(browser: &Browser, expected: Value) {
    let mut last = Value::Null;
    for _ in 0..200 {
        last = rows(browser).await;
        if last == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(last, expected);
}

/// Chooses an action of the message with this number.
async fn choose(browser: &Browser, number: u32, action: &str) {
    browser.click(&format!(".message:nth-child({number}) .more")).await;
    browser.click(&format!(".message:nth-child({number}) .actions {action}")).await;
}

#[tokio::test]
async fn users_of_the_plain_page_edit_react_reply_and_delete() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (enter(&driver, &relay, "Ann").await, enter(&driver, &relay, "Bob").await);
    ann.say("helo").await;
    shows(&bob, json!(["helo"])).await;

    ann.appears(".message[data-state=stored]").await;
    choose(&ann, 1, ".edit").await;
    assert_eq!(ann.run("return document.querySelector('#composer').value", vec![]).await, "helo");
    ann.put("#composer", "hello").await;
    ann.click("#send").await;
    choose(&bob, 1, "button:nth-child(4)").await;
    choose(&ann, 1, "button:nth-child(4)").await;
    let both = json!(["hello | edited | 🎉 2"]);
    shows(&ann, both.clone()).await;
    shows(&bob, both).await;
    bob.click(".reactions button[aria-pressed=true]").await;
    shows(&ann, json!(["hello | edited | 🎉 1"])).await;

    choose(&bob, 1, ".reply").await;
    bob.say("hi").await;
    let replied = json!(["hello | edited | 🎉 1", "Ann hello | hi"]);
    shows(&ann, replied.clone()).await;
    bob.reload().await;
    bob.online().await;
    shows(&bob, replied).await;
    bob.click(".message:nth-child(2) .quote").await;
    bob.appears(".message:nth-child(1).target").await;
    let buttons = "const shown = (it) => it.checkVisibility();
        return [...document.querySelectorAll('.message:nth-child(1) .actions button')].filter(shown).length";
    bob.click(".message:nth-child(1) .more").await;
    assert_eq!(bob.run(buttons, vec![]).await, 5, "another's message can't be edited or deleted");

    choose(&ann, 1, ".delete").await;
    ann.click(".message:nth-child(1) .delete").await;
    let deleted = "This message was deleted.";
    let after = json!([deleted, format!("Ann {deleted} | hi")]);
    shows(&ann, after.clone()).await;
    shows(&bob, after).await;
    bob.reload().await;
    bob.online().await;
    // The log holds nothing of it but that it was there.
    shows(&bob, json!([deleted, format!("{deleted} | hi")])).await;
    for browser in [ann, bob] {
        assert_eq!(browser.console_lines().await, [""; 0]);
        browser.close().await;
    }
}

#[tokio::test]
async fn an_edit_by_another_person_changes_nothing_on_the_plain_page() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, eve) = (enter(&driver, &relay, "Ann").await, enter(&driver, &relay, "Eve").await);
    ann.say("mine").await;
    shows(&eve, json!(["mine"])).await;
    let forge = "const [done] = arguments;
        import('/npm/browser-chat.js').then(async ({ createTextKit }) => {
            const { createSingleton } = await import('/npm/browser.js');
            const kit = createTextKit({ bus: createSingleton('embed'), url: `ws://${location.host}/ws`, room: 'plain', sender: 'Ann' });
            const { messages: [message] } = await kit.history();
            await kit.edit(message, 'forged');
            const code = await kit.delete(message).catch(({ code }) => code);
            await kit.sendText('done');
            done(code);
        });";
    assert_eq!(eve.run_async(forge, vec![]).await, "not_allowed");
    shows(&ann, json!(["mine", "done"])).await;
    ann.reload().await;
    shows(&ann, json!(["mine", "done"])).await;
    ann.close().await;
    eve.close().await;
}

#[tokio::test]
async fn two_kits_of_one_room_and_page_share_a_link_and_get_each_event_once() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let browser = Browser::open(&driver).await;
    browser.goto(&format!("{}/embed.html", relay.url())).await;
    let script = "const [done] = arguments;
        import('/npm/browser-chat.js').then(async ({ createTextKit }) => {
            const { createSingleton } = await import('/npm/browser.js');
            const options = { url: `ws://${location.host}/ws`, room: 'twice' };
            const kits = ['Ann', 'Bob'].map((sender) => createTextKit({ ...options, sender }));
            const heard = [...kits, 'their bus'].map(() => []);
            createSingleton('text-kit').subscribe('chat.twice.TEXT_MESSAGE', ({ text }) => heard[2].push(text));
            kits.forEach((kit, at) => kit.on('TEXT_MESSAGE', (text) => heard[at].push(text)));
            for (const [at, kit] of kits.entries()) await kit.sendText(`${at}`);
            kits[0].close();
            const last = new Promise((resolve) => kits[1].on('TEXT_MESSAGE', (text) => text === '2' && resolve()));
            await kits[1].sendText('2');
            await last;
            done(heard);
        });";
    let heard = browser.run_async(script, vec![]).await;
    let once = json!(["0", "1", "2"]);
    assert_eq!(heard, json!([once, once, once]));
    browser.close().await;
}

#[tokio::test]
async fn the_plain_page_pages_back_to_the_first_message() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = enter(&driver, &relay, "Ann").await;
    let say = "const [done] = arguments;
        import('/npm/browser-chat.js').then(async ({ createTextKit }) => {
            const { createSingleton } = await import('/npm/browser.js');
            const kit = createTextKit({ bus: createSingleton('embed'), url: `ws://${location.host}/ws`, room: 'plain', sender: 'Ann' });
            await Promise.all(Array.from({ length: 150 }, (_, at) => kit.sendText(`${at}`)));
            done(null);
        });";
    ann.run_async(say, vec![]).await;
    ann.reload().await;
    let texts = |from: u32| (from..150).map(|at| at.to_string()).collect::<Vec<_>>();
    ann.shows(&texts(86)).await;
    ann.click(".older").await;
    ann.shows(&texts(22)).await;
    ann.click(".older").await;
    ann.shows(&texts(0)).await;
    let hidden = "return document.querySelector('.older').hidden";
    eventually("no older messages", async || (ann.run(hidden, vec![]).await == true).then_some(()))
        .await;
    ann.close().await;
}

#[tokio::test]
async fn what_the_plain_page_shows_of_a_text_that_begins_with_invisible_characters_is_visible() {
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = enter(&driver, &relay, "Ann").await;
    let blanks = json!(["\u{200b}", "\n", " ", "\u{3164}", "\u{e0041}"]);
    let fold = "const [blanks, done] = arguments;
        import('/embed.text.js').then(({ folded }) => {
            const texts = ['hello', 'word '.repeat(9_000)];
            done(blanks.flatMap((blank) => texts.map((seen) => {
                const fold = folded(blank.repeat(10_000) + seen);
                const isShort = new TextEncoder().encode(fold).length <= 2_000;
                return isShort && fold.startsWith(seen.slice(0, 5)) && seen.startsWith(fold);
            })));
        });";
    let are_visible = ann.run_async(fold, vec![blanks]).await;
    assert_eq!(are_visible, json!(vec![true; 10]));

    let say = "const [done] = arguments;
        import('/npm/browser-chat.js').then(async ({ createTextKit }) => {
            const { createSingleton } = await import('/npm/browser.js');
            const kit = createTextKit({ bus: createSingleton('embed'), url: `ws://${location.host}/ws`, room: 'plain', sender: 'Ann' });
            await kit.sendText('\\u200b'.repeat(5_000) + 'hello');
            done(null);
        });";
    ann.run_async(say, vec![]).await;
    shows(&ann, json!(["hello"])).await;
    ann.close().await;
}

#[tokio::test]
async fn the_plain_page_has_no_fault_that_axe_finds() {
    let axe = std::fs::read_to_string(tool("EDK_AXE")).expect("EDK_AXE names axe.min.js");
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let (ann, bob) = (enter(&driver, &relay, "Ann").await, enter(&driver, &relay, "Bob").await);
    ann.say("hello").await;
    shows(&bob, json!(["hello"])).await;
    choose(&bob, 1, "button:nth-child(1)").await;
    choose(&bob, 1, ".reply").await;
    bob.say("hi").await;
    shows(&ann, json!(["hello | 👍 1", "Ann hello | hi"])).await;
    ann.click(".message:nth-child(2) .more").await;
    ann.click(".message:nth-child(1) .more").await;
    ann.click(".message:nth-child(1) .edit").await;
    ann.click(".message:nth-child(1) .more").await;
    for (width, height) in [(1_100, 800), (390, 844), (320, 640)] {
        for scheme in ["light", "dark"] {
            let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            ann.call("Emulation.setDeviceMetricsOverride", size).await;
            let media =
                json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            ann.call("Emulation.setEmulatedMedia", media).await;
            // Evaluated by the debugger, which the page's policy does not concern.
            ann.call("Runtime.evaluate", json!({ "expression": axe })).await;
            let script = "const [done] = arguments;
                axe.run(document).then(({ passes, violations }) =>
                    done(passes.length > 0 && violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])));";
            assert_eq!(ann.run_async(script, vec![]).await, json!([]), "{width} px, {scheme}");
            let overflow = "return document.documentElement.scrollWidth - innerWidth";
            assert!(ann.run(overflow, vec![]).await.as_i64() <= Some(0), "{width} px is too wide");
        }
    }
    ann.close().await;
    bob.close().await;
}
