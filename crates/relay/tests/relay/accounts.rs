//! Attacks on accounts and rights, on both wires. The numbers are the rows of the attack suite.

use std::io::BufRead;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use relay::tokens::{IssuerKey, NewToken, RightsClaim};
use serde_json::{Value, json};
use session::{CloseCode, FromClient, FromPeer, Refresh};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, PATIENCE, Process, hello, publish};
use crate::texts::Texts;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "chat";
const REFUSED: CloseCode = CloseCode::CredentialRefused;

/// A relay with accounts, and their issuer.
struct Accounts {
    relay: Process,
    log: Box<dyn BufRead + Send>,
    key: IssuerKey,
    _folder: tempfile::TempDir,
}

impl Accounts {
    fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys.json");
        let key = IssuerKey::generate().unwrap();
        key.publish(&keys).unwrap();
        let accounts = ["--auth-keys", keys.to_str().unwrap(), "--auth-issuer", ISSUER];
        let options = [&accounts, &["--auth-audience", AUDIENCE][..], options].concat();
        let (relay, log) = Process::start_logged(&folder.path().join("data"), &options);
        Self { relay, log: Box::new(log), key, _folder: folder }
    }

    /// A token for an hour with rights such as `pub=a;sub=b`.
    fn token(&self, subject: &str, rights: &str) -> String {
        self.key.sign(&new_token(subject, rights)).unwrap()
    }

    /// A token with these claims in place of the valid ones; null removes a claim. Signed by the algorithm that the
    /// header names, with `secret` if it is a shared one.
    fn forged(&self, header: Value, changed: Value, secret: &str) -> String {
        let token = self.token("ann", "pub=>;sub=>");
        let claims = token.split('.').nth(1).unwrap();
        let mut claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        for (name, value) in changed.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        let mut all = json!({ "kid": self.kid(), "typ": "JWT" });
        all.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        let header: Header = match serde_json::from_value(all.clone()) {
            Ok(header) => header,
            Err(_) => {
                let [header, claims] = [all, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
                return format!("{header}.{claims}.");
            }
        };
        let key = match header.alg {
            Algorithm::HS256 => EncodingKey::from_secret(secret.as_bytes()),
            _ => self.key.encoding_key().unwrap(),
        };
        encode(&header, &claims, &key).unwrap()
    }

    fn kid(&self) -> String {
        let set: Value = serde_json::from_str(&self.key.key_set()).unwrap();
        set["keys"][0]["kid"].as_str().unwrap().to_owned()
    }

    /// A connection for frames that has said hello with a token.
    async fn frames(&self, id: u8, token: Option<&str>) -> Client {
        let FromClient::Hello(mut hello) = hello(id, 1, 1) else { unreachable!() };
        hello.token = token.map(str::to_owned);
        let mut client = Client::connect(&self.relay).await;
        client.send(&[FromClient::Hello(hello)]).await;
        client
    }

    /// The same after the welcome.
    async fn welcomed(&self, id: u8, token: &str) -> Client {
        let mut client = self.frames(id, Some(token)).await;
        let welcome = client.frame().await;
        assert!(matches!(welcome, FromPeer::Welcome(_)), "{welcome:?}");
        client
    }

    /// A connection for JSON with a token in the header of the upgrade.
    async fn bearer(&self, token: &str) -> Texts {
        let bearer = format!("Bearer {token}");
        Texts::connect_with(&self.relay, &[("authorization", &bearer)]).await
    }

    /// A connection for JSON with a token in its hello.
    async fn texts(&self, token: &str) -> Texts {
        let mut texts = Texts::connect(&self.relay).await;
        texts.ask("$link.hello", json!({ "token": token })).await;
        texts
    }

    /// Asserts that a token is refused on both wires, wherever it can be.
    async fn refuses(&self, token: &str) {
        assert_eq!(self.frames(1, Some(token)).await.close_code().await, REFUSED.code(), "{token}");
        assert_eq!(self.bearer(token).await.0.close_code().await, REFUSED.code(), "{token}");
        assert_eq!(self.texts(token).await.0.close_code().await, REFUSED.code(), "{token}");
    }

    /// Asserts that others are served.
    async fn serves(&self) {
        let token = self.token("other", "pub=others;sub=others");
        let mut client = self.welcomed(200, &token).await;
        client.send(&[publish(1, "others", "fine")]).await;
        client.ack().await;
    }
}

fn new_token(subject: &str, rights: &str) -> NewToken {
    NewToken {
        subject: subject.to_owned(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        rights: rights.parse().unwrap(),
        seconds: 3_600,
    }
}

#[tokio::test]
async fn a03_without_a_token_nobody_is_admitted() {
    let accounts = Accounts::start(&["--hello-timeout", "1s"]);
    assert_eq!(accounts.frames(1, None).await.close_code().await, REFUSED.code());
    accounts.refuses("").await;
    // In a URL it does not count, because URLs are logged.
    let token = accounts.token("ann", "pub=>;sub=>");
    let url = format!("{}?token={token}&access_token={token}", accounts.relay.url());
    let mut client = Client::connect_to(&url).await;
    client.send(&[hello(1, 1, 1)]).await;
    assert_eq!(client.close_code().await, REFUSED.code());
    accounts.serves().await;
}

#[tokio::test]
async fn a04_a_token_without_a_signature_or_with_the_public_key_as_a_secret_is_refused() {
    let accounts = Accounts::start(&[]);
    for name in ["none", "None"] {
        accounts.refuses(&accounts.forged(json!({ "alg": name }), json!({}), "")).await;
    }
    let set = accounts.key.key_set();
    let token = accounts.forged(json!({ "alg": "HS256" }), json!({}), &set);
    accounts.refuses(&token).await;
    accounts.serves().await;
}

#[tokio::test]
async fn a05_a_token_that_has_expired_or_has_no_valid_end_is_refused() {
    let accounts = Accounts::start(&[]);
    let now = jsonwebtoken::get_current_timestamp();
    let day = 24 * 60 * 60;
    for exp in [json!(now - 90), json!((now + 60).to_string()), json!(null), json!(now + day + 90)] {
        accounts.refuses(&accounts.forged(json!({ "alg": "ES256" }), json!({ "exp": exp }), "")).await;
    }
    accounts.serves().await;
}

#[tokio::test]
async fn a06_a_token_of_another_issuer_for_another_audience_or_by_an_unknown_key_is_refused() {
    let accounts = Accounts::start(&[]);
    let es256 = json!({ "alg": "ES256" });
    for changed in [json!({ "aud": "other" }), json!({ "iss": "https://evil.example" })] {
        accounts.refuses(&accounts.forged(es256.clone(), changed, "")).await;
    }
    accounts.refuses(&accounts.forged(json!({ "alg": "ES256", "kid": "other" }), json!({}), "")).await;
    let other = IssuerKey::generate().unwrap();
    accounts.refuses(&other.sign(&new_token("ann", "pub=>;sub=>")).unwrap()).await;
    accounts.serves().await;
}

#[tokio::test]
async fn a07_a_certificate_is_not_a_token() {
    let accounts = Accounts::start(&[]);
    let header = json!({ "alg": "ES256", "typ": "edk-cert+jwt" });
    accounts.refuses(&accounts.forged(header, json!({}), "")).await;
    accounts.serves().await;
}

#[tokio::test]
async fn a08_a_connection_cannot_become_somebody_elses() {
    let accounts = Accounts::start(&[]);
    let (ann, bob) = (accounts.token("ann", "pub=>;sub=>"), accounts.token("bob", "pub=>;sub=>"));
    let mut client = accounts.welcomed(1, &ann).await;
    client.send(&[FromClient::Refresh(Refresh { token: ann.clone() })]).await;
    client.send(&[publish(1, "a", "e")]).await;
    client.ack().await;
    client.send(&[FromClient::Refresh(Refresh { token: bob.clone() })]).await;
    assert_eq!(client.close_code().await, REFUSED.code());
    let mut texts = accounts.bearer(&ann).await;
    texts.ask("$link.refresh", json!({ "token": ann })).await;
    texts.ask("$link.refresh", json!({ "token": bob })).await;
    assert_eq!(texts.0.close_code().await, REFUSED.code());
    accounts.serves().await;
}

#[tokio::test]
async fn a15_with_keys_a_json_client_without_a_token_is_closed_whatever_it_pings() {
    let accounts = Accounts::start(&["--hello-timeout", "1s"]);
    let mut texts = Texts::connect(&accounts.relay).await;
    let began = Instant::now();
    let code = loop {
        let _ = texts.0.socket.send(Message::Ping(Vec::new().into())).await;
        match timeout(Duration::from_millis(200), texts.0.socket.next()).await {
            Ok(Some(Ok(Message::Close(frame)))) => break u16::from(frame.unwrap().code),
            Ok(Some(Ok(_))) | Err(_) => assert!(began.elapsed() < PATIENCE),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, CloseCode::Silent.code());
    assert!(began.elapsed() >= Duration::from_secs(1));
    // Valid messages do not help before the token.
    let mut texts = Texts::connect(&accounts.relay).await;
    texts.ask("$link.subscribe", json!({ "pattern": "others" })).await;
    texts.send(json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "a" }).to_string()).await;
    texts.0.close_code().await;
    accounts.serves().await;
}

#[tokio::test]
async fn both_ways_to_sign_in_by_json_work() {
    let accounts = Accounts::start(&[]);
    let token = accounts.token("ann", "pub=a;sub=a");
    let publish = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "a" }).to_string();
    let mut bearer = accounts.bearer(&token).await;
    bearer.send(publish.as_str()).await;
    let ack = bearer.receive().await;
    assert_eq!(ack["type"], "$link.ack", "{ack}");
    let mut texts = accounts.texts(&token).await;
    let welcome = texts.receive().await;
    assert_eq!(welcome["type"], "$link.welcome", "{welcome}");
    texts.send(publish).await;
    let ack = texts.receive().await;
    assert_eq!(ack["type"], "$link.ack", "{ack}");
}

#[tokio::test]
async fn a19_the_client_of_one_account_cannot_be_continued_by_another() {
    let accounts = Accounts::start(&[]);
    let ann = accounts.token("ann", "pub=>;sub=>");
    drop(accounts.welcomed(1, &ann).await);
    // The same id and secret.
    let bob = accounts.token("bob", "pub=>;sub=>");
    let mut thief = accounts.frames(1, Some(&bob)).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    accounts.serves().await;
}

#[tokio::test]
async fn a_refused_token_is_in_the_audit_log_without_its_content() {
    let accounts = Accounts::start(&[]);
    let token = accounts.forged(json!({ "alg": "ES256" }), json!({ "aud": "secret-text" }), "");
    accounts.refuses(&token).await;
    let Accounts { relay, log, .. } = accounts;
    relay.terminate();
    let lines: Vec<_> = log.lines().map_while(Result::ok).collect();
    let audit = lines.iter().filter(|line| line.contains(" audit: "));
    let code = format!("code={}", REFUSED.code());
    let refused = audit.filter(|line| line.contains("refused=\"credential\"") && line.contains(&code));
    assert_eq!(refused.count(), 3, "{lines:?}");
    let payload = token.split('.').nth(1).unwrap();
    assert!(lines.iter().all(|line| !line.contains("secret-text") && !line.contains(payload)));
}

#[test]
fn keys_and_tokens_are_made_by_commands_and_changed_keys_are_read_by_a_running_relay() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let [one, two, keys, data] = ["one.json", "two.json", "keys.json", "data"].map(path);
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_event-relay")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8(output.stdout).unwrap().trim().to_owned(), said)
    };
    assert!(run(&["keys", "--key", &one, "--public", &keys]).0);
    let again = run(&["keys", "--key", &one, "--public", &keys]);
    assert!(!again.0 && again.2.contains("one.json"), "{again:?}");
    let token = |key: &str, more: &[&str]| {
        let all = ["token", "--key", key, "--auth-issuer", ISSUER, "--auth-audience", AUDIENCE];
        run(&[&all[..], &["--sub", "ann", "--pub", "a,b", "--subscribe", "a"], more].concat())
    };
    let (is_made, first, _) = token(&one, &["--expires", "30m"]);
    assert!(is_made && first.split('.').count() == 3, "{first}");
    let too_long = token(&one, &["--expires", "25h"]);
    assert!(!too_long.0 && too_long.2.contains("--expires"), "{too_long:?}");
    assert!(!token(&one, &["--history", "a..b"]).0);

    let options = ["--auth-keys", &keys, "--auth-issuer", ISSUER, "--auth-audience", AUDIENCE];
    let relay = Process::start_with(Path::new(&data), &options);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let is_admitted = |token: &str| {
        runtime.block_on(async {
            let bearer = format!("Bearer {token}");
            let mut texts = Texts::connect_with(&relay, &[("authorization", &bearer)]).await;
            texts.ask("$link.subscribe", json!({ "pattern": "a" })).await;
            timeout(PATIENCE, texts.0.socket.next()).await.unwrap().unwrap().unwrap().is_text()
        })
    };
    assert!(is_admitted(&first));
    // The second key joins while the relay runs.
    assert!(run(&["keys", "--key", &two, "--public", &keys]).0);
    let (_, second, _) = token(&two, &[]);
    assert!(is_admitted(&second) && is_admitted(&first));
}

#[test]
fn a_relay_beyond_loopback_needs_accounts_or_the_word_that_it_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_event-relay"));
    command.args(["--listen", "0.0.0.0:0", "--host", "example.org", "--data"]).arg(folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("--auth-keys") && said.contains("--anonymous"), "{said}");
    let mut child = command.arg("--anonymous").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("listening on http://0.0.0.0:"), "{line}");
}
