//! A log that decides like a store.

use std::collections::HashMap;
use std::sync::Arc;

use session::server::{
    Answer, Append, Decided, Located, Logged, Opened, Page, Query, StartPoint, StreamNo,
};
use session::*;
use topic::{Pattern, Topic};

/// See the [module](self).
pub struct Log {
    /// Of all streams, in commit order.
    pub events: Vec<(Topic, String, Arc<[u8]>)>,
    /// Topics below `b` have their own stream.
    pub is_split: bool,
    pub refuse_next: usize,
    pub epoch: u64,
    pub clients: HashMap<[u8; 16], ClientRow>,
}

#[derive(Default)]
pub struct ClientRow {
    fence: u64,
    highest: u64,
    highest_id: Option<String>,
    held_back: Option<u64>,
    outcomes: HashMap<u64, Position>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            is_split: false,
            refuse_next: 0,
            epoch: 1,
            clients: HashMap::new(),
        }
    }
}

impl Log {
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn streams(&self) -> Vec<Stream> {
        let mut streams = vec![Stream::MAIN];
        streams.extend(self.is_split.then(|| Stream::named("b")));
        streams
    }

    pub fn stream(&self, topic: &Topic) -> StreamNo {
        usize::from(self.is_split && topic.as_str().starts_with("b."))
    }

    /// The events of a stream, with their offsets.
    pub fn of(
        &self,
        stream: StreamNo,
    ) -> impl DoubleEndedIterator<Item = (u64, &(Topic, String, Arc<[u8]>))> {
        let events = self.events.iter().filter(move |(topic, ..)| self.stream(topic) == stream);
        (1..).zip(events).collect::<Vec<_>>().into_iter()
    }

    pub fn heads(&self) -> Vec<u64> {
        (0..self.streams().len()).map(|stream| self.of(stream).count() as u64).collect()
    }

    fn position(&self, stream: StreamNo, offset: u64) -> Position {
        let id = self.of(stream).find(|(at, _)| *at == offset).map(|(_, (_, id, _))| id.clone());
        Position { stream: self.streams()[stream].clone(), epoch: self.epoch, offset, id }
    }

    pub fn open(&mut self, hello: &Hello) -> Opened {
        let new = !self.clients.contains_key(&hello.client);
        let row = self.clients.entry(hello.client).or_default();
        if hello.fence <= row.fence {
            return Opened::Fenced;
        }
        row.fence = hello.fence;
        row.outcomes.retain(|number, _| *number >= hello.lowest);
        Opened::Welcome { highest: row.highest, highest_id: row.highest_id.clone(), new }
    }

    pub fn decide(&mut self, append: &Append) -> Decided {
        let numbered = append.client.unwrap();
        if self.clients[&numbered.client].fence != numbered.fence {
            return Decided::Fenced;
        }
        let row = self.clients.get_mut(&numbered.client).unwrap();
        row.outcomes.retain(|number, _| *number >= numbered.lowest);
        if let Some(position) = row.outcomes.get(&numbered.number) {
            return Decided::Stored(position.clone(), Durability::Disk);
        }
        let highest = self.clients[&numbered.client].highest;
        assert!(numbered.number > highest, "a number goes back: {append:?} after {highest}");
        let row = self.clients.get_mut(&numbered.client).unwrap();
        let (code, refuse) = match row.held_back {
            Some(held) if numbered.number > held => (RejectCode::HeldBack, true),
            _ => (RejectCode::Unavailable, self.refuse_next > 0),
        };
        if refuse {
            self.refuse_next = self.refuse_next.saturating_sub(1);
            row.held_back = Some(row.held_back.unwrap_or(numbered.number).min(numbered.number));
            return Decided::Rejected { code, message: String::new(), retry: Some(50) };
        }
        row.held_back = None;
        let (topic, body) = append.event.clone().unwrap();
        let stream = self.stream(&topic);
        self.events.push((topic, body.id.clone(), body.encode().into()));
        let position = self.position(stream, self.of(stream).count() as u64);
        let row = self.clients.get_mut(&numbered.client).unwrap();
        row.highest = numbered.number;
        row.highest_id = position.id.clone();
        row.outcomes.insert(numbered.number, position.clone());
        Decided::Stored(position, Durability::Disk)
    }

    pub fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Locate { pattern, start } => Answer::Located(self.locate(pattern, start)),
            Query::Read { stream, pattern, from, limit } => {
                Answer::Page(self.read(*stream, *from, *limit, |topic| pattern.matches(topic)))
            }
            Query::History { .. } => panic!("{query:?}"),
        }
    }

    pub fn locate(&self, pattern: &Pattern, start: &Start) -> Located {
        let heads = self.heads();
        let head = |stream: StreamNo| self.position(stream, heads[stream]);
        let (mut places, mut strange) = (Vec::new(), Vec::new());
        for (stream, name) in self.streams().iter().enumerate() {
            let (next, previous) = match start {
                Start::Latest => (heads[stream] + 1, Some(heads[stream])),
                Start::Earliest => (1, None),
                Start::Last(n) => {
                    let matching =
                        self.of(stream).rev().filter(|(_, (it, ..))| pattern.matches(it));
                    let oldest = matching.take(*n as usize).last();
                    (oldest.map_or(heads[stream] + 1, |(offset, _)| offset), None)
                }
                Start::After(positions) => match positions.iter().find(|it| it.stream == *name) {
                    Some(it) if it.epoch != self.epoch || it.offset > heads[stream] => {
                        strange.push(head(stream));
                        (1, None)
                    }
                    Some(it) => (it.offset + 1, Some(it.offset)),
                    None => (1, None),
                },
            };
            places.push(StartPoint { next, previous, head: head(stream), gap: None });
        }
        if strange.is_empty() { Located::At(places) } else { Located::Reset(strange) }
    }

    pub fn read(
        &self,
        stream: StreamNo,
        from: u64,
        limit: usize,
        matches: impl Fn(&Topic) -> bool,
    ) -> Page {
        let mut page = Page { events: Vec::new(), next: self.heads()[stream] + 1, gap: None };
        for (offset, (topic, _, body)) in self.of(stream).skip(from as usize - 1) {
            if page.events.len() == limit {
                page.next = offset;
                break;
            }
            if matches(topic) {
                let event = Logged::new(stream, offset, topic.clone(), body.clone());
                page.events.push(Arc::new(event));
            }
        }
        page
    }
}
