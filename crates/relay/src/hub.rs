//! What all connections share: the queue of the store's only writer, the newest committed events, and the ephemeral
//! events.
//!
//! The writer commits everything that waits at once, and only then replies and publishes the events. A connection keeps
//! a position and pulls; the hub queues no events for it.

mod arrivals;
mod batch_collector;
mod ephemeral;
mod failed;
mod locate;
mod new_client_limiter;
mod presence;
mod queued;
mod range_set;
mod routes;
mod runs;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use session::Start;
use session::server::{Decided, Located, Logged, Opened, Page, StreamNo, Ticket};
use store::{Store, StoreError, Write};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use topic::Pattern;

use crate::metrics::{Metrics, gauged};
use arrivals::Arrivals;
pub use arrivals::Greeting;
use ephemeral::Mailboxes;
pub use ephemeral::{First, Forwarded, Mailbox};
use new_client_limiter::NewClientLimiter;
pub use presence::Presence;
pub use queued::{Charge, Queued};
pub use tail::Recent;
use tail::Tails;

/// The capacity of the writer's queue, in jobs. Connections wait for room.
const QUEUE: usize = 4_096;

/// The reply to a [`Write`].
#[derive(Debug)]
pub enum Answer {
    /// To [`Write::Open`].
    Opened(Opened),
    /// To [`Write::Append`].
    Decided(Ticket, Decided),
    /// To [`Write::Delete`].
    Deleted(Ticket, Decided),
}

/// The writes of one connection that arrived together, and the channel for their replies. The channel needs no bound of
/// its own: a connection has a bounded number of unanswered writes.
#[derive(Debug)]
struct Job {
    writes: Vec<Write>,
    /// The address whose new clients are limited, if they are.
    from: Option<IpAddr>,
    answer: mpsc::UnboundedSender<Vec<Answer>>,
    charge: Charge,
}

impl Job {
    fn bytes(&self) -> u64 {
        self.writes.iter().map(Write::bytes).sum()
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Hub {
    store: Arc<dyn Store>,
    jobs: mpsc::Sender<Job>,
    heads: watch::Receiver<Arc<[u64]>>,
    tails: Arc<RwLock<Tails>>,
    ephemeral: Arc<Mailboxes>,
    arrivals: Arrivals,
    presence: Arc<Presence>,
    connections: AtomicU64,
    long_searches: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Hub {
    /// Starts the writer of `store`. When the hub is dropped, its thread writes what waits and ends. Each address may
    /// create `new_clients_per_hour`; 0 for no limit.
    ///
    /// # Errors
    /// A [`StoreError`] if the heads of the streams cannot be read.
    pub fn start(
        store: Arc<dyn Store>,
        new_clients_per_hour: u32,
        metrics: Arc<Metrics>,
    ) -> Result<(Arc<Self>, JoinHandle<()>), StoreError> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let heads: Arc<[u64]> = store.heads()?.into();
        let tails = Arc::new(RwLock::new(Tails::new(&heads)));
        let (committed, heads) = watch::channel(heads);
        let hub = Self {
            store: Arc::clone(&store),
            jobs,
            heads,
            tails: Arc::clone(&tails),
            ephemeral: Arc::new(Mailboxes::counted(metrics.events.dropped.clone())),
            arrivals: Arrivals::default(),
            presence: Arc::default(),
            connections: AtomicU64::new(0),
            long_searches: Arc::new(Semaphore::new(1)),
            metrics: Arc::clone(&metrics),
        };
        let limiter = NewClientLimiter::new(new_clients_per_hour);
        let thread = std::thread::spawn(move || {
            writer::run(&*store, waiting, limiter, &tails, &committed, &metrics);
        });
        Ok((Arc::new(hub), thread))
    }

    /// A number that no other connection has.
    pub fn number(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Searches of the log that need more than one step take turns, step by step, so that they never use more
    /// than one thread.
    pub fn long_searches(&self) -> Arc<Semaphore> {
        Arc::clone(&self.long_searches)
    }

    /// Queues the writes of a connection, waiting for room; `false` if the writer is gone. They are answered together,
    /// and their memory is given back then. A client that is created counts against the limit of the address `from`.
    pub async fn write(
        &self,
        writes: Vec<Write>,
        from: Option<IpAddr>,
        answer: &mpsc::UnboundedSender<Vec<Answer>>,
        charge: Charge,
    ) -> bool {
        let answer = answer.clone();
        let job = Job { writes, from, answer, charge };
        let bytes = gauged(job.bytes());
        self.metrics.events.queued.inc_by(bytes);
        let is_queued = self.jobs.send(job).await.is_ok();
        if !is_queued {
            self.metrics.events.queued.dec_by(bytes);
        }
        is_queued
    }

    /// The number of calls of [`Hub::write`] whose writes wait for the next commits.
    pub fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// Watches the offset of the last committed event of each stream.
    pub fn heads(&self) -> watch::Receiver<Arc<[u64]>> {
        self.heads.clone()
    }

    /// The next committed events of a stream from an offset on.
    pub fn recent(&self, stream: StreamNo, from: u64) -> Recent {
        self.tails.read().unwrap_or_else(PoisonError::into_inner).from(stream, from)
    }

    /// A page of matching events, as from [`Store::read`], or `None` if some of it is only in the store.
    pub fn page(
        &self,
        stream: StreamNo,
        pattern: &Pattern,
        from: u64,
        limit: usize,
    ) -> Option<Page> {
        let tails = self.tails.read().unwrap_or_else(PoisonError::into_inner);
        tails.page(stream, pattern, from, limit)
    }

    /// The maintenance of the store has superseded these events.
    pub fn supersede(&self, events: &[(StreamNo, u64)]) {
        if !events.is_empty() {
            self.tails.write().unwrap_or_else(PoisonError::into_inner).supersede(events);
            self.metrics.events.superseded(events.len());
        }
    }

    /// Where a subscription starts, as [`Store::locate`] says it, or `None` if the newest events don't say it.
    pub fn locate(&self, pattern: &Pattern, start: &Start) -> Option<Located> {
        let tails = self.tails.read().unwrap_or_else(PoisonError::into_inner);
        locate::locate(&*self.store, &tails, pattern, start)
    }

    /// Hands an ephemeral event to the other connections.
    pub fn forward(&self, forwarded: Forwarded) {
        self.ephemeral.forward(forwarded);
    }

    /// Opens the mailbox of a connection for ephemeral events.
    pub fn mailbox(&self, connection: u64) -> Mailbox {
        self.ephemeral.join(connection)
    }

    /// The presence of all topics.
    pub fn presence(&self) -> &Arc<Presence> {
        &self.presence
    }

    /// Registers the connection of a client that the store has admitted, perhaps as one that only
    /// [reads](Opened::Reader). It ends the client's older connections. The returned receiver resolves when a newer one
    /// arrives.
    ///
    /// # Errors
    /// The response to the client, if it only reads and its id is in use by another secret or a newer connection.
    pub fn arrive(
        &self,
        greeting: Greeting,
        only_reads: bool,
    ) -> Result<oneshot::Receiver<()>, Opened> {
        self.arrivals.arrive(greeting, only_reads)
    }

    /// Undoes [`Hub::arrive`].
    pub fn leave(&self, client: [u8; 16], fence: u64) {
        self.arrivals.leave(client, fence);
    }
}

/// The bytes that an event costs while it is kept.
fn cost(event: &Logged) -> usize {
    event.body.len() + event.topic.as_str().len() + size_of::<Logged>()
}
