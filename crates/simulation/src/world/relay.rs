//! The relay's process: its connections, one writer that commits all that waits, and reads that take
//! their time. It mirrors the real one, and can die between any two steps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use topic::Pattern;

use session::server::{
    Answer, Append, Decided, Effect, Opened, Options, Page, PresenceRegistry, Query, Server,
    SocketMessage, StreamNo, Ticket, Wire as Spoken,
};
use session::{Body, FromClient, Hello, Stream, Subscribe};

use super::{Happening, World};
use crate::history::{LoggedAt, Record};
use crate::mutation::Mutation;
use crate::store::{ClientId, Store};
use crate::wire::{Parcel, WireNo};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) is_up: bool,
    /// Counts its starts: what an earlier process wanted is void.
    pub(super) life: u32,
    pub(super) store: Store,
    /// What a disk that lied is left with.
    pub(super) older: Store,
    pub(super) connections: BTreeMap<WireNo, Connection>,
    pub(super) presence: PresenceRegistry,
    /// When the next grace period of presence ends.
    pub(super) leaves_at: Option<u64>,
    waiting: VecDeque<(WireNo, Write)>,
    batch: Vec<(WireNo, Write)>,
    options: Arc<Options>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) server: Server,
    /// For each stream, the first offset that its machine was not fed.
    cursors: Vec<u64>,
    queries: VecDeque<(Ticket, Query)>,
    /// One read at a time.
    is_reading: bool,
    pub(super) client: Option<(ClientId, u64)>,
    timer: u64,
}

#[derive(Debug, Clone)]
enum Write {
    Open(Hello),
    Append(Append),
}

/// What was decided for a connection.
#[derive(Debug)]
pub(super) enum Told {
    Opened(WireNo, Opened),
    Decided(WireNo, Ticket, Decided),
}

/// What was read for a connection.
#[derive(Debug)]
pub(super) enum Looked {
    Answered(Ticket, Answer),
    Committed(StreamNo, Page),
}

impl Relay {
    /// A relay with this many streams.
    pub(super) fn new(streams: usize, mutation: Option<Mutation>) -> Self {
        let names = [Stream::MAIN, Stream::named("side")];
        let streams = names[..streams].to_vec();
        let store = Store::new(&streams, mutation);
        let options = Options { peer: "relay".into(), page: 5, streams, ..Options::default() };
        Self {
            is_up: true,
            life: 0,
            older: store.clone(),
            store,
            connections: BTreeMap::new(),
            presence: PresenceRegistry::default(),
            leaves_at: None,
            waiting: VecDeque::new(),
            batch: Vec::new(),
            options: Arc::new(options),
        }
    }

    /// Whether all connections are up to date.
    pub(super) fn is_told_all(&self) -> bool {
        let heads = self.store.heads();
        let knows_all = |it: &Connection| {
            it.cursors.iter().zip(&heads).all(|(cursor, head)| *cursor > head.offset)
        };
        self.waiting.is_empty()
            && self.batch.is_empty()
            && self.connections.values().all(|it| knows_all(it) && !it.is_reading)
    }

    /// The streams, by their numbers.
    pub(super) fn streams(&self) -> std::ops::Range<StreamNo> {
        0..self.options.streams.len()
    }

    /// The number of a stream, as histories have it.
    pub(super) fn stream_no(&self, stream: &Stream) -> crate::history::StreamNo {
        self.options.streams.iter().position(|name| name == stream).unwrap_or(0) as u8
    }

    /// The connections of a client.
    pub(super) fn wires_of(&self, id: &ClientId) -> Vec<WireNo> {
        let of_it = |it: &Connection| it.client.is_some_and(|(client, _)| client == *id);
        self.connections.iter().filter(|(_, it)| of_it(it)).map(|(wire, _)| *wire).collect()
    }

    /// Whether this is the newest connection of its client.
    pub(super) fn is_newest(&self, wire: WireNo) -> bool {
        let client = self.connections.get(&wire).and_then(|it| it.client);
        client.is_some_and(|(client, fence)| self.store.fence(&client) == Some(fence))
    }

    /// Whether this is a connection of this client.
    pub(super) fn is_of(&self, wire: WireNo, client: &ClientId) -> bool {
        let known = self.connections.get(&wire).and_then(|it| it.client);
        known.is_some_and(|(id, _)| id == *client)
    }

    /// Everything that was not on the disk is gone.
    pub(super) fn die(&mut self) -> Vec<WireNo> {
        self.is_up = false;
        self.life += 1;
        self.waiting.clear();
        self.batch.clear();
        (self.presence, self.leaves_at) = (PresenceRegistry::default(), None);
        std::mem::take(&mut self.connections).into_keys().collect()
    }
}

impl World {
    pub(super) fn accept(&mut self, wire: WireNo) {
        let heads = self.relay.store.heads().into_iter().map(|head| head.offset);
        let heads: Vec<u64> = heads.collect();
        let server = Server::new(Arc::clone(&self.relay.options), Spoken::Frames, &heads, self.now);
        let connection = Connection {
            server,
            cursors: heads.iter().map(|head| head + 1).collect(),
            queries: VecDeque::new(),
            is_reading: false,
            client: None,
            timer: 0,
        };
        self.relay.connections.insert(wire, connection);
        self.drive_relay(wire);
    }

    pub(super) fn relay_received(&mut self, wire: WireNo, message: &[u8]) {
        let unlimited;
        let message = match self.mutation {
            Some(Mutation::NoCredit) => {
                unlimited = without_credit(message);
                &unlimited
            }
            _ => message,
        };
        self.with_server(wire, |server, now| server.received(message, now));
    }

    /// The socket is gone at the relay's end.
    pub(super) fn hang_up(&mut self, wire: WireNo) {
        if self.relay.connections.remove(&wire).is_some() {
            self.gone(wire);
        }
    }

    pub(super) fn relay_timer(&mut self, wire: WireNo, relay: u32) {
        if relay == self.relay.life {
            self.with_server(wire, |server, now| server.tick(now));
        }
    }

    pub(super) fn with_server(&mut self, wire: WireNo, work: impl FnOnce(&mut Server, u64)) {
        if let Some(connection) = self.relay.connections.get_mut(&wire) {
            work(&mut connection.server, self.now);
            self.drive_relay(wire);
        }
    }

    /// Carries out what the machine of a connection asks for.
    fn drive_relay(&mut self, wire: WireNo) {
        while let Some(connection) = self.relay.connections.get_mut(&wire) {
            let Some(effect) = connection.server.poll() else { break };
            match effect {
                Effect::Send(SocketMessage::Binary(message)) => {
                    self.send_down(wire, Parcel::Message(message));
                }
                Effect::Send(_) => unreachable!("the wire is binary"),
                Effect::Close(code, _) => {
                    self.send_down(wire, Parcel::Closed(code.code()));
                    self.hang_up(wire);
                }
                Effect::Open(hello) => {
                    connection.client = Some((hello.client, hello.fence));
                    self.write(wire, Write::Open(hello));
                }
                Effect::Append(append) => self.write(wire, Write::Append(append)),
                Effect::Forward(event) => {
                    for other in self.relay.connections.keys().copied().collect::<Vec<_>>() {
                        if other != wire {
                            self.with_server(other, |server, _| server.forwarded(&event));
                        }
                    }
                }
                Effect::Query(ticket, query) => connection.queries.push_back((ticket, query)),
                Effect::Refresh(_) => {}
                effect => self.attend(wire, effect),
            }
        }
        self.look_up(wire);
        let Some(connection) = self.relay.connections.get_mut(&wire) else { return };
        let deadline = connection.server.deadline();
        if connection.timer != deadline {
            connection.timer = deadline;
            let relay = self.relay.life;
            self.after(deadline.saturating_sub(self.now), Happening::RelayTimer { wire, relay });
        }
    }

    fn write(&mut self, wire: WireNo, write: Write) {
        self.relay.waiting.push_back((wire, write));
        if self.relay.batch.is_empty() {
            self.begin_commit();
        }
    }

    fn begin_commit(&mut self) {
        if self.relay.waiting.is_empty() {
            return;
        }
        self.relay.batch = self.relay.waiting.drain(..).collect();
        let relay = self.relay.life;
        let sync = if self.random.once_in(10) {
            self.random.between(50, 300)
        } else {
            self.random.between(1, 10)
        };
        let early = matches!(
            self.mutation,
            Some(Mutation::AckBeforeCommit | Mutation::DeliverBeforeCommit)
        );
        if early {
            self.tell_early();
        }
        self.after(sync, Happening::Commit { relay });
    }

    /// The deliberate bug that shows uncommitted events.
    fn tell_early(&mut self) {
        let mut ahead = self.relay.store.clone();
        let before = ahead.heads();
        let told = self.decide(&mut ahead, &self.relay.batch).0;
        if self.mutation == Some(Mutation::AckBeforeCommit) {
            self.after(0, Happening::Tell { relay: self.relay.life, told });
        } else {
            let Ok(all) = Pattern::parse(">") else { return };
            for (stream, head) in before.iter().enumerate() {
                let page = ahead.page(stream, &all, head.offset + 1, usize::MAX);
                for wire in self.relay.connections.keys().copied().collect::<Vec<_>>() {
                    self.with_server(wire, |server, _| server.committed(&page.events));
                }
            }
        }
    }

    pub(super) fn commit(&mut self, relay: u32) {
        if relay != self.relay.life {
            return;
        }
        let batch = std::mem::take(&mut self.relay.batch);
        let mut store = std::mem::take(&mut self.relay.store);
        let (told, logged) = self.decide(&mut store, &batch);
        self.relay.store = store;
        let heads = self.relay.store.heads();
        for (client, event) in logged {
            let client = self.client_no(client);
            let stream = event.stream;
            let epoch = heads[stream].epoch;
            let place = LoggedAt { stream: stream as u8, epoch, offset: event.offset };
            let (event, topic) = (event_no(&event.body), self.topic_no(&event.topic));
            self.record(Record::Logged { place, client, event, topic });
        }
        self.weigh_doubts();
        if self.random.once_in(8) {
            self.relay.older = self.relay.store.clone();
        }
        let wait = self.random.below(4);
        self.after(wait, Happening::Tell { relay, told });
        self.begin_commit();
    }

    pub(super) fn tell(&mut self, relay: u32, told: Vec<Told>) {
        if relay != self.relay.life {
            return;
        }
        for told in told {
            match told {
                Told::Decided(wire, ticket, decided) => {
                    self.with_server(wire, |server, _| server.decided(ticket, decided));
                }
                Told::Opened(wire, opened) => self.opened(wire, opened),
            }
        }
        for wire in self.relay.connections.keys().copied().collect::<Vec<_>>() {
            self.look_up(wire);
        }
    }

    fn opened(&mut self, wire: WireNo, opened: Opened) {
        let connection = self.relay.connections.get(&wire);
        let client = connection.and_then(|connection| connection.client);
        if let (Opened::Welcome { .. }, Some((id, fence))) = (&opened, client)
            && self.mutation != Some(Mutation::NoFence)
        {
            let is_older = |wire: WireNo, connection: &Connection| {
                connection.client.is_some_and(|(other, older)| other == id && older < fence)
                    && !self.is_stale(wire)
            };
            let all = self.relay.connections.iter();
            let older = all.filter(|(wire, other)| is_older(**wire, other));
            for other in older.map(|(wire, _)| *wire).collect::<Vec<_>>() {
                self.with_server(other, |server, _| server.fenced());
            }
        }
        self.with_server(wire, |server, _| server.opened(opened));
    }

    /// Decides a batch: the outcomes by connection, and the new events of the log.
    fn decide(&self, store: &mut Store, batch: &[(WireNo, Write)]) -> Committed {
        let (mut told, mut new) = (Vec::new(), Vec::new());
        for (wire, write) in batch {
            told.push(match write {
                Write::Open(hello) => Told::Opened(*wire, store.open(hello)),
                Write::Append(append) => {
                    let (decided, logged) = store.decide(append, !self.is_stale(*wire));
                    let client = append.client.map(|numbered| numbered.client);
                    new.extend(client.zip(logged));
                    Told::Decided(*wire, append.ticket, decided)
                }
            });
        }
        (told, new)
    }

    /// The deliberate bug: the connection belongs to a deposed leader that does not know.
    fn is_stale(&self, wire: WireNo) -> bool {
        self.tabs[self.wires[wire].tab].shared.is_stale
    }

    /// Begins the next read of a connection: what was committed comes first.
    fn look_up(&mut self, wire: WireNo) {
        let Some(connection) = self.relay.connections.get_mut(&wire) else { return };
        if connection.is_reading {
            return;
        }
        let store = &self.relay.store;
        let mut heads = connection.cursors.iter().zip(store.heads());
        let looked = if let Some(stream) = heads.position(|(cursor, head)| *cursor <= head.offset) {
            let Ok(all) = Pattern::parse(">") else { return };
            Looked::Committed(stream, store.page(stream, &all, connection.cursors[stream], 16))
        } else {
            let Some((ticket, query)) = connection.queries.pop_front() else { return };
            let look_at = match query {
                Query::History { .. } => self.random.between(4, 60) as usize,
                Query::Locate { .. } | Query::Read { .. } => usize::MAX,
            };
            let mut answer = store.answer(&query, look_at);
            if let Answer::Page(page) = &mut answer
                && self.mutation == Some(Mutation::SkipOneOnResume)
                && !page.events.is_empty()
            {
                page.events.remove(0);
            }
            Looked::Answered(ticket, answer)
        };
        connection.is_reading = true;
        let (wait, relay) = (self.random.below(6), self.relay.life);
        self.after(wait, Happening::Looked { wire, relay, looked });
    }

    pub(super) fn looked(&mut self, wire: WireNo, relay: u32, looked: Looked) {
        if relay != self.relay.life {
            return;
        }
        let Some(connection) = self.relay.connections.get_mut(&wire) else { return };
        connection.is_reading = false;
        match looked {
            Looked::Answered(ticket, answer) => connection.server.answer(ticket, answer),
            Looked::Committed(stream, page) => {
                connection.server.committed(&page.events);
                let cursor = &mut connection.cursors[stream];
                *cursor = page.next.max(*cursor);
            }
        }
        self.drive_relay(wire);
    }
}

/// The outcomes of a commit by connection, and its events with their clients.
type Committed = (Vec<Told>, Vec<(ClientId, Arc<session::server::Logged>)>);

/// The deliberate bug: a client's frames, as if its subscriptions had room for everything.
fn without_credit(message: &[u8]) -> Vec<u8> {
    let mut unlimited = Vec::new();
    for frame in FromClient::decode(message) {
        match frame {
            Ok(FromClient::Subscribe(subscribe)) => {
                FromClient::Subscribe(Subscribe { credit: None, ..subscribe })
                    .encode(&mut unlimited);
            }
            Ok(frame) => frame.encode(&mut unlimited),
            Err(_) => return message.to_vec(),
        }
    }
    unlimited
}

fn event_no(body: &[u8]) -> u32 {
    super::number_of(&Body::decode(body).unwrap_or_default().id)
}
