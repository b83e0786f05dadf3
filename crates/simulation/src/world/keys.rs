//! The keys of devices: proofs, signatures that come late or not at all, revoked keys, and attackers who have overheard
//! a hello or stolen a secret.

use std::collections::BTreeSet;

use model::{ClientId, DeviceKey, Peer};
use session::client::ProofRequest;
use session::server::{Logged, Wire};
use session::signed::Thumbprint;
use session::{Body, CloseCode, FromClient, Hello};

use super::plan::Step;
use super::{Happening, World, number_of};
use crate::history::{LifeNo, Record};
use crate::random::Random;

/// See the [module](self). It has random choices of its own, so that it does not change worlds without keys.
#[derive(Debug)]
pub(super) struct Keys {
    random: Random,
    /// Whether devices have keys in this world.
    are_used: bool,
    next: u64,
    revoked: BTreeSet<DeviceKey>,
    /// The clients whose key was revoked. Their profiles continue as other clients.
    orphans: BTreeSet<ClientId>,
    /// The last hellos with proofs that have reached the relay.
    overheard: Vec<Hello>,
}

/// What a device is asked to sign.
#[derive(Debug)]
pub(super) enum Signs {
    Hello(ProofRequest),
    Event(String),
}

/// The maximum number of hellos that an attacker remembers.
const OVERHEARD: usize = 32;

impl Keys {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x6b65_7973);
        let are_used = random.once_in(3);
        let (revoked, orphans) = Default::default();
        Self { random, are_used, next: 0, revoked, orphans, overheard: Vec::new() }
    }

    fn make(&mut self) -> DeviceKey {
        self.next += 1;
        DeviceKey(self.next)
    }
}

impl World {
    /// Gives devices their keys, and plans what happens to these.
    pub(super) fn plan_keys(&mut self, length: u64) {
        if !self.keys.are_used {
            return;
        }
        for profile in 0..self.profiles.len() {
            self.profiles[profile].key = Some(self.keys.make());
            for _ in 0..self.keys.random.between(0, 4) {
                let at = self.keys.random.below(length);
                self.after(at, Happening::Planned(Step::Certify(profile)));
            }
            if self.keys.random.once_in(2) {
                let at = self.keys.random.below(length);
                self.after(at, Happening::Planned(Step::Revoke(profile)));
            }
        }
        for _ in 0..self.keys.random.between(3, 12) {
            let at = self.keys.random.below(length);
            self.after(at, Happening::Planned(Step::Impersonate));
        }
    }

    /// The key of a copied profile: the copy may lack it, and make another one.
    pub(super) fn key_of_copy(&mut self, profile: usize) -> Option<DeviceKey> {
        let key = self.profiles[profile].key?;
        let is_copied = self.keys.random.once_in(2);
        Some(if is_copied { key } else { self.keys.make() })
    }

    /// Whether the next publish of a tab must be signed.
    pub(super) fn is_to_sign(&mut self, tab: usize) -> bool {
        let profile = &self.profiles[self.tabs[tab].profile];
        profile.key.is_some() && self.keys.random.once_in(2)
    }

    /// A page sets the source of what its device signs.
    pub(super) fn sign_as_device(&mut self, number: usize) {
        let key = self.profiles[self.tabs[number].profile].key;
        if let (Some(key), Some(machine)) = (key, &mut self.tabs[number].machine) {
            machine.signs_as(&Thumbprint::of(&key.public()).source());
        }
    }

    /// A machine asks its device for a signature, which takes a while.
    pub(super) fn ask_device(&mut self, tab: usize, is_fallback: bool, what: Signs) {
        let life = self.tabs[tab].life;
        let wait = if self.keys.random.once_in(20) {
            self.keys.random.between(50, 8_000)
        } else {
            self.keys.random.below(5)
        };
        self.after(wait, Happening::Signs { tab, life, is_fallback, what });
    }

    /// The device answers. A page without a disk has no key.
    pub(super) fn signs(&mut self, number: usize, life: LifeNo, is_fallback: bool, what: Signs) {
        if self.tabs[number].life != life {
            return;
        }
        if let Some(wait) = self.stands_still(number) {
            let again = Happening::Signs { tab: number, life, is_fallback, what };
            return self.after(wait, again);
        }
        let profile = &self.profiles[self.tabs[number].profile];
        let key = profile.key.filter(|_| self.tabs[number].memory.is_none());
        let signing = key.filter(|_| profile.is_certified);
        self.with_machine(number, |machine, now| {
            let Some(client) = machine.client_on(is_fallback, now) else { return };
            match (what, key, signing) {
                (Signs::Hello(ProofRequest { client: id, fence, token }), Some(key), _) => {
                    client.proved(fence, key.public(), key.prove(&id, fence, token.as_deref()));
                }
                (Signs::Hello(request), None, _) => client.cannot_prove(request.fence),
                (Signs::Event(id), _, Some(key)) => client.signed(&id, key.sign(&id), now),
                (Signs::Event(id), _, None) => client.cannot_sign(&id),
            }
        });
    }

    /// The certificate of a profile's key ends, or another one comes.
    pub(super) fn certify(&mut self, number: usize) {
        let profile = &mut self.profiles[number];
        profile.is_certified = !profile.is_certified || self.healed;
        if profile.is_certified {
            self.certified(number);
        }
    }

    /// From now on each key has a certificate.
    pub(super) fn certify_all(&mut self) {
        for profile in 0..self.profiles.len() {
            self.profiles[profile].is_certified = true;
            self.certified(profile);
        }
    }

    fn certified(&mut self, profile: usize) {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].profile == profile && self.keys.are_used {
                self.sign_again(tab);
            }
        }
    }

    /// A page asks for the signatures that could not be made.
    pub(super) fn sign_again(&mut self, tab: usize) {
        match self.stands_still(tab) {
            Some(wait) => self.after(wait, Happening::Planned(Step::SignAgain(tab))),
            None => self.with_machine(tab, |machine, now| machine.sign_again(now)),
        }
    }

    /// A key is revoked: its connections end, and it opens no other one. The device makes another key, and its client
    /// becomes a new one. What was sent under the old one may or may not be in the log.
    pub(super) fn revoke(&mut self, number: usize) {
        let Some(key) = self.profiles[number].key.filter(|_| !self.healed) else { return };
        // The key of a copy is not revoked, because two profiles would be in doubt about one client. Neither is that of
        // a profile which sends from memory: its doubt would not end with the one about its other client. A client that
        // was restored and then loses its key cannot learn which of its rows were sent, and sends them again.
        if self.profiles.iter().filter(|profile| profile.key == Some(key)).count() > 1
            || self.profiles[number].doubt.is_of_state()
            || self.profiles[number].was_restored
            || self.tabs.iter_mut().any(|tab| tab.profile == number && tab.sends_from_memory())
        {
            return;
        }
        self.keys.revoked.insert(key);
        self.keys.orphans.insert(self.profiles[number].client());
        self.profiles[number].key = Some(self.keys.make());
        self.doubt_state(number);
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].profile == number {
                self.sign_as_device(tab);
            }
        }
        for wire in self.relay.wires() {
            let is_its = self.tabs[self.wires[wire].tab].profile == number;
            if is_its {
                self.with_server(wire, |server, _| server.close(CloseCode::Revoked, "revoked"));
            }
        }
    }

    /// Whether a profile with this client id cannot use it any longer.
    pub(super) fn is_orphan(&self, client: &ClientId) -> bool {
        self.keys.orphans.contains(client)
    }

    /// Whether the relay refuses the key of a hello.
    pub(super) fn is_revoked(&mut self, hello: &Hello) -> bool {
        let Some(key) = hello.key.as_ref().and_then(DeviceKey::of) else { return false };
        self.keys.overheard.push(hello.clone());
        if self.keys.overheard.len() > OVERHEARD {
            self.keys.overheard.remove(0);
        }
        self.keys.revoked.contains(&key)
    }

    /// An event was logged. Records it if it has no signature of a device.
    pub(super) fn check_signature(&mut self, event: &Logged) {
        if !self.keys.are_used {
            return;
        }
        let body = Body::decode(&event.body).unwrap_or_default();
        let keys = (1..=self.keys.next).map(DeviceKey);
        let signature = body.signature;
        if signature.is_none_or(|it| !keys.into_iter().any(|key| key.sign(&body.id) == it)) {
            self.record(Record::LoggedUnsigned { event: number_of(&body.id) });
        }
    }

    /// An attacker connects to a copy of the relay, so that a success does no harm.
    pub(super) fn impersonate(&mut self) {
        if self.keys.overheard.is_empty() {
            return;
        }
        let Keys { random, overheard, .. } = &mut self.keys;
        let hello = random.of(overheard).clone();
        let store = &self.relay.peer.store;
        // The relay cannot tell an impostor from a client that it does not know, or knows by a secret.
        let (Some(key), Some(fence)) = (store.key(&hello.client), store.fence(&hello.client))
        else {
            return;
        };
        if Some(key) != hello.key || fence < hello.fence {
            return;
        }
        let next = fence + self.keys.random.between(1, 9);
        let said = match self.keys.random.below(4) {
            // A replay.
            0 => hello.clone(),
            // A replay with a token that is high enough.
            1 => Hello { fence: next, ..hello.clone() },
            // A stolen secret.
            2 => Hello { fence: next, key: None, proof: None, ..hello.clone() },
            // The same with another key.
            _ => {
                let other = DeviceKey(u64::MAX);
                let proof = other.prove(&hello.client, next, None);
                let (key, proof) = (Some(other.public()), Some(proof));
                Hello { fence: next, key, proof, ..hello.clone() }
            }
        };
        let mut peer = Peer::new(self.relay.peer.options().clone());
        (peer.store, peer.verifies) = (store.clone(), self.relay.peer.verifies);
        peer.accept(0, Wire::Frames, self.now);
        let mut message = Vec::new();
        FromClient::Hello(said).encode(&mut message);
        peer.received(0, &message, self.now);
        peer.run();
        let is_closed = peer.connections.get(&0).is_none_or(|it| it.closed.is_some());
        if !is_closed {
            let client = self.client_no(hello.client);
            self.record(Record::AdmittedWithoutKey { client });
        }
    }
}
