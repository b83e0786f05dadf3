//! How many clients an address may create: each costs rows that live for months.
//!
//! Only a client that the store does not know takes from the share of its address, and only when it is recorded: one
//! that reads has no row. So before a commit, the writer asks the store which clients it
//! [knows](store::Store::knows), and asks here for the others. Each hello then carries the decision into the commit.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use session::server::ledger::Account;
use store::{Store, StoreError, Write};

use super::Job;
use crate::limits::{Key, Timer};

/// The most addresses that are remembered. With more of them in use all are forgotten: a limit for each address does
/// not stop an attacker who has that many.
const ADDRESSES: usize = 65_536;

type Limiter = RateLimiter<Key, HashMapStateStore<Key>, Timer, NoOpMiddleware<Nanos>>;

/// Gives each address an hour's share, which refills evenly.
#[derive(Debug)]
pub(super) struct NewClientLimiter {
    /// `None` for no limit.
    limiter: Option<Limiter>,
    per_hour: u32,
}

impl NewClientLimiter {
    /// Each address may create `per_hour` clients in an hour; 0 for no limit.
    pub(super) fn new(per_hour: u32) -> Self {
        Self { limiter: limiter(per_hour), per_hour }
    }

    /// Decides which hellos may create their clients, and charges their addresses. Returns the other clients, each with
    /// the time until its address has a share again.
    ///
    /// # Errors
    /// A [`StoreError`] if the store cannot say which clients it knows.
    pub(super) fn decide(
        &mut self,
        store: &dyn Store,
        jobs: &mut [Job],
    ) -> Result<HashMap<[u8; 16], Duration>, StoreError> {
        let mut hellos = Vec::new();
        for Job { writes, from, .. } in jobs {
            for write in writes {
                let Write::Open { hello, may_be_new, .. } = write else { continue };
                *may_be_new = true;
                if hello.reading {
                    continue;
                }
                hellos.extend(from.map(|from| (from, &*hello, may_be_new)));
            }
        }
        let mut limited = HashMap::new();
        if self.limiter.is_none() || hellos.is_empty() {
            return Ok(limited);
        }
        let clients: Vec<_> = hellos.iter().map(|(_, hello, _)| hello.client).collect();
        let known = store.knows(&clients)?;
        let mut admitted = HashSet::new();
        for ((from, hello, may_be_new), is_known) in hellos.into_iter().zip(known) {
            // A client that says hello twice is created once, and an invalid hello creates none.
            let is_free = is_known
                || admitted.contains(&hello.client)
                || Account::check(None, hello, hello.secret).is_err();
            if is_free {
                continue;
            }
            match self.admit(from) {
                Ok(()) => drop(admitted.insert(hello.client)),
                Err(wait) => {
                    *may_be_new = false;
                    limited.insert(hello.client, wait);
                }
            }
        }
        Ok(limited)
    }

    /// Takes one client from the share of `address`.
    ///
    /// # Errors
    /// The time until the share has one again.
    fn admit(&mut self, address: IpAddr) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() >= ADDRESSES {
            limiter.retain_recent();
            if limiter.len() >= ADDRESSES {
                self.limiter = self::limiter(self.per_hour);
                return self.admit(address);
            }
        }
        let checked = limiter.check_key(&Key::of(address));
        checked.map_err(|until| until.wait_time_from(limiter.clock().now()))
    }
}

fn limiter(per_hour: u32) -> Option<Limiter> {
    let quota = Quota::per_hour(NonZeroU32::new(per_hour)?);
    Some(RateLimiter::new(quota, HashMapStateStore::default(), Timer::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_has_an_hours_share_that_refills_evenly() {
        let mut limiter = NewClientLimiter::new(60);
        let [one, other]: [IpAddr; 2] =
            ["2001:db8::1", "2001:db8:0:1::1"].map(|a| a.parse().unwrap());
        for _ in 0..60 {
            assert_eq!(limiter.admit(one), Ok(()));
        }
        let minute = Duration::from_secs(60);
        assert_eq!(limiter.admit("2001:db8::2".parse().unwrap()), Err(minute));
        assert_eq!(limiter.admit(other), Ok(()));
        tokio::time::advance(minute - Duration::from_millis(1)).await;
        assert_eq!(limiter.admit(one), Err(Duration::from_millis(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(limiter.admit(one), Ok(()));
        assert_eq!(limiter.admit(one), Err(minute));
    }

    #[tokio::test(start_paused = true)]
    async fn a_share_of_0_is_no_limit() {
        let mut limiter = NewClientLimiter::new(0);
        assert!((0..10_000).all(|_| limiter.admit([192, 0, 2, 1].into()).is_ok()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_remembered_addresses_is_bounded() {
        let mut limiter = NewClientLimiter::new(1);
        for host in 0..200_000_u32 {
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(host));
            assert_eq!(limiter.admit(address), Ok(()));
            assert!(limiter.limiter.as_ref().unwrap().len() <= ADDRESSES);
        }
    }
}
