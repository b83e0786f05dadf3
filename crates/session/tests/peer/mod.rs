//! One connection of a peer, driven by hand, with a log in memory.
#![allow(dead_code)] // each test file uses its part

use std::sync::Arc;

use bus::{Pattern, Topic};
use session::server::{
    Decided, Effect, Ephemeral, Located, Logged, Message, Older, Opened, Options, Page, Server,
    Ticket, Wire,
};
use session::*;

pub struct Peer {
    pub server: Server,
    /// By offset, from 1.
    pub log: Vec<Arc<Logged>>,
    /// Offsets up to this one are trimmed.
    pub trimmed: u64,
    /// What the machine has asked for and this peer does not answer by itself.
    pub asked: Vec<Effect>,
    pub closed: Option<CloseCode>,
    /// The most events that one answer of the store has.
    pub largest_read: usize,
}

pub fn topic(text: &str) -> Topic {
    Topic::parse(text).unwrap()
}

pub fn body(id: &str) -> Body {
    Body { id: id.to_owned(), data: vec![b'1'; 10], ..Body::default() }
}

pub fn ephemeral(at: &str, key: &str, id: &str) -> Ephemeral {
    Ephemeral { topic: topic(at), key: key.into(), body: body(id).encode().into() }
}

impl Peer {
    /// A connection that is not welcomed yet, to a log of so many events on `a`.
    pub fn new(events: u64) -> Self {
        let options = Options { page: 4, ..Options::default() };
        let mut peer = Self {
            server: Server::new(options.into(), Wire::Frames, events, 0),
            log: Vec::new(),
            trimmed: 0,
            asked: Vec::new(),
            closed: None,
            largest_read: 0,
        };
        for _ in 0..events {
            peer.append("a");
        }
        peer
    }

    pub fn welcomed(events: u64) -> Self {
        let mut peer = Self::new(events);
        peer.say(hello(None), 0);
        let frames = peer.run();
        assert!(matches!(frames[..], [FromPeer::Welcome(_)]), "{frames:?}");
        peer
    }

    fn append(&mut self, at: &str) -> Arc<Logged> {
        let offset = self.log.len() as u64 + 1;
        let body = body(&format!("e{offset}")).encode().into();
        let event = Arc::new(Logged { offset, topic: topic(at), body });
        self.log.push(Arc::clone(&event));
        event
    }

    /// Commits an event, and tells the connection.
    pub fn commit(&mut self, at: &str) {
        let event = self.append(at);
        self.server.committed(&[event]);
    }

    /// Commits an event whose turn to be told has not come yet.
    pub fn commit_untold(&mut self, at: &str) {
        self.append(at);
    }

    pub fn say(&mut self, frame: FromClient, now: Millis) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        self.server.received(&bytes, now);
    }

    /// Carries out what the machine asks for, and gives what it says.
    pub fn run(&mut self) -> Vec<FromPeer> {
        let mut frames = Vec::new();
        while let Some(effect) = self.server.poll() {
            match effect {
                Effect::Send(Message::Binary(bytes)) => {
                    frames.extend(FromPeer::decode(&bytes).map(Result::unwrap));
                }
                Effect::Open(_) => {
                    let (highest, highest_id, new) = (0, None, true);
                    self.server.opened(Opened::Welcome { highest, highest_id, new });
                }
                Effect::Close(code, _) => self.closed = Some(code),
                Effect::Locate { ticket, start, .. } => self.locate(ticket, &start),
                Effect::Read { ticket, pattern, from, limit } => {
                    let page = self.read(&pattern, from, limit);
                    self.largest_read = self.largest_read.max(page.events.len());
                    self.server.page(ticket, &page);
                }
                Effect::History { ticket, pattern, before, limit } => {
                    let older = self.older(&pattern, before, limit);
                    self.server.older(ticket, &older);
                }
                Effect::Append(append) => {
                    let decided = match &append.event {
                        Ok(_) => Decided::Fenced,
                        Err(refusal) => Decided::Rejected {
                            code: refusal.code,
                            message: refusal.message.clone(),
                            retry: None,
                        },
                    };
                    self.asked.push(Effect::Append(append.clone()));
                    self.server.decided(append.ticket, decided);
                }
                other => self.asked.push(other),
            }
        }
        frames
    }

    fn head(&self) -> Position {
        Position { epoch: 7, offset: self.log.len() as u64, id: None }
    }

    fn gone(&self, from: u64) -> Option<(u64, u64)> {
        (from <= self.trimmed).then_some((from, self.trimmed))
    }

    fn locate(&mut self, ticket: Ticket, start: &Start) {
        let (next, previous) = match start {
            Start::Latest => (self.log.len() as u64 + 1, None),
            Start::Earliest => (self.trimmed + 1, None),
            Start::Last(count) => (self.log.len() as u64 + 1 - count, None),
            Start::After(position) => (position.offset + 1, Some(position.offset)),
        };
        let gap = self.gone(next);
        let next = next.max(self.trimmed + 1);
        self.server.located(ticket, Located::At { next, previous, head: self.head(), gap });
    }

    fn read(&self, pattern: &Pattern, from: u64, limit: usize) -> Page {
        let gap = self.gone(from);
        let from = from.max(self.trimmed + 1);
        let matching = self.log.iter().filter(|it| it.offset >= from && pattern.matches(&it.topic));
        let events: Vec<_> = matching.take(limit).cloned().collect();
        let next = match events.last() {
            Some(last) if events.len() == limit => last.offset + 1,
            _ => self.log.len() as u64 + 1,
        };
        Page { events, next, gap }
    }

    fn older(&self, pattern: &Pattern, before: Option<u64>, limit: usize) -> Older {
        let before = before.unwrap_or(u64::MAX);
        let kept = self.log.iter().rev().filter(|it| it.offset > self.trimmed);
        let mut matching = kept.filter(|it| it.offset < before && pattern.matches(&it.topic));
        let events: Vec<_> = matching.by_ref().take(limit).cloned().collect();
        let next = matching.next().and_then(|_| events.last()).map(|last| last.offset);
        Older { epoch: 7, events, next }
    }
}

pub fn hello(token: Option<&str>) -> FromClient {
    FromClient::Hello(Hello {
        client: [1; 16],
        secret: [2; 32],
        fence: 1,
        lowest: 1,
        returning: false,
        token: token.map(str::to_owned),
    })
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

/// The offsets of the events for a subscription, with what each names as the one before it.
pub fn told(frames: &[FromPeer], subscription: u32) -> Vec<(u64, Option<u64>)> {
    let events = frames.iter().filter_map(|frame| match frame {
        FromPeer::Event(event) => Some(event),
        _ => None,
    });
    let heads = events.flat_map(|event| event.heads.iter().map(|head| (event.offset, *head)));
    heads
        .filter(|(_, head)| head.subscription == subscription)
        .filter_map(|(offset, head)| Some((offset?, head.previous)))
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
