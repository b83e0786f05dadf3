//! A worker's side: the handler that it serves, and what that is given.

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

/// An event as a worker's handler sees it. Cheap to clone.
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
    /// What was to be the topic is none.
    #[error("this is no topic: {0}")]
    Topic(#[from] TopicError),
    /// The payload cannot go to the page.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Handles the events that the page's pool gives to this worker, one after the other. To be called once, in
/// the worker's `main`; [`Workers`](crate::workers::Workers) shows both sides.
///
/// An event is done when the handler's future is. An `Err` is a failure on the page's bus, in its words, like
/// that of any handler there. A panic or an uncaught exception ends this worker, and so does the pool when the
/// event takes too long; the event then comes again, in another worker.
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
    /// For gloo, which makes the `Server`.
    static HANDLER: RefCell<Option<Rc<Handler>>> = const { RefCell::new(None) };
}

impl Job {
    /// The topic that the event was published to.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Names the event among all; the same when it is redelivered.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether another worker was given the event before, and may have done it in part or whole.
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

    /// Publishes on the page's bus; before the event is done there, if the handler has not returned. What an
    /// event publishes comes again when it is redelivered.
    ///
    /// What the page's bus refuses is a failure there.
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

    /// Publishes a payload that may be a JS value or bytes; otherwise like [`Job::publish`].
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

    /// Answers the request, if the event is one and the pool serves requests
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

/// What gloo runs in the worker.
pub(super) struct Server;

/// The way to the page.
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
        // gloo has borrowed this worker; the handler runs when it has given that back.
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
