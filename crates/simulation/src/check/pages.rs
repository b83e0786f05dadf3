//! Promise 6 for each page: every pending event that an application has seen gets an outcome. The outcome is unknown
//! only if no other page could report it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, Promise};
use crate::history::{EventNo, LifeNo, PageState};

#[derive(Debug, Default)]
pub(super) struct Pages {
    pages: BTreeMap<LifeNo, Page>,
}

#[derive(Debug, Default)]
struct Page {
    /// The time during which it receives messages of other tabs.
    here: Vec<(u64, Option<u64>)>,
    /// The events that it knows to be pending.
    shown: BTreeSet<EventNo>,
}

impl Pages {
    pub(super) fn changed(&mut self, life: LifeNo, state: PageState, now: u64) {
        let page = self.pages.entry(life).or_default();
        match state {
            PageState::Here => page.here.push((now, None)),
            PageState::Away { since } => {
                if let Some((_, until)) = page.here.last_mut() {
                    *until = Some(since);
                }
            }
            PageState::Gone => _ = self.pages.remove(&life),
        }
    }

    pub(super) fn shown(&mut self, life: LifeNo, event: EventNo) {
        self.pages.entry(life).or_default().shown.insert(event);
    }

    pub(super) fn answered(&mut self, life: LifeNo, event: EventNo) {
        if let Some(page) = self.pages.get_mut(&life) {
            page.shown.remove(&event);
        }
    }

    /// Whether a page may have missed a message at that time, because it was absent. It asks the others when it
    /// returns, but those that know may have ended or be frozen.
    pub(super) fn may_have_missed(&self, life: LifeNo, then: u64) -> bool {
        let heard = |(from, until): &(u64, Option<u64>)| {
            *from < then && until.is_none_or(|until| then < until)
        };
        self.pages.get(&life).is_some_and(|page| !page.here.iter().any(heard))
    }

    pub(super) fn finish(&self) -> Result<(), Breach> {
        let mut waiting =
            self.pages.iter().filter_map(|(life, page)| Some((life, page.shown.first()?)));
        waiting.next().map_or(Ok(()), |(life, event)| {
            let text = format!("{event}, shown in life {life}, has no answer there");
            Err(Breach(Promise::Answered, text))
        })
    }
}
