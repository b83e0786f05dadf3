//! A server that hears anything after a hello, and whose store answers anything that it may.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use session::server::{
    Decided, Effect, Located, Opened, Options, Page, Place, Server, Wire,
};
use session::{Durability, FromClient, Hello, Position, RejectCode, Stream};

fuzz_target!(|messages: Vec<Vec<u8>>| {
    let streams = vec![Stream::MAIN, Stream::named("other")];
    let options = Options { streams, ..Options::default() };
    let mut server = Server::new(Arc::new(options), Wire::Frames, &[3, 1], 0);
    let hello = Hello {
        client: [1; 16],
        secret: [2; 32],
        fence: 1,
        lowest: 1,
        returning: false,
        token: None,
    };
    let mut message = Vec::new();
    FromClient::Hello(hello).encode(&mut message);
    server.received(&message, 0);
    answer(&mut server, 0);
    for (now, message) in (1..).zip(&messages) {
        server.received(message, now * 100);
        answer(&mut server, message.len());
        server.tick(now * 100);
    }
});

/// Carries out what the server asks for; what its store says depends on `chance`.
fn answer(server: &mut Server, chance: usize) {
    let head = || Position { offset: 3, ..Position::start_of(1) };
    let place = || Place { next: 1, previous: None, head: head(), gap: Some((1, 1)) };
    // Bounded: a page that says it has looked nowhere would be asked for again for ever.
    for _ in 0..1_000 {
        let Some(effect) = server.poll() else { return };
        match effect {
            Effect::Open(_) => {
                server.opened(Opened::Welcome { highest: 0, highest_id: None, new: true });
            }
            Effect::Append(append) => server.decided(
                append.ticket,
                match chance % 3 {
                    0 => Decided::Stored(head(), Durability::Disk),
                    1 => Decided::Rejected {
                        code: RejectCode::Unavailable,
                        message: String::new(),
                        retry: Some(5),
                    },
                    _ => Decided::Fenced,
                },
            ),
            Effect::Locate { ticket, .. } => server.located(
                ticket,
                match chance % 3 {
                    0 => Located::Reset(vec![head(), head()]),
                    1 => Located::Unavailable,
                    _ => Located::At(vec![place(), place()]),
                },
            ),
            Effect::Read { ticket, .. } => {
                server.page(ticket, &Page { events: Vec::new(), next: 4, gap: None });
            }
            _ => {}
        }
    }
}
