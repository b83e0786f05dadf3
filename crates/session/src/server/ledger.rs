//! The ledger: what a peer keeps of each client, and how it decides about a numbered event. This is where exactly-once
//! is decided.
//!
//! It is pure. A store loads the [`Account`] of a client, asks it, and writes it back in the transaction that holds the
//! event. The same calls in the same order give the same outcomes, however they are grouped into transactions.
//!
//! A number is decided once. Its outcome is kept until the client no longer needs it ([`Numbered::lowest`]), so that a
//! repeat gets the same outcome. Numbers are decided in ascending order. If one is refused for now, the higher ones of
//! its connection are held back until it is retried; otherwise it would count as decided long ago.

mod identity;
mod outcomes;

use super::{Decided, Numbered, Opened};
use crate::{CloseCode, Hello, MAX_NUMBER, MAX_UNANSWERED, Millis, RejectCode};
pub use identity::Identity;
pub use outcomes::{LogPosition, Outcomes, Run};

/// The maximum rise of a fencing token from one connection to the next. Clients count them up; without this limit, a
/// thief of a client's secret could lock the client out with the highest token.
const FENCE_STEP: u64 = 1 << 32;

/// The delay before a refused event may be retried, in milliseconds.
const RETRY: u32 = 1_000;

/// What a peer keeps of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What the client must show.
    pub identity: Identity,
    /// The fencing token of the newest connection.
    pub fence: u64,
    /// The highest number that was decided; 0 if none was.
    pub highest: u64,
    /// The id of the event with that number.
    pub highest_id: Option<String>,
    /// When the client was last active, in milliseconds since 1970.
    pub seen: Option<Millis>,
    /// The client said that it returns, but was unknown. It is welcomed as forgotten until one of its events is
    /// decided, because an earlier welcome may be lost.
    pub was_forgotten: bool,
    /// The number that was refused for now. Higher ones of its connection wait for it.
    pub held: Option<Held>,
    /// Whom the client belongs to. `None` if it never connected to a peer with an authority.
    pub subject: Option<String>,
    /// The outcomes that the client may still ask for.
    pub outcomes: Outcomes,
    /// Whether anything changed since the account was loaded.
    changed: bool,
}

/// A number that must be retried before higher ones are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The fencing token of its connection.
    pub fence: u64,
    /// The number.
    pub number: u64,
}

/// The state of an event before it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// The event has not been decided. The store logs it, or rejects it, and calls [`Account::decide`]; or it calls
    /// [`Account::refuse_for_now`].
    New,
    /// The event was decided at an earlier attempt: it is in the log at this position, or it was rejected. The store
    /// keeps the reasons of rejected events.
    Repeat(Option<LogPosition>),
    /// The outcome, without any change to the account.
    Answer(Decided),
}

impl Account {
    /// The account of an unknown client.
    pub fn new(identity: Identity, is_returning: bool) -> Self {
        Self {
            identity,
            fence: 0,
            highest: 0,
            highest_id: None,
            seen: None,
            was_forgotten: is_returning,
            held: None,
            subject: None,
            outcomes: Outcomes::default(),
            changed: false,
        }
    }

    /// Checks a hello whose proof, if it has one, was verified. `secret` is the form of its secret that the store
    /// compares, and `account` is what is known of the client. Returns what the client must show from now on.
    ///
    /// # Errors
    /// The response, if the hello is refused.
    pub fn check(
        account: Option<&Self>,
        hello: &Hello,
        secret: Option<[u8; 32]>,
    ) -> Result<Identity, Opened> {
        let known = account.map(|account| &account.identity);
        let identity = Identity::shown(known, hello.key, secret)?;
        let fence = match account {
            Some(account) if hello.fence <= account.fence => return Err(Opened::Fenced),
            Some(account) => account.fence,
            None => 0,
        };
        if hello.fence.saturating_sub(fence) > FENCE_STEP || hello.fence > MAX_NUMBER {
            let message = "a fencing token may rise by at most 4294967296";
            return Err(Opened::Refused(CloseCode::ProtocolError, message));
        }
        Ok(identity)
    }

    /// Checks the owner of the client. `subject` is [that of the connection](super::Server::subject). A client without
    /// an owner is [given](Account::belong_to) to the first subject that knows its secret.
    ///
    /// # Errors
    /// The response, if the client belongs to another subject.
    pub fn check_subject(account: Option<&Self>, subject: Option<&str>) -> Result<(), Opened> {
        let owner = account.and_then(|account| account.subject.as_deref());
        match (owner, subject) {
            (Some(owner), Some(subject)) if owner != subject => Err(Opened::OtherSubject),
            _ => Ok(()),
        }
    }

    /// Records the subject that opened the client, after [`Account::check_subject`].
    pub fn belong_to(&mut self, subject: Option<&str>) {
        if let Some(subject) = subject {
            (self.subject, self.changed) = (Some(subject.to_owned()), true);
        }
    }

    /// Applies a hello that passed [`Account::check`], which returned `identity`: fences older connections. Returns the
    /// rejected numbers whose reasons can be dropped.
    pub fn open(&mut self, hello: &Hello, identity: Identity, now: Millis) -> Vec<u64> {
        (self.fence, self.seen, self.changed) = (hello.fence, Some(now), true);
        self.identity = identity;
        // The new connection starts with its lowest unanswered number.
        self.held = None;
        self.outcomes.forget(hello.lowest)
    }

    /// The welcome for this client. `is_new` says whether it was unknown.
    pub fn welcome(&self, is_new: bool) -> Opened {
        Opened::Welcome {
            highest: self.highest,
            highest_id: self.highest_id.clone(),
            new: is_new || self.was_forgotten,
        }
    }

    /// Admits an event before it is decided. Also returns the rejected numbers whose reasons can be dropped.
    pub fn admit(&mut self, numbered: &Numbered) -> (Admission, Vec<u64>) {
        let answer = |answer| (Admission::Answer(answer), Vec::new());
        if numbered.fence < self.fence {
            return answer(Decided::Fenced);
        }
        if numbered.number > MAX_NUMBER {
            let message = "a number is at most 9007199254740991";
            return answer(rejected(RejectCode::IllegalEvent, message));
        }
        if numbered.number <= self.highest {
            return match self.outcomes.find(numbered.number) {
                Some(position) => (Admission::Repeat(position), Vec::new()),
                None => answer(Self::stale()),
            };
        }
        if let Some(held) = self.held
            && held.fence == numbered.fence
            && held.number < numbered.number
        {
            let message = "an earlier number must be retried first";
            return answer(refused(RejectCode::HeldBack, message));
        }
        let before = self.outcomes.kept();
        let forgotten = self.outcomes.forget(numbered.lowest);
        self.changed |= self.outcomes.kept() < before;
        if self.outcomes.kept() < MAX_UNANSWERED as u64 {
            return (Admission::New, forgotten);
        }
        let message = "too many outcomes are kept: raise the lowest number";
        let refused = self.refuse_for_now(numbered, RejectCode::HeldBack, message);
        (Admission::Answer(refused), forgotten)
    }

    /// Records the decision about a [new](Admission::New) event: its position in the log, or `None` if it was
    /// rejected for good.
    pub fn decide(
        &mut self,
        numbered: &Numbered,
        id: Option<&str>,
        position: Option<LogPosition>,
        now: Millis,
    ) {
        (self.highest, self.seen, self.changed) = (numbered.number, Some(now), true);
        self.was_forgotten = false;
        self.held = self.held.filter(|held| held.number > numbered.number);
        match (&mut self.highest_id, id) {
            (Some(highest), Some(id)) => id.clone_into(highest),
            (highest, id) => *highest = id.map(str::to_owned),
        }
        self.outcomes.push(numbered.number, position);
    }

    /// Refuses a [new](Admission::New) event for now: it may be retried, and the higher numbers of its connection
    /// wait for it.
    pub fn refuse_for_now(
        &mut self,
        numbered: &Numbered,
        code: RejectCode,
        message: &str,
    ) -> Decided {
        self.hold(numbered);
        refused(code, message)
    }

    /// Holds back the connection's higher numbers until this one is retried. After a failed commit, a store calls
    /// this for the numbers of the commit as soon as it works again, because their outcome is unknown.
    pub fn hold(&mut self, numbered: &Numbered) {
        let Numbered { fence, number, .. } = *numbered;
        let is_over = fence < self.fence || number <= self.highest;
        let is_held = self.held.is_some_and(|held| held.fence == fence && held.number <= number);
        if !is_over && !is_held {
            (self.held, self.changed) = (Some(Held { fence, number }), true);
        }
    }

    /// The outcome of a number that was decided, and whose outcome was forgotten.
    pub fn stale() -> Decided {
        rejected(RejectCode::StaleNumber, "the number was decided, and its outcome was forgotten")
    }

    /// The outcome for a client without an account.
    pub fn unknown() -> Decided {
        let message = "the client was forgotten: the event may or may not be in the log";
        rejected(RejectCode::Uncertain, message)
    }

    /// Whether the account must be written.
    pub fn is_changed(&self) -> bool {
        self.changed
    }
}

fn rejected(code: RejectCode, message: &str) -> Decided {
    Decided::Rejected { code, message: message.to_owned(), retry: None }
}

/// The outcome of an event that may be retried.
pub fn refused(code: RejectCode, message: &str) -> Decided {
    Decided::Rejected { code, message: message.to_owned(), retry: Some(RETRY) }
}
