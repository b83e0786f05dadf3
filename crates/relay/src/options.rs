//! The command line of the relay.

mod limits;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
pub use limits::Limited;
use relay::streams::{self, Scoped};
use relay::{Config, Host, Origin, units};
use store::{Route, Settings};

/// What a relay is run with.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The directory of the log.
    #[arg(long)]
    data: PathBuf,
    /// The directory of the built page, to serve it.
    #[arg(long)]
    page: Option<PathBuf>,
    /// A host by whose name clients reach the relay, such as example.org; may be given again. Without it
    /// those of loopback.
    #[arg(long, value_name = "NAME")]
    host: Vec<Host>,
    /// An origin beside the relay's own whose pages may connect, such as https://example.org; may be given again.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<Origin>,
    /// The network of a reverse proxy before the relay, such as 10.0.0.0/8 or 127.0.0.1/32; may be given again.
    /// Only its word is taken for who the client is (x-forwarded-for) and whether it speaks TLS
    /// (x-forwarded-proto).
    #[arg(long, value_name = "NETWORK", value_parser = limits::network)]
    behind_proxy: Vec<IpNet>,
    /// A stream of its own for topics, such as orders=shop.*.order,shop.*.paid; may be given again. The first
    /// one that matches takes a topic, and the stream main takes the rest.
    #[arg(long, value_name = "NAME=PATTERN,...", value_parser = streams::route)]
    stream: Vec<Route>,
    /// Keep at most so many events of each stream; older ones are dropped. May be given again for a stream
    /// by its name, such as orders=1000.
    #[arg(long, value_name = "[STREAM=]COUNT", value_parser = streams::events)]
    keep_events: Vec<Scoped<u64>>,
    /// Keep at most so many bytes of events of each stream, such as 10GiB; the file is larger. May be
    /// given again for a stream.
    #[arg(long, value_name = "[STREAM=]BYTES", value_parser = streams::bytes)]
    keep_bytes: Vec<Scoped<u64>>,
    /// Keep events for so long, such as 30d. May be given again for a stream.
    #[arg(long, value_name = "[STREAM=]TIME", value_parser = streams::age)]
    keep_age: Vec<Scoped<Duration>>,
    /// Know a client for so long after it was last heard of; what it sends after that may stand twice.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "90d")]
    keep_clients: Duration,
    /// Leave so much of the disk free: events are rejected before, and read on; 0 for none.
    #[arg(long, value_name = "BYTES", value_parser = units::bytes, default_value = "64MiB")]
    reserve: u64,
    /// Take so many new clients from an address in an hour; 0 for any number.
    #[arg(long, value_name = "COUNT", default_value_t = 600)]
    new_clients: u32,
    /// Take so many subscriptions of a connection, which all tabs of a browser share.
    #[arg(long, value_name = "COUNT", default_value_t = 4_096)]
    max_subscriptions: usize,
    /// End when the store could not be used for so long.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "60s")]
    give_up: Duration,
}

impl Run {
    /// What the relay is started with, with these limits.
    pub fn config(self, limits: Limited) -> Config {
        let run = self;
        let (keep, keep_of) = streams::keep(&run.keep_events, &run.keep_bytes, &run.keep_age);
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
            store,
            limits: limits.limits(run.max_subscriptions, run.new_clients),
            max_subscriptions: run.max_subscriptions,
            give_up: run.give_up,
        }
    }
}
