//! What breaks, what a tab is doing when it breaks, and how often the two have met.

use std::fmt;

/// Something that breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The connection breaks, and both ends see it.
    Cut,
    /// The tab sees its connection break; what it had sent arrives much later, after what it says on the
    /// next one.
    CutLate,
    /// Nothing reaches the relay any more, and nobody is told; later nothing reaches the tab either.
    HalfOpenUp,
    /// The same, the other way round.
    HalfOpenDown,
    /// Both directions stand still for a while.
    Stall,
    /// The relay dies, between any two of its steps.
    RelayCrash,
    /// The relay's machine dies, and its disk had lied about the last writes.
    TailLost,
    /// The relay shuts down in good order.
    RelayRestart,
    /// The relay's disk is full for a while.
    DiskFull,
    /// The relay drops its oldest events.
    Trim,
    /// The relay forgets the tab's client.
    Forgotten,
    /// The tab's clock is ahead at once by minutes: its machine slept.
    ClockJump,
    /// The tab is reloaded; what it had asked of the disk and was not done is lost.
    Reload,
    /// The tab does nothing for a while.
    Freeze,
    /// The clock on the tab's wall is set, forwards or back.
    WallClock,
    /// The disk of the tab's profile takes no writes for a while.
    OutboxFails,
    /// Another machine starts with a copy of the tab's profile.
    Cloned,
    /// The tab's profile is what it was when it was backed up.
    Restored,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Cut,
        Self::CutLate,
        Self::HalfOpenUp,
        Self::HalfOpenDown,
        Self::Stall,
        Self::RelayCrash,
        Self::TailLost,
        Self::RelayRestart,
        Self::DiskFull,
        Self::Trim,
        Self::Forgotten,
        Self::ClockJump,
        Self::Reload,
        Self::Freeze,
        Self::WallClock,
        Self::OutboxFails,
        Self::Cloned,
        Self::Restored,
    ];
}

/// What a tab's machine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It waits for the next try.
    Waiting,
    /// A socket is being opened.
    Opening,
    /// It has said hello.
    Greeting,
    /// It reads what it has missed.
    CatchingUp,
    /// It has publishes without an answer.
    Unanswered,
    /// All is said.
    Idle,
    /// It was told to stop.
    Stopped,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Opening,
        Self::Greeting,
        Self::CatchingUp,
        Self::Unanswered,
        Self::Idle,
        Self::Stopped,
    ];
}

/// How often each fault met each phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    met: [[u64; Phase::ALL.len()]; Fault::ALL.len()],
}

impl Coverage {
    /// Counts one.
    pub fn add(&mut self, fault: Fault, phase: Phase) {
        self.met[fault as usize][phase as usize] += 1;
    }

    /// Adds those of another run.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.met.iter_mut().flatten().zip(other.met.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// How often these met.
    pub fn of(&self, fault: Fault, phase: Phase) -> u64 {
        self.met[fault as usize][phase as usize]
    }

    /// Why these two cannot meet, if they cannot.
    pub fn impossible(fault: Fault, phase: Phase) -> Option<&'static str> {
        use Fault::{Cut, CutLate, HalfOpenDown, HalfOpenUp, Stall};
        let has_no_link = matches!(phase, Phase::Waiting | Phase::Opening | Phase::Stopped);
        let is_of_a_link = matches!(fault, Cut | CutLate | HalfOpenUp | HalfOpenDown | Stall);
        (has_no_link && is_of_a_link).then_some("there is no connection that could break")
    }

    /// The pairs that can meet, and did so less often than this.
    pub fn below(&self, least: u64) -> Vec<(Fault, Phase, u64)> {
        let pairs = Fault::ALL.into_iter().flat_map(|fault| Phase::ALL.map(|phase| (fault, phase)));
        pairs
            .filter(|(fault, phase)| Self::impossible(*fault, *phase).is_none())
            .map(|(fault, phase)| (fault, phase, self.of(fault, phase)))
            .filter(|(.., met)| *met < least)
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:14}", "")?;
        for phase in Phase::ALL {
            write!(out, "{:>12}", format!("{phase:?}"))?;
        }
        for fault in Fault::ALL {
            write!(out, "\n{:14}", format!("{fault:?}"))?;
            for phase in Phase::ALL {
                match Self::impossible(fault, phase) {
                    Some(_) => write!(out, "{:>12}", "-")?,
                    None => write!(out, "{:>12}", self.of(fault, phase))?,
                }
            }
        }
        Ok(())
    }
}
