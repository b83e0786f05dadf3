//! What a store keeps of each client: its fence, what was decided, and what it may still ask for.

use std::collections::BTreeMap;

use session::server::{Numbered, Opened, StreamNo};
use session::{Hello, RejectCode};

/// A client's public id.
pub type ClientId = [u8; 16];

#[derive(Debug, Clone, Default)]
pub(super) struct Clients {
    rows: BTreeMap<ClientId, Row>,
}

#[derive(Debug, Clone)]
struct Row {
    secret: [u8; 32],
    fence: u64,
    highest: u64,
    highest_id: Option<String>,
    /// Places or final rejects by number, from the lowest that the client may still ask for.
    outcomes: BTreeMap<u64, Decision>,
    /// It says that it was here before, and was not known. It is told so until it has published: the
    /// welcome that said so may have been lost.
    was_forgotten: bool,
    /// The lowest number that was refused and may come again; higher ones wait for it.
    held: Option<u64>,
}

/// What was decided about a number: its place, or why it has none.
pub(super) type Decision = Result<(StreamNo, u64), RejectCode>;

/// What a client's number says about an event.
pub(super) enum Admission {
    New,
    Decided(Decision),
    HeldBack,
    Fenced,
    Stale,
    Unknown,
}

impl Clients {
    pub(super) fn open(&mut self, hello: &Hello, checks_fence: bool) -> Opened {
        let new = !self.rows.contains_key(&hello.client);
        let row = self.rows.entry(hello.client).or_insert_with(|| Row {
            secret: hello.secret,
            fence: 0,
            highest: 0,
            highest_id: None,
            outcomes: BTreeMap::new(),
            was_forgotten: hello.returning,
            held: None,
        });
        if row.secret != hello.secret {
            return Opened::WrongSecret;
        }
        if checks_fence && !new && hello.fence <= row.fence {
            return Opened::Fenced;
        }
        row.fence = hello.fence;
        row.held = None;
        row.outcomes = row.outcomes.split_off(&hello.lowest);
        Opened::Welcome {
            highest: row.highest,
            highest_id: row.highest_id.clone(),
            new: new || row.was_forgotten,
        }
    }

    pub(super) fn admit(&self, numbered: &Numbered, checks_fence: bool) -> Admission {
        let Some(row) = self.rows.get(&numbered.client) else { return Admission::Unknown };
        if checks_fence && numbered.fence < row.fence {
            return Admission::Fenced;
        }
        if numbered.number <= row.highest {
            let outcome = row.outcomes.get(&numbered.number);
            return outcome.map_or(Admission::Stale, |decision| Admission::Decided(*decision));
        }
        match row.held {
            Some(held) if held < numbered.number => Admission::HeldBack,
            _ => Admission::New,
        }
    }

    pub(super) fn hold(&mut self, numbered: &Numbered) {
        if let Some(row) = self.rows.get_mut(&numbered.client) {
            row.held = Some(numbered.number);
        }
    }

    pub(super) fn decided(&mut self, numbered: &Numbered, id: Option<&str>, decision: Decision) {
        let Some(row) = self.rows.get_mut(&numbered.client) else { return };
        row.held = None;
        row.was_forgotten = false;
        row.highest = numbered.number;
        row.highest_id = id.map(str::to_owned);
        row.outcomes = row.outcomes.split_off(&numbered.lowest);
        row.outcomes.insert(numbered.number, decision);
    }

    pub(super) fn ids(&self) -> Vec<ClientId> {
        self.rows.keys().copied().collect()
    }

    pub(super) fn fence(&self, client: &ClientId) -> Option<u64> {
        self.rows.get(client).map(|row| row.fence)
    }

    pub(super) fn last_decided(&self, client: &ClientId) -> Option<(u64, Option<&str>)> {
        self.rows.get(client).map(|row| (row.highest, row.highest_id.as_deref()))
    }

    pub(super) fn is_sure_of(&self, client: &ClientId) -> bool {
        self.rows.get(client).is_some_and(|row| !row.was_forgotten)
    }

    pub(super) fn forget(&mut self, client: &ClientId) {
        self.rows.remove(client);
    }
}
