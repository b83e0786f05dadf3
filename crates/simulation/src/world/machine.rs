//! What runs in a tab: a client with a link of its own, or a part in the link that the tabs of a profile
//! share.

use session::client::{Answer, Client, StoreFailed};
use session::tabs::{self, Of, Tab};

/// See the [module](self).
#[derive(Debug)]
pub(super) enum Machine {
    /// As where there is neither lock nor channel.
    Alone(Box<Client>),
    /// One of the tabs of its profile.
    Sharing(Box<Tab>),
}

impl Machine {
    /// Its client: to publish, to subscribe and to ask.
    pub(super) fn client(&mut self) -> &mut Client {
        match self {
            Self::Alone(client) => client,
            Self::Sharing(tab) => tab.client(),
        }
    }

    /// Its part among the tabs, if it has one.
    pub(super) fn tab(&mut self) -> Option<&mut Tab> {
        match self {
            Self::Alone(_) => None,
            Self::Sharing(tab) => Some(tab),
        }
    }

    /// It says itself what the link does; another tab has it otherwise.
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

    /// The application says go on, after the link was told to stop.
    pub(super) fn connect(&mut self, now: u64) {
        match self {
            Self::Alone(client) => client.connect(now),
            Self::Sharing(tab) => tab.connect(now),
        }
    }

    /// The client whose socket it is.
    pub(super) fn at_socket(&mut self, is_spare: bool, now: u64) -> Option<&mut Client> {
        match self {
            Self::Alone(client) => Some(client),
            Self::Sharing(tab) => tab.at_socket(if is_spare { Of::Spare } else { Of::Tab }, now),
        }
    }

    /// What sends events that its disk did not take.
    pub(super) fn spare(&mut self) -> Option<&mut Client> {
        self.tab()?.spare()
    }

    pub(super) fn cancel(&mut self, id: &str) -> bool {
        match self {
            Self::Alone(client) => client.cancel(id),
            Self::Sharing(tab) => tab.cancel(id),
        }
    }

    pub(super) fn answer(&mut self, answer: Result<Answer, StoreFailed>, now: u64) {
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

    /// How many events wait for an answer.
    pub(super) fn outbox_len(&self) -> usize {
        match self {
            Self::Alone(client) => client.outbox_len(),
            Self::Sharing(tab) => tab.outbox_len(),
        }
    }
}
