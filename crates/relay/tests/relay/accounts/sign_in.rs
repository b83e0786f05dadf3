//! Tokens that are refused, in the hello of both wires and in the upgrade's header.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use session::{CloseCode, Delete, FromClient, Position, Refresh, Stream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::support::PATIENCE;

#[tokio::test]
async fn a03_a_client_without_a_token_is_refused() {
    let accounts = Accounts::start(&["--hello-timeout", "1s"]);
    assert_eq!(accounts.frames(1, 1, None).await.close_code().await, REFUSED.code());
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
    for exp in [json!(now - 90), json!((now + 60).to_string()), json!(null), json!(now + day + 90)]
    {
        accounts
            .refuses(&accounts.forged(json!({ "alg": "ES256" }), json!({ "exp": exp }), ""))
            .await;
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
    accounts
        .refuses(&accounts.forged(json!({ "alg": "ES256", "kid": "other" }), json!({}), ""))
        .await;
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
async fn a08_a_connection_cannot_change_its_account() {
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
    // The relay may count from a moment before the client is connected.
    let began = Instant::now();
    let mut texts = Texts::connect(&accounts.relay).await;
    let code = loop {
        let _ = texts.0.socket.send(Message::Ping(Vec::new().into())).await;
        match timeout(Duration::from_millis(200), texts.0.socket.next()).await {
            Ok(Some(Ok(Message::Close(frame)))) => break u16::from(frame.unwrap().code),
            Ok(Some(Ok(_))) | Err(_) => assert!(began.elapsed() < PATIENCE),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, REFUSED.code());
    assert!(began.elapsed() >= Duration::from_secs(1));
    // Valid messages do not help before the token.
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "a" });
    let mut texts = Texts::connect(&accounts.relay).await;
    texts.ask("$link.subscribe", json!({ "pattern": "others" })).await;
    assert_eq!(texts.receive().await["type"], "$link.refused");
    texts.send(event.to_string()).await;
    assert_eq!(texts.receive().await["data"]["code"], "not_allowed");
    assert_eq!(texts.0.close_code().await, REFUSED.code());
    accounts.serves().await;
}

#[tokio::test]
async fn both_ways_to_sign_in_by_json_work() {
    let accounts = Accounts::start(&[]);
    let token = accounts.token("ann", "pub=a;sub=a");
    let publish =
        json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "a" }).to_string();
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
    let mut thief = accounts.frames(1, 2, Some(&bob)).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    accounts.serves().await;
}

#[tokio::test]
async fn the_audit_log_has_connections_with_their_keys_refusals_and_denials() {
    let accounts = Accounts::start(&["--anonymous", "sub=lobby.>"]);
    let kid = accounts.kid();
    let ann = accounts.token("ann", "sub=a");
    let mut client = accounts.welcomed(9, &ann).await;
    client.send(&[publish(1, "other", "e")]).await;
    assert!(matches!(client.frame().await, FromPeer::Reject(_)));
    let mut guest = accounts.frames(8, 1, None).await;
    assert!(matches!(guest.frame().await, FromPeer::Welcome(_)));
    let bob = accounts.token("bob", "sub=b");
    let mut thief = accounts.frames(9, 2, Some(&bob)).await;
    assert_eq!(thief.close_code().await, CloseCode::Unauthorized.code());
    let token = accounts.forged(json!({ "alg": "ES256" }), json!({ "aud": "secret-text" }), "");
    accounts.refuses(&token).await;
    let bearer = format!("Bearer {ann}");
    let headers = [crate::events::STRUCTURED, ("authorization", bearer.as_str())];
    let event = crate::events::event("1", "other").to_string();
    crate::events::post(&accounts.relay, &headers, event).is_problem(403, "not_allowed");
    let Accounts { relay, log, .. } = accounts;
    relay.terminate();
    let lines: Vec<_> = log.lines().map_while(Result::ok).collect();
    let count = |parts: &[&str]| {
        let audit = lines.iter().filter(|line| line.contains(" audit: "));
        audit.filter(|line| parts.iter().all(|part| line.contains(part))).count()
    };
    let address = "address=127.0.0.1";
    let key = format!("key=\"{kid}\"");
    let of_ann = "subject=\"ann\"";
    assert_eq!(count(&[": connected ", of_ann, &key, address]), 2, "{lines:?}");
    let of_guest = format!("subject=\"~{}\"", "08".repeat(16));
    assert_eq!(count(&[": connected ", &of_guest, address]), 1, "{lines:?}");
    assert_eq!(count(&[": denied ", of_ann, address, "code=13"]), 2, "{lines:?}");
    let code = format!("code={}", CloseCode::Unauthorized.code());
    assert_eq!(
        count(&[": refused ", "refused=\"secret\"", "subject=\"bob\"", &code]),
        1,
        "{lines:?}"
    );
    let code = format!("code={}", REFUSED.code());
    assert_eq!(count(&[": refused ", "refused=\"credential\"", address, &code]), 3, "{lines:?}");
    let payload = token.split('.').nth(1).unwrap();
    assert!(lines.iter().all(|line| !line.contains("secret-text") && !line.contains(payload)));
    assert!(lines.iter().all(|line| !line.contains("other")), "{lines:?}");
}

#[tokio::test]
async fn deletes_are_in_the_audit_log_with_the_subject_and_the_outcome() {
    let accounts = Accounts::start(&[]);
    let mut ann = accounts.welcomed(9, &accounts.token("ann", "pub=a")).await;
    ann.send(&[publish(1, "a", "e")]).await;
    let position = ann.ack().await.position;
    let elsewhere = Position { stream: Stream::named("elsewhere"), ..position.clone() };
    for (number, subject, rights, position) in [
        (10, "bob", "pub=>;sub=>", &position),
        (11, "mod", "adm=a", &position),
        (12, "eve", "adm=>", &elsewhere),
    ] {
        let mut other = accounts.welcomed(number, &accounts.token(subject, rights)).await;
        let (request, position) = (1, position.clone());
        other.send(&[FromClient::Delete(Delete { request, position })]).await;
        let answer = other.frame().await;
        let FromPeer::Deleted(deleted) = &answer else { panic!("{answer:?}") };
        assert_eq!(deleted.outcome.is_ok(), subject == "mod");
    }
    let Accounts { relay, log, .. } = accounts;
    relay.terminate();
    let lines: Vec<_> = log.lines().map_while(Result::ok).collect();
    let has = |parts: &[&str]| {
        lines.iter().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    };
    let refused = has(&[" audit: ", "delete refused", "subject=\"bob\"", "code=\"not_allowed\""]);
    let deleted = has(&[" audit: ", "deleted", "subject=\"mod\"", "position=2@"]);
    let missing = has(&[" audit: ", "delete refused", "subject=\"eve\"", "code=\"not_found\""]);
    assert_eq!((refused, deleted, missing), (1, 1, 1), "{lines:?}");
}
