//! Checks promise 8: no client is sent what its rights do not cover at that moment. In addition, what rights do cover
//! is not refused.

use std::collections::{BTreeMap, HashMap};

use topic::{Pattern, Topic};

use crate::check::{Promise, Violation};
use crate::wire::WireNo;

/// What a credential covers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // each list is named after its right
pub struct Covers {
    pub publish: Vec<Pattern>,
    pub subscribe: Vec<Pattern>,
    pub presence: Vec<Pattern>,
    pub history: Vec<Pattern>,
}

/// A record about a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // each field is named after its type
pub enum Record {
    /// The authority has accepted a credential, which covers this until then.
    Granted { wire: WireNo, covers: Covers, until: u64 },
    /// A subscription has arrived, when this was the last offset of the log.
    Subscribes { wire: WireNo, subscription: u32, pattern: Pattern, head: u64 },
    /// The peer has sent an event for these subscriptions. A logged one has an offset.
    Sent { wire: WireNo, topic: Topic, subscriptions: Vec<u32>, offset: Option<u64> },
    /// The peer has sent an event in a page of history.
    Paged { wire: WireNo, topic: Topic },
    /// The peer has sent the occupants.
    Members { wire: WireNo, topic: Topic },
    /// The peer has taken an event from the connection.
    Taken { wire: WireNo, topic: Topic },
    /// The peer has refused or ended a subscription for lack of rights.
    Refused { wire: WireNo, subscription: u32 },
}

#[derive(Debug, Default)]
struct Connection {
    granted: Option<(Covers, u64)>,
    subscriptions: HashMap<u32, (Pattern, u64)>,
}

/// Checks the records of a run.
///
/// # Errors
/// The first [`Violation`].
pub fn check(records: &[(u64, Record)]) -> Result<(), Violation> {
    let mut connections = BTreeMap::<WireNo, Connection>::new();
    for (at, record) in records {
        let (wire, breach) = step(&mut connections, *at, record);
        if let Some((promise, text)) = breach {
            return Err(Violation { promise, text: format!("connection {wire} {text}"), at: *at });
        }
    }
    Ok(())
}

type Breach = Option<(Promise, String)>;

fn step(
    connections: &mut BTreeMap<WireNo, Connection>,
    at: u64,
    record: &Record,
) -> (WireNo, Breach) {
    match record {
        Record::Granted { wire, covers, until } => {
            connections.entry(*wire).or_default().granted = Some((covers.clone(), *until));
            (*wire, None)
        }
        Record::Subscribes { wire, subscription, pattern, head } => {
            let connection = connections.entry(*wire).or_default();
            connection.subscriptions.insert(*subscription, (pattern.clone(), *head));
            (*wire, None)
        }
        Record::Sent { wire, topic, subscriptions, offset } => {
            let connection = connections.entry(*wire).or_default();
            (*wire, connection.sent(at, topic, subscriptions, *offset))
        }
        Record::Paged { wire, topic } => {
            let connection = connections.entry(*wire).or_default();
            (*wire, connection.needs(at, |covers| &covers.history, topic, "a page with"))
        }
        Record::Members { wire, topic } => {
            let connection = connections.entry(*wire).or_default();
            (*wire, connection.needs(at, |covers| &covers.presence, topic, "the members of"))
        }
        Record::Taken { wire, topic } => {
            let connection = connections.entry(*wire).or_default();
            (*wire, connection.needs(at, |covers| &covers.publish, topic, "its publish to"))
        }
        Record::Refused { wire, subscription } => {
            (*wire, connections.entry(*wire).or_default().refused(at, *subscription))
        }
    }
}

impl Connection {
    /// What the credential covers at this moment.
    fn covers(&self, at: u64) -> Option<&Covers> {
        self.granted.as_ref().filter(|(_, until)| at < *until).map(|(covers, _)| covers)
    }

    fn needs(
        &self,
        at: u64,
        list: impl Fn(&Covers) -> &Vec<Pattern>,
        topic: &Topic,
        what: &str,
    ) -> Breach {
        let patterns = self.covers(at).map(list);
        let is_covered = patterns.is_some_and(|all| all.iter().any(|it| it.matches(topic)));
        let text = || format!("is given {what} {topic}, and its rights cover {patterns:?}");
        (!is_covered).then(|| (Promise::Allowed, text()))
    }

    fn sent(&self, at: u64, topic: &Topic, subscriptions: &[u32], offset: Option<u64>) -> Breach {
        let breach = self.needs(at, |covers| &covers.subscribe, topic, "an event on");
        let is_past = |number: &u32| {
            let head = self.subscriptions.get(number).map_or(0, |(_, head)| *head);
            offset.is_some_and(|offset| offset <= head)
        };
        if breach.is_none() && subscriptions.iter().any(is_past) {
            return self.needs(at, |covers| &covers.history, topic, "a past event on");
        }
        breach
    }

    fn refused(&self, at: u64, subscription: u32) -> Breach {
        let (pattern, _) = self.subscriptions.get(&subscription)?;
        let covers = self.covers(at)?;
        let is_covered = |list: &[Pattern]| list.iter().any(|it| it.covers(pattern));
        let text = || format!("is refused {pattern}, and its rights cover it: {covers:?}");
        (is_covered(&covers.subscribe) && is_covered(&covers.history))
            .then(|| (Promise::Read, text()))
    }
}
