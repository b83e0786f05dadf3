//! Presence: the topics at which this page is present, and their other occupants.

use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};

use bus::Topic;
use js_sys::Array;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use session::Attendee;
use session::client;
use wasm_bindgen::JsValue;

use super::{Bridge, BridgeError, Endpoint};
use crate::bus::Retention;
use crate::js::object;
use crate::{Bytes, DataError, Payload};

/// The prefix of the topics that report the occupants, as [`Occupants`]: it precedes the watched topic. See
/// [`Bridge::watch`].
pub const PRESENCE_TOPIC: &str = "$bus.presence.";

/// The occupants of a topic: the payload of the events under [`PRESENCE_TOPIC`], the newest of which is retained.
/// JavaScript reads the same fields.
#[derive(Debug, Clone, Deserialize)]
pub struct Occupants {
    /// The topic.
    pub topic: String,
    /// All occupants, in the order in which they joined.
    pub present: Vec<Occupant>,
    /// The occupants that have joined or changed their data.
    pub joined: Vec<Occupant>,
    /// The occupants that have left.
    pub left: Vec<Occupant>,
}

/// An occupant of a topic. A user with several browsers is several occupants with one key.
#[derive(Debug, Clone, Deserialize)]
pub struct Occupant {
    /// Identifies it at this topic, and is never used again: a decimal number.
    pub id: String,
    /// The key of the user.
    pub key: String,
    /// The data that the occupant has joined with.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub data: JsValue,
}

/// Keeps this page present at a topic, or watching one. Dropping it ends that.
#[must_use = "dropping a guard ends the presence, or the watching"]
pub struct PresenceGuard {
    endpoint: Weak<Endpoint>,
    key: u64,
}

/// The presence or the watching that a guard keeps.
pub(super) struct PresenceRecord {
    key: u64,
    topic: Topic,
    kind: Kind,
}

enum Kind {
    Joined { key: String, data: Vec<u8> },
    Watched { state: Rc<Retention> },
}

impl Occupant {
    /// The data of the occupant as a `T`.
    ///
    /// # Errors
    /// A [`DataError`] if it cannot be read as a `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        crate::payload::read(self.data.clone()).map_err(DataError::Deserialize)
    }
}

impl Bridge {
    /// Joins a topic until the returned guard is dropped. A page that closes without leaving stays present for ten
    /// seconds, so that a reload is not a leave. Tabs that share a link are one occupant, with the key and data of the
    /// newest `join`.
    ///
    /// `key` identifies the user, unless the peer's authority does. The others see `data`. The key may have 256 bytes,
    /// the data 4,096 bytes as JSON. If the peer refuses, [`ERROR_TOPIC`](crate::ERROR_TOPIC) reports it.
    ///
    /// # Errors
    /// [`BridgeError::Pattern`], [`BridgeError::SystemPattern`] and [`BridgeError::Data`].
    pub fn join<T: Serialize + 'static>(
        &self,
        topic: &str,
        key: &str,
        data: T,
    ) -> Result<PresenceGuard, BridgeError> {
        self.join_with(topic, key, &Payload::new(data))
    }

    /// Like [`Bridge::join`], with data that may be a JS value.
    ///
    /// # Errors
    /// Like [`Bridge::join`].
    pub fn join_with(
        &self,
        topic: &str,
        key: &str,
        data: &Payload,
    ) -> Result<PresenceGuard, BridgeError> {
        let topic = check(topic)?;
        let bytes = data.to_bytes()?;
        if !bytes.is_json() {
            let why = DataError::NotJson("it is bytes".to_owned());
            return Err(BridgeError::Data(why));
        }
        let kind = Kind::Joined { key: key.to_owned(), data: bytes.data.to_vec() };
        Ok(self.endpoint.enter(topic, kind))
    }

    /// Watches the occupants of a topic, until the returned guard is dropped. The occupants, and each change, are
    /// published as [`Occupants`] on [`PRESENCE_TOPIC`] followed by the topic, where the newest event is retained.
    ///
    /// ```no_run
    /// use event_driven_kit::bridge::{Occupants, PRESENCE_TOPIC};
    /// use event_driven_kit::{Bridge, Bus};
    ///
    /// fn watch(bus: &Bus, bridge: &Bridge) -> Result<(), Box<dyn std::error::Error>> {
    ///     let lobby = bridge.watch("chat.lobby")?;
    ///     let reported = bus.subscriber(&[PRESENCE_TOPIC, "chat.lobby"].concat()).replay(move |event| {
    ///         let here = event.data::<Occupants>()?;
    ///         println!("{} here", here.present.len());
    ///         let _watched = &lobby;
    ///         Ok(())
    ///     })?;
    ///     # drop(reported);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BridgeError::Pattern`] and [`BridgeError::SystemPattern`].
    pub fn watch(&self, topic: &str) -> Result<PresenceGuard, BridgeError> {
        let topic = check(topic)?;
        let state = self.endpoint.retained(&topic)?;
        Ok(self.endpoint.enter(topic, Kind::Watched { state }))
    }
}

fn check(topic: &str) -> Result<Topic, BridgeError> {
    let topic = Topic::parse(topic)?;
    if topic.is_system() {
        return Err(BridgeError::SystemPattern(topic.to_string()));
    }
    Ok(topic)
}

impl Endpoint {
    /// The retained state of a topic, which all its watchers share.
    fn retained(&self, topic: &Topic) -> Result<Rc<Retention>, BridgeError> {
        let presence = self.presence.borrow();
        let mut same = presence.iter().filter(|entry| entry.topic == *topic);
        let state = same.find_map(|entry| match &entry.kind {
            Kind::Watched { state } => Some(state.clone()),
            Kind::Joined { .. } => None,
        });
        drop(presence);
        if let Some(state) = state {
            return Ok(state);
        }
        let topic = [PRESENCE_TOPIC, topic.as_str()].concat();
        Ok(Rc::new(self.bus.retain(&topic, NonZeroUsize::MIN, NonZeroUsize::MIN)?))
    }

    fn enter(&self, topic: Topic, kind: Kind) -> PresenceGuard {
        let key = self.next_key();
        match &kind {
            Kind::Joined { key, data } => self.link.join(&topic, key.clone(), data.clone()),
            Kind::Watched { .. } => self.link.watch(&topic),
        }
        self.presence.borrow_mut().push(PresenceRecord { key, topic, kind });
        self.link.drive();
        PresenceGuard { endpoint: self.this.clone(), key }
    }

    fn exit(&self, key: u64) {
        let gone = {
            let mut presence = self.presence.borrow_mut();
            let at = presence.iter().position(|entry| entry.key == key);
            at.map(|at| presence.remove(at))
        };
        let Some(PresenceRecord { topic, kind, .. }) = gone else { return };
        match &kind {
            Kind::Joined { .. } => match self.joined(&topic) {
                Some((key, data)) => self.link.join(&topic, key, data),
                None => self.link.leave(&topic),
            },
            Kind::Watched { .. } => {
                if !self.is_watched(&topic) {
                    self.link.unwatch(&topic);
                }
            }
        }
        drop(kind);
        self.link.drive();
    }

    /// Key and data of the newest join of a topic.
    fn joined(&self, topic: &Topic) -> Option<(String, Vec<u8>)> {
        let presence = self.presence.borrow();
        let mut same = presence.iter().rev().filter(|entry| entry.topic == *topic);
        same.find_map(|entry| match &entry.kind {
            Kind::Joined { key, data } => Some((key.clone(), data.clone())),
            Kind::Watched { .. } => None,
        })
    }

    fn is_watched(&self, topic: &Topic) -> bool {
        let presence = self.presence.borrow();
        let mut same = presence.iter().filter(|entry| entry.topic == *topic);
        same.any(|entry| matches!(entry.kind, Kind::Watched { .. }))
    }

    pub(super) fn tell_occupants(&self, occupants: &client::Occupants) {
        let list = |all: &[Attendee]| JsValue::from(all.iter().map(occupant).collect::<Array>());
        let topic = occupants.topic.as_str();
        let payload = Payload::report(&[
            ("topic", topic.into()),
            ("present", list(&occupants.present)),
            ("joined", list(&occupants.joined)),
            ("left", list(&occupants.left)),
        ]);
        self.announce(&[PRESENCE_TOPIC, topic].concat(), payload);
    }
}

/// The JavaScript object of an occupant. Data that is not valid JSON becomes `undefined`.
fn occupant(Attendee { id, key, data }: &Attendee) -> JsValue {
    let data = Bytes::json(data.as_slice()).to_js().unwrap_or_default();
    object(&[("id", id.to_string().into()), ("key", key.as_str().into()), ("data", data)])
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        if let Some(endpoint) = self.endpoint.upgrade() {
            endpoint.exit(self.key);
        }
    }
}

impl std::fmt::Debug for PresenceGuard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("PresenceGuard").field(&self.key).finish()
    }
}
