//! Attacks on accounts and rights, on both wires. The numbers in the names of tests are those of the attacks in the
//! table of `attacks.rs`.

mod backends;
mod certificates;
mod commands;
mod device;
mod guide;
mod limits;
#[cfg(unix)]
mod operators;
mod rights;
mod sign_in;
mod signed;
mod upgrade;

use std::io::BufRead;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use relay::tokens::{IssuerKey, LimitsClaim, NewToken};
use serde_json::{Value, json};
use session::{CloseCode, FromClient, FromPeer, SUBPROTOCOL};

use crate::support::{Client, Process, connect_from, hello, publish};
use crate::texts::Texts;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "chat";
const REFUSED: CloseCode = CloseCode::CredentialRefused;

/// A relay with accounts, and their issuer.
struct Accounts {
    relay: Process,
    log: Box<dyn BufRead + Send>,
    key: IssuerKey,
    options: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Accounts {
    fn start(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), options)
    }

    /// With the store in the folder's `data`, if there is one.
    fn start_in(folder: tempfile::TempDir, options: &[&str]) -> Self {
        let keys = folder.path().join("keys.json");
        let key = IssuerKey::generate().unwrap();
        key.publish(&keys).unwrap();
        let accounts = ["--auth-keys", keys.to_str().unwrap(), "--auth-issuer", ISSUER];
        let options = [&accounts, &["--auth-audience", AUDIENCE][..], options].concat();
        let (relay, log) = Process::start_logged(&folder.path().join("data"), &options);
        let options = options.into_iter().map(str::to_owned).collect();
        Self { relay, log: Box::new(log), key, options, _folder: folder }
    }

    /// Stops the relay in order.
    fn stop(&mut self) {
        self.relay.terminate();
        self.relay.wait();
    }

    /// Starts it again on the same log. Tokens stay valid.
    fn start_again(&mut self) {
        let options: Vec<_> = self.options.iter().map(String::as_str).collect();
        let (relay, log) = Process::start_logged(&self._folder.path().join("data"), &options);
        (self.relay, self.log) = (relay, Box::new(log));
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
                let [header, claims] =
                    [all, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
                return format!("{header}.{claims}.");
            }
        };
        let key = match header.alg {
            Algorithm::HS256 => EncodingKey::from_secret(secret.as_bytes()).unwrap(),
            _ => self.key.encoding_key().unwrap(),
        };
        encode(&header, &claims, &key).unwrap()
    }

    fn kid(&self) -> String {
        let set: Value = serde_json::from_str(&self.key.key_set()).unwrap();
        set["keys"][0]["kid"].as_str().unwrap().to_owned()
    }

    /// A connection for frames that has said hello with a token.
    async fn frames(&self, id: u8, fence: u64, token: Option<&str>) -> Client {
        self.frames_from(1, id, fence, token).await
    }

    /// The same from `127.0.0.host`.
    async fn frames_from(&self, host: u8, id: u8, fence: u64, token: Option<&str>) -> Client {
        let FromClient::Hello(mut hello) = hello(id, fence, 1) else { unreachable!() };
        hello.token = token.map(str::to_owned);
        let headers = [("sec-websocket-protocol", SUBPROTOCOL)];
        let mut client = connect_from(&self.relay, host, &headers).await.unwrap();
        client.send(&[FromClient::Hello(hello)]).await;
        client
    }

    /// The same after the welcome.
    async fn welcomed(&self, id: u8, token: &str) -> Client {
        self.welcomed_from(1, id, token).await
    }

    /// The same from `127.0.0.host`.
    async fn welcomed_from(&self, host: u8, id: u8, token: &str) -> Client {
        let mut client = self.frames_from(host, id, 1, Some(token)).await;
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
        assert_eq!(
            self.frames(1, 1, Some(token)).await.close_code().await,
            REFUSED.code(),
            "{token}"
        );
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
        name: None,
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        rights: rights.parse().unwrap(),
        limits: LimitsClaim::default(),
        seconds: 3_600,
    }
}
