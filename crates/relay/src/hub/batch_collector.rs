//! Collects the writes of a commit: everything that waits, and for a short while the clients that were just acked.
//!
//! Pipelined clients send their next writes as soon as they are acked. If a commit started without them, they would
//! wait for all of it, and each commit would hold half of what it could.
//!
//! Hellos that come right after a commit wait a moment for others: when all clients of a network come back at once, a
//! commit for each of them would cost more than the rest of their connects.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use store::Write;
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
/// How long hellos wait for others after a commit. A later hello does not wait.
const GATHER: Duration = Duration::from_millis(2);
/// How often the collector checks meanwhile for other writes, which end the wait. Waking up for each hello would cost
/// as much as the hello's share of the commit.
const LOOK: Duration = Duration::from_millis(1);

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
    /// Whether something besides hellos was taken.
    has_more: bool,
    /// When the last commit ended, and how long hellos wait from then on.
    committed: Option<Instant>,
    gather: Duration,
    waker: Waker,
}

impl BatchCollector {
    /// Wakes the calling thread.
    pub(super) fn new(queue: mpsc::Receiver<Job>) -> Self {
        let waker = Arc::new(Unpark(thread::current())).into();
        Self {
            queue,
            jobs: Vec::new(),
            writes: 0,
            bytes: 0,
            skip_waits: 0,
            before: 0,
            has_more: false,
            committed: None,
            gather: GATHER,
            waker,
        }
    }

    /// The jobs of the next commit, or `None` once all senders are gone.
    pub(super) fn next(&mut self) -> Option<Vec<Job>> {
        if self.jobs.is_empty() {
            let first = self.queue.blocking_recv()?;
            self.take(first);
        }
        self.take_waiting();
        self.gather_hellos();
        (self.writes, self.bytes, self.has_more) = (0, 0, false);
        Some(std::mem::take(&mut self.jobs))
    }

    /// Called after a commit that answered this many writes and took this long: waits until as many new ones have
    /// arrived, but not longer than the commit took.
    pub(super) fn answered(&mut self, writes: usize, took: Duration) {
        self.committed = Some(Instant::now());
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
        self.has_more |= job.writes.iter().any(|write| !matches!(write, Write::Open { .. }));
        self.jobs.push(job);
    }

    /// Waits for more hellos, as long as there are only hellos and the last commit was a moment ago.
    fn gather_hellos(&mut self) {
        let Some(until) = self.committed.map(|at| at + self.gather) else { return };
        while !self.has_more
            && self.writes < BATCH
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            thread::sleep(left.min(LOOK));
            self.take_waiting();
        }
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
    use crate::hub::Charge;
    use crate::hub::tests::writes_of;

    const MOMENT: Duration = Duration::from_millis(1);

    /// One that has just answered four writes while as many others waited, and that receives no more.
    fn after(waiting: usize) -> BatchCollector {
        let (sender, queue) = mpsc::channel(4);
        for number in 1..=waiting {
            sender.try_send(job(writes_of([1; 16], &[number as u64]).1)).unwrap();
        }
        let mut collector = BatchCollector::new(queue);
        collector.answered(4, MOMENT);
        drop(sender);
        collector
    }

    /// A collector that never stops waiting for hellos after a commit.
    fn patient() -> (mpsc::Sender<Job>, BatchCollector) {
        let (sender, queue) = mpsc::channel(8);
        let mut collector = BatchCollector::new(queue);
        collector.gather = Duration::from_secs(3_600);
        (sender, collector)
    }

    fn job(writes: Vec<Write>) -> Job {
        let (answer, _) = mpsc::unbounded_channel();
        Job { writes, from: None, answer, charge: Charge::default() }
    }

    #[test]
    fn hellos_after_a_commit_wait_for_more_until_something_else_comes() {
        let (sender, mut collector) = patient();
        collector.answered(0, MOMENT);
        let (hello, appends) = writes_of([1; 16], &[1]);
        sender.try_send(job(vec![hello])).unwrap();
        let later = thread::spawn(move || {
            sender.blocking_send(job(vec![writes_of([2; 16], &[]).0])).unwrap();
            sender.blocking_send(job(appends)).unwrap();
            sender
        });
        assert_eq!(collector.next().map(|jobs| jobs.len()), Some(3));
        let sender = later.join().unwrap();
        // A hello beside something else does not wait.
        collector.answered(0, MOMENT);
        let (hello, appends) = writes_of([3; 16], &[1]);
        sender.try_send(job(appends)).unwrap();
        sender.try_send(job(vec![hello])).unwrap();
        assert_eq!(collector.next().map(|jobs| jobs.len()), Some(2));
    }

    #[test]
    fn a_hello_that_follows_no_commit_does_not_wait() {
        let (sender, mut collector) = patient();
        sender.try_send(job(vec![writes_of([1; 16], &[]).0])).unwrap();
        assert_eq!(collector.next().map(|jobs| jobs.len()), Some(1));
        // One that comes later than that does not wait either.
        collector.answered(0, MOMENT);
        collector.gather = Duration::ZERO;
        sender.try_send(job(vec![writes_of([1; 16], &[]).0])).unwrap();
        assert_eq!(collector.next().map(|jobs| jobs.len()), Some(1));
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
