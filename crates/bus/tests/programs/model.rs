//! The simplest model of a bus: a list of subscriptions and a list of events, without routes.

use std::collections::{HashMap, VecDeque};

use crate::generate::{Command, EVENTS, SUBSCRIPTIONS};

struct Subscription<'p> {
    pattern: &'p str,
    priority: i32,
    group: Option<&'p str>,
    fails: bool,
    script: &'p [Command],
    ended: bool,
}

#[derive(Default)]
struct Model<'p> {
    subscriptions: Vec<Subscription<'p>>,
    /// Topics and numbers of the events that wait for their turns.
    waiting: VecDeque<(&'p str, usize)>,
    published: usize,
    turns: HashMap<&'p str, usize>,
    log: Vec<String>,
}

/// The calls of handlers with their events, and the failures without a handler.
pub fn run(program: &[Command]) -> Vec<String> {
    let mut model = Model::default();
    for command in program {
        model.execute(command);
        while let Some((topic, number)) = model.waiting.pop_front() {
            model.deliver(topic, number);
        }
    }
    model.log
}

impl<'p> Model<'p> {
    fn execute(&mut self, command: &'p Command) {
        match command {
            Command::Subscribe { .. } if self.subscriptions.len() == SUBSCRIPTIONS => {}
            Command::Subscribe { pattern, priority, group, fails, script } => {
                let (priority, group, fails) = (*priority, *group, *fails);
                self.subscriptions.push(Subscription {
                    pattern,
                    priority,
                    group,
                    fails,
                    script,
                    ended: false,
                });
            }
            Command::End(id) => {
                if let Some(subscription) = self.subscriptions.get_mut(*id) {
                    subscription.ended = true;
                }
                // A group ends with its last member.
                let all = &self.subscriptions;
                let stands = |group| all.iter().any(|one| one.group == Some(group) && !one.ended);
                self.turns.retain(|group, _| stands(*group));
            }
            Command::Publish(topic) if self.published < EVENTS => {
                self.waiting.push_back((topic, self.published));
                self.published += 1;
            }
            Command::Publish(_) => {}
        }
    }

    fn deliver(&mut self, topic: &'p str, number: usize) {
        let matching = self.matching(topic);
        let mut groups_served = Vec::new();
        for &id in &matching {
            let Some(group) = self.subscriptions[id].group else {
                self.call(id, topic, number);
                continue;
            };
            if groups_served.contains(&group) {
                continue;
            }
            groups_served.push(group);
            let members = matching.iter().copied().filter(|id| {
                let member = &self.subscriptions[*id];
                member.group == Some(group) && !member.ended
            });
            let members: Vec<usize> = members.collect();
            if !members.is_empty() {
                let turn = self.turns.entry(group).or_default();
                let chosen = members[*turn % members.len()];
                *turn += 1;
                self.call(chosen, topic, number);
            }
        }
    }

    /// The live subscriptions, in order.
    fn matching(&self, topic: &str) -> Vec<usize> {
        let stands = |id: &usize| {
            let subscription = &self.subscriptions[*id];
            !subscription.ended && matches(subscription.pattern, topic)
        };
        let mut matching: Vec<usize> = (0..self.subscriptions.len()).filter(stands).collect();
        matching.sort_by_key(|id| -self.subscriptions[*id].priority);
        matching
    }

    fn call(&mut self, id: usize, topic: &'p str, number: usize) {
        if self.subscriptions[id].ended {
            return;
        }
        self.log.push(format!("{id} {topic} {number}"));
        for command in self.subscriptions[id].script {
            self.execute(command);
        }
        if self.subscriptions[id].fails {
            if topic == "$bus.error" || self.matching("$bus.error").is_empty() {
                self.log.push(format!("{id} failed"));
            } else {
                self.waiting.push_back(("$bus.error", number));
            }
        }
    }
}

fn matches(pattern: &str, topic: &str) -> bool {
    if topic.starts_with('$') && (pattern.starts_with('*') || pattern.starts_with('>')) {
        return false;
    }
    let (pattern, topic): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), topic.split('.').collect());
    let tail = pattern.last() == Some(&">");
    let literal = pattern.len() - usize::from(tail);
    let fits = if tail { topic.len() > literal } else { topic.len() == literal };
    fits && pattern[..literal].iter().zip(&topic).all(|(want, token)| *want == "*" || want == token)
}
