//! Events: payload, origin and delivery.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use bus::Topic;
use serde::de::DeserializeOwned;
#[cfg(feature = "trust")]
use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;

use crate::answer::{Position, Rejection};
use crate::flow::{Flow, Hold};
use crate::js::random_id;
use crate::{DataError, Failure, Payload};

/// An event: a payload with its attributes. Cheap to clone.
#[derive(Clone)]
pub struct Event(Rc<Attributes>);

struct Attributes {
    topic: Topic,
    payload: Payload,
    /// Created at the first use, because it is random.
    id: OnceCell<Box<str>>,
    source: Box<str>,
    account: Option<Box<str>>,
    /// What JavaScript knows of its verified author, or undefined.
    #[cfg(feature = "trust")]
    author: JsValue,
    /// The offset of the event whose deletion it reports.
    deletes: Option<u64>,
    is_deleted: bool,
    time: Option<f64>,
    delivery: Delivery,
    /// Set for an event that a peer has sent.
    flow: Option<Box<Flow>>,
    /// The object that all JS handlers of the event share.
    #[cfg(feature = "npm")]
    face: OnceCell<JsValue>,
}

/// How an event reaches its subscribers.
#[derive(Debug, Clone, PartialEq)]
pub enum Delivery {
    /// It stays on this bus.
    Local,
    /// It is sent if the link is up, and stored nowhere.
    Ephemeral,
    /// It is not stored by the peer yet. Only subscribers with echo receive it.
    Pending(Stage),
    /// The peer has stored it at this position.
    Stored(Position),
    /// The peer has refused it. Only subscribers with echo receive it.
    Rejected(Rejection),
}

/// What a pending event waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The outbox: a reload now would lose it.
    Queued,
    /// The link: it is in the outbox.
    Kept,
    /// The peer's ack.
    Sent,
}

impl Event {
    /// Creates an event of this page, published now.
    pub(crate) fn new(topic: Topic, payload: Payload, delivery: Delivery) -> Self {
        let now = Some(js_sys::Date::now());
        Self::build(topic, payload, OnceCell::new(), "".into(), now, delivery)
    }

    /// Ends what [`bus::Payload::kept`] has begun, after the event was handled or popped.
    pub(crate) fn let_go(&self) {
        if let Some(flow) = &self.0.flow {
            flow.let_go();
        }
    }

    fn copy(&self, payload: Payload, delivery: Delivery, flow: Option<Box<Flow>>) -> Self {
        let Attributes { topic, source, account, deletes, is_deleted, time, .. } = &*self.0;
        let id = OnceCell::from(Box::from(self.id()));
        Self(Rc::new(Attributes {
            topic: topic.clone(),
            payload,
            id,
            source: source.clone(),
            account: account.clone(),
            #[cfg(feature = "trust")]
            author: self.0.author.clone(),
            deletes: *deletes,
            is_deleted: *is_deleted,
            time: *time,
            delivery,
            flow,
            #[cfg(feature = "npm")]
            face: OnceCell::new(),
        }))
    }

    /// Creates an event that JavaScript publishes now, with the object it has created for its handlers.
    #[cfg(feature = "npm")]
    pub(crate) fn faced(topic: Topic, payload: Payload, face: JsValue) -> Self {
        let event = Self::new(topic, payload, Delivery::Local);
        let _ = event.0.face.set(face);
        event
    }

    fn build(
        topic: Topic,
        payload: Payload,
        id: OnceCell<Box<str>>,
        source: Box<str>,
        time: Option<f64>,
        delivery: Delivery,
    ) -> Self {
        Self(Rc::new(Attributes {
            topic,
            payload,
            id,
            source,
            account: None,
            #[cfg(feature = "trust")]
            author: JsValue::UNDEFINED,
            deletes: None,
            is_deleted: false,
            time,
            delivery,
            flow: None,
            #[cfg(feature = "npm")]
            face: OnceCell::new(),
        }))
    }

    /// Creates an event of a recording: its id, source and account, and when it was published.
    pub(crate) fn recorded(
        topic: Topic,
        payload: Payload,
        [id, source, account]: [Option<String>; 3],
        time: Option<f64>,
        delivery: Delivery,
    ) -> Self {
        let id = id.map_or_else(OnceCell::new, |id| OnceCell::from(id.into_boxed_str()));
        let source = source.unwrap_or_default().into();
        let mut event = Self::build(topic, payload, id, source, time, delivery);
        if let Some(attributes) = Rc::get_mut(&mut event.0) {
            attributes.account = account.map(String::into_boxed_str);
        }
        event
    }

    /// The topic it was published to.
    pub fn topic(&self) -> &Topic {
        &self.0.topic
    }

    /// Its globally unique id: 32 hex digits if this library has published it.
    pub fn id(&self) -> &str {
        self.0.id.get_or_init(|| self.made_id())
    }

    #[cfg(not(feature = "npm"))]
    fn made_id(&self) -> Box<str> {
        random_id()
    }

    /// JavaScript may have created the id.
    #[cfg(feature = "npm")]
    fn made_id(&self) -> Box<str> {
        let known = self.0.face.get().and_then(crate::face::event_id);
        known.map_or_else(random_id, String::into_boxed_str)
    }

    /// The publisher, as reported by the peer. Empty for an event of this page.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The account that has published it, as attested by a peer that knows accounts. `None` for an event of this page,
    /// and for one of a guest.
    pub fn account(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    /// The author, and how the author is known.
    #[cfg(feature = "trust")]
    pub fn trust(&self) -> crate::trust::TrustStatus {
        use crate::trust::TrustStatus;
        match self.account() {
            _ if self.is_verified() => {
                let author: &crate::keys::Certified = self.0.author.unchecked_ref();
                let (subject, name, key) = (author.subject(), author.name(), author.key_of());
                TrustStatus::Verified(crate::trust::Verified { subject, name, key })
            }
            Some(account) => TrustStatus::Attested(account.to_owned()),
            None if self.source().is_empty() => TrustStatus::Unknown,
            None => TrustStatus::Anonymous,
        }
    }

    /// Whether its device has signed it, and a trusted issuer has certified the device: [`Event::trust`] says whose it
    /// is.
    #[cfg(feature = "trust")]
    pub fn is_verified(&self) -> bool {
        !self.0.author.is_undefined()
    }

    /// When it was published, in milliseconds since 1970 by the publisher's clock, or `None` if unknown.
    pub fn time(&self) -> Option<f64> {
        self.0.time
    }

    /// How it was delivered.
    pub fn delivery(&self) -> &Delivery {
        &self.0.delivery
    }

    /// The payload.
    pub fn payload(&self) -> &Payload {
        &self.0.payload
    }

    /// The payload as a `T`: the published value itself if it is a `T`.
    ///
    /// # Errors
    /// A [`DataError`] if it cannot be read as a `T`. A handler passes it on with `?`.
    pub fn data<T: DeserializeOwned + 'static>(&self) -> Result<Rc<T>, DataError> {
        self.0.payload.to_rust()
    }

    /// Whether it was deleted, or reports a deletion: then it has no data.
    pub(crate) fn lacks_data(&self) -> bool {
        self.0.is_deleted || self.0.deletes.is_some()
    }

    /// The payload as a JS value: the published value itself if it is one.
    ///
    /// # Errors
    /// A [`DataError`] if it has no JS form.
    pub fn js(&self) -> Result<JsValue, DataError> {
        self.0.payload.to_js()
    }

    /// Slows down the peer until the returned hold is dropped, for a handler that continues after it has
    /// returned. A peer sends further events while a rule's [window](crate::Rule::window) has room. An event
    /// occupies room in the window while a handler runs or a hold exists, and while it waits in a batch or in
    /// a queue with [`Overflow::wait`](crate::Overflow::wait). Returns `None` if no peer has sent the event, or
    /// its handlers have returned.
    ///
    /// ```no_run
    /// use event_driven_kit::{Bus, Event};
    ///
    /// async fn draw(event: Event) {}
    ///
    /// let bus = Bus::new();
    /// let _subscription = bus.subscribe("image.*", |event| {
    ///     let (event, hold) = (event.clone(), event.hold());
    ///     wasm_bindgen_futures::spawn_local(async move {
    ///         draw(event).await;
    ///         drop(hold);
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), event_driven_kit::TopicError>(())
    /// ```
    pub fn hold(&self) -> Option<Hold> {
        self.0.flow.as_ref()?.hold()
    }

    /// The object for JS handlers, which `make` creates for the first of them.
    #[cfg(feature = "npm")]
    pub(crate) fn face(&self, make: impl FnOnce(Option<&str>) -> JsValue) -> &JsValue {
        self.0.face.get_or_init(|| make(self.0.id.get().map(|id| &**id)))
    }
}

/// Events of bridges.
#[cfg(feature = "bridge")]
impl Event {
    /// The same event with another payload.
    pub(crate) fn with(&self, payload: Payload) -> Self {
        self.copy(payload, self.0.delivery.clone(), None)
    }

    /// Creates an event that a bridge has received.
    pub(crate) fn inbound(
        topic: Topic,
        payload: Payload,
        id: &str,
        source: &str,
        time: Option<u64>,
        delivery: Delivery,
    ) -> Self {
        let time = time.map(|time| time as f64);
        Self::build(topic, payload, OnceCell::from(Box::from(id)), source.into(), time, delivery)
    }

    /// The same event with what a peer attests: the account that has published it, the offset of the event whose
    /// deletion it reports, and whether it was deleted itself.
    pub(crate) fn attested(
        mut self,
        account: Option<String>,
        deletes: Option<u64>,
        is_deleted: bool,
    ) -> Self {
        if let Some(attributes) = Rc::get_mut(&mut self.0) {
            attributes.account = account.map(String::into_boxed_str);
            (attributes.deletes, attributes.is_deleted) = (deletes, is_deleted);
        }
        self
    }

    /// The same event of a verified author, or of none if it is undefined.
    #[cfg(feature = "trust")]
    pub(crate) fn verified(mut self, author: JsValue) -> Self {
        if let Some(attributes) = Rc::get_mut(&mut self.0) {
            attributes.author = author;
        }
        self
    }

    /// What JavaScript knows of its verified author, or undefined.
    #[cfg(feature = "npm")]
    pub(crate) fn author(&self) -> &JsValue {
        &self.0.author
    }

    /// If a peer reports with this event that another one was [deleted](crate::Bridge::delete): the position of the
    /// deleted event, without its id. It has no data, and the topic of the deleted event. The
    /// [account](Event::account) is the one that has deleted it.
    pub fn deletes(&self) -> Option<Position> {
        let (offset, Delivery::Stored(position)) = (self.0.deletes?, &self.0.delivery) else {
            return None;
        };
        let (stream, epoch) = (position.stream.clone(), position.epoch);
        Some(Position { stream, epoch, offset, id: None })
    }

    /// Whether this event was [deleted](crate::Bridge::delete), so that it has no data. Readers of the past get it in
    /// this form.
    pub fn is_deleted(&self) -> bool {
        self.0.is_deleted
    }

    /// The same event with another delivery.
    pub(crate) fn at(&self, delivery: Delivery) -> Self {
        self.copy(self.0.payload.clone(), delivery, None)
    }

    /// The same event with its part in the flow control of a link.
    pub(crate) fn in_flow(mut self, flow: Flow) -> Self {
        let flow = Some(Box::new(flow));
        if let Some(attributes) = Rc::get_mut(&mut self.0) {
            attributes.flow = flow;
            return self;
        }
        self.copy(self.0.payload.clone(), self.0.delivery.clone(), flow)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Event")
            .field("topic", self.topic())
            .field("delivery", self.delivery())
            .finish_non_exhaustive()
    }
}

impl bus::Payload for Event {
    type Cause = crate::Cause;

    fn failure(failure: bus::Failure<crate::Cause>) -> Self {
        Self::new(error_topic(&failure.topic), Failure::report(&failure), Delivery::Local)
    }

    fn notice(notice: bus::Notice) -> Option<Self> {
        let topic = Topic::parse(notice.topic()).ok()?;
        Some(Self::new(topic, crate::notice::payload(&notice)?, Delivery::Local))
    }

    fn kept(&self) -> Self {
        match self.0.flow.as_ref().and_then(|flow| flow.kept()) {
            None => self.clone(),
            Some(flow) => {
                self.copy(self.0.payload.clone(), self.0.delivery.clone(), Some(Box::new(flow)))
            }
        }
    }
}

/// [`bus::ERROR_TOPIC`], which always parses; `otherwise` only satisfies the type.
fn error_topic(otherwise: &Topic) -> Topic {
    Topic::parse(bus::ERROR_TOPIC).unwrap_or_else(|_| otherwise.clone())
}
