//! The machine in a tab: a client with its own link, or a member of the tabs that share a link.

use session::client::{Client, StoreFailed, StoreResponse};
use session::tabs::{self, Lane, Tab};

/// See the [module](self).
#[derive(Debug)]
pub(super) enum Machine {
    /// A single tab, as without locks and channels.
    Alone(Box<Client>),
    /// One of the tabs that share a link.
    Sharing(Box<Tab>),
}

impl Machine {
    /// Its client, for publishes, subscriptions and requests.
    pub(super) fn client(&mut self) -> &mut Client {
        match self {
            Self::Alone(client) => client,
            Self::Sharing(tab) => tab.client(),
        }
    }

    /// Its member of the shared link, if any.
    pub(super) fn tab(&mut self) -> Option<&mut Tab> {
        match self {
            Self::Alone(_) => None,
            Self::Sharing(tab) => Some(tab),
        }
    }

    /// Whether it has the link itself. Otherwise another tab has it.
    pub(super) fn has_link(&self) -> bool {
        match self {
            Self::Alone(_) => true,
            Self::Sharing(tab) => tab.leads(),
        }
    }

    pub(super) fn start(&mut self, now: u64) {
        match self {
            Self::Alone(client) => client.connect(now),
            Self::Sharing(tab) => tab.start(now),
        }
    }

    /// The application continues after the link was stopped.
    pub(super) fn connect(&mut self, now: u64) {
        match self {
            Self::Alone(client) => client.connect(now),
            Self::Sharing(tab) => tab.connect(now),
        }
    }

    /// The client that owns a socket.
    pub(super) fn client_on(&mut self, is_fallback: bool, now: u64) -> Option<&mut Client> {
        match self {
            Self::Alone(client) => Some(client),
            Self::Sharing(tab) => {
                tab.client_on(if is_fallback { Lane::Fallback } else { Lane::Shared }, now)
            }
        }
    }

    /// The client for events that its disk has refused.
    pub(super) fn fallback(&mut self) -> Option<&mut Client> {
        self.tab()?.fallback()
    }

    /// Its device signs under this source.
    pub(super) fn signs_as(&mut self, source: &str) {
        match self {
            Self::Alone(client) => client.signs_as(source),
            Self::Sharing(tab) => tab.signs_as(source),
        }
    }

    /// Its device has another certificate.
    pub(super) fn sign_again(&mut self, now: u64) {
        match self {
            Self::Alone(client) => client.sign_again(now),
            Self::Sharing(tab) => tab.sign_again(now),
        }
    }

    pub(super) fn cancel(&mut self, id: &str) -> bool {
        match self {
            Self::Alone(client) => client.cancel(id),
            Self::Sharing(tab) => tab.cancel(id),
        }
    }

    pub(super) fn answer(&mut self, answer: Result<StoreResponse, StoreFailed>, now: u64) {
        match self {
            Self::Alone(client) => client.answer(answer, now),
            Self::Sharing(tab) => tab.answer(answer, now),
        }
    }

    pub(super) fn tick(&mut self, now: u64) {
        match self {
            Self::Alone(client) => client.tick(now),
            Self::Sharing(tab) => tab.tick(now),
        }
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        match self {
            Self::Alone(client) => client.deadline(),
            Self::Sharing(tab) => tab.deadline(),
        }
    }

    pub(super) fn poll(&mut self) -> Option<tabs::Effect> {
        match self {
            Self::Alone(client) => client.poll().map(tabs::Effect::Client),
            Self::Sharing(tab) => tab.poll(),
        }
    }

    /// The number of pending events.
    pub(super) fn outbox_len(&self) -> usize {
        match self {
            Self::Alone(client) => client.outbox_len(),
            Self::Sharing(tab) => tab.outbox_len(),
        }
    }
}
