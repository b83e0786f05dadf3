//! Stored events of this page that its subscriptions deliver, or pass by.

use topic::Topic;

use super::{Client, Effect, Outcome};
use crate::Position;

/// In the order of their answers.
#[derive(Debug, Default)]
pub(super) struct Expected(Vec<ExpectedEvent>);

#[derive(Debug)]
struct ExpectedEvent {
    id: String,
    topic: Topic,
    position: Position,
}

/// The maximum number of expected events. The oldest beyond that are reported as passed.
const MAX_EXPECTED: usize = 1_024;

impl Client {
    /// Whether subscriptions of this page match a settled event that is in the log. If so, [`Effect::Passed`] follows
    /// once they have read past it.
    pub(crate) fn expect(&mut self, id: &str, topic: &Topic, outcome: &Outcome) -> bool {
        let Outcome::Stored(position, _) = outcome else { return false };
        if !self.subscriptions.match_topic(topic) {
            return false;
        }
        let expected = &mut self.expected.0;
        let (id, topic, position) = (id.to_owned(), topic.clone(), position.clone());
        expected.push(ExpectedEvent { id, topic, position });
        if expected.len() > MAX_EXPECTED {
            let ExpectedEvent { id, .. } = expected.remove(0);
            self.effects.push_back(Effect::Passed { id });
        }
        true
    }

    /// Reports the expected events that all subscriptions have read past.
    pub(super) fn pass(&mut self) {
        let Self { expected, subscriptions, effects, .. } = self;
        let is_passed =
            |event: &mut ExpectedEvent| subscriptions.have_passed(&event.topic, &event.position);
        let passed = expected.0.extract_if(.., is_passed);
        effects.extend(passed.map(|event| Effect::Passed { id: event.id }));
    }
}
