//! Profiles with tabs, one relay, and the links between them, in virtual time. Steps happen in the order in which they
//! are due, and the seed determines all random choices.

mod application;
mod deleting;
mod disks;
mod doubts;
mod faults;
mod keys;
mod links;
mod machine;
mod people;
mod plan;
mod reading;
mod relay;
mod scrolling;
mod sharing;
mod states;
mod tabs;
mod wires;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use model::{ClientId, Found, Outcome};

use crate::access;
use crate::check::{Promise, Violation, check};
use crate::coverage::Coverage;
use crate::history::{
    ClientNo, EventNo, History, LifeNo, ProfileNo, ReaderNo, Record, TopicNo, deletion_of,
};
use crate::mutation::Mutation;
use crate::random::Random;
use crate::wire::{Wire, WireNo};
use disks::Profile;
use keys::{Keys, Signs};
use plan::Step;
use relay::Relay;
use tabs::Tab;

/// The result of a seed.
#[derive(Debug)]
pub struct RunOutcome {
    /// The history.
    pub history: History,
    /// How often each fault has occurred in each state.
    pub coverage: Coverage,
    /// The number of publishes.
    pub publishes: u32,
    /// The number of faults.
    pub faults: u32,
    /// The number of events that tabs with a shared disk have sent from memory.
    pub spilled: u64,
    /// The verdict.
    pub verdict: Result<(), Violation>,
}

/// See the [module](self).
#[derive(Debug)]
pub struct World {
    now: u64,
    due: BinaryHeap<Reverse<Due>>,
    order: u64,
    /// The number of steps, including those that machines have requested.
    steps: u64,
    random: Random,
    history: History,
    coverage: Coverage,
    mutation: Option<Mutation>,
    traces: bool,
    relay: Relay,
    wires: Vec<Wire>,
    profiles: Vec<Profile>,
    tabs: Vec<Tab>,
    armed: Vec<faults::Armed>,
    clients: BTreeMap<ClientId, ClientNo>,
    lives: u32,
    readers: u32,
    publishes: u32,
    faults: u32,
    spilled: u64,
    /// The events that break a rule, are cancelled or expire.
    refusable: BTreeSet<EventNo>,
    /// Where profiles are really present.
    present: BTreeSet<(TopicNo, ProfileNo)>,
    /// Whether links are stable from now on.
    healed: bool,
    keys: Keys,
}

/// A step and when it is due.
#[derive(Debug)]
struct Due {
    at: u64,
    /// The order of steps that are due at the same time.
    order: u64,
    what: Happening,
}

#[derive(Debug)]
enum Happening {
    /// The next parcel of a wire arrives at the relay.
    Up(WireNo),
    /// The next parcel of a wire arrives at its tab.
    Down(WireNo),
    /// A socket opens or fails to open.
    Socket(WireNo, bool),
    /// A deadline of the tab's machine.
    TabTimer { tab: usize, life: LifeNo },
    /// A transaction of a profile's disk is done.
    Disk(usize),
    /// The response of a disk reaches a tab.
    DiskAnswers { tab: usize, life: LifeNo },
    /// A profile's disk can be written again.
    DiskWorks(usize),
    /// The page of a tab is loaded again.
    TabLoads(usize),
    /// The user reloads a page with an outbox in memory.
    TabReloads { tab: usize, life: LifeNo },
    /// A page is restored from the back/forward cache.
    TabReturns { tab: usize, life: LifeNo },
    /// A tab is notified that it has acquired or lost the lock.
    LockNews { tab: usize, life: LifeNo },
    /// A message of one tab reaches another.
    Heard { tab: usize, life: LifeNo, from: usize },
    /// A deadline of the machine of a connection.
    RelayTimer { wire: WireNo, relay: u32 },
    /// The relay's commit is done.
    Commit { relay: u32 },
    /// The results of a commit are sent.
    Tell { relay: u32, reported: Vec<(WireNo, Outcome)> },
    /// The relay has finished a read for a connection.
    Found { wire: WireNo, relay: u32, found: Found },
    /// An absent client leaves after its grace period.
    TimeIsUp { relay: u32 },
    /// Presence changes for a connection.
    News { wire: WireNo, relay: u32 },
    /// The application of a tab finishes the oldest event of a reader.
    Takes { tab: usize, life: LifeNo, reader: ReaderNo },
    /// The application requests the next page.
    Turns { tab: usize, life: LifeNo, scroll: ReaderNo },
    /// The relay has restarted.
    RelayStarts,
    /// A half-open wire fails in both directions.
    BothDead(WireNo),
    /// The relay's disk has room again.
    DiskHasRoom,
    /// A device has signed something, or could not.
    Signs { tab: usize, life: LifeNo, is_fallback: bool, what: Signs },
    /// The application of a tab makes its stopped machine continue.
    Continues { tab: usize },
    /// A step of the plan.
    Planned(Step),
    /// Links are stable from now on.
    Heal,
}

/// With stable links, everything must be settled after this time.
const PATIENCE: u64 = 30 * 60_000;
/// A world with more steps counts as never coming to rest.
const STEPS: u64 = 500_000;

impl World {
    /// Runs a seed, optionally with a deliberate bug. `traces` prints the history.
    pub fn run(seed: u64, mutation: Option<Mutation>, traces: bool) -> RunOutcome {
        let mut random = Random::new(seed);
        let streams = if random.once_in(3) { 1 } else { 2 };
        let keeps_last = streams > 1 && random.once_in(2);
        let keep_topic = keeps_last.then(|| random.between(1, 3) as usize);
        let relay = Relay::new(streams, keep_topic, mutation);
        let mut world = Self {
            now: 0,
            due: BinaryHeap::new(),
            order: 0,
            steps: 0,
            random: random.fork(),
            history: History::default(),
            coverage: Coverage::default(),
            mutation,
            traces,
            relay,
            wires: Vec::new(),
            profiles: Vec::new(),
            tabs: Vec::new(),
            armed: Vec::new(),
            clients: BTreeMap::new(),
            lives: 0,
            readers: 0,
            publishes: 0,
            faults: 0,
            spilled: 0,
            refusable: BTreeSet::new(),
            present: BTreeSet::new(),
            healed: false,
            keys: Keys::new(seed),
        };
        if let Some(count) = keep_topic {
            world.record(Record::KeepsLast { stream: 1, count });
        }
        let end = world.plan();
        world.run_until(end + PATIENCE);
        let verdict = match world.is_restless() {
            false => check(&world.history).and_then(|()| access::run(seed, mutation).verdict),
            true => Err(Violation {
                promise: Promise::Rest,
                text: "the machines do not come to rest".to_owned(),
                at: world.now,
            }),
        };
        RunOutcome {
            verdict,
            coverage: world.coverage,
            publishes: world.publishes,
            faults: world.faults,
            spilled: world.spilled,
            history: world.history,
        }
    }

    fn run_until(&mut self, end: u64) {
        while let Some(Reverse(Due { at, what, .. })) = self.due.pop() {
            let has_published = self.publishes >= plan::PUBLISHES;
            if at > end || (self.healed && has_published && self.is_quiet()) {
                return;
            }
            self.now = self.now.max(at);
            self.steps += 1;
            self.happen(what);
            if self.is_restless() {
                return;
            }
        }
    }

    /// Whether there were too many steps for the world to come to rest.
    fn is_restless(&self) -> bool {
        self.steps > STEPS
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Up(wire) => self.arrives_up(wire),
            Happening::Down(wire) => self.arrives_down(wire),
            Happening::Socket(wire, opens) => self.socket(wire, opens),
            Happening::TabTimer { tab, life } => self.tab_timer(tab, life),
            Happening::Disk(profile) => self.disk(profile),
            Happening::DiskAnswers { tab, life } => self.disk_answers(tab, life),
            Happening::DiskWorks(profile) => self.profiles[profile].works(),
            Happening::TabLoads(tab) => self.load(tab),
            Happening::TabReloads { tab, life } => self.leave_memory(tab, life),
            Happening::TabReturns { tab, life } => self.come_back(tab, life),
            Happening::LockNews { tab, life } => self.lock_news(tab, life),
            Happening::Heard { tab, life, from } => self.heard(tab, life, from),
            Happening::RelayTimer { wire, relay } => self.relay_timer(wire, relay),
            Happening::Commit { relay } => self.commit(relay),
            Happening::Tell { relay, reported } => self.tell(relay, reported),
            Happening::Found { wire, relay, found } => self.found(wire, relay, found),
            Happening::TimeIsUp { relay } => self.time_is_up(relay),
            Happening::News { wire, relay } => self.news(wire, relay),
            Happening::Takes { tab, life, reader } => self.takes(tab, life, reader),
            Happening::Turns { tab, life, scroll } => self.turns(tab, life, scroll),
            Happening::RelayStarts => self.relay.is_up = true,
            Happening::BothDead(wire) => {
                self.wires[wire].up.is_dead = true;
                self.wires[wire].down.is_dead = true;
            }
            Happening::DiskHasRoom => self.relay.peer.store.full = false,
            Happening::Signs { tab, life, is_fallback, what } => {
                self.signs(tab, life, is_fallback, what);
            }
            Happening::Continues { tab } => self.connect(tab),
            Happening::Planned(step) => self.step(step),
            Happening::Heal => self.heal(),
        }
    }

    /// Schedules a step after a delay in milliseconds.
    fn after(&mut self, wait: u64, what: Happening) {
        self.order += 1;
        self.due.push(Reverse(Due { at: self.now + wait, order: self.order, what }));
    }

    fn record(&mut self, record: Record) {
        self.say(|| format!("{record:?}"));
        self.history.push(self.now, record);
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if self.traces {
            println!("{:>9} ms  {}", self.now, text());
        }
    }

    /// The small number of a client.
    fn client_no(&mut self, client: ClientId) -> ClientNo {
        let next = self.clients.len() as ClientNo;
        *self.clients.entry(client).or_insert(next)
    }
}

/// The number in an event's id.
fn number_of(id: &str) -> EventNo {
    // A deletion, whose id ends with the position of the deleted event.
    if let Some(target) = id.strip_prefix("delete:") {
        let (stream, rest) = target.rsplit_once(':').map_or((0, target), |(_, rest)| (1, rest));
        let offset = rest.split('@').next().and_then(|offset| offset.parse().ok());
        return deletion_of(stream, offset.unwrap_or_default());
    }
    id.trim_start_matches('e').parse().unwrap_or(EventNo::MAX)
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
