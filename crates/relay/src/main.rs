//! `event-relay`: runs a relay until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use relay::{Config, Relay};
use tracing_subscriber::EnvFilter;

/// Logs durable events and carries events between browsers.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
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
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { listen, data, page, allow_origin } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let relay = match Relay::start(Config { listen, data, page, allow_origin }).await {
        Ok(relay) => relay,
        Err(error) => {
            eprintln!("event-relay: {error}");
            return ExitCode::FAILURE;
        }
    };
    // Whoever started this may not read any more, which is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{}", relay.address());
    match relay.run(told_to_stop()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("event-relay: {error}");
            ExitCode::FAILURE
        }
    }
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
