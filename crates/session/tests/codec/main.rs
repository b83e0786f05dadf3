//! The codec against itself, and against the grammar in `session.cddl`.

mod frames;

use std::collections::BTreeMap;

use frames::{body, from_client, from_client_encoded, from_peer, from_peer_encoded};
use proptest::prelude::*;
use session::*;

const GRAMMAR: &str = include_str!("../../session.cddl");

/// Holds `bytes` against the rule `rule` of the grammar.
fn keeps_to_the_grammar(rule: &str, bytes: &[u8]) -> Result<(), String> {
    // The first rule of a CDDL text is what is asked for (RFC 8610, 2.2).
    let grammar = format!("root = {rule}\n{GRAMMAR}");
    cddl::validate_cbor_from_slice(&grammar, bytes, None).map_err(|error| error.to_string())
}

proptest! {
    #[test]
    fn a_clients_message_comes_back_as_it_was(frames in prop::collection::vec(from_client(), 0..6)) {
        let message = from_client_encoded(&frames);
        let decoded: Result<Vec<_>, _> = FromClient::decode(&message).collect();
        prop_assert_eq!(decoded, Ok(frames));
    }

    #[test]
    fn a_peers_message_comes_back_as_it_was(frames in prop::collection::vec(from_peer(), 0..6)) {
        let message = from_peer_encoded(&frames);
        let decoded: Result<Vec<_>, _> = FromPeer::decode(&message).collect();
        prop_assert_eq!(decoded, Ok(frames));
    }

    #[test]
    fn a_body_comes_back_as_it_was(body in body()) {
        prop_assert_eq!(Body::decode(&body.encode()), Ok(body));
    }

    #[test]
    fn arbitrary_bytes_are_frames_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(FromClient::decode(&bytes).filter(Result::is_err).count() <= 1);
        prop_assert!(FromPeer::decode(&bytes).filter(Result::is_err).count() <= 1);
        let _ = Body::decode(&bytes);
    }

    #[test]
    fn a_truncated_frame_is_an_error(
        up in from_client(),
        down in from_peer(),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut_off = |mut message: Vec<u8>| {
            message.truncate(cut.index(message.len() - 1) + 1);
            message
        };
        let up = cut_off(from_client_encoded(&[up]));
        prop_assert!(FromClient::decode(&up).any(|frame| frame.is_err()));
        let down = cut_off(from_peer_encoded(&[down]));
        prop_assert!(FromPeer::decode(&down).any(|frame| frame.is_err()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))] // the validator parses the grammar each time

    #[test]
    fn every_frame_keeps_to_the_grammar(up in from_client(), down in from_peer()) {
        prop_assert_eq!(keeps_to_the_grammar("from-client", &from_client_encoded(&[up])), Ok(()));
        prop_assert_eq!(keeps_to_the_grammar("from-peer", &from_peer_encoded(&[down])), Ok(()));
    }

    #[test]
    fn every_body_keeps_to_the_grammar(body in body()) {
        prop_assert_eq!(keeps_to_the_grammar("body", &body.encode()), Ok(()));
    }
}

#[test]
fn the_grammar_refuses_what_is_no_frame() {
    let mut message = Vec::new();
    minicbor::encode((13, BTreeMap::from([(0, "text")])), &mut message).unwrap();
    assert!(keeps_to_the_grammar("from-client", &message).is_err());
    assert!(FromClient::decode(&message).all(|frame| frame.is_err()));
}

#[test]
fn a_frame_of_the_other_end_is_an_error() {
    let bye = FromPeer::Bye(Bye { code: 4000, message: String::new(), retry: None });
    assert!(FromClient::decode(&from_peer_encoded(&[bye])).all(|frame| frame.is_err()));
    let unsubscribe = FromClient::Unsubscribe(Unsubscribe { subscription: 1 });
    assert!(FromPeer::decode(&from_client_encoded(&[unsubscribe])).all(|frame| frame.is_err()));
}

#[test]
fn keys_that_are_not_known_are_ignored() {
    let mut message = Vec::new();
    minicbor::encode((13, BTreeMap::from([(0, 7), (99, 1)])), &mut message).unwrap();
    let frames: Vec<_> = FromPeer::decode(&message).collect();
    assert_eq!(frames, [Ok(FromPeer::Ping(Ping { number: 7 }))]);
}
