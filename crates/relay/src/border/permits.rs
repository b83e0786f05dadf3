//! Permits for connections, taken when a connection is accepted and returned when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::{Key, Limits};

/// Each key, and all keys together, have this many permits beyond their limit, for connections that are accepted only
/// to be closed with a reason.
const SURPLUS: usize = 16;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct ConnectionPermits {
    /// The maximum number of connections of an address, of an account, and in total.
    address: usize,
    account: usize,
    whole: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    whole: usize,
    of: HashMap<Key, usize>,
}

/// A permit for a connection, returned when this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    permits: Arc<ConnectionPermits>,
    /// `None` while the client is unknown, because the connection comes from a proxy.
    key: Option<Key>,
    is_surplus: bool,
}

impl ConnectionPermits {
    /// With the limits on connections.
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let most = [limits.connections, limits.account_connections, limits.max_connections];
        let [address, account, whole] = most.map(|most| if most == 0 { usize::MAX } else { most });
        Arc::new(Self { address, account, whole, taken: Mutex::default() })
    }

    /// Takes a permit, and one of `key` if the key is known already.
    pub(crate) fn take(self: &Arc<Self>, key: Option<Key>) -> Option<ConnectionPermit> {
        let mut taken = self.lock();
        if taken.whole >= self.whole.saturating_add(SURPLUS) {
            return None;
        }
        let mut is_surplus = taken.whole >= self.whole;
        if let Some(key) = &key {
            is_surplus |= self.take_of(&mut taken, key)?;
        }
        taken.whole += 1;
        drop(taken);
        Some(ConnectionPermit { permits: Arc::clone(self), key, is_surplus })
    }

    /// Takes a permit of `key`. Returns whether the permit exceeds the limit, or `None` if no permit is left.
    fn take_of(&self, taken: &mut Taken, key: &Key) -> Option<bool> {
        let most = match key {
            Key::Address(_) => self.address,
            Key::Account(_) => self.account,
        };
        let count = taken.of.get(key).copied().unwrap_or(0);
        if count >= most.saturating_add(SURPLUS) {
            return None;
        }
        taken.of.insert(key.clone(), count + 1);
        Some(count >= most)
    }

    fn give_back(taken: &mut Taken, key: &Key) {
        if let Some(count) = taken.of.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                taken.of.remove(key);
            }
        }
    }

    /// The number of connections.
    pub(crate) fn taken(&self) -> usize {
        self.lock().whole
    }

    /// No panic can leave this inconsistent.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionPermit {
    /// Whether there are too many connections, so that this one must be closed.
    pub(crate) fn is_surplus(&self) -> bool {
        self.is_surplus
    }

    /// Whether the connection counts for no client now, because it comes from a proxy.
    pub(crate) fn is_unassigned(&self) -> bool {
        self.key.is_none()
    }

    /// Counts the connection as one of `key` for a while. Returns false if `key` has as many as it may have.
    pub(crate) fn lend(&mut self, key: &Key) -> bool {
        let mut taken = self.permits.lock();
        let permit = self.permits.take_of(&mut taken, key);
        if permit == Some(true) {
            ConnectionPermits::give_back(&mut taken, key);
        }
        let is_lent = permit == Some(false);
        self.key = is_lent.then(|| key.clone());
        is_lent
    }

    /// Ends [`ConnectionPermit::lend`].
    pub(crate) fn unassign(&mut self) {
        if let Some(key) = self.key.take() {
            ConnectionPermits::give_back(&mut self.permits.lock(), &key);
        }
    }

    /// Counts the connection as one of `key`, which a request or a credential has named. Returns false if there are too
    /// many.
    pub(crate) fn assign(&mut self, key: &Key) -> bool {
        if self.key.as_ref() == Some(key) {
            return true;
        }
        let mut taken = self.permits.lock();
        if let Some(old) = self.key.take() {
            ConnectionPermits::give_back(&mut taken, &old);
        }
        let permit = self.permits.take_of(&mut taken, key);
        self.key = permit.is_some().then(|| key.clone());
        self.is_surplus |= permit.unwrap_or(true);
        permit.is_some()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut taken = self.permits.lock();
        taken.whole -= 1;
        if let Some(key) = &self.key {
            ConnectionPermits::give_back(&mut taken, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(last: u8) -> Key {
        Key::of([192, 0, 2, last].into())
    }

    fn permits(connections: usize, max_connections: usize) -> Arc<ConnectionPermits> {
        let limits = Limits { connections, max_connections, ..Limits::default() };
        ConnectionPermits::new(&limits)
    }

    #[test]
    fn a_key_has_its_places_and_a_few_that_are_only_refused_and_they_come_back() {
        let permits = permits(3, 100);
        let held: Vec<_> = std::iter::from_fn(|| permits.take(Some(key(1)))).collect();
        assert_eq!(held.len(), 3 + SURPLUS);
        assert_eq!(held.iter().filter(|permit| permit.is_surplus()).count(), SURPLUS);
        assert!(!permits.take(Some(key(2))).unwrap().is_surplus());
        drop(held);
        assert!(!permits.take(Some(key(1))).unwrap().is_surplus());
        assert!(permits.lock().of.is_empty() && permits.lock().whole == 0);
    }

    #[test]
    fn all_together_have_a_bound() {
        let permits = permits(0, 2);
        let held: Vec<_> = (1..=255).map_while(|last| permits.take(Some(key(last)))).collect();
        assert_eq!(held.len(), 2 + SURPLUS);
    }

    #[test]
    fn a_proxys_connection_counts_as_its_clients_once_that_is_known() {
        let permits = permits(1, 100);
        let mut one = permits.take(None).unwrap();
        let mut two = permits.take(None).unwrap();
        assert!(one.assign(&key(1)) && one.assign(&key(1)) && !one.is_surplus());
        assert!(two.assign(&key(1)) && two.is_surplus());
        assert!(one.assign(&key(2)));
        assert_eq!(permits.lock().of.get(&key(1)), Some(&1));
        drop((one, two));
        assert!(permits.lock().of.is_empty());
    }

    #[test]
    fn a_proxys_connection_counts_for_a_client_during_its_request_only() {
        let permits = permits(1, 100);
        let [mut one, mut two] = [(); 2].map(|()| permits.take(None).unwrap());
        assert!(one.lend(&key(1)));
        assert!(!two.lend(&key(1)) && two.is_unassigned() && !two.is_surplus());
        assert!(two.lend(&key(2)));
        one.unassign();
        two.unassign();
        assert!(two.lend(&key(1)));
        drop(two);
        assert!(one.lend(&key(1)));
        drop(one);
        assert!(permits.lock().of.is_empty());
    }

    #[test]
    fn a_connection_that_signs_in_counts_for_its_account_and_no_longer_for_its_address() {
        let limits = Limits { connections: 1, account_connections: 2, ..Limits::default() };
        let permits = ConnectionPermits::new(&limits);
        let account = Key::Account("ann".into());
        let mut held = Vec::new();
        for is_surplus in [false, false, true] {
            let mut permit = permits.take(Some(key(1))).unwrap();
            assert!(!permit.is_surplus());
            assert!(permit.assign(&account) && permit.assign(&account));
            assert_eq!(permit.is_surplus(), is_surplus);
            held.push(permit);
        }
        drop(held);
        assert!(permits.lock().of.is_empty());
    }
}
