//! Every task of this repository: `cargo xtask --help`.
//!
//! A task first installs the tools that it needs (`setup`), says so, and then runs. Nothing here ships to users of the
//! library.

mod bench;
mod engine;
mod exec;
mod fuzz;
mod harness;
mod knocking;
#[cfg(test)]
mod modules;
mod npm;
mod page;
mod process;
mod progress;
#[cfg(test)]
mod readme;
mod run;
mod setup;
mod side_by_side;
mod simulate;
mod size;
mod stamp;
mod suite;
mod toolchain;
mod versions;
mod wasm;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The tasks of this repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the chat and its relay, start the relay and print the address
    Run {
        /// Where the relay listens
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// The folder of the relay's store [default: data in the repository]
        #[arg(long)]
        data: Option<PathBuf>,
        /// A host name by which browsers reach the relay; required beyond loopback (may be repeated)
        #[arg(long, value_name = "NAME")]
        host: Vec<String>,
        /// Serve the counter of examples/yew instead of the chat
        #[arg(long)]
        example: bool,
        /// Serve the chat with three accounts to choose from, which have different rights
        #[arg(long, conflicts_with = "example")]
        auth: bool,
    },
    /// Run all checks and tests; the last line sums up the tests
    Test {
        /// Run only this stage (may be repeated)
        #[arg(long, value_enum, value_name = "STAGE")]
        only: Vec<suite::Stage>,
    },
    /// Simulate clients and a relay over bad links in virtual time: the seeds of CI, one seed, or new seeds for hours
    Simulate {
        /// Replay this seed, and print what happens
        #[arg(long, conflicts_with = "hours")]
        seed: Option<u64>,
        /// Run new seeds for this many hours
        #[arg(long)]
        hours: Option<f64>,
    },
    /// Fuzz a codec or a state machine; needs a nightly Rust
    Fuzz {
        /// What to fuzz
        #[arg(value_enum)]
        target: fuzz::Target,
        /// How long to fuzz
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
    },
    /// Run benchmarks against the peers, print the table, and fail if a bar is missed
    Bench {
        /// What to measure
        #[arg(value_enum)]
        what: bench::Bench,
        /// For `relay`, `attacks`, `trust` and `chat`: which rows to measure, such as `--only fan-out --beside WSE
        /// --rounds 9`; with any of these, no document is written
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build the npm package and test it in Node and Chromium
    Npm,
    /// Print the sizes after brotli and check them against their budgets
    Size,
    /// Install the wasm target and the pinned tools
    Setup,
    /// Run a command with the wasm target and the tools on its path: `cargo xtask exec -- trunk serve`
    Exec {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Run { listen, host, data, example, auth } => {
            let served = match (example, auth) {
                (true, _) => run::Served::Example,
                (false, true) => run::Served::ChatWithAccounts,
                (false, false) => run::Served::Chat,
            };
            run::run(&workspace, served, listen, &host, data.as_deref())?;
        }
        Task::Test { only } => return suite::run(&workspace, &only),
        Task::Simulate { seed, hours } => simulate::run(&workspace, seed, hours)?,
        Task::Fuzz { target, minutes } => fuzz::run(&workspace, target, minutes)?,
        Task::Bench { what, arguments } => bench::run(&workspace, what, &arguments)?,
        Task::Npm => {
            npm::build(&workspace)?;
            process::run(&mut npm::check(&workspace)?)?;
        }
        Task::Size => size::print_and_hold(&workspace)?,
        Task::Setup => {
            setup::ensure(&workspace, setup::Need::ALL)?;
            println!("set-up: complete");
        }
        Task::Exec { command } => return exec::exec(&workspace, &command),
    }
    Ok(ExitCode::SUCCESS)
}
