//! Accounts, certificates and signed events with real browsers and the real relay, which makes the certificates.

use std::process::Command;

use end_to_end::{Browser, Driver, Relay, eventually, tool};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const TOPIC: &str = "chat.signed.TEXT_MESSAGE";
const MEMBER: &str = include_str!("trust/member.js");
const CLAIMS: [&str; 4] = ["--auth-issuer", "https://example.org", "--auth-audience", "chat"];
/// What the forger writes in place of the amount. Both have one length, so that nothing else changes.
const FORGED: [&[u8]; 2] = [b"amount 100", b"amount 900"];

/// A relay with accounts and guests, which issues certificates.
struct Site {
    relay: Relay,
    folder: tempfile::TempDir,
}

impl Site {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the keys");
        let path = |name: &str| folder.path().join(name).display().to_string();
        for name in ["accounts", "certificates"] {
            let public = path(&format!("{name}-public.json"));
            run(&["keys", "--key", &path(&format!("{name}.json")), "--public", &public]);
        }
        let (keys, issuer) = (path("accounts-public.json"), path("certificates.json"));
        let guests = ["--anonymous", "pub=chat.>;sub=chat.>"];
        let options = ["--auth-keys", &keys, "--issuer", &issuer];
        let options = [&options, &CLAIMS, &guests[..]].concat();
        Self { relay: Relay::start_with_options(&options).await, folder }
    }

    fn token(&self, subject: &str, name: &str) -> String {
        let key = self.folder.path().join("accounts.json").display().to_string();
        let rights = ["--publish", ">", "--subscribe", ">"];
        let whose = ["token", "--key", &key, "--subject", subject, "--name", name];
        run(&[&whose[..], &CLAIMS, &rights].concat()).trim().to_owned()
    }

    fn revoke(&self, key: &str) {
        let data = self.relay.data().display().to_string();
        run(&["revoke", "--data", &data, "--key", key, "--since", "1h", "--reason", "lost"]);
    }
}

/// Runs a command of the relay, and returns what it says.
fn run(arguments: &[&str]) -> String {
    let output = Command::new(tool("EDK_RELAY")).args(arguments).output().expect("the relay runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the relay writes text")
}

/// A page that has joined as an account, or as a guest.
struct Member(Browser);

impl Member {
    async fn open(driver: &Driver, url: &str, token: Option<&str>) -> Self {
        let browser = Browser::open(driver).await;
        browser.goto(&format!("{url}/embed.html")).await;
        let joined = browser.run_async(MEMBER, vec![TOPIC.into(), token.into()]).await;
        assert_eq!(joined, Value::Null);
        Self(browser)
    }

    async fn says(&self, text: &str) {
        self.0.run("member.say(arguments[0])", vec![text.into()]).await;
    }

    /// Sends the certificate of this device, and returns what it says.
    async fn sends_certificate(&self) -> Value {
        let script = "const done = arguments[0];
            member.link.sendCertificate().then(done, ({ code, message }) => done(`${code}: ${message}`));";
        self.0.run_async(script, vec![]).await
    }

    /// Waits until it has heard this many events. Returns their texts, with what is known about their authors.
    async fn hears(&self, count: usize) -> Vec<(String, Value)> {
        eventually("the events", async || {
            let heard = self.0.run("return member.heard", vec![]).await;
            let heard = heard.as_array().filter(|heard| heard.len() >= count)?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            Some(heard.iter().map(|it| (text(&it["data"]), it["trust"].clone())).collect())
        })
        .await
    }

    /// Waits until this many events were withheld, and returns why.
    async fn withholds(&self, count: usize) -> Vec<String> {
        eventually("events that are withheld", async || {
            let withheld =
                self.0.run("return member.withheld.map(({ code }) => code)", vec![]).await;
            let withheld = withheld.as_array().filter(|withheld| withheld.len() >= count)?;
            Some(withheld.iter().map(|code| code.as_str().unwrap_or_default().to_owned()).collect())
        })
        .await
    }
}

fn verified(key: &Value) -> Value {
    json!({ "status": "verified", "subject": "ann", "name": "Ann Lee", "key": key })
}

#[tokio::test]
async fn a_signed_event_is_verified_in_another_page_until_its_key_is_revoked() {
    let (driver, site) = (Driver::start().await, Site::start().await);
    let (url, bob_token) = (site.relay.url(), site.token("bob", "Bob"));
    let ann = Member::open(&driver, &url, Some(&site.token("ann", "Ann Lee"))).await;
    ann.says("unsigned").await;
    ann.hears(1).await;
    let certificate = ann.sends_certificate().await;
    assert_eq!(certificate["subject"], "ann", "{certificate}");
    let key = &certificate["key"];
    ann.says("signed").await;
    let own = ann.hears(2).await;
    assert_eq!(own[1], ("signed".to_owned(), verified(key)), "its own, from the log");
    let guest = Member::open(&driver, &url, None).await;
    guest.hears(2).await;
    guest.says("of a guest").await;

    let bob = Member::open(&driver, &url, Some(&bob_token)).await;
    let attested = json!({ "status": "attested", "subject": "ann" });
    let anonymous = json!({ "status": "anonymous" });
    let expected = [("unsigned", attested), ("signed", verified(key)), ("of a guest", anonymous)];
    let expected = expected.map(|(text, trust)| (text.to_owned(), trust));
    assert_eq!(bob.hears(3).await, expected);

    site.revoke(key.as_str().expect("a thumbprint"));
    let stopped = json!({ "state": "stopped", "code": 4509 });
    eventually("the end of the link", async || {
        (ann.0.run("return member.states.at(-1)", vec![]).await == stopped).then_some(())
    })
    .await;
    // The key was lost an hour ago, so what it has signed since then is not believed.
    let later = Member::open(&driver, &url, Some(&bob_token)).await;
    let [unsigned, _, of_guest] = expected;
    assert_eq!(later.withholds(1).await, ["revoked"]);
    assert_eq!(later.hears(2).await, [unsigned, of_guest]);
    for Member(browser) in [ann, bob, later, guest] {
        browser.close().await;
    }
}

/// Passes bytes on to the relay, and forges an amount on their way to the browser. Returns the URL.
async fn forge(relay: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound port"));
    tokio::spawn(async move {
        while let Ok((browser, _)) = listener.accept().await {
            let Ok(relay) = TcpStream::connect(&relay).await else { return };
            tokio::spawn(pass(browser, relay));
        }
    });
    url
}

async fn pass(browser: TcpStream, relay: TcpStream) {
    let ((mut from_browser, mut to_browser), (mut from_relay, mut to_relay)) =
        (browser.into_split(), relay.into_split());
    let up = async { tokio::io::copy(&mut from_browser, &mut to_relay).await.map(drop) };
    let down = async {
        let mut bytes = vec![0; 64 << 10];
        // The relay sends an event in one write, which this network does not split.
        while let Ok(count @ 1..) = from_relay.read(&mut bytes).await {
            let [true_amount, forged] = FORGED;
            let windows = bytes[..count].windows(true_amount.len());
            let at: Vec<_> = windows
                .enumerate()
                .filter(|(_, it)| *it == true_amount)
                .map(|(at, _)| at)
                .collect();
            for at in at {
                bytes[at..at + forged.len()].copy_from_slice(forged);
            }
            to_browser.write_all(&bytes[..count]).await?;
        }
        to_browser.shutdown().await
    };
    let _ = tokio::join!(up, down);
}

#[tokio::test]
async fn an_event_that_is_forged_on_its_way_is_withheld_if_it_was_signed() {
    let (driver, site) = (Driver::start().await, Site::start().await);
    let ann = Member::open(&driver, &site.relay.url(), Some(&site.token("ann", "Ann Lee"))).await;
    ann.says("amount 100, unsigned").await;
    ann.hears(1).await;
    let certificate = ann.sends_certificate().await;
    for text in ["amount 100, signed", "signed"] {
        ann.says(text).await;
    }
    ann.hears(3).await;

    let url = forge(site.relay.address()).await;
    let bob = Member::open(&driver, &url, Some(&site.token("bob", "Bob"))).await;
    let heard = bob.hears(2).await;
    let attested = json!({ "status": "attested", "subject": "ann" });
    let signed = verified(&certificate["key"]);
    let expected = [("amount 900, unsigned", attested), ("signed", signed)];
    assert_eq!(heard, expected.map(|(text, trust)| (text.to_owned(), trust)));
    assert_eq!(bob.withholds(1).await, ["bad_signature"]);
    for Member(browser) in [ann, bob] {
        browser.close().await;
    }
}

/// The chat of an account, which trusts the relay as an issuer.
async fn chat(driver: &Driver, url: &str, account: &str, token: &str) -> Browser {
    let page = Browser::open(driver).await;
    page.goto(url).await;
    let keep = "const [account, token, done] = arguments;
        fetch('/.well-known/jwks.json').then((response) => response.text()).then((keys) => {
          localStorage.setItem('event-driven-kit.chat.issuer-keys', keys);
          localStorage.setItem(`event-driven-kit.chat.token.${account}`, token);
          done(null);
        });";
    page.run_async(keep, vec![account.into(), token.into()]).await;
    page.join(&format!("{url}/?account={account}"), "signed", account).await;
    page
}

#[tokio::test]
async fn the_chat_marks_a_verified_message_and_reports_a_forged_one() {
    let (driver, site) = (Driver::start().await, Site::start().await);
    let (url, token) = (site.relay.url(), |name: &str| site.token(name, name));
    let ann = chat(&driver, &url, "ann", &token("ann")).await;
    let bob = chat(&driver, &url, "bob", &token("bob")).await;
    // Messages are signed from the certificate on, which comes a moment after the page.
    let sender = "return [...document.querySelectorAll('.message .sender')].at(-1)?.textContent";
    for (from, to, name) in [(&ann, &bob, "ann"), (&bob, &ann, "bob")] {
        let expected = format!("{name} ✓ verified");
        eventually(&expected, async || {
            from.say("hello").await;
            let seen = [to.run(sender, vec![]).await, from.run(sender, vec![]).await];
            seen.iter().all(|seen| *seen == expected).then_some(())
        })
        .await;
    }
    bob.say("amount 100").await;
    ann.says(".message:last-child .text", "amount 100").await;

    let forged = forge(site.relay.address()).await;
    let cho = chat(&driver, &forged, "cho", &token("cho")).await;
    cho.says(".toast", "A message was withheld: it could not be verified.").await;
    eventually("the last message before it", async || {
        (cho.run(sender, vec![]).await == "bob ✓ verified").then_some(())
    })
    .await;
    assert!(cho.texts().await.iter().all(|text| text == "hello"));
    for browser in [ann, bob, cho] {
        browser.close().await;
    }
}
