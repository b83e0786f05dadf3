//! The application in a tab: publishing and cancelling.

use session::client::{Outcome, PublishOptions};
use session::{Body, Position, RejectCode};
use topic::{Pattern, Topic};

use super::{World, number_of};
use crate::history::{Answer, EventNo, LoggedAt, Record, TopicNo, Topics};

/// The topics of all worlds. The relay rejects the last one.
pub(super) const TOPICS: [&str; 5] = ["a.x", "a.y", "b.x", "b.y", "$refused"];
const REFUSED: TopicNo = 4;

impl World {
    /// The application publishes.
    pub(super) fn publish(&mut self, number: usize, topic: TopicNo) {
        let event = self.publishes;
        let Ok(name) = Topic::parse(TOPICS[usize::from(topic)]) else { return };
        let signed = self.is_to_sign(number);
        let (id, time) = (format!("e{event}"), signed.then_some(1));
        let body = Body { id, time, data: vec![7; 24], ..Body::default() };
        let mut options = PublishOptions { signed, ..PublishOptions::default() };
        let is_short = self.random.once_in(12);
        if is_short {
            let wall = self.clock(number).saturating_add_signed(self.tabs[number].wall);
            options.expires = Some(wall + self.random.between(100, 20_000));
        }
        let mut taken = false;
        self.with_machine(number, |machine, now| {
            taken = machine.client().publish_with(name, &body, options, now).is_ok();
        });
        if !taken {
            return;
        }
        self.publishes += 1;
        if options.signed {
            self.record(Record::MustBeSigned { event });
        }
        if topic == REFUSED || is_short {
            self.may_be_refused(number, event);
        }
        if self.random.once_in(25) {
            self.cancel(number, event);
        }
    }

    /// The application cancels a publish if possible.
    fn cancel(&mut self, number: usize, event: EventNo) {
        let mut will = false;
        self.with_machine(number, |machine, _| {
            will = machine.cancel(&format!("e{event}"));
        });
        if will {
            self.may_be_refused(number, event);
        }
    }

    /// Notes that an event of a tab may be rejected. Records that now if the event is kept already, and else once it
    /// is.
    fn may_be_refused(&mut self, number: usize, event: EventNo) {
        self.refusable.insert(event);
        if self.profiles[self.tabs[number].profile].knows(event) {
            self.say_refusable(event);
        }
    }

    /// The application learns that its publish is kept, on disk or in memory only.
    pub(super) fn learn_kept(&mut self, tab: usize, event: EventNo) {
        let number = self.tabs[tab].profile;
        if self.profiles[number].keep(event, self.now) {
            self.spilled += u64::from(self.profiles[number].shares);
            self.record(Record::Taken { profile: number as u32, event });
            self.say_refusable(event);
        }
        self.echoed(tab, event);
    }

    /// The application receives a pending event from the outbox.
    pub(super) fn echoed(&mut self, tab: usize, event: EventNo) {
        let (profile, life) = (self.tabs[tab].profile, self.tabs[tab].life);
        if self.profiles[profile].knows(event) {
            self.record(Record::Echoed { life, event });
        }
    }

    pub(super) fn settled(&mut self, number: usize, id: &str, outcome: &Outcome) {
        if let Outcome::Stored(position, _) = outcome {
            let profile = self.tabs[number].profile;
            self.profiles[profile].stored.push(position.clone());
        }
        let answer = match outcome {
            Outcome::Stored(position, _) => Answer::Stored(self.place(position)),
            Outcome::Rejected(RejectCode::Uncertain, _) => Answer::Uncertain,
            Outcome::Rejected(..) => Answer::Rejected,
        };
        let (profile, life) = (self.tabs[number].profile, self.tabs[number].life);
        let event = number_of(id);
        // The promises cover outcomes only after the application has learned that the event is kept.
        if self.profiles[profile].knows(event) {
            self.record(Record::Answered { profile: profile as u32, life, event, answer });
        }
    }

    /// A random running tab publishes some events. Returns whether there is such a tab.
    pub(super) fn publish_some(&mut self, count: u32) -> bool {
        let Some(tab) = self.some_running() else { return false };
        for _ in 0..count {
            let topic = if self.random.once_in(40) { 4 } else { self.random.below(4) as TopicNo };
            self.publish(tab, topic);
        }
        true
    }

    /// A random tab whose page runs.
    pub(super) fn some_running(&mut self) -> Option<usize> {
        let running: Vec<usize> = (0..self.tabs.len()).filter(|tab| self.runs(*tab)).collect();
        (!running.is_empty()).then(|| *self.random.of(&running))
    }

    pub(super) fn place(&self, position: &Position) -> LoggedAt {
        let stream = self.relay.stream_no(&position.stream);
        LoggedAt { stream, epoch: position.epoch, offset: position.offset }
    }

    pub(super) fn topic_no(&self, topic: &Topic) -> TopicNo {
        (0..).zip(TOPICS).find(|(_, name)| *name == topic.as_str()).map_or(REFUSED, |(no, _)| no)
    }
}

/// The topics that a pattern matches.
pub(super) fn topics_of(pattern: &Pattern) -> Topics {
    let all = (0..).zip(TOPICS);
    let matching = all.filter(|(_, name)| Topic::parse(name).is_ok_and(|it| pattern.matches(&it)));
    Topics::of(&matching.map(|(no, _)| no).collect::<Vec<_>>())
}
