use std::sync::Arc;

use super::*;
use crate::server::{Opened, Options, Wire};
use crate::signed::signed_bytes;
use crate::{FromClient, Hello};

const KEY: [u8; 65] = [4; 65];
const NOW: u64 = 1_796_029_200_000;

/// The server of a welcomed client, which has proven this key.
fn welcomed(key: Option<[u8; 65]>) -> Server {
    let mut server = Server::new(Arc::new(Options::default()), Wire::Frames, &[0], 0);
    send(&mut server, FromClient::Hello(Hello::new([1; 16], [2; 32], 1)));
    server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true });
    while server.poll().is_some() {}
    server.key = key;
    server.set_clock(0, NOW);
    server
}

fn send(server: &mut Server, frame: FromClient) {
    let mut message = Vec::new();
    frame.encode(&mut message);
    server.received(&message, 0);
}

fn publish(server: &mut Server, number: Option<u64>, topic: &str, body: Vec<u8>) -> Vec<Effect> {
    let name = Some(topic.to_owned());
    send(server, FromClient::Publish(Publish { number, topic: 0, name, body, lowest: None }));
    std::iter::from_fn(|| server.poll()).collect()
}

/// What is logged of a body, or the code of the refusal.
fn logged(server: &mut Server, body: &Body) -> Result<Body, RejectCode> {
    let mut effects = publish(server, Some(1), "a", body.encode()).into_iter();
    let append = effects.find_map(|effect| match effect {
        Effect::Append(append) => Some(append),
        _ => None,
    });
    append.unwrap().event.map(|(_, body)| body).map_err(|refusal| refusal.code)
}

fn signed() -> Body {
    let signature = Some([7; 64]);
    Body { id: "e".to_owned(), time: Some(NOW), signature, ..Body::default() }
}

#[test]
fn a_signed_event_has_the_source_of_the_proven_key_and_others_that_of_the_client() {
    let key = Thumbprint::of(&KEY).source();
    let source = |body: &Body| logged(&mut welcomed(Some(KEY)), body).unwrap().source;
    assert_eq!(source(&signed()), key);
    let own = Body { source: "sensors/1".to_owned(), ..signed() };
    assert_eq!(source(&own), format!("{key}/sensors/1"));
    assert!(source(&Body { signature: None, ..signed() }).starts_with("/clients/"));
}

#[test]
fn nothing_that_is_signed_is_changed_on_the_way() {
    // A time that is far from now too, which an unsigned event would not keep.
    for time in [0, NOW, NOW + 1_000_000_000] {
        let body = Body { time: Some(time), signed: vec!["x".to_owned()], ..signed() };
        let logged = logged(&mut welcomed(Some(KEY)), &body).unwrap();
        let source = Thumbprint::of(&KEY).source();
        let bytes = signed_bytes("a", &logged.source, &logged);
        assert_eq!(bytes, signed_bytes("a", &source, &body));
        assert_eq!((logged.signature, logged.signed), (body.signature, body.signed));
    }
}

#[test]
fn a_signature_without_a_proven_key_or_a_time_or_of_another_form_is_bad() {
    let names = |name: &str| vec![name.to_owned()];
    for (key, body) in [
        (None, signed()),
        (Some(KEY), Body { time: None, ..signed() }),
        (Some(KEY), Body { signed: names("id"), ..signed() }),
        (Some(KEY), Body { signed: names("authid"), ..signed() }),
        (Some(KEY), Body { signature: None, signed: names("x"), ..signed() }),
    ] {
        assert_eq!(logged(&mut welcomed(key), &body), Err(RejectCode::BadSignature), "{body:?}");
    }
    let mut short = Body { signature: None, ..signed() }.encode();
    short[0] += 1;
    short.extend([8, 0x41, 7]);
    let effects = publish(&mut welcomed(Some(KEY)), Some(1), "a", short);
    let code = effects.into_iter().find_map(|effect| match effect {
        Effect::Append(append) => Some(append.event.unwrap_err().code),
        _ => None,
    });
    assert_eq!(code, Some(RejectCode::BadSignature));
    // What else is wrong goes first.
    let illegal = Body { source: "..".to_owned(), ..signed() };
    assert_eq!(logged(&mut welcomed(None), &illegal), Err(RejectCode::IllegalEvent));
}

#[test]
fn nothing_comes_among_certificates_but_durable_events_of_the_holder_of_a_key() {
    for topic in ["certs.x", &Thumbprint::of(&KEY).topic()] {
        let body = Body { signature: None, ..signed() }.encode();
        for key in [None, Some(KEY)] {
            let effects = publish(&mut welcomed(key), None, topic, body.clone());
            let is_closed = |it: &Effect| matches!(it, Effect::Close(CloseCode::ProtocolError, _));
            assert!(effects.iter().any(is_closed), "{topic}");
            let effects = publish(&mut welcomed(key), Some(1), topic, body.clone());
            let appended = effects.into_iter().find_map(|effect| match effect {
                Effect::Append(append) => Some(append.event.map(drop)),
                _ => None,
            });
            let code = appended.unwrap().map_err(|refusal| refusal.code);
            let expected = key.map(drop).ok_or(RejectCode::UnknownCertificate);
            assert_eq!(code, expected, "{topic}");
        }
    }
    let body = Body { signature: None, ..signed() };
    for topic in ["certs", "certs.a.b", "a.certs"] {
        let effects = publish(&mut welcomed(None), None, topic, body.encode());
        assert!(matches!(effects[..], [Effect::Forward(_)]), "{topic}");
    }
}
