//! The JSON codec. A peer reads or refuses arbitrary texts, separated by zeros, and what it writes of an event is
//! read again unchanged.
#![no_main]

use fuzzing::{Peer, members_and_nesting};
use libfuzzer_sys::fuzz_target;
use session::json::{self, Incoming};
use session::server::Wire;
use topic::Topic;

fuzz_target!(|texts: &str| {
    let mut peer = Peer::new(Wire::Json);
    for (now, text) in (1..).zip(texts.split('\0')) {
        let read = json::read(text);
        if read.is_ok() {
            let (mut names, _) = members_and_nesting(text);
            names.sort_unstable();
            assert!(names.windows(2).all(|two| two[0] != two[1]), "a member stands twice: {text}");
        }
        if let Ok(Incoming::Publish { topic, body, .. }) = read
            && let Ok(topic) = Topic::parse(&topic)
        {
            // Clients must not set what the peer says about the author.
            let written = json::event(&topic, &body, None);
            let written = written.replacen(r#","authtype":"unauthenticated""#, "", 1);
            let again = json::read(&written);
            assert!(
                matches!(&again, Ok(Incoming::Publish { body: again, .. }) if *again == body),
                "{body:?} is {written}, which is {again:?}"
            );
        }
        peer.server.received_text(text, now);
        peer.commit(now);
        if peer.closed {
            return;
        }
    }
});
