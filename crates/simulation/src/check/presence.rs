//! Promise 5: in the end every watcher of a topic sees its occupants, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, Promise};
use crate::history::{ProfileNo, ReaderNo, TopicNo};

#[derive(Debug, Default)]
pub(super) struct Presence {
    present: BTreeMap<TopicNo, BTreeSet<ProfileNo>>,
    watchers: BTreeMap<ReaderNo, Watcher>,
}

#[derive(Debug)]
struct Watcher {
    topic: TopicNo,
    /// The known number of entries per profile.
    seen: BTreeMap<ProfileNo, i64>,
}

impl Presence {
    pub(super) fn present(&mut self, topic: TopicNo, profile: ProfileNo, here: bool) {
        let there = self.present.entry(topic).or_default();
        if here {
            there.insert(profile);
        } else {
            there.remove(&profile);
        }
    }

    pub(super) fn watches(&mut self, watcher: ReaderNo, topic: TopicNo) {
        self.watchers.insert(watcher, Watcher { topic, seen: BTreeMap::new() });
    }

    pub(super) fn seen(&mut self, watcher: ReaderNo, profile: ProfileNo, here: bool) {
        let Some(watcher) = self.watchers.get_mut(&watcher) else { return };
        let entries = watcher.seen.entry(profile).or_default();
        *entries += if here { 1 } else { -1 };
        if *entries == 0 {
            watcher.seen.remove(&profile);
        }
    }

    pub(super) fn ended(&mut self, watcher: ReaderNo) {
        self.watchers.remove(&watcher);
    }

    pub(super) fn finish(&self) -> Result<(), Breach> {
        for (number, Watcher { topic, seen }) in &self.watchers {
            let there = self.present.get(topic).into_iter().flatten();
            let there: BTreeMap<ProfileNo, i64> = there.map(|profile| (*profile, 1)).collect();
            if *seen != there {
                let text =
                    format!("watcher {number} sees {seen:?} on topic {topic}, where {there:?} are");
                return Err(Breach(Promise::Presence, text));
            }
        }
        Ok(())
    }
}
