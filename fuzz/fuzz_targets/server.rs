//! A server with arbitrary input, whose store fails, lags and forgets.
#![no_main]

use fuzzing::{Peer, steps};
use libfuzzer_sys::fuzz_target;
use session::server::Wire;
use session::{CloseCode, FromClient, Hello};

fuzz_target!(|bytes: &[u8]| {
    let mut peer = Peer::new(Wire::Frames);
    let mut now = 0;
    for (index, (kind, step)) in steps(bytes).enumerate() {
        if index == 0 && kind & 0x80 == 0 {
            // Most inputs begin as a client does.
            peer.server.received(&hello(), now);
        }
        now += u64::from(kind >> 4 & 7);
        match kind & 15 {
            1 => now += 10 * u64::from(step.first().copied().unwrap_or(255)),
            2 => peer.model.store.fails ^= true,
            3 => peer.model.store.full = step.is_empty(),
            4 => _ = peer.model.store.trim(0, step.len() as u64),
            5 => peer.commit(now),
            6 => peer.lag(now),
            7 => peer.server.fenced(),
            8 => peer.server.shut_down("the relay restarts"),
            9 => peer.server.close(CloseCode::GoingAway, ""),
            10 => peer.server.too_large(),
            _ => peer.server.received(step, now),
        }
        peer.server.tick(now);
        peer.carry_out(now);
        if peer.closed.is_some() {
            return;
        }
    }
    peer.commit(now);
});

fn hello() -> Vec<u8> {
    let mut message = Vec::new();
    FromClient::Hello(Hello::new([1; 16], [2; 32], 1)).encode(&mut message);
    message
}
