//! Outgoing events: feeds the machine the events of other clients, committed or ephemeral.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Connection;
use super::pace::LARGE;
use crate::hub::{First, Forwarded, Mailbox, Recent};

impl Connection {
    /// Feeds committed events up to the offsets `heads`, in portions of each stream. If they are not in memory, each
    /// subscription reads on from the log.
    pub(super) async fn catch_up(&mut self, heads: &[u64]) {
        for (stream, head) in heads.iter().enumerate() {
            let fed = self.fed[stream];
            if fed >= *head {
                continue;
            }
            match self.shared.hub.recent(stream, fed + 1) {
                Recent::Events(events) => {
                    let bytes = events.iter().map(|event| event.body.len()).sum();
                    if bytes > LARGE && self.server.pending_effects() > 0 {
                        // The memory is for one send at a time.
                        return;
                    }
                    self.make_room(bytes).await;
                    self.server.committed(&events);
                    self.fed[stream] = events.last().map_or(fed, |last| last.offset);
                    self.meter.fed(stream, self.fed[stream]);
                }
                Recent::Older => {
                    self.server.lagged(stream, *head);
                    self.fed[stream] = *head;
                    self.meter.read();
                }
            }
        }
    }

    /// Feeds ephemeral events until the machine has a message to send. Returns false if there are none. With many
    /// messages at a time, the allocator would return their memory and request it again for each burst.
    pub(super) async fn forwarded(&mut self, arrived: &mut VecDeque<Arc<Forwarded>>) -> bool {
        let some = !arrived.is_empty();
        if let Some(event) = arrived.front() {
            self.make_room(event.event.body.len()).await;
        }
        while self.server.pending_effects() == 0
            && let Some(event) = arrived.pop_front()
        {
            self.server.forwarded(&event.event);
        }
        some
    }

    /// Sends the shared run of ephemeral events that starts with the first waiting event. Without such a run, takes
    /// the waiting events, so that the machine handles each.
    pub(super) async fn take(
        &mut self,
        mailbox: &Mailbox,
        first: &First,
        arrived: &mut VecDeque<Arc<Forwarded>>,
    ) {
        self.make_room(first.event.event.body.len()).await;
        let Some(beginning) = self.server.beginning(&first.event.event).filter(|_| first.is_shared)
        else {
            return mailbox.take(arrived);
        };
        let run = mailbox.take_run(first, beginning).or_else(|| {
            let mut events = mailbox.waiting(first);
            let (frames, count) =
                self.server.encode_run(events.iter().map(|(_, event)| &event.event));
            events.truncate(count);
            // The first one may have been dropped for newer ones meanwhile.
            (count > 0).then(|| {
                let frames = Arc::new(frames);
                mailbox.sent(&events, beginning, &frames);
                (frames, count)
            })
        });
        if let Some((frames, events)) = run {
            self.meter.sent_run(events);
            self.server.send_run(frames);
        }
    }
}
