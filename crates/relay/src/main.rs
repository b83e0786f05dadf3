//! `event-relay`: runs a relay until it is stopped, makes a backup, a key pair or a token, or revokes keys.

mod options;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use options::{Access, Limited, NewKeys, Revoke, Run, Token};
#[cfg(unix)]
use relay::Tls;
use relay::admin::{self, AdminError};
use relay::{Config, Relay};
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
    access: Access,
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
    /// Revokes keys or an account: closes their connections, and refuses their certificates from then on.
    Revoke(Revoke),
    /// Makes a key pair that signs tokens.
    Keys(NewKeys),
    /// Makes a token with which a client can sign in: for development and for backends.
    Token(Token),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { command, run, access, limits } = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let ended = match (command, run) {
        (Some(Command::Backup { data, to }), _) => {
            run_blocking(move || admin::backup(&data, &to)).await
        }
        (Some(Command::Revoke(revoke)), _) => run_blocking(move || revoke.run()).await,
        (Some(Command::Keys(keys)), _) => keys.make().map_err(Into::into).map(say),
        (Some(Command::Token(token)), _) => token.make().map(say),
        (None, Some(run)) => serve(run.config(limits), access).await,
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

async fn serve(mut config: Config, access: Access) -> Result<(), Box<dyn std::error::Error>> {
    access.configure(&mut config)?;
    #[cfg(unix)]
    if let Some(tls) = config.tls.clone() {
        // Before the relay says that it listens: until then, the signal would end it.
        let hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
        tokio::spawn(reload(tls, hangups));
    }
    let relay = Relay::start(config).await?;
    // As above. A start that takes long is ended at once.
    let stop = stop_signal();
    say(format!("listening on {}", relay.url()));
    if let Some(address) = relay.metrics_address() {
        say(format!("metrics on http://{address}/metrics"));
    }
    Ok(relay.run(stop).await?)
}

/// Reads the certificate again at each SIGHUP.
#[cfg(unix)]
async fn reload(tls: Tls, mut hangups: tokio::signal::unix::Signal) {
    while hangups.recv().await.is_some() {
        let tls = tls.clone();
        match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(Ok(())) => tracing::info!("the TLS certificate was read again"),
            Ok(Err(error)) => tracing::error!(%error, "the previous TLS certificate stays in use"),
            Err(error) => tracing::error!(%error, "the TLS certificate could not be read again"),
        }
    }
}

/// Runs an operator's command and says what it has done.
async fn run_blocking(
    command: impl FnOnce() -> Result<String, AdminError> + Send + 'static,
) -> Result<(), Box<dyn std::error::Error>> {
    say(tokio::task::spawn_blocking(command).await??);
    Ok(())
}

/// Writes a line to standard output. The parent process may have closed the pipe, which is no reason to stop.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Resolves at a SIGINT or SIGTERM that comes after this call, even if it is polled later.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async move {
        let [interrupt, terminate] = signals.map(async |signal| match signal {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        });
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}

/// Resolves at Ctrl+C.
#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_readme_has_each_option() {
        let readme = include_str!("../README.md");
        let command = Arguments::command();
        let options = command.get_arguments().filter_map(|option| option.get_long());
        let options: Vec<_> = options.filter(|name| !["help", "version"].contains(name)).collect();
        assert!(options.len() > 30, "{options:?}");
        for name in options {
            let is_there =
                ["`", " ", "|"].iter().any(|end| readme.contains(&format!("--{name}{end}")));
            assert!(is_there, "README.md does not have --{name}");
        }
    }
}
