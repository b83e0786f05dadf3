//! A store as a relay has it: a log, and what was told to its clients, changed together.
//!
//! It is a model: what it holds has been committed. What a crash may take is with the
//! [relay](crate::relay), and a disk that lied about its last writes is an older copy of this.

mod clients;
mod log;

use std::sync::Arc;

use bus::Pattern;
use session::server::{Append, Decided, Located, Logged, Numbered, Opened, Page};
use session::{Durability, Hello, Position, RejectCode, Start};

use crate::mutation::Mutation;
pub use clients::ClientId;
use clients::{Admission, Clients};
use log::Log;

/// See the [module](self). Copying it is cheap enough to do often: bodies are shared.
#[derive(Debug, Clone, Default)]
pub struct Store {
    log: Log,
    clients: Clients,
    /// Writes are refused until there is room again.
    pub full: bool,
    mutation: Option<Mutation>,
}

/// After a refusal a client may try again after so many milliseconds.
const RETRY: u32 = 400;

impl Store {
    /// An empty one.
    pub fn new(mutation: Option<Mutation>) -> Self {
        Self { mutation, ..Self::default() }
    }

    /// The position of the last event.
    pub fn head(&self) -> Position {
        self.log.head()
    }

    /// A client says hello.
    pub fn open(&mut self, hello: &Hello) -> Opened {
        self.clients.open(hello, self.mutation != Some(Mutation::NoFence))
    }

    /// Decides about an event, and answers what is new in the log. A bug on purpose does not look at the fence.
    pub fn decide(
        &mut self,
        append: &Append,
        checks_fence: bool,
    ) -> (Decided, Option<Arc<Logged>>) {
        let Some(numbered) = append.client else {
            return (refused(RejectCode::IllegalEvent, None), None);
        };
        let checks_fence = checks_fence && self.mutation != Some(Mutation::NoFence);
        match self.clients.admit(&numbered, checks_fence) {
            Admission::Decided(_) if self.mutation == Some(Mutation::NoDedupe) => {
                match &append.event {
                    Ok((topic, body)) => {
                        let logged = self.log.append(topic, body);
                        (self.stored(logged.offset), Some(logged))
                    }
                    Err(refusal) => (refused(refusal.code, None), None),
                }
            }
            Admission::Decided(Ok(offset)) => (self.stored(offset), None),
            Admission::Decided(Err(code)) => (self.refused_for_good(code), None),
            Admission::Fenced => (Decided::Fenced, None),
            Admission::Stale => (refused(RejectCode::StaleNumber, None), None),
            Admission::Unknown => (refused(RejectCode::Uncertain, None), None),
            Admission::HeldBack => (refused(RejectCode::HeldBack, Some(RETRY)), None),
            Admission::New if self.full => {
                self.clients.hold(&numbered);
                (refused(RejectCode::Unavailable, Some(RETRY)), None)
            }
            Admission::New => self.new_event(append, &numbered),
        }
    }

    fn new_event(
        &mut self,
        append: &Append,
        numbered: &Numbered,
    ) -> (Decided, Option<Arc<Logged>>) {
        let (topic, body) = match &append.event {
            Ok(event) => event,
            Err(refusal) => {
                self.clients.decided(numbered, refusal.id.as_deref(), Err(refusal.code));
                return (self.refused_for_good(refusal.code), None);
            }
        };
        let known = self.log.find(body);
        let logged = if known.is_none() { Some(self.log.append(topic, body)) } else { None };
        let offset = known.unwrap_or_else(|| self.log.head().offset);
        self.clients.decided(numbered, Some(&body.id), Ok(offset));
        (self.stored(offset), logged)
    }

    fn refused_for_good(&self, code: RejectCode) -> Decided {
        if self.mutation == Some(Mutation::RejectAnsweredAsStored) {
            return self.stored(self.log.head().offset);
        }
        refused(code, None)
    }

    /// Where a subscription starts.
    pub fn locate(&self, pattern: &Pattern, start: &Start) -> Located {
        self.log.locate(pattern, start)
    }

    /// Matching events from an offset on.
    pub fn page(&self, pattern: &Pattern, from: u64, limit: usize) -> Page {
        self.log.page(pattern, from, limit)
    }

    /// Drops the oldest events, so that so many are left; answers up to which offset they are gone.
    pub fn trim(&mut self, left: u64) -> u64 {
        self.log.trim(left)
    }

    /// The log may have lost its tail: it starts a new epoch.
    pub fn recovered(&mut self, epoch: u64) {
        if self.mutation != Some(Mutation::SameEpochAfterLostTail) {
            self.log.start_epoch(epoch);
        }
    }

    /// The clients that it knows.
    pub fn clients(&self) -> Vec<ClientId> {
        self.clients.ids()
    }

    /// The fencing token of a client's newest connection.
    pub fn fence(&self, client: &ClientId) -> Option<u64> {
        self.clients.fence(client)
    }

    /// The highest number that it has decided for a client, and that event's id.
    pub fn last_decided(&self, client: &ClientId) -> Option<(u64, Option<&str>)> {
        self.clients.last_decided(client)
    }

    /// Whether it knows a client, and does not tell it that it was forgotten.
    pub fn is_sure_of(&self, client: &ClientId) -> bool {
        self.clients.is_sure_of(client)
    }

    /// Forgets a client that was away for too long.
    pub fn forget(&mut self, client: &ClientId) {
        self.clients.forget(client);
    }

    fn stored(&self, offset: u64) -> Decided {
        Decided::Stored(self.log.position(offset), Durability::Disk)
    }
}

fn refused(code: RejectCode, retry: Option<u32>) -> Decided {
    Decided::Rejected { code, message: String::new(), retry }
}
