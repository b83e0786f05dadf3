//! Paging backwards in the application, during faults.

use session::client::{HistoryError, Older, RequestId};
use session::{Body, Position};
use topic::Pattern;

use super::application::topics_of;
use super::reading::PATTERNS;
use super::{Happening, World, number_of};
use crate::history::{LifeNo, ReaderNo, Record};

/// A list whose user scrolls back to the oldest event.
#[derive(Debug)]
pub(super) struct Scroll {
    pub(super) number: ReaderNo,
    pattern: Pattern,
    /// The number of events per page.
    limit: u32,
    /// The next page ends before this position.
    before: Option<Position>,
    /// The pending request, if any.
    request: Option<RequestId>,
}

impl World {
    /// A tab begins to page backwards.
    pub(super) fn scroll(&mut self, number: usize) {
        let Ok(pattern) = Pattern::parse(self.random.of::<&str>(&PATTERNS)) else { return };
        self.readers += 1;
        let (reader, limit) = (self.readers, self.random.between(1, 12) as u32);
        self.record(Record::Scrolls { reader, topics: topics_of(&pattern) });
        let tab = &mut self.tabs[number];
        tab.scrolls.push(Scroll { number: reader, pattern, limit, before: None, request: None });
        let life = tab.life;
        self.turns(number, life, reader);
    }

    /// A tab requests the next page.
    pub(super) fn turns(&mut self, number: usize, life: LifeNo, scroll: ReaderNo) {
        if self.tabs[number].life != life {
            return;
        }
        if let Some(wait) = self.stands_still(number) {
            return self.after(wait, Happening::Turns { tab: number, life, scroll });
        }
        let tab = &mut self.tabs[number];
        let Some(scroll) = tab.scrolls.iter_mut().find(|it| it.number == scroll) else { return };
        let Some(machine) = &mut tab.machine else { return };
        let (pattern, before) = (scroll.pattern.clone(), scroll.before.clone());
        scroll.request = Some(machine.client().history(pattern, before, scroll.limit));
        self.with_machine(number, |_, _| {});
    }

    /// A page has arrived.
    pub(super) fn turned(
        &mut self,
        number: usize,
        id: RequestId,
        page: Result<Older, HistoryError>,
    ) {
        let tab = &mut self.tabs[number];
        let life = tab.life;
        let Some(at) = tab.scrolls.iter().position(|it| it.request == Some(id)) else { return };
        let scroll = &mut tab.scrolls[at];
        let reader = scroll.number;
        scroll.request = None;
        match page {
            Ok(Older { events, next }) => {
                scroll.before.clone_from(&next);
                for (position, _, body) in events {
                    let (place, event) = (self.place(&position), event_no(&body));
                    self.record(Record::Older { reader, place, event });
                    self.record_data(reader, place, &body);
                }
                if next.is_none() {
                    self.tabs[number].scrolls.swap_remove(at);
                    return self.record(Record::Bottom { reader });
                }
            }
            Err(HistoryError::Reset) => {
                scroll.before = None;
                self.record(Record::ScrollsAgain { reader });
            }
            Err(_) => {}
        }
        let wait = self.random.below(if self.healed { 10 } else { 3_000 });
        self.after(wait, Happening::Turns { tab: number, life, scroll: reader });
    }
}

fn event_no(body: &Body) -> u32 {
    number_of(&body.id)
}
