//! The relay's border: which clients may connect, from where, how many, and at which rate.

pub(crate) mod audit;
mod gate;
mod http1;
mod origin;
mod permits;
mod proxy;
mod stream;

use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use axum_server::accept::Accept;
use ipnet::IpNet;
use socket2::SockRef;
use tokio::net::TcpStream;
use tower_http::add_extension::AddExtension;

use crate::budget::{Budget, Share};
use crate::limits::{Allowance, Key, Kind, Limiter, Limits, Raised};
use crate::metrics::Metrics;
use audit::Refused;
pub(crate) use gate::Gate;
pub(crate) use http1::Http1;
use origin::Authority;
pub use origin::{Host, NameError, Origin};
use permits::{ConnectionPermit, ConnectionPermits};
use proxy::Proxies;
use stream::Guarded;

/// The kernel's send buffer of a connection. Linux doubles this value.
const SEND_BUFFER: usize = 128 << 10;
/// The cost of a plain HTTP request in KiB, which is more than its size.
const REQUEST: u32 = 16;

/// Rules on hosts, origins and proxies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) hosts: Vec<Host>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) proxies: Vec<IpNet>,
    /// Whether the relay itself speaks TLS.
    pub(crate) has_tls: bool,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Border {
    hosts: Vec<Host>,
    origins: Vec<Origin>,
    proxies: Proxies,
    has_tls: bool,
    connection_permits: Arc<ConnectionPermits>,
    limiter: Limiter,
    /// The budget of unfinished messages, half of the memory. So a finished message never waits for unfinished ones.
    unfinished: Budget,
    /// The budget of everything else.
    memory: Budget,
    pub(crate) metrics: Arc<Metrics>,
}

/// The other end of an accepted connection.
#[derive(Debug)]
pub(crate) struct Peer {
    address: IpAddr,
    pub(crate) gate: Gate,
    permit: Mutex<ConnectionPermit>,
    /// Whether its handshake was charged already, when TLS began.
    has_paid: bool,
    metrics: Arc<Metrics>,
}

/// The client of a request, possibly behind a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) allowance: Allowance,
    /// Its address's share of the memory, except for unfinished messages.
    pub(crate) share: Share,
    /// Whose rates and presence count: its address, or its account once it has signed in.
    pub(crate) key: Key,
}

impl Border {
    pub(crate) fn new(rules: Rules, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let halves = [limits.memory.div_ceil(2); 2].map(Budget::new);
        let [unfinished, memory] = halves;
        Self {
            hosts: rules.hosts,
            origins: rules.origins,
            proxies: Proxies::new(rules.proxies),
            has_tls: rules.has_tls,
            connection_permits: ConnectionPermits::new(&limits),
            limiter: Limiter::counted(limits, metrics.events.limited.clone()),
            unfinished,
            memory,
            metrics,
        }
    }

    /// Forgets unused keys. Call it from time to time.
    pub(crate) fn forget_stale(&self) {
        self.limiter.forget_stale();
    }

    /// Takes a permit for a connection. Returns `None` at the limit, and the connection is dropped.
    fn peer(&self, address: IpAddr) -> Option<Arc<Peer>> {
        // The client behind a proxy is known only from its requests.
        let key = (!self.proxies.has(address)).then(|| Key::of(address));
        let allowance = key.as_ref().map(|key| self.limiter.of(key));
        // TLS begins with a handshake that costs more than that of a WebSocket.
        let has_paid = self.has_tls && allowance.is_some();
        let may_begin = |allowance: &Allowance| allowance.try_take(Kind::Handshakes, 1);
        let is_admitted = !has_paid || allowance.as_ref().is_none_or(may_begin);
        let permit = is_admitted.then(|| self.connection_permits.take(key)).flatten();
        let Some(permit) = permit else {
            audit::refused(&self.metrics, Refused::Limit, address, 0);
            return None;
        };
        self.metrics.connections.accepted.inc();
        let (gate, metrics) = (Gate::new(allowance), Arc::clone(&self.metrics));
        Some(Arc::new(Peer { address, gate, permit: Mutex::new(permit), has_paid, metrics }))
    }

    /// The number of open connections.
    pub(crate) fn connections(&self) -> usize {
        self.connection_permits.taken()
    }

    /// The bytes in use of the budget of unfinished messages, and of the other one.
    pub(crate) fn used(&self) -> [usize; 2] {
        [self.unfinished.used(), self.memory.used()]
    }

    /// The client that sends a request.
    pub(crate) fn client(&self, peer: &Peer, headers: &HeaderMap) -> Client {
        let address = self.proxies.client(peer.address, headers);
        let key = Key::of(address);
        let (allowance, share) = (self.limiter.of(&key), self.memory.share(&key));
        Client { address, allowance, share, key }
    }

    /// Whether a request names one of this relay's hosts, and not another name that resolves to the relay.
    pub(crate) fn is_host(&self, headers: &HeaderMap) -> bool {
        authority(headers).is_some_and(|authority| match &self.hosts[..] {
            [] => authority.host.is_loopback(),
            hosts => hosts.contains(&authority.host),
        })
    }

    /// Whether the page of a request may connect. Native clients have no origin.
    pub(crate) fn is_origin(&self, peer: &Peer, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Origin>().ok());
        let Some(origin) = origin.filter(|_| origins.next().is_none()) else { return false };
        let is_secure = self.has_tls || self.proxies.is_secure(peer.address, headers);
        let scheme = if is_secure { "https" } else { "http" };
        let own = authority(headers).map(|authority| Origin::new(scheme, authority));
        own.as_ref() == Some(&origin) || self.origins.contains(&origin)
    }

    /// Whether browsers should use nothing but TLS for this relay from now on. Not for loopback: that would affect
    /// every other server there.
    pub(crate) fn is_for_tls_only(&self) -> bool {
        self.has_tls && !self.hosts.is_empty()
    }

    /// Counts the connection of a plain request for the client's address until the returned guard is dropped. Between
    /// requests, the connection of a proxy counts for no client. Returns `None` if there are too many connections.
    pub(crate) fn admits_request<'p>(
        &self,
        peer: &'p Peer,
        client: &Client,
    ) -> Option<Counted<'p>> {
        let mut permit = peer.lock();
        let counted = Counted { peer, is_proxy: permit.is_unassigned() };
        let is_one_more = counted.is_proxy && !permit.lend(&Key::of(client.address));
        let is_one_more = is_one_more || permit.is_surplus();
        drop(permit);
        (!is_one_more).then_some(counted)
    }

    /// Counts a plain request, and waits if the rate is exceeded.
    pub(crate) async fn charge_request(&self, allowance: &Allowance) {
        allowance.take(Kind::Kibibytes, REQUEST).await;
    }

    /// What the address of a client may take of the memory for unfinished messages.
    pub(crate) fn unfinished(&self, client: &Client) -> Share {
        self.unfinished.share(&Key::of(client.address))
    }

    /// The client of a request has shown a credential: its rates are those of its account.
    pub(crate) fn sign_in(&self, client: &mut Client, account: &str, raised: Raised) {
        client.key = Key::Account(account.into());
        client.allowance = self.limiter.raised(&client.key, raised);
    }

    /// The same for a connection. Returns false if the account has too many connections.
    pub(crate) fn sign_in_connection(
        &self,
        peer: &Peer,
        client: &mut Client,
        account: &str,
        raised: Raised,
    ) -> bool {
        self.sign_in(client, account, raised);
        peer.gate.assign(&client.allowance);
        let mut permit = peer.lock();
        permit.assign(&client.key) && !permit.is_surplus()
    }

    /// Counts a WebSocket handshake. Returns false if there are too many handshakes or connections.
    pub(crate) fn admits_socket(&self, peer: &Peer, client: &Client) -> bool {
        let mut permit = peer.lock();
        let is_one_more = !permit.assign(&client.key) || permit.is_surplus();
        drop(permit);
        peer.gate.assign(&client.allowance);
        peer.gate.upgraded(self.unfinished(client));
        !is_one_more && (peer.has_paid || client.allowance.try_take(Kind::Handshakes, 1))
    }
}

/// See [`Border::admits_request`].
#[derive(Debug)]
#[must_use = "the connection is no longer counted when this is dropped"]
pub(crate) struct Counted<'p> {
    peer: &'p Peer,
    is_proxy: bool,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if self.is_proxy {
            self.peer.lock().unassign();
        }
    }
}

impl Peer {
    /// No panic can leave this inconsistent.
    fn lock(&self) -> std::sync::MutexGuard<'_, ConnectionPermit> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The authority that a request names, if it names exactly one.
fn authority(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?.parse().ok();
    host.filter(|_| hosts.next().is_none())
}

/// Accepts connections, each with a permit from the start, so that silent connections count too.
#[derive(Debug, Clone)]
pub(crate) struct Acceptor(pub(crate) Arc<Border>);

impl<S> Accept<TcpStream, S> for Acceptor {
    type Stream = Guarded<TcpStream>;
    type Service = AddExtension<S, Arc<Peer>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, inner: S) -> Self::Future {
        // A message must not wait until the previous one is acknowledged.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's delay");
        }
        // Bounds what a slow receiver can leave in the kernel. The kernel's own bound grows with the machine's
        // memory.
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
            tracing::debug!(%error, "a connection keeps the kernel's send buffer");
        }
        let peer = stream.peer_addr().map(|address| self.0.peer(address.ip()));
        ready(peer.and_then(|peer| {
            let peer = peer.ok_or(io::ErrorKind::ConnectionRefused)?;
            Ok((Guarded::new(stream, Arc::clone(&peer)), AddExtension::new(inner, peer)))
        }))
    }
}
