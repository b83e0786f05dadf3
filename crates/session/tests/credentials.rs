//! Ending credentials: the client is notified in time and refreshes the connection, or the connection is closed. Also
//! how events that break the rules are decided.

mod peer;

use peer::{Peer, hello};
use session::rights::Subject;
use session::server::{Effect, Granted, Refusal};
use session::*;

fn granted(subject: Option<&str>, expires_in: Option<Millis>) -> Granted {
    let account = subject.map(|name| Subject::account(name).unwrap());
    Granted { account, expires_in, ..Granted::default() }
}

/// A welcomed connection with a credential.
fn peer(granted: Granted) -> Peer {
    let mut peer = Peer::new(0);
    peer.say(hello(Some("token")), 0);
    peer.server.granted(granted, 0);
    peer.run();
    peer
}

fn tick(peer: &mut Peer, now: Millis) -> Vec<FromPeer> {
    peer.server.heard(now);
    peer.server.tick(now);
    peer.run()
}

#[test]
fn a_credential_that_ends_is_announced_in_time_and_closes_the_connection() {
    let mut peer = peer(granted(None, Some(300_000)));
    assert_eq!(tick(&mut peer, 239_999), []);
    let expiring = FromPeer::Expiring(Expiring { milliseconds: 60_000 });
    peer.server.heard(240_000);
    assert!(peer.server.deadline() <= 260_000);
    assert_eq!(tick(&mut peer, 240_000), [expiring]);
    assert_eq!(tick(&mut peer, 299_999), [], "once");
    peer.server.heard(299_999);
    assert_eq!(peer.server.deadline(), 300_000);
    assert!(matches!(tick(&mut peer, 300_000)[..], [FromPeer::Bye(_)]));
    assert_eq!(peer.closed, Some(CloseCode::CredentialRefused));
    assert!(!CloseCode::is_reconnect(CloseCode::CredentialRefused.code()));
}

#[test]
fn a_refresh_keeps_the_connection() {
    let mut peer = peer(granted(Some("ann"), Some(10_000)));
    let expiring = FromPeer::Expiring(Expiring { milliseconds: 5_000 });
    assert_eq!(tick(&mut peer, 5_000), [expiring]);
    peer.say(FromClient::Refresh(Refresh { token: "next".to_owned() }), 6_000);
    assert_eq!(peer.run(), []);
    assert_eq!(peer.asked, [Effect::Refresh("next".to_owned())]);
    peer.server.granted(granted(Some("ann"), None), 6_000);
    assert_eq!(tick(&mut peer, 10_000), []);
    assert_eq!(peer.closed, None);
}

#[test]
fn a_refresh_that_is_refused_or_names_another_subject_closes() {
    let mut first = peer(granted(Some("ann"), None));
    first.server.credential_refused("the token was revoked");
    first.run();
    let mut second = peer(granted(Some("ann"), None));
    second.server.granted(granted(Some("bob"), None), 0);
    second.run();
    assert_eq!(
        (first.closed, second.closed),
        (Some(CloseCode::CredentialRefused), Some(CloseCode::CredentialRefused))
    );
}

#[test]
fn a_notice_that_is_due_before_the_welcome_sets_no_timer_until_then() {
    let mut peer = Peer::new(0);
    peer.say(hello(Some("token")), 0);
    // The hello waits for a slow store.
    peer.server.granted(granted(None, Some(1_000)), 0);
    peer.server.tick(600);
    assert_eq!(peer.server.deadline(), 1_000, "a timer in the past would spin");
    peer.run();
    assert_eq!(peer.server.deadline(), 500);
    let expiring = FromPeer::Expiring(Expiring { milliseconds: 400 });
    assert_eq!(tick(&mut peer, 600), [expiring]);
}

#[test]
fn the_key_of_a_member_is_the_account_that_the_authority_names() {
    let mut peer = peer(granted(Some("ann"), None));
    let join = Join { topic: "lobby".to_owned(), key: "bob".to_owned(), data: Vec::new() };
    peer.say(FromClient::Join(join), 0);
    peer.run();
    assert!(matches!(&peer.asked[..], [Effect::Join { key, .. }] if key == "ann"));
}

#[test]
fn an_event_that_breaks_the_rules_is_decided_under_its_number_like_any_other() {
    let mut peer = Peer::welcomed(0);
    let publish = |number, name: &str, id: &str| {
        let body = Body { id: id.to_owned(), ..Body::default() }.encode();
        let name = Some(name.to_owned());
        FromClient::Publish(Publish { number: Some(number), topic: 0, name, body, lowest: None })
    };
    peer.say(publish(1, "a..b", "e1"), 0);
    peer.say(publish(2, "a", ""), 0);
    let frames = peer.run();
    let rejects: Vec<_> = frames
        .iter()
        .map(|frame| match frame {
            FromPeer::Reject(reject) => (reject.number, reject.code, reject.retry),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [(1, RejectCode::IllegalTopic, None), (2, RejectCode::IllegalEvent, None)];
    assert_eq!(rejects, expected);
    let refused: Vec<_> = peer
        .asked
        .iter()
        .map(|effect| match effect {
            Effect::Append(append) => match &append.event {
                Err(Refusal { id, .. }) => (append.client.unwrap().number, id.as_deref()),
                Ok(event) => panic!("{event:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(refused, [(1, Some("e1")), (2, None)]);
}
