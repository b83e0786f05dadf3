//! The relay's process: its connections, one writer that commits all that waits, and reads that take
//! their time. It mirrors the real one, and can die between any two steps.

use std::sync::Arc;

use model::{ClientId, Found, Outcome, Peer, Store, Write};
use session::server::{
    Answer, Effect, Logged, Options, Server, SocketMessage, StreamNo, Wire as Spoken,
};
use session::{Body, CloseCode, FromClient, Stream, Subscribe};
use topic::Pattern;

use super::{Happening, World};
use crate::history::{LoggedAt, Record};
use crate::mutation::Mutation;
use crate::wire::{Parcel, WireNo};

/// See the [module](self). Its connections have the numbers of their wires.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) is_up: bool,
    /// Counts its starts: what an earlier process wanted is void.
    pub(super) life: u32,
    pub(super) peer: Peer,
    /// What a disk that lied is left with.
    pub(super) older: Store,
    /// When the next grace period of presence ends.
    pub(super) leaves_at: Option<u64>,
    batch: Vec<(WireNo, Write)>,
}

impl Relay {
    /// A relay with this many streams. The second one keeps this many events of each topic.
    pub(super) fn new(
        streams: usize,
        keep_topic: Option<usize>,
        mutation: Option<Mutation>,
    ) -> Self {
        let names = [Stream::MAIN, Stream::named("side")];
        let streams = names[..streams].to_vec();
        let options = Options { peer: "relay".into(), page: 5, streams, ..Options::default() };
        let mut peer = Peer::new(options);
        peer.verifies = model::is_proven;
        peer.store.bug = mutation.and_then(Mutation::of_store);
        keep_topic.into_iter().for_each(|count| peer.store.keep_last(1, count));
        let older = peer.store.clone();
        Self { is_up: true, life: 0, peer, older, leaves_at: None, batch: Vec::new() }
    }

    /// Whether all connections are up to date.
    pub(super) fn has_reported_all(&self) -> bool {
        self.batch.is_empty() && self.peer.is_idle()
    }

    /// The streams, by their numbers.
    pub(super) fn streams(&self) -> std::ops::Range<StreamNo> {
        0..self.peer.options().streams.len()
    }

    /// The number of a stream, as histories have it.
    pub(super) fn stream_no(&self, stream: &Stream) -> crate::history::StreamNo {
        self.peer.options().streams.iter().position(|name| name == stream).unwrap_or(0) as u8
    }

    /// The connections.
    pub(super) fn wires(&self) -> Vec<WireNo> {
        self.peer.connections.keys().copied().collect()
    }

    /// Whether this is one of its connections.
    pub(super) fn serves(&self, wire: WireNo) -> bool {
        self.peer.connections.contains_key(&wire)
    }

    /// The client of a connection, and its fencing token.
    fn client(&self, wire: WireNo) -> Option<(ClientId, u64)> {
        self.peer.connections.get(&wire)?.client
    }

    /// The connections of a client.
    pub(super) fn wires_of(&self, id: &ClientId) -> Vec<WireNo> {
        self.wires().into_iter().filter(|wire| self.is_of(*wire, id)).collect()
    }

    /// Whether this is the newest connection of its client, which may have no record.
    pub(super) fn is_newest(&self, wire: WireNo) -> bool {
        let Some((client, fence)) = self.client(wire) else { return false };
        let fences = self.wires_of(&client).into_iter().filter_map(|other| self.client(other));
        let newest = fences.map(|(_, fence)| fence).max();
        self.peer.store.fence(&client).or(newest) == Some(fence)
    }

    /// Whether this is a connection of this client.
    pub(super) fn is_of(&self, wire: WireNo, client: &ClientId) -> bool {
        self.client(wire).is_some_and(|(id, _)| id == *client)
    }

    /// Everything that was not on the disk is gone.
    pub(super) fn die(&mut self) -> Vec<WireNo> {
        self.is_up = false;
        self.life += 1;
        self.batch.clear();
        self.leaves_at = None;
        self.peer.crash()
    }
}

impl World {
    pub(super) fn accept(&mut self, wire: WireNo) {
        self.relay.peer.accept(wire, Spoken::Frames, self.now);
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
        if self.relay.serves(wire) {
            self.gone(wire);
        }
    }

    pub(super) fn relay_timer(&mut self, wire: WireNo, relay: u32) {
        if relay == self.relay.life {
            self.with_server(wire, |server, now| server.tick(now));
        }
    }

    pub(super) fn with_server(&mut self, wire: WireNo, work: impl FnOnce(&mut Server, u64)) {
        if let Some(server) = self.relay.peer.server(wire) {
            work(server, self.now);
            self.drive_relay(wire);
        }
    }

    /// Carries out what the machine of a connection asks for.
    pub(super) fn drive_relay(&mut self, wire: WireNo) {
        while let Some(effect) = self.relay.peer.poll(wire) {
            match effect {
                Effect::Send(SocketMessage::Binary(message)) => {
                    self.send_down(wire, Parcel::Message(message));
                }
                Effect::Send(_) => unreachable!("the wire is binary"),
                Effect::Close(code, _) => {
                    self.send_down(wire, Parcel::Closed(code.code()));
                    self.hang_up(wire);
                }
                Effect::Forward(event) => {
                    for other in self.relay.wires().into_iter().filter(|other| *other != wire) {
                        self.with_server(other, |server, _| server.forwarded(&event));
                    }
                }
                Effect::Open(hello) if self.is_revoked(&hello) => {
                    if let Some(server) = self.relay.peer.server(wire) {
                        server.close(CloseCode::Revoked, "the key was revoked");
                    }
                }
                effect => {
                    self.relay.peer.carry_out(wire, effect);
                    if self.relay.batch.is_empty() {
                        self.begin_commit();
                    }
                    self.wake_watchers();
                }
            }
        }
        self.begin_read(wire);
        let connection = self.relay.peer.connections.get_mut(&wire);
        if let Some(deadline) = connection.and_then(|connection| connection.new_deadline()) {
            let relay = self.relay.life;
            self.after(deadline.saturating_sub(self.now), Happening::RelayTimer { wire, relay });
        }
    }

    fn begin_commit(&mut self) {
        if self.relay.peer.writes.is_empty() {
            return;
        }
        self.relay.batch = self.relay.peer.writes.drain(..).collect();
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
        let mut ahead = self.relay.peer.store.clone();
        let before = ahead.heads();
        let reported = self.decide(&mut ahead, &self.relay.batch).0;
        if self.mutation == Some(Mutation::AckBeforeCommit) {
            self.after(0, Happening::Tell { relay: self.relay.life, reported });
        } else {
            let Ok(all) = Pattern::parse(">") else { return };
            for (stream, head) in before.iter().enumerate() {
                let page = ahead.page(stream, &all, head.offset + 1, usize::MAX);
                for wire in self.relay.wires() {
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
        let mut store = std::mem::take(&mut self.relay.peer.store);
        let (reported, logged) = self.decide(&mut store, &batch);
        self.relay.peer.store = store;
        let heads = self.relay.peer.store.heads();
        for (client, event) in logged {
            let stream = event.stream;
            let epoch = heads[stream].epoch;
            let place = LoggedAt { stream: stream as u8, epoch, offset: event.offset };
            let topic = self.topic_no(&event.topic);
            let body = Body::decode(&event.body).unwrap_or_default();
            if let Some(offset) = body.deletes() {
                let target = LoggedAt { offset, ..place };
                self.record(Record::LoggedDeletion { place, target, topic });
            } else if let Some(client) = client {
                self.check_signature(&event);
                let (client, event) = (self.client_no(client), super::number_of(&body.id));
                self.record(Record::Logged { place, client, event, topic });
            }
        }
        self.weigh_doubts();
        if self.random.once_in(8) {
            self.relay.older = self.relay.peer.store.clone();
        }
        let wait = self.random.below(4);
        self.after(wait, Happening::Tell { relay, reported });
        self.begin_commit();
    }

    pub(super) fn tell(&mut self, relay: u32, reported: Vec<(WireNo, Outcome)>) {
        if relay != self.relay.life {
            return;
        }
        for (wire, outcome) in reported {
            self.fence_older(wire, &outcome);
            if self.relay.serves(wire) {
                self.relay.peer.tell(wire, outcome);
                self.drive_relay(wire);
            }
        }
        for wire in self.relay.wires() {
            self.begin_read(wire);
        }
    }

    /// If a connection is welcome, the older ones of its client are fenced.
    fn fence_older(&mut self, wire: WireNo, outcome: &Outcome) {
        if self.mutation == Some(Mutation::NoFence) {
            return;
        }
        let older = self.relay.peer.fenced_by(wire, outcome).into_iter();
        for other in older.filter(|other| !self.is_stale(*other)).collect::<Vec<_>>() {
            self.with_server(other, |server, _| server.fenced());
        }
    }

    /// Decides a batch: the outcomes by connection, and the new events of the log with their clients.
    fn decide(&self, store: &mut Store, batch: &[(WireNo, Write)]) -> Committed {
        let (mut reported, mut new) = (Vec::new(), Vec::new());
        for (wire, write) in batch {
            let (outcome, logged) = store.write(write, !self.is_stale(*wire));
            reported.push((*wire, outcome));
            let client = match write {
                Write::Append(append) => append.client.map(|numbered| numbered.client),
                Write::Open(_) | Write::Delete(_) => None,
            };
            new.extend(logged.map(|logged| (client, logged)));
        }
        self.relay.streams().for_each(|stream| store.supersede(stream));
        (reported, new)
    }

    /// The deliberate bug: the connection belongs to a deposed leader that does not know.
    fn is_stale(&self, wire: WireNo) -> bool {
        self.tabs[self.wires[wire].tab].shared.is_stale
    }

    /// Begins the next read of a connection.
    fn begin_read(&mut self, wire: WireNo) {
        let look_at = || self.random.between(4, 60) as usize;
        let found = self.relay.peer.read(wire, look_at);
        let Some(mut found) = found else { return };
        if let Found::Answered(_, Answer::Page(page)) = &mut found
            && self.mutation == Some(Mutation::SkipOneOnResume)
            && !page.events.is_empty()
        {
            page.events.remove(0);
        }
        let (wait, relay) = (self.random.below(6), self.relay.life);
        self.after(wait, Happening::Found { wire, relay, found });
    }

    pub(super) fn found(&mut self, wire: WireNo, relay: u32, found: Found) {
        if relay == self.relay.life && self.relay.serves(wire) {
            self.relay.peer.found(wire, found);
            self.drive_relay(wire);
        }
    }
}

/// The outcomes of a commit by connection, and its events with their clients. The peer itself logs deletions.
type Committed = (Vec<(WireNo, Outcome)>, Vec<(Option<ClientId>, Arc<Logged>)>);

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
