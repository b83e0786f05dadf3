//! Tokens that are bound to a device key by the claim `cnf`, and what a connection with a token and a proof costs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use session::{FromClient, FromPeer, Hello, Refresh};
use trust::Thumbprint;

use super::*;
use crate::support::Device;

const HOST: &str = "127.0.0.1";

impl Accounts {
    /// A token that only this key may use.
    fn bound(&self, key: &[u8; 65]) -> String {
        let jkt = URL_SAFE_NO_PAD.encode(Thumbprint::of(key).0);
        self.confirmed(json!({ "jkt": jkt }))
    }

    fn confirmed(&self, cnf: Value) -> String {
        self.forged(json!({ "alg": "ES256" }), json!({ "cnf": cnf }), "")
    }

    /// A connection that has said hello with a token and a proof.
    async fn proven(&self, id: u8, fence: u64, token: &str, device: &Device) -> Client {
        let FromClient::Hello(hello) = hello(id, fence, 1) else { unreachable!() };
        let hello = FromClient::Hello(Hello { token: Some(token.to_owned()), ..hello });
        let mut client = Client::connect(&self.relay).await;
        client.send(&[device.prove(hello, HOST)]).await;
        client
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_refused_without_the_proof_of_that_key() {
    let accounts = Accounts::start(&[]);
    let (owner, thief) = (Device::new(), Device::new());
    let token = accounts.bound(&owner.key());
    accounts.refuses(&token).await;
    let mut stolen = accounts.proven(1, 1, &token, &thief).await;
    assert_eq!(stolen.close_code().await, REFUSED.code());
    let mut client = accounts.proven(1, 1, &token, &owner).await;
    assert!(matches!(client.frame().await, FromPeer::Welcome(_)));
    // A refresh too.
    let others = accounts.bound(&thief.key());
    client.send(&[FromClient::Refresh(Refresh { token: others })]).await;
    assert_eq!(client.close_code().await, REFUSED.code());
    let mut client = accounts.proven(1, 2, &token, &owner).await;
    assert!(matches!(client.frame().await, FromPeer::Welcome(_)));
    client.send(&[FromClient::Refresh(Refresh { token }), publish(1, "a", "e1")]).await;
    client.ack().await;
    accounts.serves().await;
}

#[tokio::test]
async fn a_token_that_is_confirmed_in_a_way_that_the_relay_does_not_know_is_refused() {
    let accounts = Accounts::start(&[]);
    for cnf in [json!({}), json!({ "x5t#S256": "x" }), json!({ "jkt": "x" }), json!("x")] {
        accounts.refuses(&accounts.confirmed(cnf)).await;
    }
    accounts.serves().await;
}

#[tokio::test]
async fn a_proof_covers_the_token() {
    let accounts = Accounts::start(&[]);
    let device = Device::new();
    let tokens = ["ann", "ann"].map(|subject| accounts.token(subject, "pub=a;sub=a"));
    let FromClient::Hello(hello) = hello(1, 1, 1) else { unreachable!() };
    let with = |token: &String| Hello { token: Some(token.clone()), ..hello.clone() };
    let FromClient::Hello(proven) = device.prove(FromClient::Hello(with(&tokens[0])), HOST) else {
        unreachable!()
    };
    // Another token for the same account: its signature differs.
    let swapped = Hello { token: Some(tokens[1].clone()), ..proven };
    let mut client = Client::connect(&accounts.relay).await;
    client.send(&[FromClient::Hello(swapped)]).await;
    assert_eq!(client.close_code().await, CloseCode::Unauthorized.code());
}

/// The CPU time of a process in milliseconds, of which one tick is ten.
#[cfg(target_os = "linux")]
fn cpu(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let mut times = fields.split(' ').skip(11).map(|field| field.parse::<u64>().unwrap());
    10 * (times.next().unwrap() + times.next().unwrap())
}

/// The bar is 0.3 ms for the token and the proof, in a program that is optimised.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_with_a_token_and_a_proof_costs_little_more_than_one_without() {
    const CONNECTIONS: u8 = 250;
    let device = Device::new();
    let plain = {
        let data = tempfile::tempdir().unwrap();
        let relay = Process::start(data.path());
        let before = cpu(relay.id());
        for id in 1..=CONNECTIONS {
            Client::welcomed(&relay, id, 1).await;
        }
        cpu(relay.id()) - before
    };
    let accounts = Accounts::start(&[]);
    let token = accounts.bound(&device.key());
    let before = cpu(accounts.relay.id());
    for id in 1..=CONNECTIONS {
        let mut client = accounts.proven(id, 1, &token, &device).await;
        assert!(matches!(client.frame().await, FromPeer::Welcome(_)));
    }
    let proven = cpu(accounts.relay.id()) - before;
    let each = proven.saturating_sub(plain) as f64 / f64::from(CONNECTIONS);
    println!("{each:.2} ms of CPU for a token and a proof; {plain} ms for {CONNECTIONS} without");
    let bar = if cfg!(debug_assertions) { 3.0 } else { 0.3 };
    assert!(each <= bar, "{each} ms");
}
