//! A client whose peer says anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session::client::{Client, Effect, Entropy, MemoryOutbox, Options, Saved};
use session::{Body, FromPeer, Start, Welcome};

fuzz_target!(|messages: Vec<Vec<u8>>| {
    let mut entropy: Entropy = Box::new(|bytes| bytes.fill(7));
    let mut store = MemoryOutbox::new(Saved::new(&mut entropy));
    let mut client = Client::new(Options::default(), entropy, store.saved().clone());
    if let Ok(pattern) = bus::Pattern::parse("a.>") {
        client.subscribe(pattern, Start::Earliest);
    }
    client.connect(0);
    carry_out(&mut client, &mut store, 0);
    let welcome = Welcome {
        peer: "peer".into(),
        highest: 0,
        highest_id: None,
        heartbeat: 1_000,
        max_message: 1 << 20,
        forgotten: false,
    };
    let mut first = Vec::new();
    FromPeer::Welcome(welcome).encode(&mut first);
    client.received(&first, 1);
    carry_out(&mut client, &mut store, 1);
    for (now, message) in (2..).zip(&messages) {
        if let Ok(topic) = bus::Topic::parse("a.x") {
            let body = Body { id: now.to_string(), ..Body::default() };
            let _ = client.publish(topic, &body, now);
        }
        client.received(message, now);
        carry_out(&mut client, &mut store, now);
        client.tick(now * 1_000);
        carry_out(&mut client, &mut store, now);
    }
});

fn carry_out(client: &mut Client, store: &mut MemoryOutbox, now: u64) {
    // Bounded: a peer may make it open sockets for ever.
    for _ in 0..1_000 {
        match client.poll() {
            None => return,
            Some(Effect::Store(asked)) => {
                let answer = store.run(asked);
                client.answer(Ok(answer), now);
            }
            Some(Effect::Open) => client.opened(now),
            Some(_) => {}
        }
    }
}
