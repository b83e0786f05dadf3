//! How often each fault has occurred in each state.

use std::fmt;

use crate::fault::{Fault, FaultState, Phase, Role};

/// See the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    met: [[u64; STATES]; Fault::ALL.len()],
}

const STATES: usize = Phase::ALL.len() + Role::ALL.len();

fn column(state: FaultState) -> usize {
    match state {
        FaultState::Link(phase) => phase as usize,
        FaultState::Part(role) => Phase::ALL.len() + role as usize,
    }
}

impl Coverage {
    /// Counts an occurrence.
    pub fn add(&mut self, fault: Fault, state: FaultState) {
        self.met[fault as usize][column(state)] += 1;
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.met.iter_mut().flatten().zip(other.met.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// How often this fault has occurred in this state.
    pub fn of(&self, fault: Fault, state: FaultState) -> u64 {
        self.met[fault as usize][column(state)]
    }

    /// The reason if this fault cannot occur in this state.
    pub fn impossible(fault: Fault, state: FaultState) -> Option<&'static str> {
        let has_no_link = matches!(
            state,
            FaultState::Link(Phase::Waiting | Phase::Opening | Phase::Stopped)
                | FaultState::Part(
                    Role::TakingOver | Role::Follower | Role::LinkedFollower | Role::Away
                )
        );
        if has_no_link && fault.is_of_a_link() {
            return Some("there is no connection that could break");
        }
        let does_nothing = matches!(fault, Fault::Rest | Fault::Deaf | Fault::Freeze);
        (state == FaultState::Part(Role::Away) && does_nothing)
            .then_some("the page neither runs nor hears anything")
    }

    /// The possible pairs that have occurred less often than this.
    pub fn below(&self, least: u64) -> Vec<(Fault, FaultState, u64)> {
        let pairs = Fault::ALL
            .into_iter()
            .flat_map(|fault| FaultState::all().map(move |state| (fault, state)));
        pairs
            .filter(|(fault, state)| Self::impossible(*fault, *state).is_none())
            .map(|(fault, state)| (fault, state, self.of(fault, state)))
            .filter(|(.., met)| *met < least)
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:18}", "")?;
        for state in FaultState::all() {
            let name = match state {
                FaultState::Link(phase) => format!("{phase:?}"),
                FaultState::Part(role) => format!("{role:?}"),
            };
            write!(out, "{name:>11}")?;
        }
        for fault in Fault::ALL {
            write!(out, "\n{:18}", format!("{fault:?}"))?;
            for state in FaultState::all() {
                match Self::impossible(fault, state) {
                    Some(_) => write!(out, "{:>11}", "-")?,
                    None => write!(out, "{:>11}", self.of(fault, state))?,
                }
            }
        }
        Ok(())
    }
}
