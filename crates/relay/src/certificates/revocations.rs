//! Revoked keys and accounts.
//!
//! A revocation is in the log: on the topic of each key that it concerns, where readers look, and on a topic of the
//! relay's own, which it reads when it starts.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use serde_json::json;
use session::rights::{Subject, SubjectError};
use session::server::{Append, StreamNo, Ticket};
use session::{Body, Stream};
use store::{Command, Record, Store, StoreError, Write};
use tokio::sync::watch;
use topic::{Pattern, Topic};
use trust::Thumbprint;

use super::{STREAM, TOPICS};

/// The topic of the relay's own records. It is not that of a key.
const RECORDS: &str = "certs.revoked";
/// The events that are read at a time.
const PAGE: usize = 256;

/// What is revoked, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The thumbprints of keys.
    #[serde(default)]
    pub keys: Vec<String>,
    /// An account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The keys' events are not believed from this time on, in seconds since 1970. If absent, from the revocation on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The reason, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a revocation is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// It has neither keys nor an account.
    #[error("say what to revoke, with --key or --sub")]
    Nothing,
    /// A key is not a thumbprint.
    #[error("{0:?} is not the thumbprint of a key, which has 43 letters, digits, `-` and `_`")]
    Key(String),
    /// The name cannot be that of an account.
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

impl Revocation {
    /// Checks that it names something that can be revoked.
    ///
    /// # Errors
    /// [`Unsound`], which says what is missing.
    pub fn check(&self) -> Result<(), Unsound> {
        if self.keys.is_empty() && self.subject.is_none() {
            return Err(Unsound::Nothing);
        }
        if let Some(key) = self.keys.iter().find(|key| Thumbprint::parse(key).is_none()) {
            return Err(Unsound::Key(key.clone()));
        }
        self.subject.as_deref().map(Subject::account).transpose()?;
        Ok(())
    }

    /// Adds the keys of the account.
    pub(crate) fn complete(mut self, store: &dyn Store) -> Result<Self, StoreError> {
        if let Some(subject) = &self.subject {
            self.keys.extend(keys_of(store, subject)?);
            self.keys.sort_unstable();
            self.keys.dedup();
        }
        Ok(self)
    }

    /// What it does, for the operator.
    pub(crate) fn summary(&self) -> String {
        let keys = match &self.keys[..] {
            [] => "no keys".to_owned(),
            keys => keys.join(", "),
        };
        match &self.subject {
            Some(subject) => format!("revoked the account {subject} and {keys}"),
            None => format!("revoked {keys}"),
        }
    }

    /// Its events: the relay's own record, and one for each key.
    pub(crate) fn writes(&self, peer: &str) -> Vec<Write> {
        let mut said = json!({ "revoked": true });
        if let Some(reason) = &self.reason {
            said["reason"] = reason.as_str().into();
        }
        if let Some(since) = self.since {
            said["since"] = since.into();
        }
        // The constant is a valid topic, and so are those of keys.
        let first = Topic::parse(RECORDS).into_iter().map(|topic| (topic, json!(self).to_string()));
        let keys = self.keys.iter().filter_map(|key| Thumbprint::parse(key));
        let keys =
            keys.filter_map(|key| Some((Topic::parse(&key.topic()).ok()?, said.to_string())));
        let time = store::now();
        let event = |(topic, data): (Topic, String)| {
            // Two revocations of a key are two events, unless they are made in the same millisecond.
            let body = Body {
                id: format!("{topic}@{time}"),
                source: format!("/relays/{peer}"),
                time: Some(time),
                data: data.into_bytes(),
                path: vec![peer.to_owned()],
                ..Body::default()
            };
            let append = Append { ticket: Ticket::NONE, client: None, event: Ok((topic, body)) };
            Write::Append(Record::from(append))
        };
        first.chain(keys).map(event).collect()
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Revocations {
    all: RwLock<All>,
    /// Changes with each revocation.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct All {
    keys: HashSet<Thumbprint>,
    subjects: HashSet<String>,
}

impl Default for Revocations {
    fn default() -> Self {
        Self { all: RwLock::default(), changed: watch::channel(()).0 }
    }
}

impl Revocations {
    pub(crate) fn has_key(&self, key: &Thumbprint) -> bool {
        self.all.read().unwrap_or_else(PoisonError::into_inner).keys.contains(key)
    }

    pub(crate) fn has_subject(&self, subject: &str) -> bool {
        self.all.read().unwrap_or_else(PoisonError::into_inner).subjects.contains(subject)
    }

    /// Notifies of each revocation from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Adds a revocation, which takes effect at once.
    pub(crate) fn add(&self, revocation: &Revocation) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        all.keys.extend(revocation.keys.iter().filter_map(|key| Thumbprint::parse(key)));
        all.subjects.extend(revocation.subject.clone());
        drop(all);
        self.changed.send_replace(());
    }

    /// Reads the revocations of the log.
    pub(crate) fn load(&self, store: &dyn Store) -> Result<(), StoreError> {
        each(store, RECORDS, |body| {
            if let Ok(revocation) = serde_json::from_slice(&body.data) {
                self.add(&revocation);
            }
        })
    }
}

/// Resolves at the next revocation, with what notifies of the ones after it; never if there is nothing that notifies
/// of them.
///
/// Await one future for as long as it takes. It stands in a list of all connections, and to leave the list and enter
/// it again for each message touches the memory of other connections, which is not in the processor's cache.
pub(crate) async fn next_revocation(
    changes: Option<watch::Receiver<()>>,
) -> Option<watch::Receiver<()>> {
    let Some(mut changes) = changes else { return std::future::pending().await };
    // The sender lives as long as the relay.
    let _ = changes.changed().await;
    Some(changes)
}

/// The keys of the certificates that an account has sent.
fn keys_of(store: &dyn Store, subject: &str) -> Result<Vec<String>, StoreError> {
    let mut keys = HashSet::new();
    each_with_topic(store, TOPICS, |topic, body| {
        if body.authid.as_deref() == Some(subject)
            && let Some(key) = Thumbprint::from_topic(topic)
        {
            keys.insert(key);
        }
    })?;
    let mut keys: Vec<_> = keys.iter().map(Thumbprint::to_string).collect();
    keys.sort_unstable();
    Ok(keys)
}

fn each(store: &dyn Store, pattern: &str, mut of: impl FnMut(Body)) -> Result<(), StoreError> {
    each_with_topic(store, pattern, |_, body| of(body))
}

/// Calls `of` with the events of a pattern, newest first.
fn each_with_topic(
    store: &dyn Store,
    pattern: &str,
    mut of: impl FnMut(&str, Body),
) -> Result<(), StoreError> {
    let Some(stream) = stream_no(store) else { return Ok(()) };
    let Ok(pattern) = Pattern::parse(pattern) else { return Ok(()) };
    let mut before = None;
    loop {
        let page = store.history(stream, &pattern, before, PAGE)?;
        for event in &page.events {
            if let Ok(body) = Body::decode(&event.body) {
                of(event.topic.as_str(), body);
            }
        }
        before = page.next;
        if before.is_none() {
            return Ok(());
        }
    }
}

fn stream_no(store: &dyn Store) -> Option<StreamNo> {
    let stream = Stream::named(STREAM);
    store.streams().iter().position(|it| *it == stream)
}

/// Writes a revocation to a store that no relay uses.
pub(crate) fn write(store: &dyn Store, writes: &[Write]) -> Result<(), StoreError> {
    let command = Command { time: store::now().into(), has_room: true, writes };
    store.apply(&[command]).map(drop)
}
