//! Backends that publish by HTTP with a token.

use super::*;
use crate::events::{BATCHED, STRUCTURED, event, post};

#[tokio::test]
async fn a_backend_publishes_as_its_account_and_its_repeats_are_recognised() {
    let accounts = Accounts::start(&[]);
    let reader = accounts.token("ann", "sub=shop.>");
    let mut texts = accounts.bearer(&reader).await;
    texts.ask("$link.subscribe", json!({ "pattern": "shop.>" })).await;
    assert_eq!(texts.receive().await["type"], "$link.subscribed");
    let bearer = format!("Bearer {}", accounts.token("shop", "pub=shop.>"));
    let headers = [STRUCTURED, ("authorization", bearer.as_str())];
    let first = post(&accounts.relay, &headers, event("7", "shop.order").to_string());
    assert_eq!((first.offset(), &first.body["source"]), (1, &json!("/users/shop/shop")));
    let delivered = texts.receive().await;
    assert_eq!(
        (&delivered["authtype"], &delivered["authid"]),
        (&json!("app_user"), &json!("shop"))
    );
    // Also with another token of the account, and not for another account.
    let bearer = format!("bearer {}", accounts.token("shop", "pub=shop.order"));
    let headers = [STRUCTURED, ("authorization", bearer.as_str())];
    let again = post(&accounts.relay, &headers, event("7", "shop.order").to_string());
    assert_eq!(again.body, first.body);
    let bearer = format!("Bearer {}", accounts.token("other", "pub=shop.>"));
    let headers = [STRUCTURED, ("authorization", bearer.as_str())];
    assert_eq!(post(&accounts.relay, &headers, event("7", "shop.order").to_string()).offset(), 2);
}

#[test]
fn without_a_valid_token_nothing_is_published() {
    let accounts = Accounts::start(&[]);
    let text = event("1", "a").to_string();
    let refused = post(&accounts.relay, &[STRUCTURED], &text);
    refused.is_problem(401, "credential_refused");
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    let expired = accounts.forged(json!({ "alg": "ES256" }), json!({ "exp": 1 }), "");
    // A token that is bound to a device key needs a proof, which a request does not have.
    let jkt = URL_SAFE_NO_PAD.encode([7; 32]);
    let bound = json!({ "cnf": { "jkt": jkt } });
    let bound = accounts.forged(json!({ "alg": "ES256" }), bound, "");
    for token in ["x", "", &expired, &bound] {
        let bearer = format!("Bearer {token}");
        let refused = post(&accounts.relay, &[STRUCTURED, ("authorization", &bearer)], &text);
        refused.is_problem(401, "credential_refused");
        assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
}

#[test]
fn what_the_rights_do_not_cover_is_refused_and_the_rest_of_a_batch_with_it() {
    let accounts = Accounts::start(&[]);
    let bearer = format!("Bearer {}", accounts.token("shop", "pub=shop.>;sub=>"));
    let authorization = ("authorization", bearer.as_str());
    let refused =
        post(&accounts.relay, &[STRUCTURED, authorization], event("1", "chat.a").to_string());
    refused.is_problem(403, "not_allowed");
    assert_eq!(refused.body["id"], "1");
    let batch = json!([event("2", "shop.a"), event("3", "chat.a")]).to_string();
    post(&accounts.relay, &[BATCHED, authorization], &batch).is_problem(403, "not_allowed");
    let mut now = event("4", "chat.a");
    now["ephemeral"] = json!(true);
    post(&accounts.relay, &[STRUCTURED, authorization], now.to_string())
        .is_problem(403, "not_allowed");
    let stored =
        post(&accounts.relay, &[STRUCTURED, authorization], event("5", "shop.a").to_string());
    assert_eq!(stored.offset(), 1);
}

#[test]
fn a_guest_has_the_rights_of_guests() {
    let accounts = Accounts::start(&["--anonymous", "pub=lobby.>"]);
    let stored = post(&accounts.relay, &[STRUCTURED], event("1", "lobby.a").to_string());
    assert_eq!(stored.offset(), 1);
    post(&accounts.relay, &[STRUCTURED], event("2", "shop.a").to_string())
        .is_problem(403, "not_allowed");
    let wrong = [STRUCTURED, ("authorization", "Bearer x")];
    post(&accounts.relay, &wrong, event("3", "lobby.a").to_string())
        .is_problem(401, "credential_refused");
}
