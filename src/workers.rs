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

/// Where the workers of a pool get their code from, and how the pool works. Started by
/// [`Subscriber::workers`], where both sides are shown.
///
/// If nothing else is said there is one worker per processor but one, which is left to the page; 1,024 events
/// wait and a publisher is refused when there are more; an event may take 30 s, and is tried 3 times.
#[derive(Debug)]
#[must_use = "options do nothing before `Subscriber::workers`"]
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
    /// The pattern is none.
    #[error("this is no pattern: {0}")]
    Pattern(#[from] TopicError),
    /// No loader can be made for the module.
    #[error("no loader can be made for the workers' module, is its URL right? {0}")]
    Module(String),
}

/// Web Workers that handle the events of a subscription; dropped, it ends, and they are terminated. Events
/// that wait or are in work then are not handled to their end.
///
/// Made by [`Subscriber::workers`].
#[must_use = "a pool ends when it is dropped: keep it as long as its events shall be handled"]
pub struct WorkerPool(bus::Pool<Event>);

impl Workers {
    /// Workers of a module script that loads the wasm module by itself. A relative URL is relative to the page.
    ///
    /// With Trunk this is `<name>_loader.js` of `<link data-trunk rel="rust" data-type="worker"
    /// data-bindgen-target="web" data-loader-shim … />`. A content security policy must allow the URL by
    /// `worker-src`, as `'self'` does for one's own.
    pub fn loader(url: &str) -> Self {
        Self::of(Source::Loader(url.into(), WorkerType::Module))
    }

    /// The same of a classic script: Trunk's, without `data-bindgen-target`.
    pub fn classic_loader(url: &str) -> Self {
        Self::of(Source::Loader(url.into(), WorkerType::Classic))
    }

    /// Workers of the JavaScript that wasm-bindgen writes for its target `web`. A loader is made for it,
    /// which a content security policy must allow by `worker-src blob:`, and the module by `script-src`.
    pub fn module(url: &str) -> Self {
        Self::of(Source::Module(url.into()))
    }

    fn of(source: Source) -> Self {
        Self { source, pool: PoolOptions::new(all_processors_but_one()) }
    }

    /// So many workers.
    pub fn members(self, members: NonZeroUsize) -> Self {
        self.with(|pool| pool.members(members))
    }

    /// How long a worker may take for an event, from its being given. Then it is terminated, which in
    /// Chromium takes up to two seconds more if it is in a loop.
    pub fn deadline(self, time: Duration) -> Self {
        self.with(|pool| pool.deadline(time))
    }

    /// How long a worker may take to load its code and to call [`serve`]; 30 s if not set.
    pub fn startup(self, time: Duration) -> Self {
        self.with(|pool| pool.startup(time))
    }

    /// How many workers may be lost over one event before it is given up.
    pub fn attempts(self, attempts: NonZeroU32) -> Self {
        self.with(|pool| pool.attempts(attempts))
    }

    /// Lets up to `capacity` events wait for a worker; `overflow` says what happens to one more. An event
    /// that was in work when its worker was lost waits in addition to them.
    pub fn capacity(self, capacity: NonZeroUsize, overflow: Overflow) -> Self {
        self.with(|pool| pool.capacity(capacity, overflow))
    }

    /// Also answers requests ([`Bus::request`](crate::Bus::request)) with what [`Job::reply`] is given.
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
    /// Lets Web Workers handle the events, so that the page stays free however heavy they are.
    ///
    /// The page starts them, and they serve:
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
    /// Each worker has one event in work at a time. The others wait together, and the next goes to who has
    /// nothing pending, for longest. So workers begin events in their order, and finish them in any. In a
    /// [group](Self::group) the pool is one member, whose events are pending until they are done.
    ///
    /// **An event is handled at least once.** A worker that dies (a panic, an uncaught exception) or is later
    /// than the [deadline](Workers::deadline) is terminated and replaced, and its event goes to another before
    /// all younger ones, marked as [redelivered](Job::redelivered). What the first has done by then is done:
    /// let a handler recognise the event by its [id](Job::id), or do nothing that may not be done twice. An
    /// event that has cost as many workers as it has [attempts](Workers::attempts) is given up, which is
    /// a failure on [`ERROR_TOPIC`](crate::ERROR_TOPIC). So is each worker's end, whose topic is
    /// [`WORKER_TOPIC`](crate::workers::WORKER_TOPIC): a worker that cannot be loaded is told there and tried again,
    /// later and later up to 30 s, and meanwhile events wait.
    ///
    /// A payload is copied to the worker by the browser's structured clone; one that cannot be (a function, an
    /// element) is a failure. A JS object is cloned twice, the first time to see whether it can be.
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
    /// How many events wait or are in work.
    pub fn pending(&self) -> usize {
        self.0.pending()
    }

    /// How many events were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// How many workers were lost: have died, or were terminated because they were late.
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
