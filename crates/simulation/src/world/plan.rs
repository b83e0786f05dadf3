//! The plan of a seed: profiles, publishes and faults.

use super::disks::Profile;
use super::{Happening, World};
use crate::fault::{Fault, FaultState, Phase, Role};
use session::client::{Entropy, SavedState};

/// A step of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A random tab publishes some events.
    Publish(u32),
    /// A random tab deletes an event.
    Delete,
    /// A random tab begins to page backwards.
    Scroll,
    /// The user of a random tab joins or leaves a topic.
    Move,
    /// A fault occurs as soon as a tab is in this state.
    Break(Fault, FaultState),
    /// The relay no longer accepts a client's credential.
    Refuse,
    /// The faults that are missing for the minimum occur now.
    BreakMissing,
    /// The certificate of a profile's key ends or is replaced.
    Certify(usize),
    /// A tab's device has another certificate.
    SignAgain(usize),
    /// The key of a profile is revoked, and the profile makes another one.
    Revoke(usize),
    /// An attacker says a hello that it has overheard, perhaps with changes.
    Impersonate,
}

/// The fewest publishes of a seed.
pub(super) const PUBLISHES: u32 = 200;
/// The fewest faults of a seed.
const FAULTS: u32 = 5;
/// The time from the first to the last step.
const LENGTH: u64 = 90_000;

impl World {
    /// Makes the plan and returns the time from which links are stable.
    pub(super) fn plan(&mut self) -> u64 {
        for profile in 0..self.random.between(2, 3) as usize {
            let mut random = self.random.fork();
            let mut entropy: Entropy = Box::new(move |bytes| random.fill(bytes));
            let shares = !self.random.once_in(3);
            self.profiles.push(Profile::new(SavedState::new(&mut entropy), shares));
            let tabs = if shares { *self.random.of(&[1, 2, 2, 3]) } else { 1 };
            for _ in 0..tabs {
                self.new_tab(profile);
            }
        }
        self.plan_keys(LENGTH);
        let mut planned = 0;
        while planned < PUBLISHES {
            let count = if self.random.once_in(6) { self.random.between(5, 25) } else { 1 };
            planned += count as u32;
            let at = self.random.below(LENGTH);
            self.after(at, Happening::Planned(Step::Publish(count as u32)));
        }
        for _ in 0..self.random.between(2, 6) {
            let at = self.random.below(LENGTH);
            self.after(at, Happening::Planned(Step::Scroll));
            let at = self.random.below(LENGTH);
            self.after(at, Happening::Planned(Step::Move));
        }
        for _ in 0..self.random.between(4, 16) {
            let at = self.random.below(LENGTH);
            self.after(at, Happening::Planned(Step::Delete));
        }
        let states: Vec<FaultState> = FaultState::all().collect();
        for _ in 0..self.random.between(6, 24) {
            let (fault, state) = (*self.random.of(&Fault::ALL), *self.random.of(&states));
            let at = self.random.between(1_000, LENGTH);
            self.after(at, Happening::Planned(Step::Break(fault, state)));
            // Some states occur only on purpose.
            let before = match state {
                FaultState::Part(Role::TakingOver | Role::Deposed) => {
                    Step::Break(Fault::Freeze, FaultState::Part(Role::Leader))
                }
                FaultState::Part(Role::Away) => {
                    Step::Break(Fault::Rest, FaultState::Part(Role::LinkedFollower))
                }
                FaultState::Link(Phase::Stopped) => Step::Refuse,
                _ => continue,
            };
            self.after(at, Happening::Planned(before));
        }
        self.after(LENGTH - 10_000, Happening::Planned(Step::BreakMissing));
        self.after(LENGTH, Happening::Heal);
        LENGTH
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Publish(count) => {
                if !self.publish_some(count) {
                    self.after(200, Happening::Planned(step));
                }
            }
            Step::Delete => {
                if !self.delete_some() {
                    self.after(500, Happening::Planned(step));
                }
            }
            Step::Scroll => {
                if let Some(tab) = self.some_running() {
                    self.scroll(tab);
                }
            }
            Step::Move => {
                if let Some(tab) = self.some_running() {
                    self.moves(tab);
                }
            }
            Step::Break(fault, state) => self.arm(fault, state),
            Step::Refuse => self.refuse_some(),
            Step::BreakMissing => self.break_missing(),
            Step::Certify(profile) => self.certify(profile),
            Step::SignAgain(tab) => self.sign_again(tab),
            Step::Revoke(profile) => self.revoke(profile),
            Step::Impersonate => self.impersonate(),
        }
    }

    fn break_missing(&mut self) {
        if self.faults >= FAULTS || self.healed {
            return;
        }
        let fault = *self.random.of(&Fault::ALL);
        let tab = self.random.below(self.tabs.len() as u64) as usize;
        if let Some(phase) = self.phase(tab) {
            self.arm(fault, FaultState::Link(phase));
        }
        self.after(300, Happening::Planned(Step::BreakMissing));
    }
}
