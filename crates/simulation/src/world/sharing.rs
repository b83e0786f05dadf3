//! What the tabs of a profile share besides its disk: a lock, and a broadcast channel that keeps the order of each
//! sender's messages.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::links::Link;
use super::{Happening, World};
use crate::history::LifeNo;
use crate::mutation::Mutation;

/// A lock that behaves like a Web Lock: its holder learns some time later that it was stolen.
#[derive(Debug, Default)]
pub(super) struct Lock {
    holder: Option<Request>,
    waiting: VecDeque<Request>,
}

/// A tab's request for the lock. Only its newest one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Request {
    tab: usize,
    number: u32,
}

/// A tab's view of lock and channel.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The number of its requests.
    request: u32,
    /// Requests that were granted or lost, of which the tab does not know yet.
    lock_news: VecDeque<(u32, bool)>,
    lock_news_at: u64,
    /// The messages that it has not received yet, by sender.
    inbox: BTreeMap<usize, Line>,
    /// It receives nothing before this time.
    pub(super) deaf_until: u64,
    /// The deliberate bug: it has lost the lock and continues to lead.
    pub(super) is_stale: bool,
}

#[derive(Debug, Default)]
struct Line {
    /// Messages with their times.
    messages: VecDeque<(u64, Arc<[u8]>)>,
    /// The earliest arrival of the next message.
    last: u64,
}

impl Lock {
    pub(super) fn is_held_by(&self, tab: usize) -> bool {
        self.holder.is_some_and(|holder| holder.tab == tab)
    }
}

impl Shared {
    /// It has received all messages from before this time.
    pub(super) fn heard_up_to(&self, now: u64) -> u64 {
        let next = self.inbox.values().filter_map(|line| line.messages.front());
        next.map(|(said, _)| *said).min().unwrap_or(now)
    }

    /// It receives no further messages.
    pub(super) fn part(&mut self) {
        self.inbox.clear();
        self.deaf_until = 0;
    }

    /// Whether no message is in transit to the tab.
    pub(super) fn is_quiet(&self) -> bool {
        self.lock_news.is_empty() && self.inbox.values().all(|line| line.messages.is_empty())
    }
}

impl World {
    /// A tab requests the lock, which replaces its earlier request. With `steals` it takes the lock from its holder.
    pub(super) fn request_lock(&mut self, tab: usize, steals: bool) {
        self.release_lock(tab);
        let request = Request { tab, number: self.tabs[tab].shared.request };
        if self.tabs[tab].memory.is_some() {
            return self.tell_of_lock(request, true);
        }
        let lock = &mut self.profiles[self.tabs[tab].profile].lock;
        match lock.holder {
            Some(_) if !steals => return lock.waiting.push_back(request),
            _ => {}
        }
        let deposed = lock.holder.replace(request);
        self.tell_of_lock(request, true);
        if let Some(deposed) = deposed {
            if self.mutation == Some(Mutation::StaleLeader) {
                self.tabs[deposed.tab].shared.is_stale = true;
            } else {
                self.tell_of_lock(deposed, false);
            }
            self.fire_armed(deposed.tab);
        }
    }

    /// A tab releases the lock or cancels its request.
    pub(super) fn release_lock(&mut self, tab: usize) {
        self.tabs[tab].shared.request += 1;
        self.tabs[tab].shared.is_stale = false;
        let lock = &mut self.profiles[self.tabs[tab].profile].lock;
        lock.waiting.retain(|request| request.tab != tab);
        if lock.is_held_by(tab) {
            lock.holder = lock.waiting.pop_front();
            if let Some(next) = lock.holder {
                self.tell_of_lock(next, true);
            }
        }
    }

    fn tell_of_lock(&mut self, Request { tab, number }: Request, granted: bool) {
        let wait = self.random.below(6);
        let Shared { lock_news, lock_news_at, .. } = &mut self.tabs[tab].shared;
        lock_news.push_back((number, granted));
        *lock_news_at = (self.now + wait).max(*lock_news_at);
        let (wait, life) = (*lock_news_at - self.now, self.tabs[tab].life);
        self.after(wait, Happening::LockNews { tab, life });
    }

    /// A tab is notified that it has acquired or lost the lock.
    pub(super) fn lock_news(&mut self, tab: usize, life: LifeNo) {
        if self.tabs[tab].life != life {
            return;
        }
        if let Some(wait) = self.stands_still(tab) {
            return self.after(wait, Happening::LockNews { tab, life });
        }
        let shared = &mut self.tabs[tab].shared;
        let Some((number, granted)) = shared.lock_news.pop_front() else { return };
        if number != shared.request {
            return;
        }
        if granted {
            self.tabs[tab].link = Link::Unknown;
        }
        self.say(|| {
            let news = if granted { "has" } else { "has lost" };
            format!("tab {tab} learns that it {news} the lock")
        });
        self.with_machine(tab, |machine, now| match machine.tab() {
            Some(tab) if granted => tab.lock_granted(now),
            Some(tab) => tab.lock_lost(now),
            None => {}
        });
    }

    /// A tab sends a message to the others. They receive it even if the tab ends.
    pub(super) fn post(&mut self, from: usize, message: &[u8]) {
        if self.tabs[from].memory.is_some() {
            return;
        }
        let message: Arc<[u8]> = message.into();
        for tab in 0..self.tabs.len() {
            let there = &self.tabs[tab];
            let hears = there.machine.is_some() && !there.is_away && there.memory.is_none();
            if tab == from || there.profile != self.tabs[from].profile || !hears {
                continue;
            }
            let slow = self.random.once_in(30);
            let wait = if slow { self.random.between(20, 400) } else { self.random.between(0, 4) };
            let line = self.tabs[tab].shared.inbox.entry(from).or_default();
            line.messages.push_back((self.now, Arc::clone(&message)));
            line.last = line.last.max(self.now + wait);
            let wait = line.last - self.now;
            let life = self.tabs[tab].life;
            self.after(wait, Happening::Heard { tab, life, from });
        }
    }

    /// The next message of one tab reaches another.
    pub(super) fn heard(&mut self, tab: usize, life: LifeNo, from: usize) {
        if self.tabs[tab].life != life {
            return;
        }
        let deaf = self.tabs[tab].shared.deaf_until.checked_sub(self.now).filter(|it| *it > 0);
        if let Some(wait) = self.stands_still(tab).max(deaf) {
            return self.after(wait, Happening::Heard { tab, life, from });
        }
        let shared = &mut self.tabs[tab].shared;
        let message = shared.inbox.get_mut(&from).and_then(|line| line.messages.pop_front());
        if let Some((_, message)) = message.filter(|_| !shared.is_stale) {
            self.with_machine(tab, |machine, now| {
                if let Some(tab) = machine.tab() {
                    tab.heard(&message, now);
                }
            });
        }
    }
}
