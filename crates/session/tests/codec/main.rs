//! The codec against itself, and against the grammar in `session.cddl`.

mod frames;

use frames::{body, from_client, from_client_encoded, from_peer, from_peer_encoded};
use proptest::prelude::*;
use session::*;

const GRAMMAR: &str = include_str!("../../session.cddl");

/// Checks `bytes` against the rule `rule` of the grammar.
fn keeps_to_the_grammar(rule: &str, bytes: &[u8]) -> Result<(), String> {
    // A CDDL text describes its first rule (RFC 8610, 2.2).
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
        // A later version's grammar has that start.
        if !matches!(up, FromClient::UnknownStart(_)) {
            prop_assert_eq!(keeps_to_the_grammar("from-client", &from_client_encoded(&[up])), Ok(()));
        }
        prop_assert_eq!(keeps_to_the_grammar("from-peer", &from_peer_encoded(&[down])), Ok(()));
    }

    #[test]
    fn every_body_keeps_to_the_grammar(body in body()) {
        prop_assert_eq!(keeps_to_the_grammar("body", &body.encode()), Ok(()));
    }
}

#[test]
fn the_grammar_refuses_what_is_no_frame() {
    let message = from_hex("820da1006474657874"); // [13, {0: "text"}]
    assert!(keeps_to_the_grammar("from-client", &message).is_err());
    assert!(FromClient::decode(&message).all(|frame| frame.is_err()));
}

#[test]
fn a_hello_has_a_secret_or_a_key_with_its_proof() {
    let (secret, key, proof) = (Some([2; 32]), Some([4; 65]), Some([5; 64]));
    for (secret, key, proof, is_legal) in [
        (secret, None, None, true),
        (None, key, proof, true),
        (secret, key, proof, true),
        (None, None, None, false),
        (None, key, None, false),
        (None, None, proof, false),
        (secret, key, None, false),
        (secret, None, proof, false),
    ] {
        let hello = Hello { secret, key, proof, ..Hello::new([1; 16], [0; 32], 1) };
        let message = from_client_encoded(&[FromClient::Hello(hello.clone())]);
        let frames: Vec<_> = FromClient::decode(&message).collect();
        match is_legal {
            true => assert_eq!(frames, [Ok(FromClient::Hello(hello))]),
            false => assert!(matches!(frames[..], [Err(_)]), "{frames:?}"),
        }
    }
    // A key that is too short.
    let mut message = from_hex("8200a60050");
    message.extend([1; 16]);
    message.extend(from_hex("02010301065840"));
    message.extend([4; 64]);
    message.extend(from_hex("075840"));
    message.extend([5; 64]);
    message.extend(from_hex("1863f6"));
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
    // Under key 99, a value of each CBOR type (RFC 8949, appendix A), in arrays and maps of both forms.
    let all = [
        "01",
        "1903e8",
        "1bffffffffffffffff",
        "20",
        "3903e7",
        "f93c00",
        "fa47c35000",
        "f5",
        "f6",
        "f7",
        "f0",
        "f8ff",
        "43010203",
        "6449455446",
        "5f42010243030405ff",
        "7f657374726561646d696e67ff",
        "fb3ff199999999999a",
        "c11a514b67b0",
        "d818456449455446",
        "80",
        "a0",
        "83010203",
        "9f0102ff",
        "9f018202039f0405ffff",
        "83018202039f0405ff",
        "a201020304",
        "bf61610161629f0203ffff",
        "c0826161bf61626163ff",
        "d9d9f7bf20c49f01ffff",
    ];
    let mut list = format!("98{:02x}", all.len());
    list.extend(all);
    for unknown in all.into_iter().chain([&*list]) {
        let message = from_hex(&format!("820da200071863{unknown}"));
        let frames: Vec<_> = FromPeer::decode(&message).collect();
        assert_eq!(frames, [Ok(FromPeer::Ping(Ping { number: 7 }))], "{unknown}");
        for end in 1..message.len() {
            let frames: Vec<_> = FromPeer::decode(&message[..end]).collect();
            assert!(matches!(frames[..], [Err(_)]), "{unknown} up to {end}");
        }
    }
}

#[test]
fn what_lies_too_deep_is_an_error_and_no_overflow() {
    let message = from_hex(&format!("820da200071863{}", "81".repeat(100_000)));
    assert!(FromPeer::decode(&message).all(|frame| frame.is_err()));
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// `NotPresent` is `not-present` in the grammar.
fn rule_of(kind: FrameKind) -> String {
    let mut rule = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_uppercase() && !rule.is_empty() {
            rule.push('-');
        }
        rule.extend(letter.to_lowercase());
    }
    rule
}

#[test]
fn each_kind_of_frame_has_its_number_in_the_grammar_and_no_other() {
    let rules: Vec<(&str, u64)> = GRAMMAR
        .lines()
        .filter_map(|line| {
            let (rule, rest) = line.split_once(" = [")?;
            Some((rule, rest.split_once(", {")?.0.parse().ok()?))
        })
        .collect();
    for (number, kind) in (0..).zip(FrameKind::ALL) {
        assert_eq!(kind.number(), number);
        assert_eq!(FrameKind::from_number(number), Some(kind));
        assert!(rules.contains(&(&*rule_of(kind), number)), "{kind:?} is not in the grammar");
    }
    assert_eq!(rules.len(), FrameKind::ALL.len());
    assert_eq!(FrameKind::from_number(FrameKind::LAST + 1), None);
    assert!(GRAMMAR.contains(&format!("later = [uint .gt {}, * any]", FrameKind::LAST)));
}

#[test]
fn the_frames_of_these_tests_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut met = [false; FrameKind::ALL.len()];
    for _ in 0..2_000 {
        let up = from_client().new_tree(&mut runner).unwrap().current();
        let down = from_peer().new_tree(&mut runner).unwrap().current();
        for message in [from_client_encoded(&[up]), from_peer_encoded(&[down])] {
            // An array of two items that begins with a small number: one byte, or 0x18 and one byte.
            let number = if message[1] == 0x18 { message[2] } else { message[1] };
            met[usize::from(number)] = true;
        }
    }
    assert_eq!(met, [true; FrameKind::ALL.len()]);
}
