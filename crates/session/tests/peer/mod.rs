//! One connection of a peer, driven by hand, with one or two streams in memory.
#![allow(dead_code)] // each test file uses its part

use std::sync::Arc;

use session::server::{
    Answer, Decided, Effect, Ephemeral, Located, Logged, Older, Opened, Options, Page, Query,
    Server, SocketMessage, StartPoint, StreamNo, Wire,
};
use session::*;
use topic::{Pattern, Topic};

pub struct Peer {
    pub server: Server,
    /// By stream, and by offset from 1.
    pub logs: Vec<Vec<Arc<Logged>>>,
    /// The main stream is trimmed up to this offset.
    pub trimmed: u64,
    /// Effects that this peer does not answer by itself.
    pub asked: Vec<Effect>,
    pub closed: Option<CloseCode>,
    /// The maximum number of events in one response of the store.
    pub largest_read: usize,
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
        let options = Options { page: 4, streams, ..options };
        let mut peer = Self {
            server: Server::new(options.into(), Wire::Frames, events, 0),
            logs: vec![Vec::new(); events.len()],
            trimmed: 0,
            asked: Vec::new(),
            closed: None,
            largest_read: 0,
        };
        for (stream, events) in events.iter().enumerate() {
            for _ in 0..*events {
                peer.append(stream, "a");
            }
        }
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

    fn append(&mut self, stream: StreamNo, at: &str) -> Arc<Logged> {
        let offset = self.logs[stream].len() as u64 + 1;
        let body = body(&format!("e{offset}")).encode().into();
        let event = Arc::new(Logged::new(stream, offset, topic(at), body));
        self.logs[stream].push(Arc::clone(&event));
        event
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
        let mut frames = Vec::new();
        while let Some(effect) = self.server.poll() {
            match effect {
                Effect::Send(SocketMessage::Binary(bytes)) => {
                    frames.extend(FromPeer::decode(&bytes).map(Result::unwrap));
                }
                Effect::Open(_) => {
                    let (highest, highest_id, new) = (0, None, true);
                    self.server.opened(Opened::Welcome { highest, highest_id, new });
                }
                Effect::Close(code, _) => self.closed = Some(code),
                Effect::Query(ticket, query) => {
                    let answer = self.answer(&query);
                    self.server.answer(ticket, answer);
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

    fn trimmed(&self, stream: StreamNo) -> u64 {
        if stream == 0 { self.trimmed } else { 0 }
    }

    fn gone(&self, stream: StreamNo, from: u64) -> Option<(u64, u64)> {
        let trimmed = self.trimmed(stream);
        (from <= trimmed).then_some((from, trimmed))
    }

    fn answer(&mut self, query: &Query) -> Answer {
        match query {
            Query::Locate { start, .. } => Answer::Located(self.locate(start)),
            Query::Read { stream, pattern, from, limit } => {
                let page = self.read(*stream, pattern, *from, *limit);
                self.largest_read = self.largest_read.max(page.events.len());
                Answer::Page(page)
            }
            Query::History { stream, pattern, before, limit } => {
                Answer::Older(self.older(*stream, pattern, *before, *limit))
            }
        }
    }

    fn locate(&self, start: &Start) -> Located {
        let place = |(number, log): (StreamNo, &Vec<_>)| {
            let stream = [Stream::MAIN, Stream::named("other")][number].clone();
            let (last, trimmed) = (log.len() as u64, self.trimmed(number));
            let (next, previous) = match start {
                Start::Latest => (last + 1, None),
                Start::Earliest => (trimmed + 1, None),
                Start::Last(count) => (last + 1 - count, None),
                Start::After(positions) => {
                    match positions.iter().find(|position| position.stream == stream) {
                        Some(position) => (position.offset + 1, Some(position.offset)),
                        None => (trimmed + 1, None),
                    }
                }
            };
            let head = Position { stream, epoch: 7, offset: last, id: None };
            StartPoint { next: next.max(trimmed + 1), previous, head, gap: self.gone(number, next) }
        };
        Located::At(self.logs.iter().enumerate().map(place).collect())
    }

    fn read(&self, stream: StreamNo, pattern: &Pattern, from: u64, limit: usize) -> Page {
        let log = &self.logs[stream];
        let gap = self.gone(stream, from);
        let from = from.max(self.trimmed(stream) + 1);
        let matching = log.iter().filter(|it| it.offset >= from && pattern.matches(&it.topic));
        let events: Vec<_> = matching.take(limit).cloned().collect();
        let next = match events.last() {
            Some(last) if events.len() == limit => last.offset + 1,
            _ => log.len() as u64 + 1,
        };
        Page { events, next, gap }
    }

    fn older(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        before: Option<u64>,
        limit: usize,
    ) -> Older {
        let before = before.unwrap_or(u64::MAX);
        let trimmed = self.trimmed(stream);
        let kept = self.logs[stream].iter().rev().filter(|it| it.offset > trimmed);
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

/// The offsets of a subscription's events, each with its predecessor.
pub fn told(frames: &[FromPeer], subscription: u32) -> Vec<(u64, Option<u64>)> {
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
