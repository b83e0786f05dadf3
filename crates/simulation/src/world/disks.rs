//! The disk of a profile. Transactions are atomic and run one after the other, in the order of the tabs' requests. When
//! a page ends, its transactions that have not begun are lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::DeviceKey;
use session::Position;
use session::client::{
    Entropy, MemoryOutbox, SavedState, StoreError, StoreFailed, StoreRequest, StoreResponse,
};

use super::doubts::Doubt;
use super::sharing::Lock;
use super::{Happening, World};
use crate::history::{EventNo, LifeNo, Record};
use crate::mutation::Mutation;

/// The state that the tabs of an origin share.
#[derive(Debug)]
pub(super) struct Profile {
    /// Whether its tabs share a link. Otherwise it has a single tab.
    pub(super) shares: bool,
    pub(super) lock: Lock,
    pub(super) doubt: Doubt,
    pub(super) outbox: MemoryOutbox,
    /// The position of each application in each stream, by tab and subscription.
    pub(super) positions: BTreeMap<(usize, usize), Vec<Position>>,
    /// Where its events are stored, as its applications have learned.
    pub(super) stored: Vec<Position>,
    /// A backup of the whole state.
    pub(super) backup: MemoryOutbox,
    asked: VecDeque<Asked>,
    /// Writes fail for now.
    pub(super) fails: bool,
    /// Reads fail as well.
    pub(super) throws: bool,
    /// There are no responses for now.
    pub(super) hangs: bool,
    /// It was deleted, and nothing was written since. The first operation creates a new client.
    is_empty: bool,
    /// The key of its device, if it has one.
    pub(super) key: Option<DeviceKey>,
    /// Whether there is a certificate that covers what it signs.
    pub(super) is_certified: bool,
    /// Its disk was once restored from a backup.
    pub(super) was_restored: bool,
    /// The events that an application knows to be kept, on disk or in memory, with the last time of that.
    kept: BTreeMap<EventNo, u64>,
}

/// The timeout of a page for a response, in milliseconds.
const GIVEN_UP_AFTER: u64 = 750;

#[derive(Debug)]
struct Asked {
    tab: usize,
    life: LifeNo,
    request: StoreRequest,
}

/// The response of a tab's store.
pub(super) type Answered = Result<StoreResponse, StoreFailed>;

impl Profile {
    pub(super) fn new(saved: SavedState, shares: bool) -> Self {
        let outbox = MemoryOutbox::new(saved);
        Self {
            shares,
            lock: Lock::default(),
            doubt: Doubt::default(),
            backup: outbox.clone(),
            outbox,
            positions: BTreeMap::new(),
            stored: Vec::new(),
            asked: VecDeque::new(),
            fails: false,
            throws: false,
            hangs: false,
            is_empty: false,
            key: None,
            is_certified: true,
            was_restored: false,
            kept: BTreeMap::new(),
        }
    }

    /// Ends the faults of the disk.
    pub(super) fn works(&mut self) {
        (self.fails, self.throws, self.hangs) = (false, false, false);
    }

    /// Whether this operation fails.
    fn refuses(&self, request: &StoreRequest) -> bool {
        let reads = matches!(request, StoreRequest::Load) && !self.is_empty;
        self.throws || self.hangs || (self.fails && !reads)
    }

    /// Whether a page that begins now works without it.
    pub(super) fn refuses_pages(&self) -> bool {
        self.refuses(&StoreRequest::Load)
    }

    /// Whether no transaction is pending.
    pub(super) fn is_quiet(&self) -> bool {
        self.asked.is_empty()
    }

    /// Whether a page of this tab has a pending transaction.
    pub(super) fn is_asked_by(&self, tab: usize) -> bool {
        self.asked.iter().any(|asked| asked.tab == tab)
    }

    /// Records that an application knows this event to be kept. Returns whether that is new.
    pub(super) fn keep(&mut self, event: EventNo, now: u64) -> bool {
        self.kept.insert(event, now).is_none()
    }

    /// Whether an application knows this event to be kept. The promises cover outcomes only after that.
    pub(super) fn knows(&self, event: EventNo) -> bool {
        self.kept.contains_key(&event)
    }

    /// Its client id.
    pub(super) fn client(&self) -> [u8; 16] {
        self.outbox.saved().client
    }

    /// Whether it knows the event that the relay has decided last.
    pub(super) fn knows_decided(&self, number: u64, id: Option<&str>) -> bool {
        let saved = self.outbox.saved();
        let row = saved.rows.iter().find(|row| row.number == number).map(|row| &*row.id);
        let (decided, decided_id) = &saved.decided;
        number < *decided
            || id.is_none()
            || row == id
            || (number == *decided && id == Some(decided_id))
    }

    /// The events with rows.
    pub(super) fn rows(&self) -> BTreeSet<EventNo> {
        events(self.outbox.saved())
    }
}

fn events(saved: &SavedState) -> BTreeSet<EventNo> {
    saved.rows.iter().map(|row| super::number_of(&row.id)).collect()
}

impl World {
    pub(super) fn ask_disk(&mut self, tab: usize, request: StoreRequest) {
        let (profile, life) = (self.tabs[tab].profile, self.tabs[tab].life);
        if let Some(memory) = &mut self.tabs[tab].memory {
            let answer = memory.run(request);
            self.tabs[tab].answers.push_back(Ok(answer));
            let wait = self.random.below(3);
            return self.after(wait, Happening::DiskAnswers { tab, life });
        }
        self.say(|| format!("tab {tab} asks its disk: {request:?}"));
        let asked = &mut self.profiles[profile].asked;
        asked.push_back(Asked { tab, life, request });
        if asked.len() == 1 {
            self.begin_transaction(profile);
        }
    }

    fn begin_transaction(&mut self, profile: usize) {
        let slow = self.random.once_in(25);
        let wait = match (self.profiles[profile].hangs, slow) {
            (true, _) => GIVEN_UP_AFTER,
            (false, true) => self.random.between(30, 600),
            (false, false) => self.random.between(1, 6),
        };
        self.after(wait, Happening::Disk(profile));
    }

    /// A transaction of a profile's disk is done.
    pub(super) fn disk(&mut self, number: usize) {
        let profile = &mut self.profiles[number];
        let Some(Asked { tab, life, request }) = profile.asked.pop_front() else { return };
        let goes_on = !profile.asked.is_empty();
        if goes_on {
            self.begin_transaction(number);
        }
        let answer = if self.profiles[number].refuses(&request) {
            Err(StoreFailed { asked: request, error: StoreError::Full })
        } else {
            let renews = matches!(request, StoreRequest::Renew { .. });
            let answer = self.transact(number, request);
            if renews {
                self.weigh_doubts();
            }
            Ok(answer)
        };
        if self.tabs[tab].life == life {
            self.tabs[tab].answers.push_back(answer);
            let wait = self.random.below(3);
            self.after(wait, Happening::DiskAnswers { tab, life });
        }
    }

    fn transact(&mut self, number: usize, mut request: StoreRequest) -> StoreResponse {
        let kept: Vec<EventNo> = match &request {
            StoreRequest::Keep { rows, .. } => {
                rows.iter().map(|row| super::number_of(&row.id)).collect()
            }
            _ => Vec::new(),
        };
        let uses_twice = self.mutation == Some(Mutation::NumberUsedTwice);
        if uses_twice && let StoreRequest::Keep { at_least, .. } = &mut request {
            *at_least = 0;
        }
        let profile = &mut self.profiles[number];
        if self.mutation == Some(Mutation::MarksRowsOfAnotherClient)
            && let StoreRequest::Keep { client, .. } = &mut request
        {
            *client = profile.client();
        }
        profile.is_empty = false;
        let mut answer = profile.outbox.run(request);
        if let StoreResponse::Loaded(saved) = &mut answer
            && self.mutation == Some(Mutation::DiskForgetsToSign)
        {
            saved.rows.iter_mut().for_each(|row| row.sign_by = None);
        }
        if !kept.is_empty() && uses_twice {
            let mut saved = profile.outbox.saved().clone();
            saved.next -= 1;
            profile.outbox = MemoryOutbox::new(saved);
        }
        for event in kept {
            if self.profiles[number].keep(event, self.now) {
                self.record(Record::Kept { profile: number as u32, event });
                self.say_refusable(event);
            }
        }
        if self.random.once_in(10) {
            let profile = &mut self.profiles[number];
            profile.backup = profile.outbox.clone();
        }
        answer
    }

    /// The disk's next response reaches a tab.
    pub(super) fn disk_answers(&mut self, tab: usize, life: LifeNo) {
        if self.tabs[tab].life != life {
            return;
        }
        if let Some(wait) = self.stands_still(tab) {
            return self.after(wait, Happening::DiskAnswers { tab, life });
        }
        if let Some(answer) = self.tabs[tab].answers.pop_front() {
            self.with_machine(tab, |machine, now| machine.answer(answer, now));
        }
    }

    /// Marks events that may be rejected.
    pub(super) fn say_refusable(&mut self, event: EventNo) {
        if self.refusable.contains(&event) {
            self.record(Record::Refusable { event });
        }
    }

    /// A page has ended. Only those of its transactions are done that began soon enough.
    pub(super) fn abandon_disk(&mut self, tab: usize) {
        let (profile, life) = (self.tabs[tab].profile, self.tabs[tab].life);
        let mut done = self.random.below(4);
        self.profiles[profile].asked.retain(|asked| {
            let is_done = asked.tab != tab || asked.life != life || done > 0;
            done = done.saturating_sub(u64::from(asked.tab == tab));
            is_done
        });
        self.tabs[tab].answers.clear();
    }

    /// The data of a profile's disk is deleted. The next operation creates a new client.
    pub(super) fn delete(&mut self, number: usize) {
        let mut before = self.profiles[number].rows();
        // A page that does not know the outcome of an event yet cannot find it there. This holds for events that it
        // waits for and for those that it does not know yet.
        for tab in self.tabs.iter_mut().filter(|tab| tab.profile == number) {
            let since = tab.shared.heard_up_to(self.now);
            let kept = self.profiles[number].kept.iter().filter(|(_, at)| **at >= since);
            before.extend(kept.map(|(event, _)| *event));
            if let Some(machine) = tab.machine.as_mut().filter(|_| tab.memory.is_none()) {
                let waiting = machine.client().outbox().filter(|row| row.number > 0);
                before.extend(waiting.map(|row| super::number_of(&row.id)));
            }
        }
        let mut random = self.random.fork();
        let mut entropy: Entropy = Box::new(move |bytes| random.fill(bytes));
        let profile = &mut self.profiles[number];
        (profile.outbox, profile.is_empty) =
            (MemoryOutbox::new(SavedState::new(&mut entropy)), true);
        for event in before {
            self.record(Record::Wiped { profile: number as u32, event });
        }
        self.weigh_doubts();
    }

    /// A profile's disk is restored from a backup.
    pub(super) fn restore(&mut self, number: usize) {
        let is_orphan = self.is_orphan(&self.profiles[number].backup.saved().client);
        let profile = &mut self.profiles[number];
        let before = profile.rows();
        let is_other = is_orphan || profile.backup.saved().client != profile.outbox.saved().client;
        (profile.outbox, profile.is_empty) = (profile.backup.clone(), false);
        profile.was_restored = true;
        let after = profile.rows();
        profile.asked.clear();
        for event in before.difference(&after).copied() {
            self.record(Record::Wiped { profile: number as u32, event });
        }
        for event in after {
            self.record(Record::Restored { profile: number as u32, event, is_other });
        }
    }

    /// A second machine starts with a copy of a profile's disk.
    pub(super) fn clone_profile(&mut self, number: usize) -> usize {
        let saved = self.profiles[number].outbox.saved().clone();
        let kept = events(&saved);
        let mut copy = Profile::new(saved, self.profiles[number].shares);
        copy.kept.extend(kept.iter().map(|event| (*event, self.now)));
        copy.key = self.key_of_copy(number);
        self.profiles.push(copy);
        let profile = self.profiles.len() - 1;
        for event in kept {
            self.record(Record::Copied { profile: profile as u32, event });
        }
        self.new_tab(profile);
        profile
    }
}
