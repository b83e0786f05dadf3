//! The worker's side: `serve` and the jobs of its handler.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use bus::{Topic, TopicError};
use gloo_worker::{HandlerId, Registrable, Worker, WorkerScope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen_futures::spawn_local;

use super::wire::{Handed, Objects, Said, postable};
use crate::{DataError, HandlerResult, Payload};

/// An event in a worker. Cheap to clone.
#[derive(Clone)]
pub struct Job {
    topic: Topic,
    payload: Payload,
    id: Rc<str>,
    redelivered: bool,
    ticket: u64,
    page: Page,
}

/// Why a job could not publish or reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The topic is not valid.
    #[error("invalid topic: {0}")]
    Topic(#[from] TopicError),
    /// The payload cannot be sent to the page.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Handles the events that the page's pool hands to this worker, one after the other. Call it once, in the
/// worker's `main`. [`Subscriber::workers`](crate::Subscriber::workers) shows an example of both sides.
///
/// An event is done when the handler's future is ready. Its `Err` is published on the page's bus like that of
/// any handler there. A panic, an uncaught exception or a missed deadline ends this worker, and its event is
/// redelivered to another one.
pub fn serve(handler: impl AsyncFn(Job) -> HandlerResult + 'static) {
    let handler = Rc::new(handler);
    let handler: Rc<Handler> = Rc::new(move |job| {
        let handler = handler.clone();
        Box::pin(async move { handler(job).await })
    });
    HANDLER.set(Some(handler));
    Server::registrar().encoding::<Objects>().register();
}

type Handler = dyn Fn(Job) -> Pin<Box<dyn Future<Output = HandlerResult>>>;

thread_local! {
    /// For gloo, which creates the `Server`.
    static HANDLER: RefCell<Option<Rc<Handler>>> = const { RefCell::new(None) };
}

impl Job {
    /// The topic the event was published to.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The unique id of the event. A redelivered event keeps its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether another worker has had this event before. It may have done some or all of the work.
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// The payload, copied into this worker.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The payload as a `T`.
    ///
    /// # Errors
    /// A [`DataError`] if it cannot be read as a `T`. A handler passes it on with `?`.
    pub fn data<T: DeserializeOwned + 'static>(&self) -> Result<Rc<T>, DataError> {
        self.payload.to_rust()
    }

    /// Publishes on the page's bus. If the handler has not returned, this happens before the event is done there.
    /// A redelivered event publishes again.
    ///
    /// If the page's bus refuses the event, that is a failure there.
    ///
    /// # Errors
    /// A [`JobError`].
    pub fn publish<T: Serialize + 'static>(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        value: T,
    ) -> Result<(), JobError> {
        self.publish_payload(topic, Payload::new(value))
    }

    /// Like [`Job::publish`], for a payload that may be a JS value or bytes.
    ///
    /// # Errors
    /// A [`JobError`].
    pub fn publish_payload(
        &self,
        topic: impl TryInto<Topic, Error: Into<TopicError>>,
        payload: Payload,
    ) -> Result<(), JobError> {
        let topic = topic.try_into().map_err(Into::into)?.to_string();
        self.page.say(Said::Publish { topic, payload: postable(&payload)? });
        Ok(())
    }

    /// Replies to the request if the event is one and the pool serves requests
    /// ([`Workers::serving`](crate::workers::Workers::serving)).
    ///
    /// # Errors
    /// [`JobError::Data`].
    pub fn reply<T: Serialize + 'static>(&self, value: T) -> Result<(), JobError> {
        let payload = postable(&Payload::new(value))?;
        let topic = self.topic.to_string();
        self.page.say(Said::Reply { ticket: self.ticket, topic, payload });
        Ok(())
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Job")
            .field("topic", &self.topic)
            .field("id", &self.id)
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}

/// The worker as gloo runs it.
pub(super) struct Server;

/// The channel to the page.
#[derive(Clone)]
struct Page {
    scope: Rc<WorkerScope<Server>>,
    id: HandlerId,
}

impl Page {
    fn say(&self, said: Said) {
        self.scope.respond(self.id, said);
    }
}

impl Worker for Server {
    type Message = ();
    type Input = Handed;
    type Output = Said;

    fn create(_: &WorkerScope<Self>) -> Self {
        Self
    }

    fn update(&mut self, _: &WorkerScope<Self>, (): ()) {}

    fn connected(&mut self, scope: &WorkerScope<Self>, id: HandlerId) {
        scope.respond(id, Said::Ready);
    }

    fn received(&mut self, scope: &WorkerScope<Self>, handed: Handed, id: HandlerId) {
        let page = Page { scope: Rc::new(scope.clone()), id };
        // gloo has borrowed this worker. The handler runs after that borrow has ended.
        spawn_local(handle(handed, page));
    }
}

async fn handle(handed: Handed, page: Page) {
    let Handed { ticket, topic, id, redelivered, payload } = handed;
    let failed = match Topic::parse(&topic) {
        Ok(topic) => {
            let (payload, id) = (Payload::from_js(payload), id.into());
            let job = Job { topic, payload, id, redelivered, ticket, page: page.clone() };
            let handler = HANDLER.with_borrow(Clone::clone);
            match handler {
                Some(handler) => handler(job).await.err().map(|cause| cause.to_string()),
                None => None,
            }
        }
        Err(error) => Some(error.to_string()),
    };
    page.say(Said::Done { ticket, failed });
}
