//! What a client cannot do over CloudEvents JSON.

use session::server::{Effect, Options, Server, SocketMessage, Wire};
use session::{CloseCode, Millis};

/// A JSON connection whose clock is at 0, and which answers its own appends.
struct Text {
    server: Server,
    sources: Vec<String>,
    said: Vec<String>,
    closed: Option<CloseCode>,
}

impl Text {
    fn new(guest: u8) -> Self {
        let mut server = Server::new(Options::default().into(), Wire::Json, &[0], 0);
        server.set_guest([guest; 16]);
        Self { server, sources: Vec::new(), said: Vec::new(), closed: None }
    }

    fn say(&mut self, kind: &str, rest: &str, now: Millis) {
        let text =
            format!(r#"{{"specversion":"1.0","id":"e","source":"py","type":"{kind}"{rest}}}"#);
        self.server.received_text(&text, now);
        self.run();
    }

    fn run(&mut self) {
        while let Some(effect) = self.server.poll() {
            match effect {
                Effect::Append(append) => {
                    self.sources.extend(append.event.map(|(_, body)| body.source))
                }
                Effect::Send(SocketMessage::Texts(texts)) => {
                    self.said.extend(texts.iter().map(str::to_owned))
                }
                Effect::Close(code, _) => self.closed = Some(code),
                _ => {}
            }
        }
    }
}

#[test]
fn guests_are_others_on_each_connection_unless_they_name_the_same_secret() {
    let secret = r#","data":{"guest":"0123456789abcdef0123456789abcdef"}"#;
    let sources: Vec<String> = [(1, ""), (2, ""), (3, secret), (4, secret)]
        .into_iter()
        .map(|(guest, hello)| {
            let mut text = Text::new(guest);
            if !hello.is_empty() {
                text.say("$link.hello", hello, 0);
                assert!(text.said[0].contains("$link.welcome"), "{:?}", text.said);
            }
            text.say("a.b", "", 0);
            assert!(text.said.iter().all(|said| !said.contains("reject")), "{:?}", text.said);
            text.sources.remove(0)
        })
        .collect();
    assert_eq!(sources[0], "/guests/AQEBAQEBAQEBAQEB/py");
    assert_eq!(sources[1], "/guests/AgICAgICAgICAgIC/py");
    // SHA-256, which does not reveal the secret.
    assert_eq!(
        sources[2],
        "/guests/3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9/py"
    );
    assert_eq!(sources[2], sources[3]);
}

#[test]
fn a_hello_comes_first_and_once() {
    let secret = r#","data":{"guest":"0123456789abcdef0123456789abcdef"}"#;
    let mut text = Text::new(1);
    text.say("a.b", "", 0);
    text.say("$link.hello", secret, 0);
    assert!(text.said[0].contains("illegal_event"), "{:?}", text.said);
    text.say("a.b", "", 0);
    assert_eq!(text.sources[0], text.sources[1]);

    // A refused hello has no effect.
    let mut text = Text::new(1);
    text.say("$link.hello", r#","data":{"guest":"short"}"#, 0);
    text.say("$link.hello", secret, 0);
    text.say("$link.hello", secret, 0);
    let kinds: Vec<bool> = text.said.iter().map(|said| said.contains("$link.welcome")).collect();
    assert_eq!((kinds, text.closed), (vec![false, true, false], None));
}

/// Attack 15.
#[test]
fn a_json_client_without_a_valid_text_for_ten_seconds_is_closed_whatever_it_pings() {
    let mut text = Text::new(1);
    for second in 1..10 {
        text.server.heard(second * 1_000);
        text.say("a.b", r#","time":"yesterday""#, second * 1_000);
        text.say("$link.unknown", "", second * 1_000);
        text.server.tick(second * 1_000);
        text.run();
        assert_eq!((text.closed, text.server.deadline()), (None, 10_000));
    }
    text.server.tick(10_000);
    text.run();
    assert_eq!(text.closed, Some(CloseCode::Silent));

    for valid in [
        ("a.b", ""),
        ("$link.subscribe", r#","data":{"pattern":"a"}"#),
        ("$link.hello", r#","data":{}"#),
    ] {
        let mut text = Text::new(1);
        text.say(valid.0, valid.1, 9_999);
        text.server.tick(10_000);
        text.run();
        assert_eq!((text.closed, text.server.deadline()), (None, 29_999), "{valid:?}");
    }
}
