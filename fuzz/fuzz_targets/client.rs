//! A client with an arbitrary peer, a failing store, a device that signs some things, and a jumping clock. Each event
//! is settled once, and what must be signed is never sent unsigned.
#![no_main]

use topic::{Pattern, Topic};
use fuzzing::{Store, entropy, steps};
use libfuzzer_sys::fuzz_target;
use session::client::{Client, Effect, Options, PublishOptions};
use session::{Body, FromClient, FromPeer, Start, Welcome};

struct Page {
    client: Client,
    store: Store,
    has_socket: bool,
    now: u64,
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let mut page = Page::new(first);
    page.client.connect(0);
    page.carry_out();
    if first & 2 == 0 {
        // Most inputs begin as a peer does.
        page.received(&welcome());
    }
    for (index, (kind, step)) in steps(bytes).enumerate() {
        page.now += u64::from(kind >> 4);
        let now = page.now;
        match kind & 15 {
            1 => page.now += 100 * u64::from(step.first().copied().unwrap_or(255)),
            2 => page.store.fails = !page.store.fails,
            3 => {
                page.has_socket = false;
                page.client.closed(4_000 + step.len() as u16, "", now);
            }
            4 | 5 => page.publish(index, step),
            6 => _ = page.client.cancel(&index.saturating_sub(step.len()).to_string()),
            7 => {
                if let Ok(pattern) = Pattern::parse(&String::from_utf8_lossy(step)) {
                    page.client.subscribe(pattern, Start::Last(2));
                }
            }
            8 => page.client.connect(now),
            12 => page.client.sign_again(now),
            9 => page.client.stop(),
            10 => page.client.wake(now),
            11 => page.received(&welcome()),
            _ => page.received(step),
        }
        page.carry_out();
        page.client.tick(page.now);
        page.carry_out();
    }
});

impl Page {
    fn new(first: u8) -> Self {
        let mut entropy = entropy(first);
        let store = Store::new(&mut entropy);
        let options = Options { outbox_events: 8, proves: first & 4 != 0, ..Options::default() };
        let mut client = Client::new(options, entropy, store.saved());
        if let Ok(pattern) = Pattern::parse("a.>") {
            client.subscribe(pattern, Start::Earliest);
        }
        Self { client, store, has_socket: false, now: 0 }
    }

    fn publish(&mut self, index: usize, step: &[u8]) {
        let Ok(topic) = Topic::parse("a.x") else { return };
        let body = Body { id: index.to_string(), data: step.to_vec(), ..Body::default() };
        let expires = step.first().map(|in_time| self.now + 50 * u64::from(*in_time));
        let options = PublishOptions { expires, signed: step.len() % 2 == 1, ..PublishOptions::default() };
        let _ = self.client.publish_with(topic, &body, options, self.now);
        assert!(self.client.outbox_len() <= 8);
    }

    fn received(&mut self, message: &[u8]) {
        if self.has_socket {
            self.client.received(message, self.now);
        }
    }

    fn carry_out(&mut self) {
        // Bounded, because a peer can make it open sockets forever.
        for _ in 0..1_000 {
            let Some(effect) = self.client.poll() else { return };
            match effect {
                Effect::Store(asked) => self.client.answer(self.store.run(asked), self.now),
                Effect::Open => {
                    self.has_socket = true;
                    self.client.opened(self.now);
                }
                Effect::Close(_) => self.has_socket = false,
                Effect::Send(message) => {
                    assert!(self.has_socket && !message.is_empty(), "sends without a socket");
                    FromClient::decode(&message).for_each(|frame| may_be_sent(frame.unwrap()));
                }
                Effect::Prove(request) if request.fence % 3 == 0 => {
                    self.client.cannot_prove(request.fence);
                }
                Effect::Prove(request) => self.client.proved(request.fence, [4; 65], [5; 64]),
                Effect::Sign { id, body, .. } if body.data.len() % 4 == 1 => {
                    self.client.signed(&id, [7; 64], self.now);
                }
                Effect::Sign { id, .. } => self.client.cannot_sign(&id),
                Effect::Settled { id, outcome, .. } => self.store.settle(id, &outcome),
                _ => {}
            }
        }
    }
}

/// An event with data of an odd length must be signed.
fn may_be_sent(frame: FromClient) {
    let FromClient::Publish(publish) = frame else { return };
    let body = Body::decode(&publish.body).expect("it was encoded");
    assert_eq!(body.signature.is_some(), body.data.len() % 2 == 1, "{body:?}");
}

fn welcome() -> Vec<u8> {
    let mut message = Vec::new();
    FromPeer::Welcome(Welcome {
        peer: "peer".into(),
        highest: 0,
        highest_id: None,
        heartbeat: 1_000,
        max_message: 1 << 20,
        forgotten: false,
        subject: None,
        rights: Default::default(),
        kinds: Vec::new(),
        reading: false,
    })
    .encode(&mut message);
    message
}
