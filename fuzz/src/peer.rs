//! A relay with one connection, whose store may fail and whose answers may be late.

use std::ops::{Deref, DerefMut};

use model::{Connection, ConnectionNo};
use session::server::{Append, Deletion, Effect, Granted, Options, Wire};
use session::{Body, MAX_NUMBER, Millis, json};
use topic::Topic;

use crate::members_and_nesting;

/// See the [module](self). It can be used as its only connection.
pub struct Peer {
    pub model: model::Peer,
}

const ONLY: ConnectionNo = 0;

impl Deref for Peer {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.model.connections[&ONLY]
    }
}

impl DerefMut for Peer {
    fn deref_mut(&mut self) -> &mut Connection {
        self.model.connections.get_mut(&ONLY).expect("it is never disconnected")
    }
}

impl Peer {
    /// A peer whose pages are short.
    pub fn new(wire: Wire) -> Self {
        let mut model = model::Peer::new(Options { page: 3, ..Options::default() });
        model.accept(ONLY, wire, 0);
        Self { model }
    }

    /// Commits what waits, and tells of it.
    pub fn commit(&mut self, now: Millis) {
        self.carry_out(now);
        self.model.commit();
        self.model.feed(ONLY);
        self.carry_out(now);
    }

    /// What was committed is more than it has at hand.
    pub fn lag(&mut self, now: Millis) {
        self.model.lag(ONLY);
        self.carry_out(now);
    }

    /// Carries out what the server asks for, except that events wait for a commit.
    pub fn carry_out(&mut self, now: Millis) {
        while self.closed.is_none()
            && let Some(effect) = self.model.poll(ONLY)
        {
            self.carry(effect, now);
            self.model.answer(ONLY);
            while self.model.presence.wake().is_some() {
                while self.model.tell_news(ONLY) {}
            }
        }
    }

    fn carry(&mut self, effect: Effect, now: Millis) {
        let fails = self.model.store.fails;
        let is_hello = matches!(effect, Effect::Open(_));
        match &effect {
            Effect::Refresh(_) if fails => return self.server.credential_refused("no"),
            Effect::Refresh(_) => {
                let granted = Granted { expires_in: Some(50), ..Granted::default() };
                return self.server.granted(granted, now);
            }
            // Its own, because there is no other connection.
            Effect::Forward(event) => self.server.forwarded(event),
            Effect::Append(append) => may_be_logged(append),
            Effect::Delete(deletion) => may_be_deleted(deletion),
            // Nothing reads it.
            Effect::Send(_) => return,
            _ => {}
        }
        self.model.carry_out(ONLY, effect);
        if is_hello {
            // The hello is all that waits: no event comes before it.
            self.model.commit_next(ONLY);
        }
    }
}

fn may_be_logged(append: &Append) {
    if let Some(client) = &append.client {
        let highest = client.number.max(client.fence).max(client.lowest);
        assert!(highest <= MAX_NUMBER, "a number wraps: {client:?}");
    }
    if let Ok((topic, body)) = &append.event {
        may_be_read(topic, body);
    }
}

fn may_be_deleted(deletion: &Deletion) {
    assert!(deletion.target.offset <= MAX_NUMBER, "an offset wraps: {deletion:?}");
    if let Ok(topic) = Topic::parse("a") {
        may_be_read(&topic, &deletion.event);
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
