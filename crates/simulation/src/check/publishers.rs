//! Promises 2, 6 and 7 for publishers: each kept event is in the log at most once, in the order of the publishes, and
//! has one outcome, which is true.
//!
//! An unknown outcome has only two excuses. First, the row existed while its profile was in doubt: only the lost client
//! knew which of these rows were sent, so all of them are excused. Second, the page was absent when the first page
//! learned the outcome: it asks the others, but those that know may have ended or be frozen.

use std::collections::{HashMap, HashSet};

use super::log::Logs;
use super::pages::Pages;
use super::{Breach, Promise};
use crate::history::{Answer, ClientNo, EventNo, LifeNo, LoggedAt, PageState, ProfileNo, StreamNo};

#[derive(Debug, Default)]
pub(super) struct Publishers {
    events: HashMap<EventNo, Published>,
    rows: HashMap<(ProfileNo, EventNo), KeptRow>,
    /// The newest event of each client in each stream, by the order in which they were kept. There is no order between
    /// profiles that are copies.
    newest: HashMap<(ClientNo, ProfileNo, StreamNo), (u64, EventNo)>,
    /// The clients that the relay has forgotten at some time.
    forgotten: HashSet<ClientNo>,
    /// The profiles that are in doubt.
    doubted: HashSet<ProfileNo>,
    pages: Pages,
    kept: u64,
    /// The virtual time.
    now: u64,
}

#[derive(Debug)]
struct Published {
    /// Its ordinal among the kept events.
    order: u64,
    /// The profile that has kept it first.
    profile: ProfileNo,
    /// How often it may occur in the log: once, plus once for each copy of its row.
    may_stand: u32,
    stands: u32,
    /// Its last offset in the log.
    offset: u64,
    refusable: bool,
    rejected: bool,
    /// Whether its row was restored from a backup. There it may expire although it was stored.
    was_restored: bool,
}

#[derive(Debug)]
struct KeptRow {
    /// Whether it must have an outcome.
    durable: bool,
    /// Whether the disk has lost it and no page could report why.
    is_wiped: bool,
    /// Whether its outcome may be unknown.
    in_doubt: bool,
    answers: Vec<(LifeNo, Answer)>,
    /// When the first page learned the outcome.
    reported_at: Option<u64>,
}

impl Publishers {
    pub(super) fn kept(
        &mut self,
        profile: ProfileNo,
        event: EventNo,
        durable: bool,
    ) -> Result<(), Breach> {
        self.kept += 1;
        let published = Published {
            order: self.kept,
            profile,
            may_stand: 1,
            stands: 0,
            offset: 0,
            refusable: false,
            rejected: false,
            was_restored: false,
        };
        self.insert(profile, event, durable);
        match self.events.insert(event, published) {
            None => Ok(()),
            Some(_) => Err(Breach(Promise::Answered, format!("{event} is kept a second time"))),
        }
    }

    pub(super) fn refusable(&mut self, event: EventNo) {
        if let Some(published) = self.events.get_mut(&event) {
            published.refusable = true;
        }
    }

    pub(super) fn copied(&mut self, profile: ProfileNo, event: EventNo) -> Result<(), Breach> {
        let Some(published) = self.events.get_mut(&event) else {
            return Err(Breach(Promise::Answered, format!("{event} is copied and was not kept")));
        };
        published.may_stand += 1;
        published.rejected = false;
        self.insert(profile, event, true);
        Ok(())
    }

    pub(super) fn restored(&mut self, profile: ProfileNo, event: EventNo, is_other: bool) {
        if let Some(published) = self.events.get_mut(&event) {
            published.may_stand += u32::from(is_other);
            (published.rejected, published.was_restored) = (false, true);
        }
        self.insert(profile, event, true);
    }

    fn insert(&mut self, profile: ProfileNo, event: EventNo, durable: bool) {
        let in_doubt = self.doubted.contains(&profile);
        let row =
            KeptRow { durable, is_wiped: false, in_doubt, answers: Vec::new(), reported_at: None };
        self.rows.insert((profile, event), row);
    }

    pub(super) fn doubted(&mut self, profile: ProfileNo) {
        self.doubted.insert(profile);
        for (_, row) in self.rows.iter_mut().filter(|((of, _), _)| *of == profile) {
            row.in_doubt = true;
        }
    }

    pub(super) fn certain(&mut self, profile: ProfileNo) {
        self.doubted.remove(&profile);
    }

    pub(super) fn at(&mut self, now: u64) {
        self.now = now;
    }

    pub(super) fn page(&mut self, life: LifeNo, state: PageState) {
        self.pages.changed(life, state, self.now);
    }

    pub(super) fn echoed(&mut self, life: LifeNo, event: EventNo) {
        self.pages.shown(life, event);
    }

    pub(super) fn wiped(&mut self, profile: ProfileNo, event: EventNo) {
        if let Some(row) = self.rows.get_mut(&(profile, event)) {
            (row.durable, row.is_wiped) = (false, true);
        }
    }

    pub(super) fn forgot(&mut self, client: ClientNo) {
        self.forgotten.insert(client);
    }

    pub(super) fn logged(
        &mut self,
        logs: &Logs,
        client: ClientNo,
        event: EventNo,
        place: LoggedAt,
    ) -> Result<(), Breach> {
        let Some(published) = self.events.get_mut(&event) else {
            let text = format!("{event} is in the log, and was not kept before it left");
            return Err(Breach(Promise::Answered, text));
        };
        // Neither the client's numbers nor the log distinguish such a restored row from a new one.
        if published.was_restored
            && self.forgotten.contains(&client)
            && logs.of(place.stream).may_be_gone(published.offset)
        {
            published.may_stand += 1;
        }
        published.stands += 1;
        published.offset = place.offset;
        if published.stands > published.may_stand {
            return Err(Breach(Promise::Once, format!("{event} stands in the log twice")));
        }
        if published.rejected {
            let text = format!("{event} is in the log, and was rejected");
            return Err(Breach(Promise::Answered, text));
        }
        let (order, profile) = (published.order, published.profile);
        // Rows of several disks and restored rows have no order.
        if !published.is_only_row() {
            return Ok(());
        }
        let newest = self.newest.entry((client, profile, place.stream)).or_default();
        if order < newest.0 {
            let text = format!("{event} of client {client} stands behind {}, kept later", newest.1);
            return Err(Breach(Promise::OwnOrder, text));
        }
        *newest = (order, event);
        Ok(())
    }

    /// The log has lost the event with its tail. Its client sends it again or has received its ack.
    pub(super) fn lost(&mut self, stream: StreamNo, event: EventNo) {
        if let Some(published) = self.events.get_mut(&event) {
            published.stands = published.stands.saturating_sub(1);
            // All later events are lost too.
            self.newest.retain(|(.., of), newest| *of != stream || newest.0 < published.order);
        }
    }

    pub(super) fn answered(
        &mut self,
        logs: &Logs,
        (profile, life): (ProfileNo, LifeNo),
        event: EventNo,
        answer: Answer,
    ) -> Result<(), Breach> {
        let Some(row) = self.rows.get_mut(&(profile, event)) else {
            let text = format!("profile {profile} is answered about {event}, which it never kept");
            return Err(Breach(Promise::Answered, text));
        };
        // A stream that keeps the last values forgets an event with its id, so that a copy of its row is logged again.
        let is_copied = self.events.get(&event).is_some_and(|it| it.may_stand > 1);
        for (earlier_life, earlier) in &row.answers {
            // An outcome repeats if its row was not erased before a crash. It must be the same.
            if *earlier_life == life || !agree(*earlier, answer, is_copied) {
                let text = format!("{event} is answered {answer:?} after {earlier:?}");
                return Err(Breach(Promise::Answered, text));
            }
        }
        // A leader that does not know the outcome reports it as uncertain, and a tab may hear that before the report of
        // a tab that knew.
        let was_uncertain = row.answers.iter().any(|(_, it)| matches!(it, Answer::Uncertain));
        row.answers.push((life, answer));
        let reported_at = *row.reported_at.get_or_insert(self.now);
        self.pages.answered(life, event);
        let may_be_unknown = row.in_doubt
            || row.is_wiped
            || was_uncertain
            || self.pages.may_have_missed(life, reported_at);
        let Some(published) = self.events.get_mut(&event) else { return Ok(()) };
        match answer {
            Answer::Stored(place) if logs.at(place) != Some(event) => {
                let there = logs.at(place);
                let text = format!("{event} is acked at {place}, where the log holds {there:?}");
                Err(Breach(Promise::Read, text))
            }
            Answer::Uncertain if !may_be_unknown => {
                Err(Breach(Promise::Answered, format!("{event} is uncertain for no reason")))
            }
            Answer::Rejected if !published.refusable => {
                Err(Breach(Promise::Answered, format!("{event} is rejected for no reason")))
            }
            Answer::Rejected if published.is_only_row() && published.stands > 0 => {
                Err(Breach(Promise::Answered, format!("{event} is rejected, and in the log")))
            }
            Answer::Rejected => {
                published.rejected = published.is_only_row();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn finish(&self) -> Result<(), Breach> {
        let unanswered = self
            .rows
            .iter()
            .filter(|(_, row)| row.durable && row.answers.is_empty())
            .map(|(key, _)| *key)
            .min();
        match unanswered {
            None => self.pages.finish(),
            Some((profile, event)) => {
                let text = format!("{event}, kept by profile {profile}, has no answer");
                Err(Breach(Promise::Answered, text))
            }
        }
    }
}

impl Published {
    /// Whether a single row determines its outcome.
    fn is_only_row(&self) -> bool {
        self.may_stand == 1 && !self.was_restored
    }
}

/// Whether two lives of a tab may learn these outcomes of one event.
fn agree(earlier: Answer, later: Answer, is_copied: bool) -> bool {
    match (earlier, later) {
        (Answer::Uncertain, _) | (_, Answer::Uncertain) => true,
        // A log that has lost its tail may store it again at another offset.
        (Answer::Stored(a), Answer::Stored(b)) => a == b || a.epoch != b.epoch || is_copied,
        (Answer::Rejected, Answer::Rejected) => true,
        _ => false,
    }
}
