//! axe finds nothing on any screen of the chat: light and dark, with more contrast, on a desktop and on a phone.

use end_to_end::{Browser, Driver, Network, Proxy, Relay, tool};
use serde_json::{Value, json};

/// Runs axe, and returns what it has found: rules and elements.
async fn found(browser: &Browser, axe: &str) -> Value {
    // Evaluated by the debugger, which the page's policy does not concern.
    browser.call("Runtime.evaluate", json!({ "expression": axe })).await;
    let script = "const [done] = arguments;
        axe.run(document).then(({ passes, violations }) =>
            done(passes.length > 0 && violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])));";
    browser.run_async(script, vec![]).await
}

async fn has_no_fault(browser: &Browser, axe: &str, screen: &str) {
    for (width, height) in [(1_000, 800), (390, 844), (320, 640)] {
        for (scheme, contrast) in
            [("light", "less"), ("dark", "less"), ("light", "more"), ("dark", "more")]
        {
            let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            browser.call("Emulation.setDeviceMetricsOverride", size).await;
            let media = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-contrast", "value": contrast },
            ] });
            browser.call("Emulation.setEmulatedMedia", media).await;
            let faults = found(browser, axe).await;
            assert_eq!(faults, json!([]), "{screen}, {width} px, {scheme}, {contrast} contrast");
            let overflow = "return document.documentElement.scrollWidth - innerWidth";
            let overflow = browser.run(overflow, vec![]).await.as_i64();
            assert!(overflow <= Some(0), "{screen} at {width} px is {overflow:?} px too wide");
        }
    }
}

#[tokio::test]
async fn no_screen_has_a_fault_that_axe_finds() {
    let axe = std::fs::read_to_string(tool("EDK_AXE")).expect("EDK_AXE names axe.min.js");
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let network = Proxy::start(&relay.address(), &relay.address()).await;
    let (ann, bob) = (Browser::open(&driver).await, Browser::open(&driver).await);
    let check = async |screen: &str| has_no_fault(&ann, &axe, screen).await;

    ann.call("Network.enable", json!({})).await;
    ann.call("Network.setBlockedURLs", json!({ "urls": ["*.js"] })).await;
    ann.goto(&network.url()).await;
    ann.appears("#join").await;
    check("the first screen").await;
    ann.call("Network.setBlockedURLs", json!({ "urls": [] })).await;
    ann.goto(&network.url()).await;
    ann.started().await;
    ann.click("#join").await;
    check("the join screen with a problem").await;
    ann.click(".open-settings").await;
    check("the settings").await;
    ann.join(&network.url(), "tea", "Ann").await;
    check("an empty room").await;
    bob.join(&relay.url(), "tea", "Bob").await;
    bob.paste(&"line\n".repeat(40)).await;
    bob.paste("🎉").await;
    ann.appears(".message:nth-child(2)").await;
    ann.say("hello").await;
    ann.appears(".own[data-state=stored]").await;
    check("a room with messages").await;
    let react = "const [message] = document.querySelectorAll('.message');
        message.focus();
        return !!message.querySelector('.tools .react');";
    end_to_end::eventually("the buttons of a message", async || {
        (ann.run(react, vec![]).await == true).then_some(())
    })
    .await;
    ann.click(".message .tools .react").await;
    ann.appears(".emoji .groups button:nth-child(9)").await;
    check("the emoji for a reaction").await;
    ann.click(".emoji .grid button").await;
    ann.appears(".reaction").await;
    ann.click(".message .tools .reply").await;
    ann.paste("*yes*: `a` https://example.org\n> quoted").await;
    ann.appears(".quote").await;
    ann.click(".message .tools .reply").await;
    check("messages with a reaction, a reply and Markdown, and a reply that is written").await;
    ann.click(".purpose .end").await;
    ann.put("#composer", ":smi").await;
    ann.appears(".choices").await;
    check("the names of emoji").await;
    ann.put("#composer", "").await;
    ann.click(".open-emoji").await;
    check("the emoji").await;
    ann.click(".open-emoji").await;
    ann.click(".open-menu").await;
    check("the menu").await;
    ann.click("#menu .copy-link").await;
    network.set(Network::Cut);
    ann.appears("#link[data-state=offline]").await;
    ann.say("waiting").await;
    ann.appears(".waiting button").await;
    check("a message that waits").await;
    let refused = "const fields = ['id', '1', '1', 'The server is too busy.', 'refused'];
        localStorage.setItem('event-driven-kit.chat.refused.chat.tea.TEXT_MESSAGE', fields.join('\\x1f') + '\\x1e');";
    ann.run(refused, vec![]).await;
    ann.reload().await;
    ann.appears(".message[data-state=failed]").await;
    check("a refused message").await;
    ann.click(".open-settings").await;
    ann.click("#settings label:has([value='zh-CN'])").await;
    ann.says("#send", "发送").await;
    ann.appears(".message[data-state=failed]").await;
    check("a room in Chinese").await;
    ann.close().await;
    bob.close().await;
}

#[tokio::test]
async fn the_inspector_has_no_fault_that_axe_finds() {
    let axe = std::fs::read_to_string(tool("EDK_AXE")).expect("EDK_AXE names axe.min.js");
    let (driver, relay) = (Driver::start().await, Relay::start().await);
    let ann = Browser::open(&driver).await;
    ann.join(&relay.url(), "tea", "Ann").await;
    ann.click(".open-settings").await;
    ann.click("#settings .open-inspector").await;
    ann.say("seen").await;
    for (tab, part) in [("Flow", ".rows .row"), ("Link", "tbody tr"), ("Recording", ".record")] {
        let show = "const root = document.querySelector('event-inspector')?.shadowRoot;
            root?.querySelector(`#tab-${arguments[0]}`)?.click();
            const found = root?.querySelector(arguments[1]);
            found?.click();
            return !!found;";
        end_to_end::eventually(part, async || {
            (ann.run(show, vec![tab.into(), part.into()]).await == true).then_some(())
        })
        .await;
        has_no_fault(&ann, &axe, &format!("the inspector's {tab}")).await;
    }
    ann.close().await;
}
