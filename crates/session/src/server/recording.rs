//! Clients that have only read so far. The store has no record of them, because there is nothing that it must remember.
//!
//! Another client that has seen an id could take it, so a client is recorded before anything that it does shows its id
//! to others. A durable event needs more: if the peer crashed after the event arrived and before it recorded the
//! client, it could not tell the client from one that it has forgotten. So the client first asks, by another hello.

use topic::Topic;

use super::publishing::source_of;
use super::{Effect, Server, ServerState};
use crate::rights::{Right, Subject};
use crate::wire::frame::{FromPeer, Welcome};
use crate::{FrameKind, Hello};

/// Whether the store knows the client of a connection.
#[derive(Debug, Default)]
pub(super) enum Recorded {
    /// It was known at its hello, or it has no hello and is never recorded.
    #[default]
    Known,
    /// It has only read so far.
    Reading(Box<Hello>),
    /// It is being recorded. What would show its id waits.
    Pending(Vec<Effect>),
    /// This connection has recorded it.
    Since,
}

impl Server {
    /// Admits the client.
    pub(super) fn welcome(
        &mut self,
        client: ([u8; 16], u64, u64),
        (highest, highest_id): (u64, Option<String>),
        forgotten: bool,
        reading: bool,
    ) {
        self.state = ServerState::Open { client: Some(client) };
        self.source = source_of(&client.0);
        let subject = self.subject().map(str::to_owned);
        let subject = subject.or_else(|| Some(Subject::guest(&client.0).name().to_owned()));
        let rights = self.credential.rights.clone();
        self.send(&FromPeer::Welcome(Welcome {
            peer: self.options.peer.clone(),
            highest,
            highest_id,
            heartbeat: self.options.heartbeat.try_into().unwrap_or(u32::MAX),
            max_message: self.options.max_message.try_into().unwrap_or(u32::MAX),
            forgotten,
            subject,
            rights,
            kinds: FrameKind::LATER.map(FrameKind::number).to_vec(),
            reading,
        }));
    }

    /// Handles the first hello. The store may turn out to know a client that says that it only reads.
    pub(super) fn greeted(&mut self, hello: &Hello) {
        if hello.reading {
            self.recorded =
                Recorded::Reading(Box::new(Hello { token: None, proof: None, ..hello.clone() }));
        }
    }

    /// Handles another hello. Returns false if the client may not send one.
    pub(super) fn greeted_again(&mut self) -> bool {
        self.record();
        !matches!(self.recorded, Recorded::Known)
    }

    /// Records a client that has only read so far.
    pub(super) fn record(&mut self) {
        if let Recorded::Reading(hello) = &mut self.recorded {
            let hello = Hello { reading: false, ..(**hello).clone() };
            self.recorded = Recorded::Pending(Vec::new());
            self.effects.push_back(Effect::Record(hello));
        }
    }

    /// Emits an effect that shows the client's id to others, once the client is recorded.
    pub(super) fn show(&mut self, effect: Effect) {
        self.record();
        self.emit(effect);
    }

    /// Emits an effect after those that wait.
    pub(super) fn emit(&mut self, effect: Effect) {
        match &mut self.recorded {
            Recorded::Pending(waiting) => waiting.push(effect),
            _ => self.effects.push_back(effect),
        }
    }

    /// Drops what waits and is no longer allowed.
    pub(super) fn retain_waiting(&mut self, allows: impl Fn(Right, &Topic) -> bool) {
        if let Recorded::Pending(waiting) = &mut self.recorded {
            waiting.retain(|effect| match effect {
                Effect::Forward(event) => allows(Right::Publish, &event.topic),
                Effect::Join { topic, .. } => allows(Right::Presence, topic),
                _ => true,
            });
        }
    }

    /// Whether the client is being recorded. Nothing is read from it meanwhile.
    pub(super) fn is_being_recorded(&self) -> bool {
        matches!(self.recorded, Recorded::Pending(_))
    }

    /// The store has admitted the client.
    pub(super) fn is_recorded(&mut self) {
        self.recorded = match std::mem::take(&mut self.recorded) {
            Recorded::Pending(waiting) => {
                self.effects.extend(waiting);
                Recorded::Since
            }
            _ => Recorded::Known,
        };
    }
}
