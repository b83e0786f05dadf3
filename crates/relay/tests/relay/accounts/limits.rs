//! Limits of an account, which all its connections share.

use std::time::Instant;

use super::*;
use crate::events::{BATCHED, STRUCTURED, event, post};
use crate::support::{Client, publish_alone};

#[tokio::test]
async fn the_connections_of_an_account_share_its_rates_from_all_addresses() {
    let accounts = Accounts::start(&["--raise-limits", "1", "--rate-publishes", "1:20"]);
    let [ann, bob] = ["ann", "bob"].map(|name| accounts.token(name, "pub=>"));
    let mut first = accounts.welcomed_from(2, 1, &ann).await;
    let mut second = accounts.welcomed_from(3, 2, &ann).await;
    let mut other = accounts.welcomed_from(2, 3, &bob).await;
    // Two more than the burst: the account is in debt for two seconds.
    first.send(&(1..=22).map(|number| publish_alone(number, "a")).collect::<Vec<_>>()).await;
    first.ack().await;
    let began = Instant::now();
    // The first event is accepted at once, and the second one when the account is out of debt.
    second.send(&[publish_alone(1, "a")]).await;
    second.ack().await;
    second.send(&[publish_alone(2, "a")]).await;
    other.send(&[publish_alone(1, "a")]).await;
    other.ack().await;
    let of_other = began.elapsed();
    second.ack().await;
    let of_second = began.elapsed();
    assert!(of_second.as_millis() >= 1_000, "{of_second:?}");
    assert!(of_other < of_second, "{of_other:?}, {of_second:?}");
    // A request is refused instead of waiting.
    let bearer = format!("Bearer {ann}");
    let headers = [STRUCTURED, ("authorization", bearer.as_str())];
    post(&accounts.relay, &headers, event("1", "a").to_string()).is_problem(429, "too_fast");
}

/// Reads the bye of a connection that is refused for a limit.
async fn is_sent_away(client: &mut Client) {
    match client.frame().await {
        FromPeer::Bye(bye) => {
            assert_eq!(
                (bye.code, bye.retry),
                (CloseCode::Overloaded.code(), Some(5_000)),
                "{bye:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_connection_more_than_an_account_may_have_is_sent_away() {
    let options =
        ["--raise-limits", "1", "--account-connections", "2", "--address-connections", "4"];
    let accounts = Accounts::start(&options);
    let [ann, bob] = ["ann", "bob"].map(|name| accounts.token(name, "pub=>"));
    let first = accounts.welcomed_from(2, 1, &ann).await;
    let _second = accounts.bearer(&ann).await;
    is_sent_away(&mut accounts.frames_from(3, 3, 1, Some(&ann)).await).await;
    let mut texts = accounts.texts(&ann).await;
    assert_eq!(texts.0.close_code().await, CloseCode::Overloaded.code());
    // Connections of accounts do not count for their address.
    let _others =
        [accounts.welcomed_from(2, 4, &bob).await, accounts.welcomed_from(2, 5, &bob).await];
    drop(first);
    // The place comes back when the relay has seen the end of the connection.
    let began = Instant::now();
    for fence in 1.. {
        let mut again = accounts.frames_from(2, 6, fence, Some(&ann)).await;
        match again.frame().await {
            FromPeer::Welcome(_) => break,
            other => assert!(matches!(other, FromPeer::Bye(_)), "{other:?}"),
        }
        assert!(began.elapsed() < crate::support::PATIENCE);
    }
}

#[test]
fn a_token_raises_the_rates_of_a_backend_and_no_others() {
    let accounts = Accounts::start(&["--raise-limits", "1", "--rate-publishes", "1:2"]);
    let batch: Vec<_> = (0..100).map(|id| event(&id.to_string(), "a")).collect();
    let batch = json!(batch).to_string();
    let publish = |limits: LimitsClaim| {
        let token = NewToken { limits, ..new_token("shop", "pub=>") };
        let bearer = format!("Bearer {}", accounts.key.sign(&token).unwrap());
        post(&accounts.relay, &[BATCHED, ("authorization", &bearer)], &batch)
    };
    publish(LimitsClaim::default()).is_problem(413, "too_many");
    let raised = LimitsClaim { publishes: Some(50), bytes: None };
    assert_eq!(publish(raised).status, 200);
    publish(raised).is_problem(429, "too_fast");
    publish(LimitsClaim::default()).is_problem(413, "too_many");
}
