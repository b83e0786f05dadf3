//! Presence: where this page is, and who else is there.

use std::num::NonZeroUsize;
use std::rc::{Rc, Weak};

use bus::Topic;
use js_sys::Array;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use session::Attendee;
use session::client;
use wasm_bindgen::JsValue;

use super::link::Link;
use super::{Bridge, BridgeError};
use crate::bus::Retention;
use crate::js::object;
use crate::{Bytes, DataError, Payload};

/// Before the topic of which it is told who is there, as [`Occupants`]; see [`Bridge::watch`].
pub const PRESENCE_TOPIC: &str = "$bus.presence.";

/// Who is present at a topic: the payload of the events on [`PRESENCE_TOPIC`], of which the newest is retained.
/// JavaScript reads the same fields.
#[derive(Debug, Clone, Deserialize)]
pub struct Occupants {
    /// The topic.
    pub topic: String,
    /// All who are there, in the order in which they came.
    pub present: Vec<Occupant>,
    /// Those of them who came, or have other data than before.
    pub joined: Vec<Occupant>,
    /// Those who have left.
    pub left: Vec<Occupant>,
}

/// One who is present at a topic. Somebody with several browsers there is several, under one key.
#[derive(Debug, Clone, Deserialize)]
pub struct Occupant {
    /// Names it at this topic, and no other after it: a decimal number.
    pub id: String,
    /// Who it is.
    pub key: String,
    /// What it says of itself.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    pub data: JsValue,
}

/// Keeps this page present at a topic, or watching one. Dropping it ends that.
#[must_use = "dropping a guard ends the presence, or the watching"]
pub struct PresenceGuard {
    link: Weak<Link>,
    key: u64,
}

/// What the guards of a link stand for.
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
    /// What it says of itself, as a `T`.
    ///
    /// # Errors
    /// A [`DataError`] if it is none.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        serde_wasm_bindgen::from_value(self.data.clone())
            .map_err(|error| DataError::Deserialize(error.to_string()))
    }
}

impl Bridge {
    /// Is present at a topic until the answer is dropped, and for ten seconds more if the page just goes: a reload
    /// is no leave. Tabs that share a link are one there, and the newest `join` of a topic counts.
    ///
    /// `key` says who it is, where the peer's authority does not know better; `data` is what the others see. The
    /// key may have 256 bytes, the data 4,096 as JSON. What the peer refuses is told on
    /// [`ERROR_TOPIC`](crate::ERROR_TOPIC).
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

    /// The same with data that may be a JS value.
    ///
    /// # Errors
    /// Like [`Bridge::join`].
    pub fn join_with(
        &self,
        topic: &str,
        key: &str,
        data: &Payload,
    ) -> Result<PresenceGuard, BridgeError> {
        let topic = place(topic)?;
        let bytes = data.to_bytes()?;
        if !bytes.is_json() {
            let why = DataError::NotJson("it is bytes".to_owned());
            return Err(BridgeError::Data(why));
        }
        let kind = Kind::Joined { key: key.to_owned(), data: bytes.data.to_vec() };
        Ok(self.link.enter(topic, kind))
    }

    /// Watches who is present at a topic, until the answer is dropped: the state, and each change of it, come as
    /// [`Occupants`] on [`PRESENCE_TOPIC`] followed by the topic, where the newest is retained.
    ///
    /// ```no_run
    /// use event_driven_kit::bridge::{Occupants, PRESENCE_TOPIC};
    /// use event_driven_kit::{Bridge, Bus};
    ///
    /// fn watch(bus: &Bus, bridge: &Bridge) -> Result<(), Box<dyn std::error::Error>> {
    ///     let lobby = bridge.watch("chat.lobby")?;
    ///     let told = bus.subscriber(&[PRESENCE_TOPIC, "chat.lobby"].concat()).replay(move |event| {
    ///         let here = event.data::<Occupants>()?;
    ///         println!("{} here", here.present.len());
    ///         let _watched = &lobby;
    ///         Ok(())
    ///     })?;
    ///     # drop(told);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`BridgeError::Pattern`] and [`BridgeError::SystemPattern`].
    pub fn watch(&self, topic: &str) -> Result<PresenceGuard, BridgeError> {
        let topic = place(topic)?;
        let state = self.link.retained(&topic)?;
        Ok(self.link.enter(topic, Kind::Watched { state }))
    }
}

fn place(topic: &str) -> Result<Topic, BridgeError> {
    let topic = Topic::parse(topic)?;
    if topic.is_system() {
        return Err(BridgeError::SystemPattern(topic.to_string()));
    }
    Ok(topic)
}

impl Link {
    /// What keeps the state of a topic, for all who watch it.
    fn retained(&self, topic: &Topic) -> Result<Rc<Retention>, BridgeError> {
        let presences = self.presences.borrow();
        let mut standing = presences.iter().filter(|place| place.topic == *topic);
        let state = standing.find_map(|place| match &place.kind {
            Kind::Watched { state } => Some(state.clone()),
            Kind::Joined { .. } => None,
        });
        if let Some(state) = state {
            return Ok(state);
        }
        let told_at = [PRESENCE_TOPIC, topic.as_str()].concat();
        Ok(Rc::new(self.bus().retain(&told_at, NonZeroUsize::MIN, NonZeroUsize::MIN)?))
    }

    fn enter(&self, topic: Topic, kind: Kind) -> PresenceGuard {
        let key = self.next_key();
        {
            let mut tab = self.tab.borrow_mut();
            match &kind {
                Kind::Joined { key, data } => tab.client().join(&topic, key.clone(), data.clone()),
                Kind::Watched { .. } => tab.client().watch(&topic),
            }
        }
        self.presences.borrow_mut().push(PresenceRecord { key, topic, kind });
        self.drive();
        PresenceGuard { link: self.this.clone(), key }
    }

    fn exit(&self, key: u64) {
        let gone = {
            let mut presences = self.presences.borrow_mut();
            let at = presences.iter().position(|place| place.key == key);
            at.map(|at| presences.remove(at))
        };
        let Some(gone) = gone else { return };
        {
            let (presences, mut tab) = (self.presences.borrow(), self.tab.borrow_mut());
            let mut here = presences.iter().rev().filter(|place| place.topic == gone.topic);
            match &gone.kind {
                Kind::Joined { .. } => {
                    let joined = here.find_map(|place| match &place.kind {
                        Kind::Joined { key, data } => Some((key.clone(), data.clone())),
                        Kind::Watched { .. } => None,
                    });
                    match joined {
                        Some((key, data)) => tab.client().join(&gone.topic, key, data),
                        None => tab.client().leave(&gone.topic),
                    }
                }
                Kind::Watched { .. } => {
                    if !here.any(|place| matches!(place.kind, Kind::Watched { .. })) {
                        tab.client().unwatch(&gone.topic);
                    }
                }
            }
        }
        drop(gone);
        self.drive();
    }

    pub(super) fn tell_occupants(&self, told: client::Occupants) {
        let list = |all: &[Attendee]| JsValue::from(all.iter().map(occupant).collect::<Array>());
        let payload = Payload::told(&[
            ("topic", told.topic.as_str().into()),
            ("present", list(&told.present)),
            ("joined", list(&told.joined)),
            ("left", list(&told.left)),
        ]);
        self.announce(&[PRESENCE_TOPIC, told.topic.as_str()].concat(), payload);
    }
}

/// Data that is not the JSON it should be is none.
fn occupant(Attendee { id, key, data }: &Attendee) -> JsValue {
    let data = Bytes::json(data.as_slice()).to_js().unwrap_or_default();
    object(&[("id", id.to_string().into()), ("key", key.as_str().into()), ("data", data)])
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        if let Some(link) = self.link.upgrade() {
            link.exit(self.key);
        }
    }
}

impl std::fmt::Debug for PresenceGuard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("PresenceGuard").field(&self.key).finish()
    }
}
