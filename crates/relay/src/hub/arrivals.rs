//! The newest connection of each client. It ends the older ones.
//!
//! The store checks the secret and the fencing token of each client that it has recorded. Those of a client that only
//! reads are checked here, against its other connections.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use session::Hello;
use session::server::Opened;
use tokio::sync::oneshot;

/// What a hello says of its client.
#[derive(Debug, Clone, Copy)]
pub struct Greeting {
    /// The client.
    pub client: [u8; 16],
    /// Its fencing token.
    pub fence: u64,
    /// A hash of what proves its identity.
    identity: u64,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    newest: Mutex<HashMap<[u8; 16], Newest>>,
}

#[derive(Debug)]
struct Newest {
    fence: u64,
    identity: u64,
    /// Ends the connection when dropped.
    _end: oneshot::Sender<()>,
}

impl Greeting {
    /// What this hello says.
    pub fn of(hello: &Hello) -> Self {
        static HASHER: std::sync::LazyLock<RandomState> =
            std::sync::LazyLock::new(RandomState::new);
        let identity = HASHER.hash_one((hello.secret, hello.key));
        Self { client: hello.client, fence: hello.fence, identity }
    }
}

impl Arrivals {
    /// See [`Hub::arrive`](super::Hub::arrive).
    pub(super) fn arrive(
        &self,
        greeting: Greeting,
        only_reads: bool,
    ) -> Result<oneshot::Receiver<()>, Opened> {
        let Greeting { client, fence, identity } = greeting;
        let (_end, end) = oneshot::channel();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        match newest.get(&client) {
            Some(other) if only_reads && other.identity != identity => {
                return Err(Opened::WrongSecret);
            }
            Some(other) if only_reads && other.fence >= fence => return Err(Opened::Fenced),
            Some(other) if other.fence >= fence => {}
            _ => _ = newest.insert(client, Newest { fence, identity, _end }),
        }
        Ok(end)
    }

    /// Undoes [`Arrivals::arrive`].
    pub(super) fn leave(&self, client: [u8; 16], fence: u64) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.get(&client).is_some_and(|newest| newest.fence == fence) {
            newest.remove(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrives(
        arrivals: &Arrivals,
        secret: u8,
        fence: u64,
        only_reads: bool,
    ) -> Result<oneshot::Receiver<()>, Opened> {
        let greeting = Greeting::of(&Hello::new([1; 16], [secret; 32], fence));
        arrivals.arrive(greeting, only_reads)
    }

    #[test]
    fn of_clients_that_only_read_the_first_secret_and_the_highest_token_count() {
        let arrivals = Arrivals::default();
        let mut first = arrives(&arrivals, 1, 2, true).unwrap();
        assert_eq!(arrives(&arrivals, 1, 2, true).unwrap_err(), Opened::Fenced);
        assert_eq!(arrives(&arrivals, 9, 3, true).unwrap_err(), Opened::WrongSecret);
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        let _second = arrives(&arrivals, 1, 3, true).unwrap();
        assert_eq!(first.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        arrivals.leave([1; 16], 2);
        assert!(arrives(&arrivals, 9, 4, true).is_err(), "the second one is still connected");
        arrivals.leave([1; 16], 3);
        assert!(arrives(&arrivals, 9, 1, true).is_ok());
    }

    #[test]
    fn a_client_that_the_store_has_recorded_needs_no_check() {
        let arrivals = Arrivals::default();
        let mut reader = arrives(&arrivals, 9, 2, true).unwrap();
        // The store knows that its secret is the right one.
        let _recorded = arrives(&arrivals, 1, 3, false).unwrap();
        assert_eq!(reader.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        let mut late = arrives(&arrivals, 1, 2, false).unwrap();
        assert_eq!(late.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
