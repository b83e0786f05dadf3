//! `event-relay`: runs a relay until it is told to stop, or backs one up.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use relay::store::{Route, Settings};
use relay::streams::{self, Scoped};
use relay::{ClientAddress, Config, Relay, admin, units};
use tracing_subscriber::EnvFilter;

#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Logs durable events and carries events between browsers.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Option<Run>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies the log to a new file, while the relay runs or while it does not.
    Backup {
        /// The directory of the log.
        #[arg(long)]
        data: PathBuf,
        /// The new file. To restore it, put it in place of `events.redb` while no relay runs.
        #[arg(long)]
        to: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The directory of the log.
    #[arg(long)]
    data: PathBuf,
    /// The directory of the built page, to serve it.
    #[arg(long)]
    page: Option<PathBuf>,
    /// An origin beside the relay's own whose pages may connect, such as https://example.org.
    #[arg(long)]
    allow_origin: Vec<String>,
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
    /// A reverse proxy stands before the relay: read clients' addresses from its x-forwarded-for.
    #[arg(long)]
    behind_proxy: bool,
    /// End when the store could not be used for so long.
    #[arg(long, value_name = "TIME", value_parser = units::time, default_value = "60s")]
    give_up: Duration,
}

impl From<Run> for Config {
    fn from(run: Run) -> Self {
        let (keep, keep_of) = streams::keep(&run.keep_events, &run.keep_bytes, &run.keep_age);
        let store = Settings {
            routes: run.stream,
            keep,
            keep_of,
            keep_clients: run.keep_clients,
            reserve: run.reserve,
            new_clients_per_hour: run.new_clients,
        };
        let client_address = match run.behind_proxy {
            true => ClientAddress::Proxy,
            false => ClientAddress::Connection,
        };
        let Run { listen, data, page, allow_origin, max_subscriptions, give_up, .. } = run;
        let authority = None;
        Self {
            listen,
            data,
            page,
            allow_origin,
            authority,
            store,
            max_subscriptions,
            give_up,
            client_address,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, run } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let ended = match (command, run) {
        (Some(Command::Backup { data, to }), _) => backup(data, to).await,
        (None, Some(run)) => serve(run.into()).await,
        // clap asks for the one or the other.
        (None, None) => Ok(()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("event-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let relay = Relay::start(config).await?;
    // Whoever started this may not read any more, which is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{}", relay.address());
    Ok(relay.run(told_to_stop()).await?)
}

async fn backup(data: PathBuf, to: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let told = tokio::task::spawn_blocking(move || admin::backup(&data, &to)).await??;
    let _ = writeln!(std::io::stdout(), "{told}");
    Ok(())
}

/// Resolves at SIGINT or SIGTERM.
async fn told_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
