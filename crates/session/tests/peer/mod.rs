//! One connection of a peer, driven by hand, with one or two streams in memory.
#![allow(dead_code)] // each test file uses its part

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use model::{Connection, ConnectionNo};
use session::server::{Answer, Effect, Ephemeral, Logged, Options, StreamNo, Wire};
use session::*;
use topic::Topic;

/// It can be used as its only connection.
pub struct Peer {
    pub peer: model::Peer,
    /// The effects that concern others than the client and the store, and the events to log.
    pub asked: Vec<Effect>,
    /// The maximum number of events in one response of the store.
    pub largest_read: usize,
}

const ONLY: ConnectionNo = 0;
const EPOCH: u64 = 7;

impl Deref for Peer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.peer.connections[&ONLY]
    }
}

impl DerefMut for Peer {
    fn deref_mut(&mut self) -> &mut Connection {
        self.peer.connections.get_mut(&ONLY).unwrap()
    }
}

pub fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

pub fn body(id: &str) -> Body {
    Body { id: id.to_owned(), data: vec![b'1'; 10], ..Body::default() }
}

pub fn ephemeral(at: &str, key: &str, id: &str) -> Ephemeral {
    Ephemeral::new(topic(at), key.into(), body(id).encode().into())
}

impl Peer {
    /// A connection before its welcome, to a log with this many events on `a`.
    pub fn new(events: u64) -> Self {
        Self::of_streams(&[events])
    }

    /// The same at a peer with an authority.
    pub fn with_authority(events: u64) -> Self {
        Self::with(&[events], Options { has_authority: true, ..Options::default() })
    }

    /// The same with this many events in each stream. The second one is called `other`.
    pub fn of_streams(events: &[u64]) -> Self {
        Self::with(events, Options::default())
    }

    fn with(events: &[u64], options: Options) -> Self {
        let streams = [Stream::MAIN, Stream::named("other")][..events.len()].to_vec();
        let peer = model::Peer::new(Options { page: 4, streams, ..options });
        let mut peer = Self { peer, asked: Vec::new(), largest_read: 0 };
        for (stream, events) in events.iter().enumerate() {
            peer.peer.store.recovered(stream, EPOCH);
            for _ in 0..*events {
                peer.append(stream, "a");
            }
        }
        peer.peer.accept(ONLY, Wire::Frames, 0);
        peer
    }

    pub fn welcomed(events: u64) -> Self {
        Self::new(events).welcome()
    }

    pub fn welcome(self) -> Self {
        let mut peer = self;
        peer.say(hello(None), 0);
        let frames = peer.run();
        assert!(matches!(frames[..], [FromPeer::Welcome(_)]), "{frames:?}");
        peer
    }

    fn head(&self, stream: StreamNo) -> u64 {
        self.peer.store.last_offsets().nth(stream).unwrap()
    }

    fn append(&mut self, stream: StreamNo, at: &str) -> Arc<Logged> {
        let body = body(&format!("e{}", self.head(stream) + 1));
        self.peer.store.append(stream, &topic(at), &body)
    }

    /// The events of the main stream after an offset.
    pub fn events_after(&self, offset: u64) -> Vec<Arc<Logged>> {
        let events = self.peer.store.events(0).map(|(event, _)| event);
        events.filter(|event| event.offset > offset).cloned().collect()
    }

    /// Trims the main stream up to an offset.
    pub fn trim(&mut self, up_to: u64) {
        let left = self.head(0) - up_to;
        self.peer.store.trim(0, left);
    }

    /// Commits an event, and feeds it to the connection.
    pub fn commit(&mut self, at: &str) {
        self.commit_in(0, at);
    }

    /// The same in another stream.
    pub fn commit_in(&mut self, stream: StreamNo, at: &str) {
        let event = self.append(stream, at);
        self.server.committed(&[event]);
    }

    /// Commits an event without feeding it yet.
    pub fn commit_untold(&mut self, at: &str) {
        self.append(0, at);
    }

    pub fn say(&mut self, frame: FromClient, now: Millis) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.server.received(&bytes, now);
    }

    /// Carries out the effects, and returns the peer's frames.
    pub fn run(&mut self) -> Vec<FromPeer> {
        let mut is_busy = true;
        while is_busy {
            while let Some(effect) = self.peer.poll(ONLY) {
                match effect {
                    Effect::Append(_) | Effect::Delete(_) => {
                        self.asked.push(effect.clone());
                        self.peer.carry_out(ONLY, effect);
                    }
                    Effect::Send(_)
                    | Effect::Close(..)
                    | Effect::Open(_)
                    | Effect::Record(_)
                    | Effect::Query(..) => self.peer.carry_out(ONLY, effect),
                    other => self.asked.push(other),
                }
            }
            is_busy = self.peer.commit();
            while let Some((ticket, query)) = self.queries.pop_front() {
                let answer = self.peer.store.answer(&query, usize::MAX);
                if let Answer::Page(page) = &answer {
                    self.largest_read = self.largest_read.max(page.events.len());
                }
                self.server.answer(ticket, answer);
                is_busy = true;
            }
        }
        let messages = self.sent.drain(..);
        messages
            .flat_map(|it| FromPeer::decode(&it).map(Result::unwrap).collect::<Vec<_>>())
            .collect()
    }
}

pub fn hello(token: Option<&str>) -> FromClient {
    let token = token.map(str::to_owned);
    FromClient::Hello(Hello { token, ..Hello::new([1; 16], [2; 32], 1) })
}

pub fn subscribe(
    subscription: u32,
    pattern: &str,
    start: Start,
    credit: Option<(u32, u32)>,
) -> FromClient {
    let pattern = pattern.to_owned();
    FromClient::Subscribe(Subscribe { subscription, pattern, start, credit })
}

pub fn credit(subscription: u32, events: u32, bytes: u32) -> FromClient {
    FromClient::Credit(Credit { subscription, events, bytes })
}

/// The offsets of a subscription's events, each with its predecessor.
pub fn reported(frames: &[FromPeer], subscription: u32) -> Vec<(u64, Option<u64>)> {
    let events = frames.iter().filter_map(|frame| match frame {
        FromPeer::Event(event) => Some(event),
        _ => None,
    });
    let recipients = events
        .flat_map(|event| event.recipients.iter().map(|recipient| (event.offset, *recipient)));
    recipients
        .filter(|(_, recipient)| recipient.subscription == subscription)
        .filter_map(|(offset, recipient)| Some((offset?, recipient.previous)))
        .collect()
}

/// The ids of the ephemeral events.
pub fn ephemeral_ids(frames: &[FromPeer]) -> Vec<String> {
    let events = frames.iter().filter_map(|frame| match frame {
        FromPeer::Event(event) if event.offset.is_none() => Some(event),
        _ => None,
    });
    events.map(|event| Body::decode(&event.body).unwrap().id).collect()
}

pub fn caught_up(frames: &[FromPeer]) -> usize {
    frames.iter().filter(|frame| matches!(frame, FromPeer::CaughtUp(_))).count()
}
