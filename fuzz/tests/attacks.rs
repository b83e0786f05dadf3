//! Earlier attacks go through the checks of the fuzzers.

#[path = "../examples/seeds/attacks.rs"]
mod attacks;

use fuzzing::{Peer, members_and_nesting};
use session::json;
use session::server::Wire;
use session::{FromClient, Hello};

#[test]
fn a_peer_takes_nothing_that_hurts_it_or_its_readers() {
    let mut hello = Vec::new();
    FromClient::Hello(Hello::new([1; 16], [2; 32], 1)).encode(&mut hello);
    for message in attacks::frames() {
        let mut peer = Peer::new(Wire::Frames);
        peer.server.received(&hello, 0);
        peer.carry_out(0);
        peer.server.received(&message, 0);
        peer.commit(0);
    }
    for text in attacks::texts() {
        let text = String::from_utf8(text).unwrap();
        let mut peer = Peer::new(Wire::Json);
        peer.server.received_text(&text, 0);
        peer.commit(0);
        assert!(peer.closed.is_none(), "{text:.80}");
    }
    let texts = attacks::texts().filter(|text| json::read(str::from_utf8(text).unwrap()).is_ok());
    // The one with a distant time, which the server replaces.
    assert_eq!(texts.count(), 1);
}

#[test]
fn members_are_seen_as_they_are_written() {
    let text = r#"{"a":[{"b":1,"c":"d"}],"e\"":"f:","a" : {"x":[[]]},"g":"\\"}"#;
    assert_eq!(members_and_nesting(text), (vec!["a", r#"e\""#, "a", "g"], 4));
    assert_eq!(members_and_nesting(""), (vec![], 0));
    assert_eq!(members_and_nesting(r#"{"a"#), (vec![], 1));
}
