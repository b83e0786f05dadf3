//! Copies of a client that fence each other.

mod dialogue;

use dialogue::{Dialogue, WELCOME};
use session::client::{Options, StoreRequest, TabId};
use session::*;

/// The id of a tab with the least patience.
const TAB: TabId = [0; 16];
const FENCED: u16 = 4_503;

fn client(tab: TabId) -> Dialogue {
    Dialogue::new(Options { tab, ..Options::default() })
}

fn hello(dialogue: &mut Dialogue) -> Hello {
    let said = dialogue.heard();
    let hellos = said.into_iter().filter_map(|frame| match frame {
        FromClient::Hello(hello) => Some(hello),
        _ => None,
    });
    hellos.last().unwrap()
}

/// The client is fenced, and its application reconnects.
fn fenced(dialogue: &mut Dialogue) {
    dialogue.close(FENCED);
    dialogue.client.connect(dialogue.now);
    dialogue.run();
}

#[test]
fn a_client_that_is_fenced_again_and_again_from_outside_its_store_takes_another_id() {
    let mut dialogue = client(TAB);
    let id = hello(&mut dialogue).client;
    for _ in 0..5 {
        dialogue.say(FromPeer::Welcome(WELCOME));
        fenced(&mut dialogue);
        assert_eq!(hello(&mut dialogue).client, id);
    }
    dialogue.say(FromPeer::Welcome(WELCOME));
    let other = hello(&mut dialogue).client;
    assert_ne!(other, id);
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert!(dialogue.client.peer().is_some());
    assert_eq!(dialogue.client.id(), other);
}

#[test]
fn a_store_that_lags_a_little_behind_what_was_greeted_with_is_no_rival() {
    let mut dialogue = client(TAB);
    let first = hello(&mut dialogue);
    let mut last = first.clone();
    for _ in 0..4 {
        last = hello_again(&mut dialogue);
    }
    assert!(last.fence > first.fence + 10, "{}", last.fence);
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert_eq!(dialogue.client.id(), first.client);
    // The next connection continues from there, although the store provides the tokens.
    dialogue.reconnect();
    assert_eq!(hello(&mut dialogue).fence, last.fence + 1);
}

#[test]
fn rivals_whose_tokens_are_ahead_are_overtaken_to_hear_what_was_decided() {
    let mut dialogue = client(TAB);
    let id = hello(&mut dialogue).client;
    // A month of connections that this copy of the store does not know.
    let mut tries = 0;
    let last = loop {
        let hello = hello_again(&mut dialogue);
        if hello.fence > 1_000 {
            break hello;
        }
        tries += 1;
    };
    assert!(tries < 20, "{tries}");
    assert_eq!(last.client, id);
    dialogue.say(FromPeer::Welcome(Welcome { highest: 7, ..WELCOME }));
    assert_ne!(hello(&mut dialogue).client, id);
}

fn hello_again(dialogue: &mut Dialogue) -> Hello {
    fenced(dialogue);
    hello(dialogue)
}

#[test]
fn a_client_that_a_tab_of_its_own_store_fences_keeps_its_id() {
    let mut dialogue = client(TAB);
    let id = hello(&mut dialogue).client;
    for _ in 0..20 {
        dialogue.say(FromPeer::Welcome(WELCOME));
        dialogue.now += 15_000;
        dialogue.say(FromPeer::Ping(Ping { number: 0 }));
        dialogue.store.run(StoreRequest::TakeFence { used: 0 });
        fenced(&mut dialogue);
        assert_eq!(hello(&mut dialogue).client, id);
    }
}

#[test]
fn two_tabs_that_a_rival_fences_in_turns_lose_their_patience_too() {
    let mut dialogue = client(TAB);
    let id = hello(&mut dialogue).client;
    for _ in 0..5 {
        dialogue.say(FromPeer::Welcome(WELCOME));
        dialogue.store.run(StoreRequest::TakeFence { used: 0 });
        fenced(&mut dialogue);
    }
    dialogue.say(FromPeer::Welcome(WELCOME));
    assert_ne!(hello(&mut dialogue).client, id);
}

#[test]
fn of_two_rivals_one_mostly_loses_its_patience_before_the_other() {
    let rounds = |tab: TabId| {
        let mut dialogue = client(tab);
        let id = hello(&mut dialogue).client;
        let mut rounds = 0;
        loop {
            dialogue.say(FromPeer::Welcome(WELCOME));
            if dialogue.client.id() != id {
                return rounds;
            }
            rounds += 1;
            fenced(&mut dialogue);
        }
    };
    let of = |byte| rounds([byte; 16]);
    assert_eq!([of(0), of(1), of(2), of(3), of(4)], [5, 10, 15, 20, 5]);
}
