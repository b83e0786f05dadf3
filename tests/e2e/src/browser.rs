//! A browser with its own profile, and what a user does with the chat.

mod commands;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::driver::Engine;
use crate::{Driver, PATIENCE, eventually, tool};
use commands::{ConsoleLog, DevTools};

/// A headless browser on one page.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    engine: Engine,
    /// The driver's address, and the path of this browser there.
    session: (String, String),
    is_closed: bool,
    /// What Firefox has reported as errors.
    errors: Arc<Mutex<Vec<String>>>,
}

impl Browser {
    /// Opens a browser with an empty profile.
    pub async fn open(driver: &Driver) -> Self {
        let capabilities = match driver.engine {
            Engine::Chromium => chromium(),
            Engine::Firefox => firefox(),
        };
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url)
            .await
            .expect("the driver opens a browser");
        let id = client.session_id().await.expect("the driver is there").unwrap_or_default();
        let address = driver.url.trim_start_matches("http://").to_owned();
        let browser = Self {
            client,
            engine: driver.engine,
            session: (address, format!("/session/{id}")),
            is_closed: false,
            errors: driver.errors.clone(),
        };
        if browser.engine == Engine::Firefox {
            browser.resize(900, 800).await;
        }
        browser
    }

    /// Joins a room of the Yew chat at `url` under a name.
    pub async fn join(&self, url: &str, room: &str, name: &str) {
        self.goto(url).await;
        self.started().await;
        self.fill("#name", name).await;
        self.fill("#room", room).await;
        self.click("#join").await;
        self.online().await;
    }

    /// Waits until the program of the Yew chat has replaced the first screen.
    pub async fn started(&self) {
        // The texts of the static shell are marked.
        let script =
            "return window.wasmBindings !== undefined && !document.querySelector('[data-text]')";
        eventually("the program", async || (self.run(script, vec![]).await == true).then_some(()))
            .await;
    }

    /// Opens a page.
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page opens");
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.client.refresh().await.expect("the page reloads");
    }

    /// Waits until the page shows that the link is online.
    pub async fn online(&self) {
        self.appears("#link[data-state=online]").await;
    }

    /// Presses the button that tries to connect now, until the link is online.
    pub async fn connect_now(&self) {
        let script = "document.querySelector('#link .connect')?.click();
            return !!document.querySelector('#link[data-state=online]')";
        eventually("the link", async || (self.run(script, vec![]).await == true).then_some(()))
            .await;
    }

    /// Types a text into the composer like a user, and sends it with Enter.
    pub async fn say(&self, text: &str) {
        // ChromeDriver can type only characters of the Basic Multilingual Plane.
        if text.chars().all(|character| u32::from(character) < 0x1_0000) {
            let composer = self.appears("#composer").await;
            composer.send_keys(text).await.expect("the composer takes keys");
        } else {
            self.put("#composer", text).await;
        }
        let composer = self.appears("#composer").await;
        composer.send_keys(&char::from(Key::Enter).to_string()).await.expect("Enter sends");
    }

    /// Sets the text of the composer at once and sends it. For texts that are too long to type.
    pub async fn paste(&self, text: &str) {
        self.put("#composer", text).await;
        self.click("#send").await;
    }

    /// The texts of the messages in order, with their states.
    pub async fn messages(&self) -> Vec<(String, String)> {
        let script = "return [...document.querySelectorAll('.message')].map(
            message => [message.querySelector('.text').textContent, message.dataset.state ?? ''])";
        let rows = self.run(script, vec![]).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect()
    }

    /// The texts of the messages in order.
    pub async fn texts(&self) -> Vec<String> {
        self.messages().await.into_iter().map(|(text, _)| text).collect()
    }

    /// Waits until the page shows exactly these texts, in this order.
    pub async fn shows(&self, expected: &[impl AsRef<str>]) {
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        let mut last = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            last = self.texts().await;
            if last == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(last, expected, "after {PATIENCE:?}");
    }

    /// Waits for an element.
    pub async fn appears(&self, css: &str) -> fantoccini::elements::Element {
        eventually(css, async || self.client.find(Locator::Css(css)).await.ok()).await
    }

    /// Waits for an element and clicks it.
    pub async fn click(&self, css: &str) {
        self.appears(css).await.click().await.expect("it can be clicked");
    }

    /// Replaces the text of an input by typing.
    pub async fn fill(&self, css: &str, text: &str) {
        let input = self.appears(css).await;
        input.clear().await.expect("it can be cleared");
        input.send_keys(text).await.expect("it takes keys");
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.expect("the script runs")
    }

    /// Runs a script that passes its result to its last argument.
    pub async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.expect("the script runs")
    }

    /// Opens another tab, switches to it and returns it.
    pub async fn open_tab(&self) -> WindowHandle {
        let tab = self.client.new_window(true).await.expect("a tab opens").handle;
        self.show(&tab).await;
        tab
    }

    /// The current tab.
    pub async fn tab(&self) -> WindowHandle {
        self.client.window().await.expect("a tab is open")
    }

    /// Switches to a tab; later calls act on it.
    pub async fn show(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.expect("the tab is open");
    }

    /// Switches to the tab that is not among the known ones, once it has opened.
    pub async fn show_new_tab(&self, known: &[WindowHandle]) -> WindowHandle {
        let opened = async || {
            let tabs = self.client.windows().await.ok()?;
            tabs.into_iter().find(|tab| !known.contains(tab))
        };
        let tab = eventually("another tab", opened).await;
        self.show(&tab).await;
        tab
    }

    /// The errors on the console since the last call, in Chromium including CSP violations.
    pub async fn console_errors(&self) -> Vec<String> {
        self.console(&["SEVERE"]).await
    }

    /// Asserts that there are no errors on the console since the last call.
    pub async fn console_is_clean(&self) {
        assert_eq!(self.console_errors().await, [""; 0], "the console is clean");
    }

    /// The errors and warnings on the console since the last call.
    pub async fn console_lines(&self) -> Vec<String> {
        self.console(&["SEVERE", "WARNING"]).await
    }

    async fn console(&self, levels: &[&str]) -> Vec<String> {
        if self.engine == Engine::Firefox {
            return std::mem::take(
                &mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner),
            );
        }
        let entries = self.client.issue_cmd(ConsoleLog).await.expect("ChromeDriver keeps the log");
        let entries = entries.as_array().cloned().unwrap_or_default();
        let of_level = |entry: &&Value| levels.iter().any(|level| entry["level"] == *level);
        let entries = entries.iter().filter(of_level);
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Gives the page this size in CSS pixels, and waits until it has been laid out and painted.
    pub async fn resize(&self, width: u32, height: u32) {
        match self.engine {
            Engine::Chromium => {
                let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
                self.call("Emulation.setDeviceMetricsOverride", size).await;
            }
            Engine::Firefox => {
                let frame = "return [outerWidth - innerWidth, outerHeight - innerHeight]";
                let frame = self.run(frame, vec![]).await;
                let frame = |at: usize| frame[at].as_u64().unwrap_or_default() as u32;
                let resized =
                    self.client.set_window_size(width + frame(0), height + frame(1)).await;
                resized.expect("the window can be resized");
            }
        }
        let size = json!([width, height]);
        eventually("the new size", async || {
            (self.run("return [innerWidth, innerHeight]", vec![]).await == size).then_some(())
        })
        .await;
        // Two frames later everything is in its place.
        let frames = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(() => done()))";
        self.run_async(frames, vec![]).await;
    }

    /// Calls a method of the DevTools protocol, such as `Input.insertText`. Only Chromium has it.
    pub async fn call(&self, method: &str, parameters: Value) -> Value {
        let command = DevTools(json!({ "cmd": method, "params": parameters }));
        self.client.issue_cmd(command).await.expect("ChromeDriver passes it on")
    }

    /// Presses and releases Enter like a keyboard, also while an input method composes.
    pub async fn press_enter(&self) {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13 });
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Presses Enter with the text of the key, which activates a button.
    pub async fn activate(&self) {
        for (kind, text) in [("keyDown", "\r"), ("keyUp", "")] {
            let key = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": text });
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Presses and releases the key of a letter. `modifiers` are those of the DevTools protocol: 2 is Ctrl.
    pub async fn press(&self, letter: &str, modifiers: u8) {
        let code = letter.to_uppercase();
        let number = code.bytes().next();
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": letter, "code": format!("Key{code}"), "windowsVirtualKeyCode": number, "modifiers": modifiers });
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    /// The visible text of the first matching element, or an empty string.
    pub async fn text(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
        let text = self.run(script, vec![css.into()]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the first matching element has this text.
    pub async fn says(&self, css: &str, text: &str) {
        eventually(text, async || (self.text(css).await == text).then_some(())).await;
    }

    /// The title of the page.
    pub async fn title(&self) -> String {
        self.run("return document.title", vec![]).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page has this title.
    pub async fn has_title(&self, expected: &str) {
        eventually(expected, async || (self.title().await == expected).then_some(())).await;
    }

    /// The value of the first matching field.
    pub async fn value(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0]).value";
        let value = self.run(script, vec![css.into()]).await;
        value.as_str().expect("a field has a value").to_owned()
    }

    /// Closes the browser.
    pub async fn close(mut self) {
        self.client.clone().close().await.expect("the browser closes");
        self.is_closed = true;
    }

    /// Sets the text of a field at once, and dispatches the event of typing.
    pub async fn put(&self, css: &str, text: &str) {
        self.appears(css).await;
        let script = "const [css, text] = arguments, input = document.querySelector(css);
            input.focus(); input.value = text;
            input.dispatchEvent(new InputEvent('input', { bubbles: true }));";
        self.run(script, vec![css.into(), text.into()]).await;
    }
}

/// Closes the browser of a failed test: it would go on after its driver has been killed.
impl Drop for Browser {
    fn drop(&mut self) {
        let (address, path) = &self.session;
        if self.is_closed {
            return;
        }
        let request =
            format!("DELETE {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        // The test has failed already, so nothing more is reported.
        let _ = TcpStream::connect(address).and_then(|mut driver| {
            driver.set_read_timeout(Some(Duration::from_secs(5)))?;
            driver.write_all(request.as_bytes())?;
            driver.read_to_end(&mut Vec::new())
        });
    }
}

fn chromium() -> Value {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=900,800",
    ];
    json!({
        "goog:chromeOptions": { "binary": tool("EDK_CHROMIUM"), "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    })
}

fn firefox() -> Value {
    json!({ "moz:firefoxOptions": { "binary": tool("EDK_FIREFOX"), "args": ["-headless"] } })
}
