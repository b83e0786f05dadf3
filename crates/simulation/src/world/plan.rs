//! What a seed is going to do: who is there, what is published when, and what breaks.

use super::disks::Profile;
use super::{Happening, World};
use crate::fault::{Fault, Phase};
use crate::history::TopicNo;
use session::client::{Entropy, Saved};

/// Something that the plan says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Some tab publishes so many events.
    Publish(u32),
    /// Something breaks, if it can when a tab does this; else a little later.
    Break(Fault, Phase),
    /// What is missing of the fewest faults breaks now.
    BreakMissing,
    /// The application of a tab says go on.
    Connect(usize),
}

/// The fewest publishes of a seed.
pub(super) const PUBLISHES: u32 = 200;
/// The fewest faults of a seed.
const FAULTS: u32 = 5;
/// From the first step to the last.
const LENGTH: u64 = 90_000;

impl World {
    /// Plans all of it, and says when links will hold.
    pub(super) fn plan(&mut self) -> u64 {
        for profile in 0..self.random.between(2, 3) as usize {
            let mut random = self.random.fork();
            let mut entropy: Entropy = Box::new(move |bytes| random.fill(bytes));
            self.profiles.push(Profile::new(Saved::new(&mut entropy)));
            self.new_tab(profile);
        }
        let mut planned = 0;
        while planned < PUBLISHES {
            let count = if self.random.once_in(6) { self.random.between(5, 25) } else { 1 };
            planned += count as u32;
            let at = self.random.below(LENGTH);
            self.after(at, Happening::Planned(Step::Publish(count as u32)));
        }
        for _ in 0..self.random.between(6, 24) {
            let (fault, phase) = (*self.random.of(&Fault::ALL), *self.random.of(&Phase::ALL));
            let at = self.random.between(1_000, LENGTH);
            self.after(at, Happening::Planned(Step::Break(fault, phase)));
        }
        self.after(LENGTH - 10_000, Happening::Planned(Step::BreakMissing));
        self.after(LENGTH, Happening::Heal);
        LENGTH
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Publish(count) => self.publish_some(count),
            Step::Break(fault, phase) => self.arm(fault, phase),
            Step::BreakMissing => self.break_missing(),
            Step::Connect(tab) => self.connect(tab),
        }
    }

    fn break_missing(&mut self) {
        if self.faults >= FAULTS || self.healed {
            return;
        }
        let tab = self.random.below(self.tabs.len() as u64) as usize;
        let fault = *self.random.of(&Fault::ALL);
        if let Some(phase) = self.phase(tab) {
            self.arm(fault, phase);
        }
        self.after(300, Happening::Planned(Step::BreakMissing));
    }

    pub(super) fn publish_some(&mut self, count: u32) {
        let loaded: Vec<usize> = (0..self.tabs.len())
            .filter(|tab| {
                self.tabs[*tab].machine.is_some() && self.tabs[*tab].frozen_until <= self.now
            })
            .collect();
        if loaded.is_empty() {
            return self.after(200, Happening::Planned(Step::Publish(count)));
        }
        let tab = *self.random.of(&loaded);
        for _ in 0..count {
            let topic = if self.random.once_in(40) { 4 } else { self.random.below(4) as TopicNo };
            self.publish(tab, topic);
        }
    }
}
