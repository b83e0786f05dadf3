//! A relay with one connection, whose store may fail and whose answers may be late.

use std::collections::VecDeque;
use std::sync::Arc;

use session::server::{
    Answer, Append, PresenceRegistry, Joiner, Decided, Effect, Granted, Located, News, Opened, Options,
    Query, Server, StreamNo, Wire,
};
use session::{Body, MAX_NUMBER, Millis, RejectCode, Stream, json};
use simulation::store::Store;
use topic::{Pattern, Topic};

use crate::members_and_nesting;

/// See the [module](self).
pub struct Peer {
    /// The machine.
    pub server: Server,
    /// The store cannot be used.
    pub fails: bool,
    store: Store,
    presence: PresenceRegistry,
    /// What the store has not decided yet.
    appends: VecDeque<Append>,
    told: u64,
    /// The connection is closed: its owner does nothing with it any more.
    pub closed: bool,
}

const CONNECTION: u64 = 1;
/// Its only stream.
const MAIN: StreamNo = 0;

impl Peer {
    /// A peer whose pages are short.
    pub fn new(wire: Wire) -> Self {
        let options = Options { page: 3, ..Options::default() };
        Self {
            server: Server::new(Arc::new(options), wire, &[0], 0),
            fails: false,
            store: Store::new(&[Stream::MAIN], None),
            presence: PresenceRegistry::default(),
            appends: VecDeque::new(),
            told: 0,
            closed: false,
        }
    }

    /// The store's disk has no room, or has some again.
    pub fn fill(&mut self, full: bool) {
        self.store.full = full;
    }

    /// The store drops all but the last events.
    pub fn trim(&mut self, left: u64) {
        self.store.trim(MAIN, left);
    }

    /// Commits what waits, and tells of it.
    pub fn commit(&mut self, now: Millis) {
        self.carry_out(now);
        while let Some(append) = self.appends.pop_front() {
            let decided = if self.fails {
                let (code, message) = (RejectCode::Unavailable, String::new());
                Decided::Rejected { code, message, retry: Some(5) }
            } else {
                self.store.decide(&append, true).0
            };
            self.server.decided(append.ticket, decided);
        }
        if let Ok(all) = Pattern::parse(">") {
            let page = self.store.page(MAIN, &all, self.told + 1, usize::MAX);
            self.told = self.head();
            self.server.committed(&page.events);
        }
        self.carry_out(now);
    }

    /// What was committed is more than it has at hand.
    pub fn lag(&mut self, now: Millis) {
        self.told = self.head();
        self.server.lagged(MAIN, self.told);
        self.carry_out(now);
    }

    /// Carries out what the server asks for, except that appends wait for a commit.
    pub fn carry_out(&mut self, now: Millis) {
        while !self.closed
            && let Some(effect) = self.server.poll()
        {
            self.carry(effect, now);
            while self.presence.wake().is_some() {
                self.tell_news();
            }
        }
    }

    fn carry(&mut self, effect: Effect, now: Millis) {
        let server = &mut self.server;
        match effect {
            Effect::Open(_) if self.fails => server.opened(Opened::Unavailable),
            Effect::Open(hello) => server.opened(self.store.open(&hello)),
            Effect::Refresh(_) if self.fails => server.credential_refused("no"),
            Effect::Refresh(_) => {
                server.granted(Granted { expires_in: Some(50), ..Granted::default() }, now);
            }
            Effect::Append(append) => {
                if let Some(client) = &append.client {
                    let highest = client.number.max(client.fence).max(client.lowest);
                    assert!(highest <= MAX_NUMBER, "a number wraps: {client:?}");
                }
                if let Ok((topic, body)) = &append.event {
                    may_be_read(topic, body);
                }
                self.appends.push_back(append);
            }
            Effect::Query(ticket, Query::Locate { .. }) if self.fails => {
                server.answer(ticket, Answer::Located(Located::Unavailable));
            }
            Effect::Query(ticket, query) => {
                server.answer(ticket, self.store.answer(&query, usize::MAX));
            }
            Effect::Join { topic, key, data } => {
                let joiner = Joiner { connection: CONNECTION, client: [1; 16], share: None };
                if let Err(code) = self.presence.join(joiner, &topic, &key, &data, ()) {
                    server.not_present(&topic, code, "no room");
                }
            }
            Effect::Leave(topic) => self.presence.leave(CONNECTION, &topic),
            Effect::Watch(topic) => self.presence.watch(CONNECTION, &topic),
            Effect::Unwatch(topic) => self.presence.unwatch(CONNECTION, &topic),
            Effect::Close(..) => self.closed = true,
            // Its own: nothing more is there to hear it.
            Effect::Forward(event) => server.forwarded(&event),
            Effect::Send(_) => {}
        }
    }

    fn tell_news(&mut self) {
        while let Some((topic, news)) = self.presence.news(CONNECTION) {
            match news {
                News::State(all) => self.server.present(&topic, all),
                News::Changes(joined, left) => self.server.presence(&topic, joined, left),
            }
        }
    }

    /// The offset of the last event.
    fn head(&self) -> u64 {
        self.store.heads().first().map_or(0, |head| head.offset)
    }
}

/// Readers in JSON see each member of what is logged once, and nothing that nests deeper than they can take.
fn may_be_read(topic: &Topic, body: &Body) {
    let text = json::event(topic, body, None);
    let (mut names, nesting) = members_and_nesting(&text);
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "a member stands twice: {names:?}");
    assert!(nesting <= 1 + 64, "nests {nesting} deep");
    let is_there = |(name, _): &(String, _)| names.contains(&name.as_str());
    assert!(body.extensions.iter().all(is_there), "{names:?} of {:?}", body.extensions);
}
