//! The JSON codec: any text is read or refused, by a server that speaks it.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use session::server::{Options, Server, Wire};

fuzz_target!(|text: &str| {
    let mut server = Server::new(Arc::new(Options::default()), Wire::Json, &[0], 0);
    server.received_text(text, 0);
    while server.poll().is_some() {}
});
