//! The occupants of each topic: a state machine that the owner of all connections drives.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use topic::Topic;

use crate::wire::frame::Attendee;
use crate::{Millis, PRESENCE_GRACE, RejectCode};

/// The maximum number of members of a topic,
const ATTENDEES: usize = 1_024;
/// and the maximum size of their keys and data.
const BYTES: usize = 512 << 10;
/// The divisor for one share's part of these limits, so that others find room.
const SHARES: usize = 4;
/// The number of departures from a topic that are remembered for its watchers.
const DEPARTURES: usize = 256;

/// The occupants of each topic. All connections of a peer share one registry.
///
/// Watchers pull: the registry remembers what each watcher knows, and says which ones to wake. A slow watcher gets
/// the sum of the changes, or the full list if it is too far behind. So nothing is queued.
///
/// The registry holds a value of `H` for as long as it keeps a member's data.
#[derive(Debug, Default)]
pub struct PresenceRegistry<H = ()> {
    topics: HashMap<Topic, TopicPresence<H>>,
    /// The topics that each connection has joined.
    joined: HashMap<u64, BTreeSet<Topic>>,
    watchers: HashMap<u64, Watcher>,
    next_id: u64,
    /// The members whose connections have ended, in the order of their deadlines.
    leaving: VecDeque<(Millis, Topic, u64)>,
    wake: BTreeSet<u64>,
}

#[derive(Debug)]
struct TopicPresence<H> {
    /// Counts the changes.
    revision: u64,
    seats: BTreeMap<u64, Seat<H>>,
    /// The ids that left, with their revisions, oldest first.
    departed: VecDeque<(u64, u64)>,
    /// Departures up to this revision were forgotten.
    forgotten: u64,
    watchers: BTreeSet<u64>,
    bytes: usize,
}

#[derive(Debug)]
struct Seat<H> {
    client: [u8; 16],
    connection: u64,
    share: Option<u128>,
    held: H,
    key: Arc<str>,
    data: Arc<[u8]>,
    /// When the member joined or last changed.
    revision: u64,
    /// When the member leaves, after its connection has ended.
    until: Option<Millis>,
}

/// The topics that a connection watches, with the revision that it knows, and the topics with news for it.
#[derive(Debug, Default)]
struct Watcher {
    known: BTreeMap<Topic, Option<u64>>,
    news: BTreeSet<Topic>,
}

/// A client that joins a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joiner {
    /// Its connection.
    pub connection: u64,
    /// Its id.
    pub client: [u8; 16],
    /// The number of the share that the client uses up: of its address, or its account, for example. `None` is not
    /// limited.
    pub share: Option<u128>,
}

/// The news for a watcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The full list of members.
    State(Vec<Attendee>),
    /// Members that came or changed, and the ids of those that left.
    Changes(Vec<Attendee>, Vec<u64>),
}

impl<H> PresenceRegistry<H> {
    /// Makes a client present at a topic. It keeps its id from an earlier connection, and takes over a member with
    /// the same key whose connection has ended.
    ///
    /// # Errors
    /// [`RejectCode::TooMany`] if the topic is full, or the client's share.
    pub fn join(
        &mut self,
        Joiner { connection, client, share }: Joiner,
        topic: &Topic,
        key: &str,
        data: &[u8],
        held: H,
    ) -> Result<(), RejectCode> {
        let presence = self.topics.entry(topic.clone()).or_default();
        let own = presence.seats.iter().find(|(_, seat)| seat.client == client);
        let left =
            || presence.seats.iter().find(|(_, seat)| seat.until.is_some() && *seat.key == *key);
        let id = own.or_else(left).map(|(id, _)| *id);
        let before = id.and_then(|id| presence.seats.get(&id)).map_or(0, Seat::bytes);
        let bytes = presence.bytes - before + key.len() + data.len();
        let is_full = bytes > BYTES || (id.is_none() && presence.seats.len() >= ATTENDEES);
        if is_full || !presence.has_room_for(share, id, key.len() + data.len()) {
            self.tidy(topic);
            return Err(RejectCode::TooMany);
        }
        presence.bytes = bytes;
        self.joined.entry(connection).or_default().insert(topic.clone());
        if let Some(seat) = id.and_then(|id| presence.seats.get_mut(&id)) {
            (seat.client, seat.connection, seat.until) = (client, connection, None);
            (seat.share, seat.held) = (share, held);
            if *seat.key == *key && *seat.data == *data {
                return Ok(());
            }
            presence.revision += 1;
            (seat.key, seat.data, seat.revision) = (key.into(), data.into(), presence.revision);
        } else {
            self.next_id += 1;
            presence.revision += 1;
            let (revision, until) = (presence.revision, None);
            let (key, data) = (key.into(), data.into());
            let seat = Seat { client, connection, share, held, key, data, revision, until };
            presence.seats.insert(self.next_id, seat);
        }
        self.changed(topic);
        Ok(())
    }

    /// The number of members of all topics, and of watches.
    pub fn counts(&self) -> (usize, usize) {
        let each = self.topics.values().map(|topic| (topic.seats.len(), topic.watchers.len()));
        each.fold((0, 0), |all, topic| (all.0 + topic.0, all.1 + topic.1))
    }

    /// Removes the client of a connection from a topic at once.
    pub fn leave(&mut self, connection: u64, topic: &Topic) {
        if let Some(topics) = self.joined.get_mut(&connection) {
            topics.remove(topic);
            if topics.is_empty() {
                self.joined.remove(&connection);
            }
        }
        let Some(presence) = self.topics.get(topic) else { return };
        let mut seats = presence.seats.iter();
        if let Some((&id, _)) = seats.find(|(_, seat)| seat.connection == connection) {
            self.vacate(topic, id);
        }
    }

    /// Makes a connection watch a topic. Its first [`News`] is the full list.
    pub fn watch(&mut self, connection: u64, topic: &Topic) {
        self.topics.entry(topic.clone()).or_default().watchers.insert(connection);
        let watcher = self.watchers.entry(connection).or_default();
        watcher.known.insert(topic.clone(), None);
        watcher.news.insert(topic.clone());
        self.wake.insert(connection);
    }

    /// Stops watching a topic.
    pub fn unwatch(&mut self, connection: u64, topic: &Topic) {
        if let Some(watcher) = self.watchers.get_mut(&connection) {
            watcher.known.remove(topic);
            watcher.news.remove(topic);
            if watcher.known.is_empty() {
                self.watchers.remove(&connection);
            }
        }
        if let Some(presence) = self.topics.get_mut(topic) {
            presence.watchers.remove(&connection);
        }
        self.tidy(topic);
    }

    /// A connection has ended. Its members leave after [`PRESENCE_GRACE`], unless the same client, or another one
    /// with the same key, has joined by then.
    pub fn gone(&mut self, connection: u64, now: Millis) {
        if let Some(watcher) = self.watchers.get(&connection) {
            for topic in watcher.known.keys().cloned().collect::<Vec<_>>() {
                self.unwatch(connection, &topic);
            }
        }
        self.wake.remove(&connection);
        let until = now + PRESENCE_GRACE;
        for topic in self.joined.remove(&connection).unwrap_or_default() {
            let Some(presence) = self.topics.get_mut(&topic) else { continue };
            for (&id, seat) in &mut presence.seats {
                if seat.connection == connection {
                    seat.until = Some(until);
                    self.leaving.push_back((until, topic.clone(), id));
                }
            }
        }
    }

    /// When to call [`PresenceRegistry::tick`] next. `None` if no timer runs.
    pub fn deadline(&self) -> Option<Millis> {
        self.leaving.front().map(|(until, ..)| *until)
    }

    /// Removes the members whose grace period is over.
    pub fn tick(&mut self, now: Millis) {
        while self.deadline().is_some_and(|deadline| deadline <= now)
            && let Some((until, topic, id)) = self.leaving.pop_front()
        {
            let seat = self.topics.get(&topic).and_then(|presence| presence.seats.get(&id));
            // The member may have returned and left again meanwhile.
            if seat.is_some_and(|seat| seat.until == Some(until)) {
                self.vacate(&topic, id);
            }
        }
    }

    /// Returns a connection with unread news. Each is returned once, until it has read its news.
    pub fn wake(&mut self) -> Option<u64> {
        self.wake.pop_first()
    }

    /// Returns the next news for a connection, one topic at a time.
    pub fn news(&mut self, connection: u64) -> Option<(Topic, News)> {
        let watcher = self.watchers.get_mut(&connection)?;
        let topic = watcher.news.pop_first()?;
        let presence = self.topics.get(&topic)?;
        let known = watcher.known.insert(topic.clone(), Some(presence.revision)).flatten();
        let attendees = |since: u64| {
            let seats = presence.seats.iter().filter(move |(_, seat)| seat.revision > since);
            seats.map(|(&id, seat)| seat.attendee(id)).collect()
        };
        let news = match known {
            Some(known) if known >= presence.forgotten => {
                let left = presence.departed.iter().filter(|(revision, _)| *revision > known);
                News::Changes(attendees(known), left.map(|(_, id)| *id).collect())
            }
            _ => News::State(attendees(0)),
        };
        Some((topic, news))
    }

    fn vacate(&mut self, topic: &Topic, id: u64) {
        let Some(presence) = self.topics.get_mut(topic) else { return };
        let Some(seat) = presence.seats.remove(&id) else { return };
        presence.bytes -= seat.bytes();
        presence.revision += 1;
        presence.departed.push_back((presence.revision, id));
        if presence.departed.len() > DEPARTURES
            && let Some((revision, _)) = presence.departed.pop_front()
        {
            presence.forgotten = revision;
        }
        self.changed(topic);
        self.tidy(topic);
    }

    fn changed(&mut self, topic: &Topic) {
        for connection in self.topics.get(topic).into_iter().flat_map(|presence| &presence.watchers)
        {
            if let Some(watcher) = self.watchers.get_mut(connection) {
                watcher.news.insert(topic.clone());
                self.wake.insert(*connection);
            }
        }
    }

    /// Forgets a topic without members and watchers.
    fn tidy(&mut self, topic: &Topic) {
        if self
            .topics
            .get(topic)
            .is_some_and(|presence| presence.seats.is_empty() && presence.watchers.is_empty())
        {
            self.topics.remove(topic);
        }
    }
}

impl<H> Default for TopicPresence<H> {
    fn default() -> Self {
        Self {
            revision: 0,
            seats: BTreeMap::new(),
            departed: VecDeque::new(),
            forgotten: 0,
            watchers: BTreeSet::new(),
            bytes: 0,
        }
    }
}

impl<H> TopicPresence<H> {
    /// Whether a member of this share fits in beside the share's other members. `id` is the member itself, if it
    /// exists.
    fn has_room_for(&self, share: Option<u128>, id: Option<u64>, bytes: usize) -> bool {
        let of_share =
            |(other, seat): &(&u64, &Seat<H>)| seat.share == share && Some(**other) != id;
        let seats = self.seats.iter().filter(of_share);
        let (others, held) =
            seats.fold((0, 0), |(count, held), (_, seat)| (count + 1, held + seat.bytes()));
        share.is_none() || (others < ATTENDEES / SHARES && held + bytes <= BYTES / SHARES)
    }
}

impl<H> Seat<H> {
    fn bytes(&self) -> usize {
        self.key.len() + self.data.len()
    }

    fn attendee(&self, id: u64) -> Attendee {
        Attendee { id, key: self.key.to_string(), data: self.data.to_vec() }
    }
}
