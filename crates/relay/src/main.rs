//! `event-relay`: runs a relay until it is stopped, or makes a backup.

mod options;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use options::{Limited, Run};
use relay::{Config, Relay, admin};
use tracing_subscriber::EnvFilter;

#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
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
    // Not in `Run`: clap cannot detect an optional struct by the presence of a struct inside it.
    #[command(flatten)]
    limits: Limited,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copies the log to a new file, with or without a running relay.
    Backup {
        /// The directory of the log.
        #[arg(long)]
        data: PathBuf,
        /// The new file. To restore it, put it in place of `events.redb` while no relay runs.
        #[arg(long)]
        to: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, run, limits } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let ended = match (command, run) {
        (Some(Command::Backup { data, to }), _) => backup(data, to).await,
        (None, Some(run)) => serve(run.config(limits)).await,
        // clap requires one of the two.
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
    // The parent process may have closed the pipe, which is no reason to stop.
    let _ = writeln!(std::io::stdout(), "listening on http://{}", relay.address());
    if let Some(address) = relay.metrics_address() {
        let _ = writeln!(std::io::stdout(), "metrics on http://{address}/metrics");
    }
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
