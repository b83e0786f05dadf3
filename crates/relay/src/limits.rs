//! Limits on what a client may use: rates and caps, and how clients are grouped.

mod bucket;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

pub(crate) use bucket::{Bucket, Timer};

/// The group of clients that a limit counts. Connections with the same key share its buckets and its
/// [share](crate::budget::Share) of the budget.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The network of one host: an IPv4 address, or the /64 of an IPv6 address.
    Address(IpAddr),
    /// An account, with all its connections from all addresses.
    Account(Arc<str>),
}

impl Key {
    /// The key of a host.
    pub fn of(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
            address => address,
        })
    }

    /// A number that identifies it.
    pub fn number(&self) -> u128 {
        match self {
            Self::Address(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
            Self::Address(IpAddr::V6(address)) => address.to_bits(),
            Self::Account(name) => {
                let hash: [u8; 32] = Sha256::digest(name.as_bytes()).into();
                let half = hash.first_chunk().copied().unwrap_or_default();
                // Only multicast addresses begin with this byte.
                u128::from_be_bytes(half) | 0xff << 120
            }
        }
    }
}

/// Higher rates that a credential gives to its account, per second; 0 for those of the [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Raised {
    /// Publishes, durable or ephemeral.
    pub publishes: u32,
    /// KiB that are read from the network.
    pub kibibytes: u32,
}

/// A rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The long-term rate per second; 0 for no limit.
    pub per_second: u32,
    /// The burst after a rest.
    pub burst: u32,
}

impl Rate {
    /// Creates a rate of `per_second` with a `burst`.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    fn times(self, factor: u32) -> Self {
        Self::new(self.per_second.saturating_mul(factor), self.burst.saturating_mul(factor))
    }

    /// A rate of `per_second` if that is higher, with a burst that rises by the same factor.
    fn raised(self, per_second: u32) -> Self {
        if self.per_second == 0 || per_second <= self.per_second {
            return self;
        }
        let burst = u64::from(self.burst) * u64::from(per_second) / u64::from(self.per_second);
        Self::new(per_second, burst.try_into().unwrap_or(u32::MAX))
    }

    /// How long an empty bucket takes to fill.
    fn refill(self) -> Duration {
        Duration::from_secs(u64::from(self.burst).div_ceil(u64::from(self.per_second.max(1))))
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Publishes, durable or ephemeral.
    Publishes,
    /// KiB that are read from the network.
    Kibibytes,
    /// Subscriptions.
    Subscribes,
    /// Requests for history.
    Histories,
    /// Presence joins and watches.
    Joins,
    /// WebSocket handshakes.
    Handshakes,
}

pub(crate) const KINDS: usize = 6;

impl Kind {
    /// The names in the metrics, in the order of the kinds.
    pub(crate) const NAMES: [&str; KINDS] =
        ["publishes", "kibibytes", "subscribes", "histories", "joins", "handshakes"];
}

/// The limits of a relay. The rates are for each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Publishes, durable or ephemeral.
    pub publishes: Rate,
    /// KiB that are read from the network.
    pub kibibytes: Rate,
    /// Subscriptions.
    pub subscribes: Rate,
    /// Requests for history.
    pub histories: Rate,
    /// Presence joins and watches.
    pub joins: Rate,
    /// WebSocket handshakes.
    pub handshakes: Rate,
    /// How many clients an address may create in an hour; 0 for no limit.
    pub new_clients_per_hour: u32,
    /// The maximum number of connections of an address, without those of accounts; 0 for no limit.
    pub connections: usize,
    /// The maximum number of connections of an account; 0 for no limit.
    pub account_connections: usize,
    /// The maximum number of connections in total; 0 for no limit.
    pub max_connections: usize,
    /// The [budget](crate::budget) of all clients in bytes; 0 for no limit.
    pub memory: u64,
    /// The time limit for the headers of an HTTP request, and for a connection without a request; zero for none.
    pub header_timeout: Duration,
    /// The time limit for a WebSocket message of more than a few KiB; zero for none.
    pub message_timeout: Duration,
    /// The time limit for the hello of a WebSocket connection, or for something valid in JSON; zero for none.
    pub hello_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            publishes: Rate::new(200, 2_000),
            kibibytes: Rate::new(2 << 10, 8 << 10),
            subscribes: Rate::new(50, 4_096),
            histories: Rate::new(20, 200),
            joins: Rate::new(20, 100),
            handshakes: Rate::new(20, 100),
            new_clients_per_hour: 600,
            connections: 1_024,
            account_connections: 64,
            max_connections: 10_000,
            memory: 64 << 20,
            header_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(60),
            hello_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Multiplies all rates, bursts, new clients, connections and memory: for benchmarks and tests, whose load comes
    /// from one address. The time limits stay.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self {
            publishes: self.publishes.times(factor),
            kibibytes: self.kibibytes.times(factor),
            subscribes: self.subscribes.times(factor),
            histories: self.histories.times(factor),
            joins: self.joins.times(factor),
            handshakes: self.handshakes.times(factor),
            new_clients_per_hour: self.new_clients_per_hour.saturating_mul(factor),
            connections: self.connections.saturating_mul(factor as usize),
            account_connections: self.account_connections.saturating_mul(factor as usize),
            max_connections: self.max_connections.saturating_mul(factor as usize),
            memory: self.memory.saturating_mul(factor.into()),
            ..self
        }
    }

    fn rates(&self, raised: Raised) -> [(Kind, Rate); KINDS] {
        [
            (Kind::Publishes, self.publishes.raised(raised.publishes)),
            (Kind::Kibibytes, self.kibibytes.raised(raised.kibibytes)),
            (Kind::Subscribes, self.subscribes),
            (Kind::Histories, self.histories),
            (Kind::Joins, self.joins),
            (Kind::Handshakes, self.handshakes),
        ]
    }
}

/// The buckets of all keys.
#[derive(Debug)]
pub struct Limiter {
    limits: Limits,
    /// Connections whose rates are raised differently have different buckets.
    keys: Mutex<HashMap<(Key, Raised), LimiterEntry>>,
    /// Counts by [`Kind`] how often a bucket did not hold enough.
    limited: Arc<[Counter; KINDS]>,
}

#[derive(Debug)]
struct LimiterEntry {
    buckets: Arc<[Bucket; KINDS]>,
    /// Since when this key has had no connection, as far as was checked.
    unused_since: Option<Instant>,
}

impl Limiter {
    /// Creates full buckets.
    pub fn new(limits: Limits) -> Self {
        Self { limits, keys: Mutex::default(), limited: Arc::default() }
    }

    /// The same, with these counters of how often a bucket did not hold enough.
    pub(crate) fn counted(limits: Limits, limited: [Counter; KINDS]) -> Self {
        Self { limited: Arc::new(limited), ..Self::new(limits) }
    }

    /// The buckets of `key`.
    pub fn of(&self, key: &Key) -> Allowance {
        self.raised(key, Raised::default())
    }

    /// The buckets of `key` for connections with raised rates.
    pub fn raised(&self, key: &Key, raised: Raised) -> Allowance {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = keys.entry((key.clone(), raised)).or_insert_with(|| {
            let buckets = self.limits.rates(raised).map(|(_, rate)| Bucket::new(rate));
            LimiterEntry { buckets: Arc::new(buckets), unused_since: None }
        });
        entry.unused_since = None;
        Allowance(Arc::clone(&entry.buckets), Arc::clone(&self.limited))
    }

    /// Forgets keys without connections whose buckets are full again. Call it from time to time.
    pub fn forget_stale(&self) {
        // A raised bucket takes as long to fill as one of the limits.
        let rates = self.limits.rates(Raised::default());
        let longest = rates.map(|(_, rate)| rate.refill()).into_iter().max();
        let longest = longest.unwrap_or_default();
        let now = Instant::now();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, entry| {
            if Arc::strong_count(&entry.buckets) > 1 {
                entry.unused_since = None;
                return true;
            }
            now.duration_since(*entry.unused_since.get_or_insert(now)) < longest
        });
        let room = 2 * keys.len();
        if keys.capacity() > 2 * room {
            keys.shrink_to(room);
        }
    }
}

/// The buckets of one key. Clones share them.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<[Bucket; KINDS]>, Arc<[Counter; KINDS]>);

impl Allowance {
    /// Takes `count` from a bucket, if it holds enough and no one waits for it. Returns whether it did.
    pub fn try_take(&self, kind: Kind, count: u32) -> bool {
        let is_taken = self.0[kind as usize].try_take(count);
        if !is_taken {
            self.1[kind as usize].inc();
        }
        is_taken
    }

    /// Takes `count` from a bucket, and waits for the missing part. Callers take turns.
    pub async fn take(&self, kind: Kind, count: u32) {
        self.0[kind as usize].take(count).await;
    }

    /// The most that a bucket can hold.
    pub fn burst(&self, kind: Kind) -> usize {
        self.0[kind as usize].burst()
    }

    /// How long an empty bucket takes to hold one again.
    pub fn retry(&self, kind: Kind) -> Duration {
        self.0[kind as usize].each()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::of(text.parse().unwrap())
    }

    #[test]
    fn a_host_is_an_address_or_a_network_of_64_bits() {
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_a_key_share_its_buckets_and_others_have_their_own() {
        let limiter = Limiter::new(Limits::default());
        let (one, same) = (limiter.of(&key("192.0.2.1")), limiter.of(&key("192.0.2.1")));
        assert!(one.try_take(Kind::Publishes, 2_000));
        assert!(!same.try_take(Kind::Publishes, 1));
        assert!(same.try_take(Kind::Joins, 100));
        assert!(limiter.of(&key("192.0.2.2")).try_take(Kind::Publishes, 2_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_credential_raises_rates_and_bursts_and_lowers_none() {
        let limiter = Limiter::new(Limits::default());
        let account = Key::Account("ann".into());
        let raised = |publishes| limiter.raised(&account, Raised { publishes, kibibytes: 0 });
        assert_eq!(raised(600).burst(Kind::Publishes), 6_000);
        assert_eq!(raised(600).burst(Kind::Kibibytes), 8 << 10);
        assert_eq!(raised(5).burst(Kind::Publishes), 2_000);
        assert_eq!(raised(u32::MAX).burst(Kind::Publishes), u32::MAX as usize);
        assert!(raised(600).try_take(Kind::Publishes, 6_000));
        assert!(!raised(600).try_take(Kind::Publishes, 1));
        assert!(limiter.of(&account).try_take(Kind::Publishes, 2_000));
        let unlimited = Limits { publishes: Rate::new(0, 0), ..Limits::default() };
        let unlimited = Limiter::new(unlimited);
        let raised = unlimited.raised(&account, Raised { publishes: 5, kibibytes: 5 });
        assert_eq!(raised.burst(Kind::Publishes), usize::MAX);
    }

    #[test]
    fn an_account_has_a_number_that_no_address_has() {
        let number = |name: &str| Key::Account(name.into()).number();
        assert_ne!(number("ann"), number("bob"));
        assert!(number("ann") > key("fe80::1").number() | u128::from(u64::MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_outlives_its_connections_until_it_is_full_again() {
        let limiter = Limiter::new(Limits::default());
        assert!(limiter.of(&key("192.0.2.1")).try_take(Kind::Handshakes, 100));
        for _ in 0..3 {
            limiter.forget_stale();
            assert!(!limiter.of(&key("192.0.2.1")).try_take(Kind::Handshakes, 100));
        }
        limiter.forget_stale();
        tokio::time::sleep(Duration::from_secs(4_096 / 50 + 1)).await;
        limiter.forget_stale();
        assert!(limiter.keys.lock().unwrap().is_empty());
    }

    #[test]
    fn a_key_whose_connections_stay_is_not_stale() {
        let limiter = Limiter::new(Limits::default());
        let _used = limiter.of(&key("192.0.2.1"));
        limiter.forget_stale();
        limiter.forget_stale();
        assert_eq!(limiter.keys.lock().unwrap().len(), 1);
    }
}
