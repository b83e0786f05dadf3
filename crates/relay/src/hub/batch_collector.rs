//! Collects the writes of a commit: everything that waits, and for a short while the clients that were just acked.
//!
//! Pipelined clients send their next writes as soon as they are acked. If a commit started without them, they would
//! wait for all of it, and each commit would hold half of what it could.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::Job;

/// About the most writes of one commit,
const BATCH: usize = 1_024;
/// and about the most bytes of events.
const BATCH_BYTES: u64 = 4 << 20;
/// Acked clients have as long as a commit takes to send more, and at most this long.
const PATIENCE: Duration = Duration::from_millis(10);
/// If most of them send nothing, the next commits don't wait: twice as many each time, up to this number.
const HASTY: u32 = 64;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct BatchCollector {
    queue: mpsc::Receiver<Job>,
    /// What was taken from the queue for the next commit.
    jobs: Vec<Job>,
    writes: usize,
    bytes: u64,
    /// The next commits that start without waiting,
    skip_waits: u32,
    /// and how many did the last time.
    before: u32,
    waker: Waker,
}

impl BatchCollector {
    /// Wakes the calling thread.
    pub(super) fn new(queue: mpsc::Receiver<Job>) -> Self {
        let waker = Arc::new(Unpark(thread::current())).into();
        Self { queue, jobs: Vec::new(), writes: 0, bytes: 0, skip_waits: 0, before: 0, waker }
    }

    /// The jobs of the next commit, or `None` once all senders are gone.
    pub(super) fn next(&mut self) -> Option<Vec<Job>> {
        if self.jobs.is_empty() {
            let first = self.queue.blocking_recv()?;
            self.take(first);
        }
        self.take_waiting();
        (self.writes, self.bytes) = (0, 0);
        Some(std::mem::take(&mut self.jobs))
    }

    /// Called after a commit that answered this many writes and took this long: waits until as many new ones have
    /// arrived, but not longer than the commit took.
    pub(super) fn answered(&mut self, writes: usize, took: Duration) {
        if self.skip_waits > 0 || writes < 2 {
            self.skip_waits = self.skip_waits.saturating_sub(1);
            return;
        }
        let until = Instant::now() + took.min(PATIENCE);
        self.take_waiting();
        let enough = (self.writes + writes).min(BATCH);
        while self.writes < enough && self.bytes < BATCH_BYTES {
            match self.job_before(until) {
                Some(job) => self.take(job),
                // Waiting was worth it if half of the possible writes arrived.
                None if 2 * self.writes >= enough => break,
                None => {
                    self.before = (2 * self.before).clamp(1, HASTY);
                    self.skip_waits = self.before;
                    return;
                }
            }
        }
        self.before = 0;
    }

    /// Adds a job to the next commit.
    pub(super) fn take(&mut self, job: Job) {
        self.writes += job.writes.len();
        self.bytes += job.bytes();
        self.jobs.push(job);
    }

    fn take_waiting(&mut self) {
        while self.writes < BATCH
            && self.bytes < BATCH_BYTES
            && let Ok(job) = self.queue.try_recv()
        {
            self.take(job);
        }
    }

    /// The next job, if it comes in time.
    fn job_before(&mut self, until: Instant) -> Option<Job> {
        let mut context = Context::from_waker(&self.waker);
        loop {
            if let Poll::Ready(job) = self.queue.poll_recv(&mut context) {
                return job;
            }
            let left = until.checked_duration_since(Instant::now())?;
            thread::park_timeout(left);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::tests::writes_of;

    const MOMENT: Duration = Duration::from_millis(1);

    /// One that has just answered four writes while as many others waited, and that receives no more.
    fn after(waiting: usize) -> BatchCollector {
        let (sender, queue) = mpsc::channel(4);
        let (answer, _) = mpsc::unbounded_channel();
        for number in 1..=waiting {
            let (_, writes) = writes_of([1; 16], &[number as u64]);
            let charge = super::super::Charge::default();
            sender.try_send(Job { writes, from: None, answer: answer.clone(), charge }).unwrap();
        }
        let mut collector = BatchCollector::new(queue);
        collector.answered(4, MOMENT);
        drop(sender);
        collector
    }

    #[test]
    fn waiting_in_vain_makes_it_hasty_unless_half_of_what_could_be_is_there() {
        assert_eq!(after(4).skip_waits, 0);
        assert_eq!(after(3).skip_waits, 1);
        assert_eq!(after(0).skip_waits, 1);
    }

    #[test]
    fn what_has_come_is_the_next_commit() {
        assert_eq!(after(3).next().map(|jobs| jobs.len()), Some(3));
        assert!(after(0).next().is_none());
    }
}
