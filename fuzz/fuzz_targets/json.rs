//! The JSON codec: any texts, separated by a zero, are read or refused by a peer that speaks it, and what is
//! written of an event is read again as it was.
#![no_main]

use topic::Topic;
use fuzzing::Peer;
use libfuzzer_sys::fuzz_target;
use session::json::{self, Incoming};
use session::server::Wire;

fuzz_target!(|texts: &str| {
    let mut peer = Peer::new(Wire::Json);
    for (now, text) in (1..).zip(texts.split('\0')) {
        if let Ok(Incoming::Publish { topic, body, .. }) = json::read(text)
            && let Ok(topic) = Topic::parse(&topic)
        {
            let written = json::event(&topic, &body, None);
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
