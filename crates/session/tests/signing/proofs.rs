//! Proofs that a connection is from the device.

use super::*;

#[test]
fn a_hello_waits_for_its_proof_and_carries_it_with_the_secret() {
    let mut dialogue = with_key();
    assert_eq!(dialogue.heard(), []);
    let first = request(&mut dialogue);
    assert_eq!((first.client, first.fence, first.token), (dialogue.client.id(), 1, None));
    dialogue.client.proved(1, KEY, [5; 64]);
    let hello = hello(&mut dialogue);
    assert_eq!((hello.client, hello.fence), (first.client, 1));
    assert_eq!((hello.key, hello.proof), (Some(KEY), Some([5; 64])));
    assert!(hello.secret.is_some());
    dialogue.say(FromPeer::Welcome(WELCOME));
    dialogue.close(1_006);
    dialogue.wait();
    assert_eq!(request(&mut dialogue).fence, 2, "each connection has its own proof");
}

#[test]
fn a_proof_covers_the_credential_and_shows_nothing_of_it_in_logs() {
    let options = Options { proves: true, credentials: true, ..Options::default() };
    let mut dialogue = Dialogue::new(options);
    dialogue.client.credential(Some("my pass".to_owned()), 0);
    dialogue.run();
    let request = request(&mut dialogue);
    assert_eq!(request.token.as_deref(), Some("my pass"));
    assert!(!format!("{:?}", Effect::Prove(request)).contains("pass"));
}

#[test]
fn a_proof_for_an_older_connection_is_not_used() {
    let mut dialogue = with_key();
    let late = request(&mut dialogue);
    dialogue.close(1_006);
    dialogue.client.proved(late.fence, KEY, [6; 64]);
    dialogue.wait();
    let next = request(&mut dialogue);
    dialogue.client.proved(late.fence, KEY, [6; 64]);
    dialogue.client.cannot_prove(late.fence);
    assert_eq!(dialogue.heard(), []);
    dialogue.client.proved(next.fence, KEY, [5; 64]);
    let hello = hello(&mut dialogue);
    assert_eq!((hello.fence, hello.proof), (next.fence, Some([5; 64])));
    // An answer that comes twice changes nothing.
    dialogue.client.proved(next.fence, KEY, [6; 64]);
    assert_eq!(dialogue.heard(), []);
}

#[test]
fn a_proof_that_never_comes_ends_the_attempt() {
    let mut dialogue = with_key();
    dialogue.wait();
    dialogue.wait();
    assert_eq!(requests(&mut dialogue).len(), 2);
    assert_eq!(dialogue.heard(), []);
}

#[test]
fn a_device_without_a_key_shows_its_secret_alone() {
    let mut dialogue = with_key();
    let request = request(&mut dialogue);
    dialogue.client.cannot_prove(request.fence);
    let hello = hello(&mut dialogue);
    assert_eq!((hello.key, hello.proof, hello.secret.is_some()), (None, None, true));
}

#[test]
fn a_key_that_comes_after_the_hello_is_proven_on_another_connection() {
    let mut dialogue = with_key();
    let first = request(&mut dialogue);
    dialogue.client.cannot_prove(first.fence);
    assert_eq!(hello(&mut dialogue).key, None);
    dialogue.say(FromPeer::Welcome(WELCOME));
    dialogue.client.prove_again(first.fence, dialogue.now);
    dialogue.run();
    let next = request(&mut dialogue);
    assert_eq!((next.fence, dialogue.opened), (first.fence + 1, 2));
    dialogue.client.proved(next.fence, KEY, [5; 64]);
    assert_eq!(hello(&mut dialogue).key, Some(KEY));
    // Only the connection without a proof ends.
    dialogue.client.prove_again(first.fence, dialogue.now);
    dialogue.run();
    assert_eq!(dialogue.opened, 2);
}

#[test]
fn a_client_that_belongs_to_another_key_continues_as_a_new_one_with_what_was_never_sent() {
    let mut dialogue = with_key();
    let id = dialogue.client.id();
    welcome(&mut dialogue);
    publish(&mut dialogue, "sent", false);
    assert_eq!(sent(&mut dialogue), [("sent".to_owned(), false)]);
    dialogue.close(1_006);
    publish(&mut dialogue, "kept", false);
    dialogue.wait();
    let request_of_old = request(&mut dialogue);
    dialogue.client.cannot_prove(request_of_old.fence);
    hello(&mut dialogue);
    let code = CloseCode::OtherKey.code();
    dialogue.say(FromPeer::Bye(Bye { code, message: String::new(), retry: None }));
    // What may be in the log under the old name is not sent under the new one.
    assert_eq!(outcomes(&mut dialogue), [("sent".to_owned(), Some(RejectCode::Uncertain))]);
    assert_ne!(dialogue.client.id(), id);
    let hello = welcome(&mut dialogue);
    assert_eq!((hello.client, hello.fence), (dialogue.client.id(), 1));
    assert!(!hello.returning);
    assert_eq!(sent(&mut dialogue), [("kept".to_owned(), false)]);
}

#[test]
fn a_client_that_is_refused_for_another_reason_keeps_its_name_and_stops() {
    for code in [CloseCode::Unauthorized, CloseCode::CredentialRefused] {
        let mut dialogue = with_key();
        let id = dialogue.client.id();
        let request = request(&mut dialogue);
        dialogue.client.proved(request.fence, KEY, [5; 64]);
        hello(&mut dialogue);
        dialogue.close(code.code());
        assert_eq!(dialogue.client.id(), id);
        let last = dialogue.effects.last().unwrap();
        assert!(matches!(last, Effect::Link(ConnectionState::Stopped { .. })), "{last:?}");
    }
}
