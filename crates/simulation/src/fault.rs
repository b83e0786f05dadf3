//! What breaks, what a tab is doing when it breaks, and how often the two have met.

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
    /// The disk of the tab's profile is neither read nor written for a while.
    OutboxThrows,
    /// The same, and each operation is given up only after some time without an answer.
    OutboxHangs,
    /// What the disk of the tab's profile holds is deleted while its pages use it.
    OutboxDeleted,
    /// The tab is reloaded, and is refused a disk: it has an outbox in memory.
    OutboxRefused,
    /// The tab is reloaded, finds nothing on its profile's disk, and no room for anything.
    OutboxFullAtFirst,
    /// Another machine starts with a copy of the tab's profile.
    Cloned,
    /// The tab's profile is what it was when it was backed up.
    Restored,
    /// The page is put away for a while, and comes back as it was.
    Rest,
    /// What the other tabs say reaches the tab seconds later.
    Deaf,
}

impl Fault {
    /// All of them.
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

    /// Whether it is one of a connection.
    pub fn is_of_a_link(self) -> bool {
        use Fault::{Cut, CutLate, HalfOpenDown, HalfOpenUp, Stall};
        matches!(self, Cut | CutLate | HalfOpenUp | HalfOpenDown | Stall)
    }

    /// Whether only a tab that shares its profile with others can have it.
    pub fn is_of_tabs(self) -> bool {
        matches!(self, Self::Rest | Self::Deaf)
    }
}

/// What a tab does with its link, alone or as the leader of others.
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

/// What a tab is among those of its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// It has the lock, and asks the disk what there is.
    TakingOver,
    /// It has the link.
    Leader,
    /// Its lock was stolen, and it was not told yet.
    Deposed,
    /// It follows, and has no place on a link: there is none, or nobody who leads.
    Follower,
    /// It follows, and reads over the leader's link.
    Guest,
    /// Its page has been put away.
    Away,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::TakingOver, Self::Leader, Self::Deposed, Self::Follower, Self::Guest, Self::Away];
}

/// What a fault can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Of a link.
    Link(Phase),
    /// Of a tab among others.
    Part(Role),
}

impl State {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Phase::ALL.map(Self::Link).into_iter().chain(Role::ALL.map(Self::Part))
    }
}
