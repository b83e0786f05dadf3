//! Faults, and the states of a tab in which they occur.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The connection breaks, and both ends notice.
    Cut,
    /// The tab sees its connection break. Its sent frames arrive much later, after its first frames on the next
    /// connection.
    CutLate,
    /// Silently, nothing reaches the relay from now on, and later nothing reaches the tab either.
    HalfOpenUp,
    /// The same in the other direction.
    HalfOpenDown,
    /// Both directions stall for a while.
    Stall,
    /// The relay crashes between any two of its steps.
    RelayCrash,
    /// The relay's machine crashes, and its disk loses the last writes although it has confirmed them.
    TailLost,
    /// The relay shuts down gracefully.
    RelayRestart,
    /// The relay's disk is full for a while.
    DiskFull,
    /// The relay drops its oldest events.
    Trim,
    /// The relay forgets the tab's client.
    Forgotten,
    /// The tab's clock jumps ahead by minutes because its machine was suspended.
    ClockJump,
    /// The tab is reloaded. Unfinished disk operations are lost.
    Reload,
    /// The tab is frozen for a while.
    Freeze,
    /// The tab's wall clock is set forwards or back.
    WallClock,
    /// The disk of the tab's profile refuses writes for a while.
    OutboxFails,
    /// The disk of the tab's profile refuses reads and writes for a while.
    OutboxThrows,
    /// The same, but each operation fails only after some time without a response.
    OutboxHangs,
    /// The data of the tab's profile is deleted while its pages use it.
    OutboxDeleted,
    /// The tab is reloaded without access to a disk, so its outbox is in memory.
    OutboxRefused,
    /// The tab is reloaded and finds its profile's disk empty and without room.
    OutboxFullAtFirst,
    /// Another machine starts with a copy of the tab's profile.
    Cloned,
    /// The tab's profile is restored from a backup.
    Restored,
    /// The page is put into the back/forward cache for a while and then restored.
    Rest,
    /// Messages from other tabs arrive seconds late.
    Deaf,
}

impl Fault {
    /// All variants.
    pub const ALL: [Self; 25] = [
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
        Self::OutboxThrows,
        Self::OutboxHangs,
        Self::OutboxDeleted,
        Self::OutboxRefused,
        Self::OutboxFullAtFirst,
        Self::Cloned,
        Self::Restored,
        Self::Rest,
        Self::Deaf,
    ];

    /// Whether it is a fault of a connection.
    pub fn is_of_a_link(self) -> bool {
        use Fault::{Cut, CutLate, HalfOpenDown, HalfOpenUp, Stall};
        matches!(self, Cut | CutLate | HalfOpenUp | HalfOpenDown | Stall)
    }

    /// Whether it occurs only in tabs that share a profile.
    pub fn is_of_tabs(self) -> bool {
        matches!(self, Self::Rest | Self::Deaf)
    }
}

/// The phase of a tab's link, for a single tab or a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It waits for the next attempt.
    Waiting,
    /// A socket is being opened.
    Opening,
    /// It has sent hello.
    Greeting,
    /// It catches up.
    CatchingUp,
    /// It has unacked publishes.
    Unanswered,
    /// It is idle.
    Idle,
    /// It has been stopped.
    Stopped,
}

impl Phase {
    /// All variants.
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

/// The role of a tab among the tabs of its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// It holds the lock and is reading the disk.
    TakingOver,
    /// It leads and has the link.
    Leader,
    /// Its lock was stolen, and it does not know that yet.
    Deposed,
    /// It follows without a link, because there is no link or no leader.
    Follower,
    /// It follows and uses the leader's link.
    LinkedFollower,
    /// Its page is in the back/forward cache.
    Away,
}

impl Role {
    /// All variants.
    pub const ALL: [Self; 6] = [
        Self::TakingOver,
        Self::Leader,
        Self::Deposed,
        Self::Follower,
        Self::LinkedFollower,
        Self::Away,
    ];
}

/// The state in which a fault occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultState {
    /// The phase of a link.
    Link(Phase),
    /// The role of a tab.
    Part(Role),
}

impl FaultState {
    /// All variants.
    pub fn all() -> impl Iterator<Item = Self> {
        Phase::ALL.map(Self::Link).into_iter().chain(Role::ALL.map(Self::Part))
    }
}
