//! Worker pools: heavy handlers in Web Workers.

mod lend;
mod script;
mod serve;
mod thread;
mod wire;

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

pub use bus::WORKER_TOPIC;
use bus::{PoolOptions, TopicError, WorkerLost};
use js_sys::Reflect;
use web_sys::WorkerType;

use crate::js::text_of;
use crate::schedule::Browser;
use crate::{Cause, Event, Overflow, Subscriber};

use script::Script;
pub use serve::{Job, JobError, serve};
use thread::Thread;

/// The code of a pool's workers, and the options of the pool. [`Subscriber::workers`] starts it and shows an
/// example of both sides.
///
/// By default there is one worker per processor, except one processor for the page. Up to 1,024 events wait,
/// beyond which publishers are refused. An event has a deadline of 30 s and 3 attempts.
#[derive(Debug)]
#[must_use = "options have no effect until passed to `Subscriber::workers`"]
pub struct Workers {
    source: Source,
    pool: PoolOptions<Event>,
}

#[derive(Debug)]
enum Source {
    Module(String),
    Loader(String, WorkerType),
}

/// Why a pool was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkersError {
    /// The pattern is not valid.
    #[error("invalid pattern: {0}")]
    Pattern(#[from] TopicError),
    /// The loader of the module cannot be created.
    #[error("cannot create a loader for the workers' module, is its URL right? {0}")]
    Module(String),
}

/// Web Workers that handle the events of a subscription. Dropping it ends the subscription and terminates the
/// workers. Events that are unfinished at that moment are lost.
///
/// Created by [`Subscriber::workers`].
#[must_use = "the pool ends when this is dropped"]
pub struct WorkerPool(bus::Pool<Event>);

impl Workers {
    /// Workers from a module script that loads the wasm module itself. A relative URL is relative to the page.
    ///
    /// With Trunk this is `<name>_loader.js` of `<link data-trunk rel="rust" data-type="worker"
    /// data-bindgen-target="web" data-loader-shim … />`. A content security policy must allow the URL with
    /// `worker-src`, for example with `'self'`.
    pub fn loader(url: &str) -> Self {
        Self::of(Source::Loader(url.into(), WorkerType::Module))
    }

    /// The same for a classic script: Trunk's without `data-bindgen-target`.
    pub fn classic_loader(url: &str) -> Self {
        Self::of(Source::Loader(url.into(), WorkerType::Classic))
    }

    /// Workers from the JavaScript that wasm-bindgen writes for its target `web`. A content security policy must
    /// allow the loader that is created for it with `worker-src blob:`, and the module with `script-src`.
    pub fn module(url: &str) -> Self {
        Self::of(Source::Module(url.into()))
    }

    fn of(source: Source) -> Self {
        Self { source, pool: PoolOptions::new(all_processors_but_one()) }
    }

    /// The number of workers.
    pub fn members(self, members: NonZeroUsize) -> Self {
        self.with(|pool| pool.members(members))
    }

    /// How long a worker may work on an event before it is terminated. Chromium takes up to two more seconds for
    /// that if the worker is in a loop.
    pub fn deadline(self, time: Duration) -> Self {
        self.with(|pool| pool.deadline(time))
    }

    /// How long a worker may take to load its code and call [`serve`]. The default is 30 s.
    pub fn startup(self, time: Duration) -> Self {
        self.with(|pool| pool.startup(time))
    }

    /// How many workers may die while handling one event before the event is given up.
    pub fn attempts(self, attempts: NonZeroU32) -> Self {
        self.with(|pool| pool.attempts(attempts))
    }

    /// The number of events that may wait, and what happens beyond it. An event that waits again because its
    /// worker has died does not count.
    pub fn capacity(self, capacity: NonZeroUsize, overflow: Overflow) -> Self {
        self.with(|pool| pool.capacity(capacity, overflow))
    }

    /// Also responds to requests ([`Bus::request`](crate::Bus::request)), with [`Job::reply`].
    pub fn serving(self) -> Self {
        self.with(PoolOptions::serving)
    }

    fn with(self, set: impl FnOnce(PoolOptions<Event>) -> PoolOptions<Event>) -> Self {
        Self { pool: set(self.pool), ..self }
    }
}

fn all_processors_but_one() -> NonZeroUsize {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into());
    let processors =
        navigator.and_then(|navigator| Reflect::get(&navigator, &"hardwareConcurrency".into()));
    let processors = processors.ok().and_then(|number| number.as_f64()).unwrap_or(1.0);
    NonZeroUsize::new((processors as usize).saturating_sub(1)).unwrap_or(NonZeroUsize::MIN)
}

impl Subscriber<'_> {
    /// Lets Web Workers handle the events, so that heavy work does not block the page.
    ///
    /// The page starts the workers, and each of them calls `serve`:
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use event_driven_kit::Bus;
    /// use event_driven_kit::workers::{Workers, WorkersError};
    ///
    /// # fn page() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = Bus::singleton("app");
    /// let workers = Workers::loader("./thumbnails_loader.js").deadline(Duration::from_secs(5));
    /// let pool = bus.subscriber("image.added").label("thumbnails").workers(workers)?;
    /// bus.publish("image.added", vec![0_u8; 1_000_000])?;
    /// # drop(pool);
    /// # Ok(())
    /// # }
    ///
    /// // In the workers' own binary, which the loader loads:
    /// fn main() {
    ///     event_driven_kit::workers::serve(async |job| {
    ///         let image = job.data::<Vec<u8>>()?;
    ///         let thumbnail: Vec<u8> = image.iter().step_by(100).copied().collect();
    ///         job.publish("image.thumbnail", thumbnail)?;
    ///         Ok(())
    ///     });
    /// }
    /// ```
    ///
    /// Each worker handles one event at a time. The other events wait in one queue, and the next one goes to
    /// the worker that has been idle for longest. So workers start events in order but may finish them in any
    /// order. In a [group](Self::group) the pool is one member, whose events are pending until they are done.
    ///
    /// **An event is handled at least once.** A worker that dies (a panic, an uncaught exception) or exceeds
    /// the [deadline](Workers::deadline) is terminated and replaced. Its event goes to another worker before
    /// all younger ones, marked as [redelivered](Job::redelivered). The effects of the first attempt are not
    /// undone, so handlers have to be idempotent or check the event's [id](Job::id). After as many workers as
    /// it has [attempts](Workers::attempts), an event is given up, which is a failure on
    /// [`ERROR_TOPIC`](crate::ERROR_TOPIC). The end of each worker is reported there too, with the topic
    /// [`WORKER_TOPIC`](crate::workers::WORKER_TOPIC). A worker that cannot be loaded is started again with
    /// growing delays of up to 30 s, while events wait.
    ///
    /// The browser's structured clone copies a payload to the worker. A payload that cannot be cloned (a
    /// function, an element) is a failure. A JS object is cloned twice: the first clone checks whether it can
    /// be.
    ///
    /// # Errors
    /// A [`WorkersError`].
    pub fn workers(self, workers: Workers) -> Result<WorkerPool, WorkersError> {
        let script = match workers.source {
            Source::Loader(url, kind) => Script::loader(url, kind),
            Source::Module(url) => {
                Script::loader_of(&url).map_err(|thrown| WorkersError::Module(text_of(&thrown)))?
            }
        };
        let (bus, label) = self.bus_and_label();
        let pool = self.pure()?.pool(workers.pool, Browser::schedule(), move |reports| {
            Thread::start(&script, &bus, &label, reports).map_err(Cause::from)
        });
        Ok(WorkerPool(pool))
    }
}

impl WorkerPool {
    /// The number of events that wait or are being handled.
    pub fn pending(&self) -> usize {
        self.0.pending()
    }

    /// The number of events that were dropped because too many were waiting.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// The number of workers that have died or exceeded a deadline.
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl From<WorkerLost> for Cause {
    fn from(lost: WorkerLost) -> Self {
        Self::new(lost)
    }
}

impl From<JobError> for Cause {
    fn from(error: JobError) -> Self {
        Self::new(error)
    }
}
