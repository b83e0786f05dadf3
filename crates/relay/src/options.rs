//! The command line of the relay.

mod access;
mod issue;
mod limits;
mod revoke;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use access::Access;
use ipnet::IpNet;
pub use issue::{NewKeys, Token};
pub use limits::Limited;
use relay::streams::{self, Scoped};
use relay::{Config, Host, Origin, units};
pub use revoke::Revoke;
use store::{Route, Settings};

/// The options of a relay.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// An address for GET /metrics, such as 127.0.0.1:9464; port 0 takes a free one. Whoever can connect to it can read
    /// them.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// The directory of the log.
    #[arg(long)]
    data: PathBuf,
    /// The directory of the built page, to serve it.
    #[arg(long)]
    page: Option<PathBuf>,
    /// A host name by which clients reach the relay, such as example.org; repeatable. Without it, only those of
    /// loopback.
    #[arg(long, value_name = "NAME")]
    host: Vec<Host>,
    /// An origin besides the relay's own whose pages may connect, such as https://example.org; repeatable.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<Origin>,
    /// The network of a reverse proxy before the relay, such as 10.0.0.0/8 or 127.0.0.1/32; repeatable. Only such a
    /// proxy is trusted to name the client (x-forwarded-for) and its use of TLS (x-forwarded-proto).
    #[arg(long, value_name = "NETWORK", value_parser = limits::network)]
    behind_proxy: Vec<IpNet>,
    /// A separate stream for topics, such as orders=shop.*.order,shop.*.paid; repeatable. The first stream that
    /// matches takes a topic, and the stream main takes the rest.
    #[arg(long, value_name = "NAME=PATTERN,...", value_parser = streams::route)]
    stream: Vec<Route>,
    /// The number of events to keep in each stream; older ones are dropped. Repeatable for a stream by its name, such
    /// as orders=1000.
    #[arg(long, value_name = "[STREAM=]COUNT", value_parser = streams::events)]
    keep_events: Vec<Scoped<u64>>,
    /// The size of the events to keep in each stream, such as 10GiB; the file is larger. Repeatable for a stream.
    #[arg(long, value_name = "[STREAM=]BYTES", value_parser = streams::bytes)]
    keep_bytes: Vec<Scoped<u64>>,
    /// How long to keep events, such as 30d. Repeatable for a stream.
    #[arg(long, value_name = "[STREAM=]TIME", value_parser = streams::age)]
    keep_age: Vec<Scoped<Duration>>,
    /// The number of events to keep of each topic, at most 1000: an older one leaves the log without a gap. 1 keeps the
    /// last values. Repeatable for a stream, such as state=1.
    #[arg(long, value_name = "[STREAM=]COUNT", value_parser = streams::per_topic)]
    keep_topic: Vec<Scoped<usize>>,
    /// How long to remember a client after its last activity. What it sends after that may be stored twice.
    #[arg(long, value_name = "TIME", value_parser = units::some_time, default_value = "90d")]
    keep_clients: Duration,
    /// The disk space to leave free. Below it, events are rejected but can still be read; 0 for none.
    #[arg(long, value_name = "BYTES", value_parser = units::bytes, default_value = "64MiB")]
    reserve: u64,
    /// The number of new clients to accept from an address per hour; 0 for no limit.
    #[arg(long, value_name = "COUNT", default_value_t = 600)]
    new_clients: u32,
    /// The number of subscriptions to accept on a connection, which all tabs of a browser share.
    #[arg(long, value_name = "COUNT", default_value_t = 4_096)]
    max_subscriptions: usize,
    /// Exit when the store has been unusable for this long.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "60s")]
    give_up: Duration,
}

impl Run {
    /// The configuration of a relay with these options and limits.
    pub fn config(self, limits: Limited) -> Config {
        let run = self;
        let (keep, keep_of) =
            streams::keep(&run.keep_events, &run.keep_bytes, &run.keep_age, &run.keep_topic);
        let store = Settings {
            routes: run.stream,
            keep,
            keep_of,
            keep_clients: run.keep_clients,
            reserve: run.reserve,
        };
        Config {
            listen: run.listen,
            data: run.data,
            page: run.page,
            hosts: run.host,
            allow_origin: run.allow_origin,
            proxies: run.behind_proxy,
            authority: None,
            certificates: None,
            tls: None,
            store,
            limits: limits.limits(run.max_subscriptions, run.new_clients),
            metrics: run.metrics,
            max_subscriptions: run.max_subscriptions,
            give_up: run.give_up,
        }
    }
}
