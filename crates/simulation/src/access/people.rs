//! The people of the world: their clients, what they may do, and their credentials.

use std::collections::VecDeque;

use session::client::{Client, Effect, Entropy, MemoryOutbox, Options, SavedState, SubscriptionId};
use session::rights::{PatternLists, Subject};
use topic::Pattern;

use super::check::Covers;
use crate::random::Random;
use crate::wire::WireNo;

/// A person with one client.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) client: Client,
    pub(super) store: MemoryOutbox,
    /// What the authority would grant now.
    pub(super) lists: PatternLists,
    /// Its connection.
    pub(super) wire: Option<WireNo>,
    pub(super) up: VecDeque<Vec<u8>>,
    pub(super) down: VecDeque<Vec<u8>>,
    pub(super) subscriptions: Vec<SubscriptionId>,
    /// The received events that it has not finished.
    pub(super) untaken: VecDeque<(Vec<SubscriptionId>, usize)>,
}

/// A credential that the authority has issued. Its number is the token.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) name: String,
    pub(super) lists: PatternLists,
    pub(super) until: u64,
}

impl Person {
    pub(super) fn new(number: usize, random: &mut Random) -> Self {
        let mut bytes = random.fork();
        let mut entropy: Entropy = Box::new(move |out| bytes.fill(out));
        let saved = SavedState::new(&mut entropy);
        let options = Options { credentials: true, ..Options::default() };
        Self {
            name: format!("p{number}"),
            client: Client::new(options, entropy, saved.clone()),
            store: MemoryOutbox::new(saved),
            lists: random_lists(random),
            wire: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            subscriptions: Vec::new(),
            untaken: VecDeque::new(),
        }
    }

    /// The next effect of its client that concerns the world.
    pub(super) fn poll(&mut self, now: u64) -> Option<Effect> {
        loop {
            match self.client.poll()? {
                Effect::Store(asked) => {
                    let answer = self.store.run(asked);
                    self.client.answer(Ok(answer), now);
                }
                Effect::Deliver(delivery) => {
                    self.untaken.push_back((delivery.subscriptions, delivery.bytes));
                }
                Effect::Refused(id, ..) => self.subscriptions.retain(|other| *other != id),
                effect @ (Effect::Open
                | Effect::Close(_)
                | Effect::Send(_)
                | Effect::FetchCredential) => return Some(effect),
                _ => {}
            }
        }
    }
}

impl Issued {
    pub(super) fn account(&self) -> Option<Subject> {
        Subject::account(&self.name).ok()
    }

    /// What it covers, without the help of the code under test.
    pub(super) fn covers(&self) -> Covers {
        let PatternLists { publish, subscribe, presence, history, .. } = &self.lists;
        let list = |texts: &Option<Vec<String>>| {
            let texts = texts.iter().flatten().map(|text| text.replace("{sub}", &self.name));
            texts.filter_map(|text| Pattern::parse(&text).ok()).collect::<Vec<_>>()
        };
        let or_subscribe =
            |texts: &Option<Vec<String>>| list(if texts.is_none() { subscribe } else { texts });
        Covers {
            publish: list(publish),
            subscribe: list(subscribe),
            presence: or_subscribe(presence),
            history: or_subscribe(history),
        }
    }
}

/// Patterns of rights.
const RIGHTS: [&str; 8] =
    [">", "chat.>", "chat.a", "chat.*", "person.{sub}.>", "admin.>", "*.*.x", "chat.b"];

/// Random rights. Some lists are absent.
pub(super) fn random_lists(random: &mut Random) -> PatternLists {
    let mut list = |absent: u64| {
        // Half of the lists are broad, so that much is delivered and there is something to take away.
        let broad = *random.of(&[&[">"][..], &["chat.>", "person.{sub}.>"], &[], &[]]);
        let count = random.between(0, 3);
        let narrow = (0..count).map(|_| *random.of(&RIGHTS)).collect::<Vec<_>>();
        let patterns = broad.iter().chain(&narrow).map(|text| (*text).to_owned()).collect();
        (!random.once_in(absent)).then_some(patterns)
    };
    PatternLists {
        publish: list(10),
        subscribe: list(10),
        presence: list(2),
        history: list(2),
        moderate: None,
    }
}
